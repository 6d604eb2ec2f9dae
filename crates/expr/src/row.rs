//! Rows: those in hand, and those that are found from them, hop by hop.

use mainstay_record::{Template, Value};

use crate::ir::Expr;

/// Which record in hand a row is, or is found from. In SQL `Resource` and `Old` are the row of the table; `New` exists only
/// in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    Resource,
    Old,
    New,
    /// What the quantifier of this level goes over: a row of a table, or an element of a list.
    Bound(u8),
}

/// From a row to the one row of another table whose key its columns hold: a reference, or the parent in its own key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relation {
    /// One for each key column of the other table, in their order. None where it begins at the element of a list.
    pub columns: Vec<usize>,
    /// Where in the element of a list the name of the other row stands.
    pub link: Option<Link>,
    /// The number of the other table: that of its record among the records of a [`RuleScope`](crate::RuleScope).
    pub table: usize,
}

/// A resource name inside a JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The keys on the way to it.
    pub keys: Vec<String>,
    pub template: Template,
}

/// A row: a record in hand, or what a chain of relations leads to from there. The order puts a row before all that are
/// found from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    pub root: Root,
    pub hops: Vec<Relation>,
}

impl Root {
    /// Whether it is a record in hand, and nothing that a quantifier goes over.
    pub fn is_in_hand(self) -> bool {
        !matches!(self, Root::Bound(_))
    }

    /// The same root where the quantifiers of an expression have moved `by` levels inwards.
    pub(crate) fn deeper(self, by: u8) -> Root {
        if let Root::Bound(level) = self { Root::Bound(level.saturating_add(by)) } else { self }
    }
}

impl Relation {
    /// The relation that these columns are.
    pub fn of(columns: Vec<usize>, table: usize) -> Relation {
        Relation { columns, link: None, table }
    }

    /// The key of the other row; nothing where it is unset.
    pub fn key(&self, from: &[Value]) -> Option<Vec<Value>> {
        let columns = self.columns.iter().map(|column| from.get(*column).filter(|value| !value.is_null()).cloned());
        columns.collect()
    }
}

impl Row {
    /// A record in hand.
    pub const fn of(root: Root) -> Row {
        Row { root, hops: Vec::new() }
    }

    /// The row that a relation leads to from here.
    pub fn via(&self, relation: Relation) -> Row {
        Row { root: self.root, hops: self.hops.iter().cloned().chain([relation]).collect() }
    }

    /// Whether the row is a record in hand.
    pub fn is_in_hand(&self) -> bool {
        self.hops.is_empty() && self.root.is_in_hand()
    }

    /// The number of the row's table; nothing for a record in hand.
    pub fn table(&self) -> Option<usize> {
        self.hops.last().map(|relation| relation.table)
    }

    /// The row that this one is found from, and how; nothing for a record in hand.
    pub fn found_from(&self) -> Option<(Row, &Relation)> {
        let (last, before) = self.hops.split_last()?;
        Some((Row { root: self.root, hops: before.to_vec() }, last))
    }

    /// The rows on the way to this one and the row itself, without the record in hand.
    pub(crate) fn way(&self) -> impl Iterator<Item = Row> {
        (1..=self.hops.len()).map(|hops| Row { root: self.root, hops: self.hops[..hops].to_vec() })
    }

    /// The same row where what was the record `from` is the row `to`.
    pub(crate) fn moved(self, from: Root, to: &Row) -> Row {
        if self.root != from {
            return Row { root: self.root.deeper(to.levels()), ..self };
        }
        Row { root: to.root, hops: to.hops.iter().cloned().chain(self.hops).collect() }
    }

    /// How many levels of quantifiers there are around a row of this root.
    pub(crate) fn levels(&self) -> u8 {
        if let Root::Bound(level) = self.root { level.saturating_add(1) } else { 0 }
    }
}

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
