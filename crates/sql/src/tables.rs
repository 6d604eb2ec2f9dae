//! The tables of a contract revision, by the numbers that expressions know them by.

use std::sync::Arc;

use mainstay_record::{Layout, Value};

/// The table of a statement. It is always called `t` in it.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub name: &'a str,
    pub layout: &'a Layout,
}

/// What an expression may know of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub name: String,
    pub layout: Arc<Layout>,
    /// The column that is set in rows that are deleted: quantifiers do not see them.
    pub deleted: Option<usize>,
    /// The columns of each index beside the primary key, in their order.
    pub indexes: Vec<Vec<usize>>,
    /// Rows that a transaction is about to write, as it will leave them: the key, and nothing where the row goes.
    pub instead: Vec<Instead>,
}

/// The key of a row, and what it will be.
type Instead = (Vec<Value>, Option<Arc<[Value]>>);

/// All tables that an expression may look at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables {
    known: Vec<Known>,
    is_sound: bool,
}

impl Tables {
    /// No other table than the statement's own.
    pub const NONE: &'static Tables = &Tables { known: Vec::new(), is_sound: false };

    /// Collects tables of which no more is known than their columns, in the order of their numbers.
    pub fn new(tables: impl IntoIterator<Item = (String, Arc<Layout>)>) -> Tables {
        Tables::of(tables.into_iter().map(|(name, layout)| Known::new(name, layout)))
    }

    /// Collects the tables in the order of their numbers.
    pub fn of(tables: impl IntoIterator<Item = Known>) -> Tables {
        Tables { known: tables.into_iter().collect(), is_sound: false }
    }

    /// The same where a row that is stored leads to no row that is not there: what is found by its key alone need not be
    /// looked for.
    #[must_use]
    pub fn sound(self) -> Tables {
        Tables { is_sound: true, ..self }
    }

    /// Whether every relation of a stored row leads to a row.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Finds a table by its number.
    pub fn get(&self, number: usize) -> Option<Table<'_>> {
        self.known.get(number).map(|known| Table { name: &known.name, layout: &known.layout })
    }

    /// Finds the number of a table by its name.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.known.iter().position(|known| known.name == name)
    }

    /// Finds what is known of a table by its number.
    pub fn known(&self, number: usize) -> Option<&Known> {
        self.known.get(number)
    }

    /// The same for a transaction that is about to write a row of a table.
    pub fn put(&mut self, number: usize, key: Vec<Value>, row: Option<Arc<[Value]>>) {
        if let Some(known) = self.known.get_mut(number) {
            known.instead.push((key, row));
        }
    }
}

impl Known {
    /// A table without indexes whose rows go when they are deleted.
    pub fn new(name: String, layout: Arc<Layout>) -> Known {
        Known { name, layout, deleted: None, indexes: Vec::new(), instead: Vec::new() }
    }

    /// Whether the primary key or another index begins with one of the columns.
    pub fn begins_index(&self, columns: &[usize]) -> bool {
        let first = self.indexes.iter().filter_map(|index| index.first().copied());
        std::iter::once(0).chain(first).any(|first| columns.contains(&first))
    }
}
