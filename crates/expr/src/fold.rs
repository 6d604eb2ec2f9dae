//! Constant folding.

use mainstay_record::Value;

use crate::ir::{Expr, Over};
use crate::row::Row;
use crate::scope::Scope;

/// Simplifies an expression without changing its value on any record: constants are computed, and the identities of
/// Kleene's logic applied.
pub fn fold(expr: Expr) -> Expr {
    outward(expr.map_children(&mut fold))
}

/// What a strict operator makes of something in another row is made within the look at it: either is NULL where the row is
/// not there. So what is asked of one row stands together.
fn outward(expr: Expr) -> Expr {
    let is_carried = matches!(expr, Expr::Not(_)) || is_strict(&expr);
    let looked_at = |operand: &Expr| if let Expr::Look { row, .. } = operand { Some(row.clone()) } else { None };
    match is_carried.then(|| expr.children().into_iter().find_map(looked_at)).flatten() {
        Some(row) => look(row.clone(), outward(expr.seeing(&row))),
        None => simplified(expr),
    }
}

fn look(row: Row, then: Expr) -> Expr {
    if then == Expr::NULL { Expr::NULL } else { Expr::look(row, then) }
}

fn simplified(expr: Expr) -> Expr {
    match expr {
        Expr::Look { row, then } => look(row, *then),
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
        Expr::Exists { level, over, holds } => exists(level, over, *holds),
        other if is_computable(&other) => Expr::Literal(crate::evaluate_value(&other, &Scope::default())),
        other => other,
    }
}

/// Simplifies an expression of which only the truth matters: where it would be NULL it may become false. Reaches only
/// through `And`, `Or` and looks, which keep that freedom.
pub(crate) fn when_true(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(Value::Null) => Expr::FALSE,
        Expr::And(list) => match junction(list.into_iter().map(when_true).collect(), true) {
            Expr::And(members) => junction(without_implied(members), true),
            other => other,
        },
        Expr::Or(list) => junction(list.into_iter().map(when_true).collect(), false),
        Expr::Exists { level, over, holds } => exists(level, over, when_true(*holds)),
        Expr::Coalesce(first, second) if *second == Expr::FALSE => when_true(*first),
        Expr::Look { row, then } => match when_true(*then) {
            never if never == Expr::FALSE => never,
            then => Expr::look(row, then),
        },
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

/// A quantifier, with what does not depend on what it goes over taken out of it: that is asked once.
fn exists(level: u8, over: Over, holds: Expr) -> Expr {
    if holds == Expr::FALSE || over == Over::List(Box::new(Expr::NULL)) {
        return Expr::FALSE;
    }
    let Expr::And(list) = holds else { return Expr::Exists { level, over, holds: Box::new(holds) } };
    let (inside, mut outside): (Vec<Expr>, Vec<Expr>) = list.into_iter().partition(|part| part.names_level(level));
    let holds = Box::new(junction(inside, true));
    outside.push(Expr::Exists { level, over, holds });
    junction(outside, true)
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
/// ones of the same sort are flattened, repeated members dropped, and what is asked of one row is asked in one look.
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
            together(&mut members, member, and);
        }
    }
    match members.len() {
        0 => neutral,
        1 => members.remove(0),
        _ if and => Expr::And(members),
        _ => Expr::Or(members),
    }
}

/// Adds a member; a look joins the one that there is at the same row. Where the row is not there, both are NULL.
fn together(members: &mut Vec<Expr>, member: Expr, and: bool) {
    let Expr::Look { row, then } = member else { return members.push(member) };
    let known = members.iter_mut().find_map(|known| match known {
        Expr::Look { row: other, then } if *other == row => Some(then),
        _ => None,
    });
    match known {
        Some(known) => {
            let before = std::mem::replace(&mut **known, Expr::NULL);
            **known = junction(vec![before, *then], and);
        }
        None => members.push(Expr::Look { row, then }),
    }
}

/// Whether all operands are constants, so that the node is one too.
fn is_computable(expr: &Expr) -> bool {
    let operands = expr.children();
    !operands.is_empty() && operands.iter().all(|operand| matches!(operand, Expr::Literal(_)))
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
            | Expr::Matches { .. }
            | Expr::Arithmetic { .. }
            | Expr::Micros(_)
            | Expr::DateOf(_)
    )
}
