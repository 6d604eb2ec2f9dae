//! What is known of other rows when an expression is evaluated in memory.

use mainstay_record::Value;

use crate::ir::Expr;
use crate::row::Row;

/// What lies around the records in hand: the rows that an expression looks at, as they were found, and the values of its
/// quantifiers, as the store has them; or all there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Around {
    rows: Vec<(Row, Option<Vec<Value>>)>,
    answers: Vec<(Expr, Value)>,
    tables: Option<Vec<Known>>,
}

/// All rows of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// How many of the first columns are its key.
    pub keys: usize,
    /// The column that is set in the rows that are deleted.
    pub deleted: Option<usize>,
    pub rows: Vec<Vec<Value>>,
}

impl Around {
    /// Knows all rows of all tables, by their numbers.
    pub fn of(tables: Vec<Known>) -> Around {
        Around { tables: Some(tables), ..Around::default() }
    }

    /// Remembers a row; nothing where there is none.
    pub fn put(&mut self, row: Row, found: Option<Vec<Value>>) {
        self.rows.push((row, found));
    }

    /// The row, where it was looked for: nothing inside where there is none.
    pub fn get(&self, row: &Row) -> Option<Option<&[Value]>> {
        self.rows.iter().find(|(known, _)| known == row).map(|(_, found)| found.as_deref())
    }

    /// Remembers the value of a quantifier.
    pub fn answer(&mut self, ask: Expr, value: Value) {
        self.answers.push((ask, value));
    }

    /// The value of a quantifier, where the store was asked for it.
    pub fn answered(&self, ask: &Expr) -> Option<&Value> {
        self.answers.iter().find(|(known, _)| known == ask).map(|(_, value)| value)
    }

    /// The row with a key, where all are known: nothing inside where there is none.
    pub(crate) fn find(&self, table: usize, key: &[Value]) -> Option<Option<&[Value]>> {
        let known = self.tables.as_ref()?;
        let rows = known.get(table).map_or(&[][..], |known| &known.rows);
        Some(rows.iter().find(|row| row.starts_with(key)).map(Vec::as_slice))
    }

    /// The rows of a table that are not deleted, where all are known.
    pub(crate) fn live(&self, table: usize) -> Option<impl Iterator<Item = &[Value]>> {
        let known = self.tables.as_ref()?.get(table)?;
        let is_live = |row: &&Vec<Value>| known.deleted.is_none_or(|column| row[column].is_null());
        Some(known.rows.iter().filter(is_live).map(Vec::as_slice))
    }
}
