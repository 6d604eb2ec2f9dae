//! Literals, read by the type of the field that they are compared with.

use mainstay_record::time::{Date, Duration, TimeOfDay, Timestamp};
use mainstay_record::{Decimal, Kind, Value};

use super::syntax::Argument;
use crate::float::narrowed;
use crate::problem::{Problem, ProblemKind};
use crate::schema::{MapKey, Type};

/// Reads the argument as a value of the type, stored as `kind`.
///
/// # Errors
/// The argument is no such literal; the problem says how one is written.
pub(crate) fn literal(argument: &Argument, ty: &Type, kind: Option<Kind>) -> Result<Value, Problem> {
    let text = argument.text();
    let bare = !argument.quoted;
    let value = match ty {
        Type::Bool if bare => text.parse().ok().map(Value::Bool),
        Type::Int if bare => integer(&text).map(Value::Int),
        Type::Double if bare => number(&text).map(Value::Double),
        Type::Float if bare => number(&text).map(narrowed).map(Value::Double),
        Type::Text => Some(Value::Text(text.clone())),
        Type::Timestamp if kind == Some(Kind::Int) => {
            Timestamp::parse(&text).ok().map(|time| Value::Int(time.micros()))
        }
        Type::Timestamp => Timestamp::parse(&text).ok().map(|time| Value::Timestamp(time.micros())),
        Type::Duration => Duration::parse(&text).ok().map(|duration| Value::Int(duration.micros())),
        Type::Date => Date::parse(&text).ok().map(|date| Value::Int(date.number())),
        Type::TimeOfDay => TimeOfDay::parse(&text).ok().map(|time| Value::Int(time.number())),
        Type::Decimal => {
            Decimal::parse(&text).ok().filter(|_| !text.is_empty()).map(|number| Value::Text(number.key()))
        }
        Type::Enum(ty) => match ty.number(&text) {
            Some(number) => Some(Value::Int(i64::from(number))),
            None => {
                let message = format!("the enum {} has no value `{text}`", ty.name);
                let problem = Problem::new(argument.span.clone(), ProblemKind::UnknownName, message);
                let problem = problem.repeating(format!("the enum {} has no such value", ty.name));
                return Err(problem.maybe_help(ty.suggest(&text)));
            }
        },
        _ => None,
    };
    value.ok_or_else(|| {
        let message = format!("`{text}` is not {}", ty.describe());
        let problem = Problem::new(argument.span.clone(), ProblemKind::Type, message);
        let problem = problem.repeating(format!("this is not {}", ty.describe()));
        match how(ty) {
            Some(help) => problem.help(help),
            None => problem,
        }
    })
}

/// Reads the key of a map as it is stored: in plain digits, or `true` or `false`. Quotes make no difference.
///
/// # Errors
/// The map can have no such key.
pub(crate) fn map_key(text: &str, key: MapKey, span: std::ops::Range<usize>) -> Result<String, Problem> {
    let (stored, help) = match key {
        // Keys may be unsigned, too.
        MapKey::Int => {
            let number = (!text.starts_with('+')).then(|| text.parse::<i128>().ok()).flatten();
            let number = number.filter(|number| (i64::MIN.into()..=u64::MAX.into()).contains(number));
            (number.map(|number| number.to_string()), "the keys of this map are whole numbers: 42, -3")
        }
        MapKey::Bool => {
            (text.parse::<bool>().ok().map(|key| key.to_string()), "the keys of this map are true and false")
        }
    };
    stored.ok_or_else(|| {
        let problem = Problem::new(span, ProblemKind::Type, format!("`{text}` is no key of this map"));
        problem.repeating("this is no key of the map").help(help)
    })
}

fn how(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Bool => Some("write true or false, without quotes"),
        Type::Int => Some("write a whole number of 64 bits, without quotes: -3, 42"),
        Type::Double | Type::Float => Some("write a number, without quotes: 1.5, -2, 3e8"),
        Type::Timestamp => Some("write a timestamp by RFC 3339: \"2024-05-01T12:00:00Z\""),
        Type::Duration => Some("write seconds: 20s, 1.5s"),
        Type::Date => Some("write a date: \"2024-05-01\""),
        Type::TimeOfDay => Some("write a time of day: \"08:30\", \"08:30:15.5\""),
        Type::Decimal => Some("write a decimal: 12.50, -3, 1.5E9"),
        _ => None,
    }
}

fn integer(text: &str) -> Option<i64> {
    (!text.starts_with('+')).then(|| text.parse().ok()).flatten()
}

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    let value: f64 = text.parse().ok()?;
    // Adding a positive zero turns −0 into 0, which is how it is stored.
    (plain && !text.starts_with('+') && value.is_finite()).then_some(value + 0.0)
}
