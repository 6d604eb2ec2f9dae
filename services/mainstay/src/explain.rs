//! `mainstay contract explain Order.update`: the rule, its SQL on both engines, the statements of the verb, and how the engines
//! would run what reads.

mod queries;

use self::queries::Planner;
use crate::say::say;
use mainstay_contract::{Contract, Resource, Rule};
use mainstay_expr::{AuthView, Expr};
use mainstay_runtime::process::Failure;
use mainstay_sql::{
    Condition, Delete, Dialect, Insert, Lock, OrderColumn, Select, Sql, Table, Tables, Update, delete, expression,
    insert, order_columns, select, update,
};

/// The caller whose queries are planned: most are somebody, and nobody in particular.
const CALLER: AuthView<'_> = AuthView { uid: Some("somebody"), email: None, email_verified: false, roles: &[] };

/// Prints what a verb of a resource does. With the address of a database of PostgreSQL, also how that would do it.
pub fn print(contract: &Contract, what: &str, database: Option<&str>) -> Result<(), Failure> {
    let (message, verb) = what.rsplit_once('.').ok_or_else(|| usage(contract))?;
    let resource = contract
        .resources
        .iter()
        .find(|resource| resource.message == message || resource.short_name() == message)
        .ok_or_else(|| usage(contract))?;
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
    let tables = Tables::new(contract.resources.iter().map(|other| (other.table.clone(), other.layout.clone())));
    print_rules(resource, &rules, verb);
    for (title, dialect) in [("SQLite", Dialect::Sqlite), ("PostgreSQL", Dialect::Postgres)] {
        say!("\n{title}");
        for (name, sql) in statements(resource, &tables, &rules, verb, dialect) {
            say!("  {name}\n    {}", sql.text(dialect));
        }
    }
    print_indexes(resource, verb);
    let planned = planned(resource, &tables, verb);
    if planned.iter().flatten().next().is_none() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(print_plans(contract, database, &planned))
}

/// What reads rows under the rule, for each engine: as it is once the caller's part of the rule is decided.
fn planned(resource: &Resource, tables: &Tables, verb: &str) -> [Vec<(&'static str, Sql)>; 2] {
    let split = resource.access.read.as_ref().map(|rule| rule.program.split());
    let residual = split.map_or(Expr::FALSE, |split| split.residual_for(split.decide(&CALLER)));
    let table = Table { name: &resource.table, layout: &resource.layout };
    let live = || resource.soft_delete.map(|kept| Condition::Unset { column: kept.delete_time });
    [Dialect::Sqlite, Dialect::Postgres].map(|dialect| {
        let rule = || Condition::Expr(&residual, tables);
        let key = Condition::All(vec![Condition::Keys { first_param: 0 }, rule()]);
        let mut read = vec![("read by key", select(dialect, &query(table, key, &[], None)))];
        if matches!(verb, "read" | "list") {
            let order = order_columns(&resource.layout, &[]);
            let all = Condition::All(std::iter::once(rule()).chain(live()).collect());
            let page = Select { limit_param: Some(0), ..query(table, all, &order, None) };
            read.push(("page", select(dialect, &page)));
        }
        read
    })
}

async fn print_plans(
    contract: &Contract,
    database: Option<&str>,
    planned: &[Vec<(&'static str, Sql)>; 2],
) -> Result<(), Failure> {
    say!("\nquery plans, for a caller who is signed in and has no role");
    let sqlite = Planner::sqlite(contract).await?;
    say!("  SQLite, without rows");
    print_plan(&sqlite, &planned[0]).await?;
    match database {
        Some(url) => {
            say!("  PostgreSQL, with the rows that are there");
            print_plan(&Planner::postgres(url).await?, &planned[1]).await
        }
        None => {
            say!("  PostgreSQL: name a database that has the tables, with --database");
            Ok(())
        }
    }
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
        "write Message.verb, with a verb of read, create, update, delete, undelete or the name of a transition, and a message of: {}",
        if known.is_empty() { "(the contract has no resource)".to_owned() } else { known.join(", ") }
    )
    .into()
}

fn print_rules(resource: &Resource, rules: &[&Rule], verb: &str) {
    if rules.is_empty() {
        say!("\nno rule for {verb}: denied to everyone");
    }
    for rule in rules {
        say!("\nrule at {}\n  {}", rule.place, rule.source);
        let split = rule.program.split();
        for (index, atom) in split.atoms.iter().enumerate() {
            let sql = expression(Dialect::Sqlite, atom, &resource.layout, Tables::NONE);
            say!("  decided by the caller alone, before SQL ({}): {}", index + 1, sql.text(Dialect::Sqlite));
        }
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
    let read = |lock: Option<Lock>| {
        let rule = resource.access.read.as_ref().map(|rule| Condition::Expr(&rule.program.root, tables));
        let conditions: Vec<Condition<'_>> = std::iter::once(Condition::Keys { first_param: 0 }).chain(rule).collect();
        select(dialect, &query(table, Condition::All(conditions), &[], lock))
    };
    match verb {
        "get" => vec![("read by key", read(None))],
        "read" | "list" => {
            let live = resource.soft_delete.map(|kept| Condition::Unset { column: kept.delete_time });
            let rule = rules.iter().map(|rule| Condition::Expr(&rule.program.root, tables)).chain(live).collect();
            let order = order_columns(&resource.layout, &[]);
            let page = Select { limit_param: Some(0), ..query(table, Condition::All(rule), &order, None) };
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
    Select { table, columns, condition, order, after: None, limit_param: None, lock }
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
