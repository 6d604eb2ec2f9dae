//! Constant folding.

use mainstay_record::Value;

use crate::ir::Expr;
use crate::scope::Scope;

/// Simplifies an expression without changing its value on any record: constants are computed, and the identities of
/// Kleene's logic applied.
pub fn fold(expr: Expr) -> Expr {
    match expr.map_children(&mut fold) {
        Expr::Not(of) => negation(*of),
        Expr::And(list) => junction(list, true),
        Expr::Or(list) => junction(list, false),
        Expr::If { condition, then, otherwise } => match condition.constant() {
            Some(Some(true)) => *then,
            Some(Some(false)) => *otherwise,
            Some(None) => Expr::NULL,
            None if then == otherwise && *then == Expr::NULL => Expr::NULL,
            None => Expr::If { condition, then, otherwise },
        },
        Expr::Coalesce(first, second) => match *first {
            Expr::Literal(Value::Null) => *second,
            Expr::Literal(value) => Expr::Literal(value),
            first => Expr::Coalesce(Box::new(first), second),
        },
        Expr::Literal(value) => Expr::Literal(value),
        other if is_strict(&other) && other.children().iter().any(|operand| **operand == Expr::NULL) => Expr::NULL,
        Expr::Any { of, .. } if *of == Expr::NULL => Expr::FALSE,
        other if is_computable(&other) => Expr::Literal(crate::evaluate_value(&other, &Scope::default())),
        other => other,
    }
}

/// Simplifies an expression of which only the truth matters: where it would be NULL it may become false. Reaches only
/// through `And` and `Or`, which keep that freedom.
pub(crate) fn when_true(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(Value::Null) => Expr::FALSE,
        Expr::And(list) => match junction(list.into_iter().map(when_true).collect(), true) {
            Expr::And(members) => junction(without_implied(members), true),
            other => other,
        },
        Expr::Or(list) => junction(list.into_iter().map(when_true).collect(), false),
        other => other,
    }
}

/// Drops members that a comparison beside them implies: what compares true is set. It leaves the plain comparison.
fn without_implied(members: Vec<Expr>) -> Vec<Expr> {
    let compared: Vec<Expr> = members
        .iter()
        .filter_map(|member| match member {
            Expr::Compare { left, right, .. } => Some([left, right]),
            _ => None,
        })
        .flatten()
        .map(|side| (**side).clone())
        .collect();
    members.into_iter().filter(|member| !is_implied(member, &compared)).collect()
}

fn is_implied(member: &Expr, compared: &[Expr]) -> bool {
    match member {
        Expr::Not(of) => matches!(&**of, Expr::IsNull(of) if compared.contains(of)),
        Expr::Or(list) => list.iter().any(|member| is_implied(member, compared)),
        _ => false,
    }
}

fn negation(of: Expr) -> Expr {
    match of {
        Expr::Literal(Value::Bool(value)) => Expr::Literal(Value::Bool(!value)),
        Expr::Literal(Value::Null) => Expr::NULL,
        Expr::Not(inner) => *inner,
        other => Expr::negate(other),
    }
}

/// A conjunction (`and`) or disjunction without what says nothing, and decided where one member decides alone. Nested
/// ones of the same sort are flattened, repeated members dropped.
fn junction(list: Vec<Expr>, and: bool) -> Expr {
    let (winner, neutral) = if and { (Expr::FALSE, Expr::TRUE) } else { (Expr::TRUE, Expr::FALSE) };
    let mut members: Vec<Expr> = Vec::with_capacity(list.len());
    let flat = list.into_iter().flat_map(|member| match member {
        Expr::And(inner) if and => inner,
        Expr::Or(inner) if !and => inner,
        other => vec![other],
    });
    for member in flat {
        if member == winner {
            return winner;
        }
        if member != neutral && !members.contains(&member) {
            members.push(member);
        }
    }
    match members.len() {
        0 => neutral,
        1 => members.remove(0),
        _ if and => Expr::And(members),
        _ => Expr::Or(members),
    }
}

/// Whether all operands are constants, so that the node is one too.
fn is_computable(expr: &Expr) -> bool {
    let operands = expr.children();
    !operands.is_empty()
        && !matches!(expr, Expr::Any { .. })
        && operands.iter().all(|operand| matches!(operand, Expr::Literal(_)))
}

/// Whether one NULL operand makes the node NULL.
fn is_strict(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Json { .. }
            | Expr::Compare { .. }
            | Expr::TextMatch { .. }
            | Expr::Concat(_)
            | Expr::AsciiCase { .. }
            | Expr::Size { .. }
    )
}
