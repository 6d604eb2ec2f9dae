//! What expressions may know of a contract's tables when they are written as SQL.

use std::sync::Arc;

use mainstay_contract::{Contract, Index, Resource, Rule};
use mainstay_sql::{Dialect, Known, Tables, expression};

/// The tables of all resources of a contract, by their numbers.
pub fn tables(contract: &Contract) -> Tables {
    // References have foreign keys, and no parent goes before what lies below it.
    Tables::of(contract.resources.iter().map(|resource| known(resource))).sound()
}

fn known(resource: &Resource) -> Known {
    let columns = |index: &Index| index.columns.iter().map(|(column, _)| *column).collect();
    Known {
        deleted: resource.soft_delete.map(|kept| kept.delete_time),
        indexes: resource.indexes.iter().filter(|index| index.is_plain()).map(columns).collect(),
        ..Known::new(resource.table.clone(), Arc::clone(&resource.layout))
    }
}

/// A rule as SQL, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSql {
    /// What the caller alone decides, before any SQL.
    pub of_caller: Vec<String>,
    /// The whole, with false and NULL told apart.
    pub whole: [(Dialect, String); 2],
}

/// Writes a rule of a resource as SQL for both engines.
pub fn rule_sql(resource: &Resource, rule: &Rule, tables: &Tables) -> RuleSql {
    let of_caller = rule
        .program
        .split()
        .atoms
        .into_iter()
        .map(|atom| expression(Dialect::Sqlite, &atom, &resource.layout, Tables::NONE).text(Dialect::Sqlite));
    let whole =
        |dialect: Dialect| (dialect, expression(dialect, &rule.program.root, &resource.layout, tables).text(dialect));
    RuleSql { of_caller: of_caller.collect(), whole: Dialect::ALL.map(whole) }
}
