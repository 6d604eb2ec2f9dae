//! Numbers and times that are changed by what they are.

use std::ops::RangeInclusive;

use mainstay_contract::Numeric;
use mainstay_record::Value;
use serde_json::Value as Json;

use super::{Operator, Problem};
use crate::domain::context::Operation;

/// A whole number as JSON has it: a number, or a text where JSON's numbers are not exact.
pub(super) fn whole(json: &Json) -> Option<i64> {
    match json {
        Json::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole_double)),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
fn whole_double(number: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-BOUND..BOUND).contains(&number)).then_some(number as i64)
}

/// The value that the field gets.
pub(super) fn changed(
    operator: Operator,
    old: &Value,
    operand: &Value,
    zero: &Value,
    range: &Range,
) -> Result<Value, Problem> {
    let old = match old {
        Value::Null if operator != Operator::Add => return Ok(operand.clone()),
        Value::Null => zero,
        old => old,
    };
    let least = match (old, operand) {
        (Value::Double(left), Value::Double(right)) => left <= right,
        (Value::Int(left), Value::Int(right)) | (Value::Timestamp(left), Value::Timestamp(right)) => left <= right,
        _ => true,
    };
    match (operator, old, operand) {
        (Operator::Add, Value::Int(left), Value::Int(right)) => {
            let sum = left.checked_add(*right).filter(|sum| range.holds(*sum));
            sum.map(Value::Int).ok_or_else(|| ("add", format!("leaves the range of its field: {left} and {right}")))
        }
        (Operator::Add, Value::Double(left), Value::Double(right)) => match range.rounded(left + right) {
            sum if sum.is_nan() => Err(("add", "has no number as its result".to_owned())),
            sum if sum.is_infinite() && left.is_finite() && right.is_finite() => {
                Err(("add", format!("leaves the range of its field: {left} and {right}")))
            }
            // No zero has a sign.
            sum => Ok(Value::Double(sum + 0.0)),
        },
        (Operator::Min, ..) => Ok(if least { old } else { operand }.clone()),
        (Operator::Max, ..) => Ok(if least { operand } else { old }.clone()),
        _ => Err(("field", format!("is no field that `{}` can change", operator.name()))),
    }
}

/// What a number's field may hold.
#[derive(Debug)]
pub(super) enum Range {
    Integers(RangeInclusive<i64>),
    Doubles,
    /// Doubles with the precision of a `float`.
    Floats,
}

impl Range {
    /// Nothing where the operator is not for fields of this kind.
    pub fn of(op: &Operation, column: usize, operator: Operator) -> Option<Range> {
        let whole = i64::MIN..=i64::MAX;
        Some(match op.plan().resource.field_of(column)?.numeric? {
            Numeric::Int32 => Range::Integers(i64::from(i32::MIN)..=i64::from(i32::MAX)),
            Numeric::Uint32 => Range::Integers(0..=i64::from(u32::MAX)),
            Numeric::Uint64 => Range::Integers(0..=i64::MAX),
            Numeric::Int64 => Range::Integers(whole),
            Numeric::Double => Range::Doubles,
            Numeric::Float => Range::Floats,
            Numeric::Time => return (operator != Operator::Add).then_some(Range::Integers(whole)),
        })
    }

    fn holds(&self, number: i64) -> bool {
        matches!(self, Range::Integers(range) if range.contains(&number))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a float has no more precision")]
    fn rounded(&self, number: f64) -> f64 {
        match self {
            Range::Floats => f64::from(number as f32),
            Range::Integers(_) | Range::Doubles => number,
        }
    }
}
