//! Which declared index a unique violation is about.

use mainstay_contract::{Index, Resource};
use mainstay_sql::Violation;

use crate::{ColumnId, Ledger};

/// What a violated unique constraint stands for.
#[derive(Debug, Clone, Copy)]
pub enum Violated<'c> {
    /// The resource's name is taken.
    Name,
    /// The values of a unique index are taken.
    Index(&'c Index),
}

impl Ledger {
    /// Finds what a unique violation on a resource's table is about, from the engine's words (PostgreSQL's constraint
    /// name, SQLite's message). `resource` is of the bound contract. Nothing where it is about something else.
    pub fn violated<'c>(&self, resource: &'c Resource, text: &str) -> Option<Violated<'c>> {
        let entry = self.resource(&resource.type_name)?;
        let violation = Violation::parse(text);
        let keys = || {
            let keys = entry.columns.iter().filter(|(id, _)| matches!(id, ColumnId::Key(_)));
            keys.map(|(_, column)| column.name.as_str())
        };
        // SQLite does not name the primary key; whoever reads its words calls it after the table of today.
        let today = format!("{}_pkey", entry.table);
        if [entry.primary_key.as_str(), &today].iter().any(|name| violation.is(name, &entry.table, keys())) {
            return Some(Violated::Name);
        }
        let is_violated = |index: &&Index| {
            let columns = index.columns.iter().filter_map(|(i, _)| resource.layout.columns.get(*i));
            index.unique && violation.is(&index.name, &entry.table, columns.map(|column| column.name.as_str()))
        };
        resource.indexes.iter().find(is_violated).map(Violated::Index)
    }
}
