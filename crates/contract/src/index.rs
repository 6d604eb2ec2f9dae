//! Indexes of a resource's table.

use mainstay_expr::{Scope, evaluate};
use mainstay_record::{Column, Kind, Layout, Role, Value};

use crate::Place;
use crate::rule::Rule;

/// An index of the table.
#[derive(Debug, Clone)]
pub struct Index {
    /// The name in the database; says the table, the columns and what it is for.
    pub name: String,
    /// Column and whether it descends.
    pub columns: Vec<(usize, bool)>,
    pub unique: bool,
    /// The rows that are in it.
    pub rows: IndexRows,
    /// A further condition on them: a rule over `resource` alone.
    pub condition: Option<Rule>,
    /// Texts are compared by their simple case folding.
    pub ignore_case: bool,
    /// What is unset is a value like others, where it is unique.
    pub unset_conflicts: bool,
    /// Two rows with the same values must not overlap in time, where else there must not be two.
    pub span: Option<Span>,
    /// The fields, and variables of the pattern, as written, without direction: `["category", "create_time"]`.
    pub fields: Vec<String>,
    pub place: Place,
}

/// The half-open time of a row, by two columns of the same kind that may be unset: without an end it is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: usize,
    pub to: usize,
}

/// Which rows an index has; of a resource whose rows go when they are deleted, all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IndexRows {
    #[default]
    All,
    /// Those that are not deleted.
    Live,
    /// Those that are.
    Deleted,
}

impl Index {
    /// Says whether a row with these values is in it. Not where the values alone do not tell, which no contract has.
    pub fn has(&self, record: &[Value]) -> bool {
        let scope = Scope { resource: Some(record), ..Scope::default() };
        self.condition.as_ref().is_none_or(|rule| evaluate(&rule.program.root, &scope) == Some(true))
    }

    /// Says whether it has every row in the order of its columns as they are: what a filter or an order can use.
    pub fn is_plain(&self) -> bool {
        self.condition.is_none() && self.span.is_none() && !self.ignore_case && !self.unset_conflicts
    }

    /// Says whether texts of this column are compared without their case.
    pub fn is_folded(&self, layout: &Layout, column: usize) -> bool {
        let is_text = |column: &Column| column.kind == Kind::Text && matches!(column.role, Role::Field);
        self.ignore_case && layout.columns.get(column).is_some_and(is_text)
    }
}
