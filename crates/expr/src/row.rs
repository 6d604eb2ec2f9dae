//! Rows: those in hand, and those that are found from them, hop by hop.

use mainstay_record::{Template, Value};

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
    pub fn way(&self) -> impl Iterator<Item = Row> {
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
