//! What an engine says when a unique constraint is violated.

use crate::identifier;

/// A violated unique constraint, as far as the engine names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// PostgreSQL names the constraint or index.
    Named(String),
    /// SQLite names the columns.
    Columns { table: String, columns: Vec<String> },
}

impl Violation {
    /// Reads the engine's words: PostgreSQL's constraint name (or its whole message), SQLite's message with or without the
    /// words before its list of columns.
    pub fn parse(text: &str) -> Violation {
        let text = text.trim();
        let text = text.rsplit_once("constraint failed: ").map_or(text, |(_, list)| list);
        if let Some(name) = text.strip_prefix("index ").and_then(|rest| rest.strip_prefix('\'')) {
            return Violation::Named(name.trim_end_matches('\'').to_owned());
        }
        if let Some((_, rest)) = text.split_once("unique constraint \"") {
            return Violation::Named(rest.split('"').next().unwrap_or(rest).to_owned());
        }
        let Some((table, _)) = text.split_once('.') else { return Violation::Named(text.to_owned()) };
        let columns = text.split(", ").map(|part| part.strip_prefix(table).and_then(|p| p.strip_prefix('.')));
        match columns.map(|column| column.map(str::to_owned)).collect() {
            Some(columns) => Violation::Columns { table: table.to_owned(), columns },
            None => Violation::Named(text.to_owned()),
        }
    }

    /// Says whether this is the constraint of that name over those columns of that table.
    pub fn is<'c>(&self, name: &str, table: &str, columns: impl IntoIterator<Item = &'c str>) -> bool {
        match self {
            // No two names differ only in case, and what the ledger keeps of a name it keeps in lower case.
            Violation::Named(violated) => identifier(name).eq_ignore_ascii_case(violated),
            Violation::Columns { table: violated, columns: listed } => {
                identifier(table) == violated.as_str()
                    && columns.into_iter().map(identifier).eq(listed.iter().map(String::as_str))
            }
        }
    }
}
