//! Rules, compiled.

use std::collections::BTreeSet;

use mainstay_expr::{AuthName, Expr, Over, Program};
use mainstay_record::Value;

use crate::Place;

/// A compiled rule.
#[derive(Debug, Clone)]
pub struct Rule {
    pub source: String,
    pub program: Program,
    /// Of the first character inside the option's quotes.
    pub place: Place,
}

/// The roles (or permissions) that an expression looks for among the caller's.
pub(crate) fn named(claim: AuthName, expr: &Expr, into: &mut BTreeSet<String>) {
    if let Expr::Exists { over: Over::List(of), holds, .. } = expr
        && **of == Expr::Auth(claim)
    {
        texts(holds, into);
    }
    expr.children().into_iter().for_each(|child| named(claim, child, into));
}

fn texts(expr: &Expr, into: &mut BTreeSet<String>) {
    if let Expr::Literal(Value::Text(text)) = expr {
        into.insert(text.to_string());
    }
    expr.children().into_iter().for_each(|child| texts(child, into));
}
