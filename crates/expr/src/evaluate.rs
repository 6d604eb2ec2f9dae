//! Evaluation on records in memory.

use mainstay_record::Value;

use crate::ir::Expr;
use crate::scope::Scope;

/// Evaluates a condition: nothing where it is NULL, which counts as not true.
pub fn evaluate(expr: &Expr, scope: &Scope<'_>) -> Option<bool> {
    match evaluate_value(expr, scope) {
        Value::Bool(value) => Some(value),
        _ => None,
    }
}

/// Evaluates an expression of any kind.
pub fn evaluate_value(_expr: &Expr, _scope: &Scope<'_>) -> Value {
    Value::Null
}
