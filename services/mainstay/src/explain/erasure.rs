//! Whose the rows of a resource are, and what becomes of their fields when somebody is erased: `mainstay contract explain Order.erase`.

use std::collections::HashSet;

use mainstay_contract::{Contract, Resource, field_options};
use mainstay_ledger::tables;
use mainstay_runtime::process::Failure;
use mainstay_sql::{Condition, Dialect, Table, order_columns, select};
use prost_reflect::MessageDescriptor;

use super::{print_rule, query};
use crate::say::say;

/// Prints it.
pub(super) fn print(contract: &Contract, resource: &Resource) -> Result<(), Failure> {
    say!("{} ({})", resource.message, resource.type_name);
    let Some(subject) = &resource.subject else {
        say!("\nrows are nobody's: none is exported or erased with an account");
        say!("  (mainstay.v1.field).subject on a field says whose they are");
        return Ok(());
    };
    let tables = tables(contract);
    match subject.field.as_str() {
        "" => say!("\nwhose a row is: whose the one is that it lies below, at {}", subject.rule.place),
        field => say!("\nwhose a row is: {field} says it, at {}", subject.rule.place),
    }
    print_rule(resource, &subject.rule, &tables);
    for dialect in Dialect::ALL {
        let table = Table { name: &resource.table, layout: &resource.layout };
        let order = order_columns(&resource.layout, &[]);
        let rows = query(table, Condition::Expr(&subject.rule.program.root, &tables), &order, None);
        say!("\n{}\n  rows of an account\n    {}", dialect.title(), select(dialect, &rows).text(dialect));
    }
    say!("\nwhat is erased with the account");
    let message = contract.pool.get_message_by_name(&resource.message).ok_or("the contract has no such message")?;
    let mut fields = Vec::new();
    collect(&message, "", &mut HashSet::new(), &mut fields);
    if fields.is_empty() {
        say!("  nothing: no field has a class");
    }
    for (path, class) in fields {
        let own = path == subject.field;
        let state = resource.states.iter().any(|states| states.field == path);
        let fate = match class.as_str() {
            _ if own => "is kept: it says whose the row is",
            _ if state => "is kept: it says in which state the row is",
            "FINANCIAL" => "is kept",
            _ => "is emptied, or gets a pseudonym where the contract has it hold something",
        };
        say!("  {path} ({class}) {fate}");
    }
    Ok(())
}

/// The fields with a class, by their paths; of what is in a field that is erased, none.
fn collect(message: &MessageDescriptor, at: &str, seen: &mut HashSet<String>, found: &mut Vec<(String, String)>) {
    if !seen.insert(message.full_name().to_owned()) {
        return;
    }
    for field in message.fields() {
        let path = if at.is_empty() { field.name().to_owned() } else { format!("{at}.{}", field.name()) };
        let class = field_options(&field).class;
        let leads_on = class.as_deref().is_none_or(|class| class == "FINANCIAL");
        found.extend(class.map(|class| (path.clone(), class)));
        let entry = field.kind().as_message().filter(|entry| entry.is_map_entry()).cloned();
        let kind = entry.map_or_else(|| field.kind(), |entry| entry.map_entry_value_field().kind());
        if let Some(inner) = kind.as_message().filter(|_| leads_on) {
            collect(inner, &path, seen, found);
        }
    }
    seen.remove(message.full_name());
}
