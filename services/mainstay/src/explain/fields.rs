//! Who sees the fields of a resource, and who sets them: `mainstay contract explain Order.note`.

use mainstay_contract::{Contract, FieldModel, Resource, Rule};
use mainstay_expr::Expr;
use mainstay_ledger::tables;
use mainstay_runtime::process::Failure;
use mainstay_sql::Tables;

use super::print_rule;
use crate::say::say;

/// The verbs, which no field is meant by.
const VERBS: [&str; 8] = ["read", "get", "list", "create", "update", "delete", "undelete", "erase"];

/// What is said of a field's rules: which it is, who asks it, and what becomes of those for whom it does not hold.
const OF: [(&str, &str, &str); 2] = [
    ("read", "who sees it", "to others it is not there: not in answers, filters, orders, masks and errors"),
    (
        "write",
        "who sets it",
        "others get PERMISSION_DENIED for a value that differs, whatever the resource's own rule says",
    ),
];

/// The field of this name, unless it is a verb or a transition.
pub(super) fn named<'r>(resource: &'r Resource, name: &str) -> Option<&'r FieldModel> {
    let is_transition = resource.transitions.iter().any(|own| own.name.eq_ignore_ascii_case(name));
    let found = resource.fields.iter().find(|field| field.name == name);
    found.filter(|_| !VERBS.contains(&name) && !is_transition)
}

/// Prints the rules of one field.
pub(super) fn print(contract: &Contract, resource: &Resource, field: &FieldModel) -> Result<(), Failure> {
    let tables = tables(contract);
    say!("{} of {} ({})", field.name, resource.message, resource.type_name);
    for (verb, who, otherwise) in OF {
        match rule(field, verb) {
            Some(rule) => {
                say!("\n{who}: rule at {}", rule.place);
                print_rule(resource, rule, &tables);
                say!("  {otherwise}");
                say!("  {}", asked(rule, verb));
            }
            None if verb == "read" => say!("\n{who}: whoever reads the row"),
            None => say!("\n{who}: whoever writes the row"),
        }
    }
    Ok(())
}

/// Prints the rules of all fields that a verb asks.
pub(super) fn print_all(resource: &Resource, tables: &Tables, verb: &str) {
    let asked = match verb {
        "read" | "get" | "list" => "read",
        "create" | "update" | "transition" => "write",
        _ => return,
    };
    for field in &resource.fields {
        let Some(rule) = rule(field, asked) else { continue };
        let who = if asked == "read" { "sees" } else { "sets" };
        say!("\nwho {who} {}: rule at {}", field.name, rule.place);
        print_rule(resource, rule, tables);
        say!("  {}", self::asked(rule, asked));
    }
}

/// What is told with each row that is read: the rules of fields that look at other rows. The others are asked of the row in
/// memory.
pub(super) fn told(resource: &Resource) -> Vec<Expr> {
    let rules = resource.fields.iter().filter_map(|field| field.read.as_deref());
    rules.filter(|rule| looks_around(rule)).map(|rule| rule.program.root.clone()).collect()
}

fn rule<'f>(field: &'f FieldModel, verb: &str) -> Option<&'f Rule> {
    if verb == "read" { field.read.as_deref() } else { field.write.as_deref() }
}

fn looks_around(rule: &Rule) -> bool {
    !rule.program.root.tables().is_empty()
}

fn asked(rule: &Rule, verb: &str) -> &'static str {
    match (looks_around(rule), verb) {
        (true, "read") => "asked in the statement that reads the row, whose last columns say whether it holds",
        (false, "read") => "asked of each row in memory; in filters and orders, in SQL",
        (true, _) => "asked of the row before and the row after, with the rows around it, in the write's transaction",
        (false, _) => "asked of the row before and the row after, in memory",
    }
}
