//! Rules, compiled.

use mainstay_expr::Program;

use crate::Place;

/// A compiled rule.
#[derive(Debug, Clone)]
pub struct Rule {
    pub source: String,
    pub program: Program,
    /// Of the first character inside the option's quotes.
    pub place: Place,
}
