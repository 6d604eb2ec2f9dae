//! The tables of a contract revision, by the numbers that expressions know them by.

use std::sync::Arc;

use mainstay_record::Layout;

/// The table of a statement. It is always called `t` in it.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub name: &'a str,
    pub layout: &'a Layout,
}

/// All tables that an expression may look at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables(Vec<(String, Arc<Layout>)>);

impl Tables {
    /// No other table than the statement's own.
    pub const NONE: &'static Tables = &Tables(Vec::new());

    /// Collects the tables in the order of their numbers.
    pub fn new(tables: impl IntoIterator<Item = (String, Arc<Layout>)>) -> Tables {
        Tables(tables.into_iter().collect())
    }

    /// Finds a table by its number.
    pub fn get(&self, number: usize) -> Option<Table<'_>> {
        self.0.get(number).map(|(name, layout)| Table { name, layout })
    }
}
