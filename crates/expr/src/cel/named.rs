//! Where a checker finds rules that have a name.

use std::sync::Arc;

use crate::ir::Expr;

/// A rule with a name, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Predicate {
    /// Over `Root::Resource`.
    pub root: Expr,
    pub nodes: usize,
    /// How many predicates lead from it to the last, itself counted.
    pub height: usize,
}

/// What a name after a row leads to.
pub(crate) enum Found {
    /// No predicate has the name.
    None,
    /// One has it, and has problems of its own.
    Failed,
    /// It leads back to itself.
    Circle(Vec<String>),
    /// Too many lead from one to the next.
    TooFar,
    Ready(Arc<Predicate>),
}

/// Finds rules by their names.
pub(crate) trait Named {
    fn find(&self, table: usize, name: &str) -> Found;
    /// The names of a record's predicates.
    fn names(&self, table: usize) -> Vec<String>;
}
