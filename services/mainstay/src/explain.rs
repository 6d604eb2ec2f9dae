//! `mainstay contract explain Order.update` (`Order.erase`: whose rows are, and what is erased with them): the rule, its SQL on both engines, the statements of the verb, and how the engines
//! would run what reads.

mod erasure;
mod fields;
mod queries;

use self::queries::Planner;
use crate::say::say;
use mainstay_contract::{Contract, Resource, RoleScope, Rule};
use mainstay_expr::{AuthView, Expr};
use mainstay_ledger::{rule_sql, tables};
use mainstay_runtime::process::Failure;
use mainstay_sql::{
    Condition, Delete, Dialect, Insert, Lock, OrderColumn, Select, Sql, Table, Tables, Truths, Update, delete,
    from_above, insert, order_columns, select, update,
};

/// The caller whose queries are planned: most are somebody, and nobody in particular.
const CALLER: AuthView<'_> = AuthView {
    uid: Some("somebody"),
    email: None,
    email_verified: false,
    roles: &[],
    permissions: &[],
    amr: &[],
    aal: 1,
    org: Some("some"),
    fresh: Some(0),
    kind: Some("user"),
    claims: None,
};

/// Prints what a verb of a resource does. With the address of a database of PostgreSQL, also how that would do it.
pub fn print(contract: &Contract, what: &str, database: Option<&str>) -> Result<(), Failure> {
    let (message, verb) = what.rsplit_once('.').ok_or_else(|| usage(contract))?;
    let resource = contract
        .resources
        .iter()
        .find(|resource| resource.message == message || resource.short_name() == message)
        .ok_or_else(|| usage(contract))?;
    if let Some(field) = fields::named(resource, verb) {
        return fields::print(contract, resource, field);
    }
    if verb == "erase" {
        return erasure::print(contract, resource);
    }
    let own = resource.transitions.iter().position(|own| own.name.eq_ignore_ascii_case(verb));
    let verb = if own.is_some() { "transition" } else { verb };
    let rules: Vec<&Rule> = match verb {
        // Who may, and whether it can be.
        "transition" => {
            let rules = own.and_then(|own| resource.access.transitions.get(own));
            rules.into_iter().flat_map(|rules| rules.access.iter().chain(&rules.guard)).collect()
        }
        "read" | "get" | "list" => resource.access.read.iter().collect(),
        "create" => resource.access.create.iter().collect(),
        "update" => resource.access.update.iter().collect(),
        "delete" => resource.access.delete.iter().collect(),
        // Who may delete a row may bring it back, where it is kept.
        "undelete" if resource.soft_delete.is_some() => resource.access.delete.iter().collect(),
        _ => return Err(usage(contract)),
    };
    say!("{} ({})", resource.message, resource.type_name);
    let tables = tables(contract);
    print_rules(resource, &rules, &tables, verb);
    print_grants(contract, &rules);
    fields::print_all(resource, &tables, verb);
    for dialect in Dialect::ALL {
        say!("\n{}", dialect.title());
        for (name, sql) in statements(resource, &tables, &rules, verb, dialect) {
            say!("  {name}\n    {}", sql.text(dialect));
        }
    }
    print_indexes(resource, verb);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(print_plans(contract, database, &resource.type_name, verb))
}

/// What reads rows under the rule on an engine: as it is once the caller's part of the rule is decided.
fn planned(contract: &Contract, type_name: &str, verb: &str, dialect: Dialect) -> Vec<(&'static str, Sql)> {
    let Some(resource) = contract.resources.iter().find(|resource| resource.type_name == type_name) else {
        return Vec::new();
    };
    let tables = tables(contract);
    let split = resource.access.read.as_ref().map(|rule| rule.program.split());
    let residual = split.map_or(Expr::FALSE, |split| split.residual_for(split.decide(&CALLER)));
    let table = Table { name: &resource.table, layout: &resource.layout };
    let key = Condition::All(vec![Condition::Keys { first_param: 0 }, Condition::Expr(&residual, &tables)]);
    let mut read = vec![("read by key", select(dialect, &query(table, key, &[], None)))];
    if !matches!(verb, "read" | "list") {
        return read;
    }
    let order = order_columns(&resource.layout, &[]);
    let page = |rule: &Expr| {
        let live = resource.soft_delete.map(|kept| Condition::Unset { column: kept.delete_time });
        let all = Condition::All(std::iter::once(Condition::Expr(rule, &tables)).chain(live).collect());
        select(dialect, &Select { limit_param: Some(0), ..query(table, all, &order, None) })
    };
    read.push(("page", page(&residual)));
    if let Some(rule) = from_above(dialect, &residual, table, &tables, &[]) {
        read.push(("page, where the caller was given few rows", page(&rule)));
    }
    read
}

async fn print_plans(contract: &Contract, database: Option<&str>, type_name: &str, verb: &str) -> Result<(), Failure> {
    say!("\nquery plans, for a caller who is signed in and has no role");
    let sqlite = Planner::sqlite(contract).await?;
    say!("  SQLite, without rows");
    print_plan(&sqlite, &planned(contract, type_name, verb, Dialect::Sqlite)).await?;
    let Some(url) = database else {
        say!("  PostgreSQL: name a database that has the tables, with --database");
        return Ok(());
    };
    let postgres = Planner::postgres(url).await?;
    // Its tables and columns may have kept names that the contract has changed since.
    let bound = postgres.bound(contract).await?;
    say!("  PostgreSQL, with the rows that are there");
    print_plan(&postgres, &planned(&bound, type_name, verb, Dialect::Postgres)).await
}

async fn print_plan(planner: &Planner, statements: &[(&'static str, Sql)]) -> Result<(), Failure> {
    for (name, sql) in statements {
        say!("    {name}");
        for line in planner.plan(sql, &CALLER).await? {
            say!("      {line}");
        }
    }
    Ok(())
}

fn usage(contract: &Contract) -> Failure {
    let known: Vec<&str> = contract.resources.iter().map(|resource| resource.short_name()).collect();
    format!(
        "write Message.verb, with a verb of read, create, update, delete, undelete, the name of a transition or that of a field, and a \
         message of: {}",
        if known.is_empty() { "(the contract has no resource)".to_owned() } else { known.join(", ") }
    )
    .into()
}

fn print_rules(resource: &Resource, rules: &[&Rule], tables: &Tables, verb: &str) {
    if rules.is_empty() {
        say!("\nno rule for {verb}: denied to everyone");
    }
    for rule in rules {
        say!("\nrule at {}", rule.place);
        print_rule(resource, rule, tables);
    }
}

/// Who has what the rules ask for by name.
fn print_grants(contract: &Contract, rules: &[&Rule]) {
    let mut asked: Vec<(String, Vec<&str>)> =
        rules.iter().flat_map(|rule| contract.roles.asked(&rule.program)).collect();
    asked.sort();
    asked.dedup();
    for (permission, roles) in asked {
        let told = |role: &&str| match contract.roles.scope(role) {
            RoleScope::Account => (*role).to_owned(),
            RoleScope::Organisation => format!("{role} (in an organisation)"),
        };
        let roles: Vec<String> = roles.iter().map(told).collect();
        say!("  '{permission}' is granted by: {}", roles.join(", "));
    }
}

fn print_rule(resource: &Resource, rule: &Rule, tables: &Tables) {
    say!("  {}", rule.source);
    let sql = rule_sql(resource, rule, tables);
    for (index, part) in sql.of_caller.iter().enumerate() {
        say!("  decided by the caller alone, before SQL ({}): {part}", index + 1);
    }
    for (dialect, text) in &sql.whole {
        say!("  {}: {text}", dialect.title());
    }
}

fn statements(
    resource: &Resource,
    tables: &Tables,
    rules: &[&Rule],
    verb: &str,
    dialect: Dialect,
) -> Vec<(&'static str, Sql)> {
    let table = Table { name: &resource.table, layout: &resource.layout };
    let keys = resource.layout.keys();
    let unchanged = || Condition::All(vec![Condition::Keys { first_param: 0 }, Condition::RevisionIs { param: keys }]);
    let told = fields::told(resource);
    let truths = Truths { of: &told, tables };
    let read = |lock: Option<Lock>| {
        let rule = resource.access.read.as_ref().map(|rule| Condition::Expr(&rule.program.root, tables));
        let conditions: Vec<Condition<'_>> = std::iter::once(Condition::Keys { first_param: 0 }).chain(rule).collect();
        select(dialect, &Select { truths, ..query(table, Condition::All(conditions), &[], lock) })
    };
    match verb {
        "get" => vec![("read by key", read(None))],
        "read" | "list" => {
            let live = resource.soft_delete.map(|kept| Condition::Unset { column: kept.delete_time });
            let rule = rules.iter().map(|rule| Condition::Expr(&rule.program.root, tables)).chain(live).collect();
            let order = order_columns(&resource.layout, &[]);
            let page = Select { limit_param: Some(0), truths, ..query(table, Condition::All(rule), &order, None) };
            vec![("read by key", read(None)), ("page", select(dialect, &page))]
        }
        "create" => vec![("insert (the rule is asked before, on the record)", insert(dialect, &Insert { table }))],
        "update" | "transition" => {
            let states = resource.states.iter().map(|states| states.column);
            let changed = std::iter::once(keys).chain(states).chain(resource.update_time);
            let columns: Vec<usize> =
                if verb == "update" { (keys..resource.layout.columns.len()).collect() } else { changed.collect() };
            let set = Update { table, set: &columns, first_param: keys + 1, condition: unchanged() };
            vec![
                ("read the row to change", read(Some(Lock::Change))),
                (
                    "update (only the columns that change; the rules are asked before, on records in memory)",
                    update(dialect, &set),
                ),
            ]
        }
        _ => match resource.soft_delete {
            Some(kept) => {
                let columns = [Some(keys), resource.update_time, Some(kept.delete_time), kept.expire_time];
                let columns: Vec<usize> = columns.into_iter().flatten().collect();
                let set = Update { table, set: &columns, first_param: keys + 1, condition: unchanged() };
                let lock = if verb == "delete" { Lock::Remove } else { Lock::Change };
                vec![("read the row", read(Some(lock))), ("update (it is kept)", update(dialect, &set))]
            }
            None => vec![
                ("read the row to delete", read(Some(Lock::Remove))),
                ("delete", delete(dialect, &Delete { table, condition: unchanged() })),
            ],
        },
    }
}

fn query<'a>(table: Table<'a>, condition: Condition<'a>, order: &'a [OrderColumn], lock: Option<Lock>) -> Select<'a> {
    let columns = (0..table.layout.columns.len()).collect();
    Select { table, columns, condition, order, after: None, limit_param: None, lock, truths: Truths::NONE }
}

fn print_indexes(resource: &Resource, verb: &str) {
    if !matches!(verb, "read" | "list") {
        return;
    }
    say!("\nindexes that a filter and an order can use");
    say!("  the primary key");
    for index in resource.indexes.iter().filter(|index| index.is_plain()) {
        let columns: Vec<String> = index
            .columns
            .iter()
            .filter_map(|(column, descending)| {
                let name = &resource.layout.columns.get(*column)?.name;
                Some(if *descending { format!("{name} desc") } else { name.clone() })
            })
            .collect();
        say!("  {}{} ({})", if index.unique { "unique " } else { "" }, index.name, columns.join(", "));
    }
}
