//! Which rows an index has, as DDL says it: an index is made once, so there are no binds.

use serde::{Deserialize, Serialize};

use crate::{Dialect, quote};

/// A condition on the rows of one table, in both engines' words, with `C` for a column: its place in the layout, its
/// identity or its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowCondition<C> {
    pub(crate) sqlite: Vec<ConditionPart<C>>,
    pub(crate) postgres: Vec<ConditionPart<C>>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionPart<C> {
    Text(String),
    Column(C),
}

impl<C> RowCondition<C> {
    /// The same with other words for columns; nothing where one has none.
    pub fn map<D>(&self, name: impl Fn(&C) -> Option<D>) -> Option<RowCondition<D>> {
        self.fill(|column| name(column).map(ConditionPart::Column))
    }

    /// The same with something else where columns are; nothing where there is nothing for one.
    pub fn fill<D>(&self, other: impl Fn(&C) -> Option<ConditionPart<D>>) -> Option<RowCondition<D>> {
        let all = |parts: &[ConditionPart<C>]| {
            let part = |part: &ConditionPart<C>| match part {
                ConditionPart::Text(text) => Some(ConditionPart::Text(text.clone())),
                ConditionPart::Column(column) => other(column),
            };
            parts.iter().map(part).collect::<Option<Vec<_>>>()
        };
        Some(RowCondition { sqlite: all(&self.sqlite)?, postgres: all(&self.postgres)? })
    }

    /// The columns that it reads.
    pub fn columns(&self) -> impl Iterator<Item = &C> {
        self.sqlite.iter().filter_map(|part| match part {
            ConditionPart::Text(_) => None,
            ConditionPart::Column(column) => Some(column),
        })
    }
}

impl RowCondition<String> {
    /// Writes it for a row that is called `of` in the statement; the row of the statement itself has no name in DDL.
    pub fn text(&self, dialect: Dialect, of: Option<&str>) -> String {
        let parts = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        let part = |part: &ConditionPart<String>| match part {
            ConditionPart::Text(text) => text.clone(),
            ConditionPart::Column(name) => of.map_or_else(|| quote(name), |of| format!("{of}.{}", quote(name))),
        };
        let text: String = parts.iter().map(part).collect();
        format!("({text})")
    }
}
