//! What is computed from values: numbers and texts.

use std::borrow::Cow;

use super::value::{Truth, Val};
use super::{Bound, Context, Item, compute, truth};
use crate::arithmetic::{self, ArithmeticOp, Numbers};
use crate::ir::{Expr, Measure};

pub(super) fn numbers<'v>(op: ArithmeticOp, left: &Val<'_>, right: &Val<'_>, within: Numbers) -> Val<'v> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => arithmetic::integers(op, *a, *b, within).map_or(Val::Null, Val::Int),
        (Val::Double(a), Val::Double(b)) => arithmetic::doubles(op, *a, *b).map_or(Val::Null, Val::Double),
        (Val::Unknown, _) | (_, Val::Unknown) => Val::Unknown,
        _ => Val::Null,
    }
}

/// The sum over those elements of a list that are kept. The order in which they stand says nothing.
pub(super) fn sum<'v>(
    level: u8,
    list: &'v Expr,
    (keep, value): (&'v Expr, &'v Expr),
    within: Numbers,
    context: Context<'v>,
) -> Val<'v> {
    let list = match compute(list, context) {
        Val::Unknown => return Val::Unknown,
        list => list,
    };
    let items: Vec<Item<'_>> = match &list {
        Val::Json(json) => json.as_array().map_or(&[][..], Vec::as_slice).iter().map(Item::Json).collect(),
        Val::Roles(roles) => roles.iter().map(|role| Item::Text(role)).collect(),
        _ => Vec::new(),
    };
    let (mut total, mut is_null) = (0_i128, false);
    for item in items {
        let bound = Bound { level, item, outer: context.bound };
        let inner = Context { bound: Some(&bound), ..context };
        match truth(keep, inner) {
            Truth::False => continue,
            Truth::Unknown => return Val::Unknown,
            Truth::Null => is_null = true,
            Truth::True => match compute(value, inner) {
                Val::Int(number) => total += i128::from(number),
                Val::Unknown => return Val::Unknown,
                _ => is_null = true,
            },
        }
    }
    if is_null { Val::Null } else { within.fit(total).map_or(Val::Null, Val::Int) }
}

pub(super) fn concat<'v>(parts: &'v [Expr], context: Context<'v>) -> Val<'v> {
    let mut whole = String::new();
    for part in parts {
        match compute(part, context) {
            Val::Text(text) => whole.push_str(&text),
            other => return other.nothing(),
        }
    }
    Val::Text(Cow::Owned(whole))
}

pub(super) fn size<'v>(of: &Val<'_>, measure: Measure) -> Val<'v> {
    let count = match (of, measure) {
        (Val::Text(text), Measure::Characters) => text.chars().count(),
        (Val::Bytes(bytes), Measure::Bytes) => bytes.len(),
        (Val::Roles(roles), Measure::Items) => roles.len(),
        (Val::Json(json), Measure::Items) => match json.as_array() {
            Some(items) => items.len(),
            None => return Val::Null,
        },
        (Val::Json(json), Measure::Entries) => match json.as_object() {
            Some(entries) => entries.len(),
            None => return Val::Null,
        },
        (Val::Unknown, _) => return Val::Unknown,
        _ => return Val::Null,
    };
    Val::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
