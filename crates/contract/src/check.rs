//! What a value must satisfy (`buf.validate`), compiled.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use mainstay_expr::re2::Pattern;
use mainstay_record::{Kind, Value, ValueRef, stored_json};

use crate::known_check::KnownCheck;
use crate::{Format, ValueRule};

/// One constraint on one value. Evaluated on column values, whatever they came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    IntMin {
        bound: i64,
        exclusive: bool,
    },
    IntMax {
        bound: i64,
        exclusive: bool,
    },
    IntIn(Integers),
    IntNotIn(Integers),
    DoubleMin {
        bound: f64,
        exclusive: bool,
    },
    DoubleMax {
        bound: f64,
        exclusive: bool,
    },
    DoubleIn(Vec<f64>),
    DoubleNotIn(Vec<f64>),
    DoubleFinite,
    BoolIs(bool),
    /// Lengths count characters (Unicode scalar values), as `buf.validate` says.
    TextMinLen(u64),
    TextMaxLen(u64),
    /// In bytes of UTF-8.
    TextMinBytes(u64),
    TextMaxBytes(u64),
    TextPattern(Pattern),
    TextPrefix(String),
    TextSuffix(String),
    TextContains(String),
    TextNotContains(String),
    TextFormat(Format),
    Bytes(BytesCheck),
    /// On an `Any` or a `FieldMask`.
    Known(KnownCheck),
    /// On the microseconds of a duration or a timestamp, with what a client is told: numbers of microseconds say nothing.
    Time {
        check: Box<Check>,
        words: String,
    },
    TextIn(Vec<String>),
    TextNotIn(Vec<String>),
    /// Either of two: what is above a range or below it.
    Outside {
        low: Box<Check>,
        high: Box<Check>,
    },
    /// On a timestamp, by the time of the write.
    Now(NowCheck),
    /// A condition that the contract writes out.
    Rule(Arc<ValueRule>),
    /// Of a repeated or map field.
    MinItems(u64),
    MaxItems(u64),
    /// Of a repeated field of scalars: no two elements are the same.
    Unique,
}

/// Where a timestamp lies, seen from the time of the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NowCheck {
    Past,
    Future,
    /// No further away than so many microseconds.
    Within {
        micros: i64,
        words: String,
    },
}

impl NowCheck {
    fn holds(&self, time: i64, now: i64) -> bool {
        match self {
            NowCheck::Past => time < now,
            NowCheck::Future => time > now,
            NowCheck::Within { micros, .. } => time.abs_diff(now) <= micros.unsigned_abs(),
        }
    }
}

impl std::fmt::Display for NowCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NowCheck::Past => f.write_str("must be in the past"),
            NowCheck::Future => f.write_str("must be in the future"),
            NowCheck::Within { words, .. } => write!(f, "must be no further than {words} from now"),
        }
    }
}

/// A constraint on bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum BytesCheck {
    /// Text of this form.
    Pattern(Pattern),
    /// As many as one of these, which is what that is called.
    Sizes(&'static [u64], &'static str),
    MinLen(u64),
    MaxLen(u64),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Contains(Vec<u8>),
    In(Vec<Vec<u8>>),
    NotIn(Vec<Vec<u8>>),
}

impl BytesCheck {
    fn holds(&self, bytes: &[u8]) -> bool {
        match self {
            BytesCheck::Pattern(pattern) => std::str::from_utf8(bytes).is_ok_and(|text| pattern.matches(text)),
            BytesCheck::Sizes(sizes, _) => sizes.contains(&(bytes.len() as u64)),
            BytesCheck::MinLen(bound) => bytes.len() as u64 >= *bound,
            BytesCheck::MaxLen(bound) => bytes.len() as u64 <= *bound,
            BytesCheck::Prefix(part) => bytes.starts_with(part),
            BytesCheck::Suffix(part) => bytes.ends_with(part),
            BytesCheck::Contains(part) => part.is_empty() || bytes.windows(part.len()).any(|window| window == part),
            BytesCheck::In(values) => values.iter().any(|value| value == bytes),
            BytesCheck::NotIn(values) => !values.iter().any(|value| value == bytes),
        }
    }
}

impl std::fmt::Display for BytesCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = |bytes: &Vec<u8>| format!("0x{}", HEXLOWER.encode(bytes));
        let all = |values: &[Vec<u8>]| list(&values.iter().map(hex).collect::<Vec<_>>());
        match self {
            BytesCheck::Pattern(pattern) => write!(f, "must be text that matches {}", pattern.source),
            BytesCheck::Sizes(sizes, noun) => {
                let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
                write!(f, "must be {noun}, {} bytes", sizes.join(" or "))
            }
            BytesCheck::MinLen(bound) => write!(f, "must have at least {bound} {}", plural(*bound, "byte")),
            BytesCheck::MaxLen(bound) => write!(f, "must have at most {bound} {}", plural(*bound, "byte")),
            BytesCheck::Prefix(part) => write!(f, "must begin with {}", hex(part)),
            BytesCheck::Suffix(part) => write!(f, "must end with {}", hex(part)),
            BytesCheck::Contains(part) => write!(f, "must contain {}", hex(part)),
            BytesCheck::In(values) => write!(f, "must be one of {}", all(values)),
            BytesCheck::NotIn(values) => write!(f, "must be none of {}", all(values)),
        }
    }
}

/// Integers that a field may or may not have; those of an enum have names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Integers {
    values: Vec<i64>,
    /// Beside each value, its name (its digits where the enum has none for it); empty where the field is no enum.
    names: Vec<String>,
}

impl Integers {
    /// Plain numbers.
    pub fn new(values: Vec<i64>) -> Integers {
        Integers { values, names: Vec::new() }
    }

    /// The numbers of an enum, each with its name.
    pub fn named(values: Vec<i64>, name: impl Fn(i64) -> Option<String>) -> Integers {
        let names = values.iter().map(|value| name(*value).unwrap_or_else(|| value.to_string())).collect();
        Integers { values, names }
    }

    /// The numbers.
    pub fn iter(&self) -> std::slice::Iter<'_, i64> {
        self.values.iter()
    }

    /// As a client writes them.
    fn words(&self) -> String {
        if self.names.is_empty() { list(&self.values) } else { list(&self.names) }
    }
}

impl Check {
    /// Says what the value must be where it is not; nothing where it is as it must be. NULL is taken for the zero of the
    /// check's type, so whether an unset value is checked at all is the caller's to decide. What hangs on the time is not
    /// checked where `now`, in microseconds, is not known.
    pub fn violated_by(&self, value: &Value, now: Option<i64>) -> Option<String> {
        match self {
            Check::MinItems(_) | Check::MaxItems(_) | Check::Unique => match value {
                Value::Json(text) => self.violated_by_elements(&stored_json(text).unwrap_or_default()),
                _ => self.violated_by_elements(&serde_json::Value::Null),
            },
            Check::Known(check) => {
                let held = if let Value::Json(text) = value { stored_json(text) } else { None };
                (!check.holds(&held.unwrap_or_default())).then(|| check.to_string())
            }
            Check::Rule(rule) => rule.violated_by(value),
            Check::Now(check) => now.filter(|now| !check.holds(int(value.borrow()), *now)).map(|_| check.to_string()),
            _ if self.holds(value.borrow()) => None,
            _ => Some(self.description()),
        }
    }

    /// The same for the elements of a list or the entries of a map.
    pub(crate) fn violated_by_elements(&self, value: &serde_json::Value) -> Option<String> {
        if let Check::Rule(rule) = self {
            return rule.violated_by(&document(value));
        }
        if let Check::Known(check) = self {
            return (!check.holds(value)).then(|| check.to_string());
        }
        let count = match value {
            serde_json::Value::Array(items) => items.len() as u64,
            serde_json::Value::Object(entries) => entries.len() as u64,
            _ => 0,
        };
        let holds = match self {
            Check::MinItems(bound) => count >= *bound,
            Check::MaxItems(bound) => count <= *bound,
            Check::Unique => return twice(value).map(|at| format!("{self}: element {at} stands there before")),
            _ => true,
        };
        (!holds).then(|| format!("{self}, not {count}"))
    }

    /// What a client is told that the value must be: as the check is written, enum values by name.
    pub fn description(&self) -> String {
        match self {
            Check::IntIn(values) => format!("must be one of {}", values.words()),
            Check::IntNotIn(values) => format!("must be none of {}", values.words()),
            other => other.to_string(),
        }
    }

    fn holds(&self, value: ValueRef<'_>) -> bool {
        match self {
            Check::IntMin { bound, exclusive } => int(value) > *bound || (!exclusive && int(value) == *bound),
            Check::IntMax { bound, exclusive } => int(value) < *bound || (!exclusive && int(value) == *bound),
            Check::IntIn(values) => values.values.contains(&int(value)),
            Check::IntNotIn(values) => !values.values.contains(&int(value)),
            Check::DoubleMin { bound, exclusive } => double(value) > *bound || (!exclusive && double(value) == *bound),
            Check::DoubleMax { bound, exclusive } => double(value) < *bound || (!exclusive && double(value) == *bound),
            Check::DoubleIn(values) => values.contains(&double(value)),
            Check::DoubleNotIn(values) => !values.contains(&double(value)),
            Check::BoolIs(wanted) => matches!(value, ValueRef::Bool(true)) == *wanted,
            Check::TextMinLen(bound) => length(text(value)) >= *bound,
            Check::TextMaxLen(bound) => length(text(value)) <= *bound,
            Check::TextPattern(pattern) => pattern.matches(text(value)),
            Check::TextIn(values) => values.iter().any(|wanted| wanted == text(value)),
            Check::TextNotIn(values) => !values.iter().any(|wanted| wanted == text(value)),
            Check::DoubleFinite => double(value).is_finite(),
            Check::TextMinBytes(bound) => text(value).len() as u64 >= *bound,
            Check::TextMaxBytes(bound) => text(value).len() as u64 <= *bound,
            Check::TextPrefix(part) => text(value).starts_with(part.as_str()),
            Check::TextSuffix(part) => text(value).ends_with(part.as_str()),
            Check::TextContains(part) => text(value).contains(part.as_str()),
            Check::TextNotContains(part) => !text(value).contains(part.as_str()),
            Check::TextFormat(format) => format.matches(text(value)),
            Check::Bytes(check) => check.holds(if let ValueRef::Bytes(bytes) = value { bytes } else { &[] }),
            Check::Time { check, .. } => check.holds(value),
            Check::Outside { low, high } => low.holds(value) || high.holds(value),
            Check::Now(_) | Check::Rule(_) | Check::Known(_) => true,
            Check::MinItems(_) | Check::MaxItems(_) | Check::Unique => true,
        }
    }
}

/// What the check is, by which the ledger knows it again: enum values by number, so that renaming one changes nothing.
impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Check::IntMin { bound, exclusive: false } => write!(f, "must be at least {bound}"),
            Check::IntMin { bound, exclusive: true } => write!(f, "must be greater than {bound}"),
            Check::IntMax { bound, exclusive: false } => write!(f, "must be at most {bound}"),
            Check::IntMax { bound, exclusive: true } => write!(f, "must be less than {bound}"),
            Check::DoubleMin { bound, exclusive: false } => write!(f, "must be at least {bound}"),
            Check::DoubleMin { bound, exclusive: true } => write!(f, "must be greater than {bound}"),
            Check::DoubleMax { bound, exclusive: false } => write!(f, "must be at most {bound}"),
            Check::DoubleMax { bound, exclusive: true } => write!(f, "must be less than {bound}"),
            Check::IntIn(values) => write!(f, "must be one of {}", list(&values.values)),
            Check::IntNotIn(values) => write!(f, "must be none of {}", list(&values.values)),
            Check::DoubleIn(values) => write!(f, "must be one of {}", list(values)),
            Check::DoubleNotIn(values) => write!(f, "must be none of {}", list(values)),
            Check::BoolIs(wanted) => write!(f, "must be {wanted}"),
            Check::TextMinLen(bound) => write!(f, "must have at least {bound} {}", plural(*bound, "character")),
            Check::TextMaxLen(bound) => write!(f, "must have at most {bound} {}", plural(*bound, "character")),
            Check::TextPattern(pattern) => write!(f, "must match {}", pattern.source),
            Check::TextIn(values) => write!(f, "must be one of {}", quoted(values)),
            Check::TextNotIn(values) => write!(f, "must be none of {}", quoted(values)),
            Check::DoubleFinite => f.write_str("must be finite"),
            Check::TextMinBytes(bound) => write!(f, "must have at least {bound} {}", plural(*bound, "byte")),
            Check::TextMaxBytes(bound) => write!(f, "must have at most {bound} {}", plural(*bound, "byte")),
            Check::TextPrefix(part) => write!(f, "must begin with {part:?}"),
            Check::TextSuffix(part) => write!(f, "must end with {part:?}"),
            Check::TextContains(part) => write!(f, "must contain {part:?}"),
            Check::TextNotContains(part) => write!(f, "must not contain {part:?}"),
            Check::TextFormat(format) => write!(f, "must be {}", format.noun()),
            Check::Bytes(check) => check.fmt(f),
            Check::Known(check) => check.fmt(f),
            Check::Time { words, .. } => f.write_str(words),
            Check::Outside { low, high } => {
                let high = high.to_string();
                write!(f, "{low} or {}", high.strip_prefix("must be ").unwrap_or(&high))
            }
            Check::Now(check) => check.fmt(f),
            Check::Rule(rule) => rule.fmt(f),
            Check::Unique => f.write_str("must have no element twice"),
            Check::MinItems(bound) => write!(f, "must have at least {bound} {}", plural(*bound, "element")),
            Check::MaxItems(bound) => write!(f, "must have at most {bound} {}", plural(*bound, "element")),
        }
    }
}

/// Whether a value is what the field has when it was never set.
pub(crate) fn is_zero(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Null => true,
        ValueRef::Bool(value) => !value,
        ValueRef::Int(value) => value == 0,
        ValueRef::Double(value) => value == 0.0,
        ValueRef::Text(value) => value.is_empty(),
        ValueRef::Bytes(value) => value.is_empty(),
        ValueRef::Timestamp(_) | ValueRef::Json(_) => false,
    }
}

/// Whether a scalar field with this value is set: a zero is a value only where the field has presence.
pub(crate) fn is_set(value: ValueRef<'_>, presence: bool) -> bool {
    if presence { value != ValueRef::Null } else { !is_zero(value) }
}

/// A JSON scalar as the column value of the same field would be.
pub(crate) fn scalar(json: &serde_json::Value, kind: Kind) -> Value {
    match (json, kind) {
        (json, Kind::Json) => document(json),
        (serde_json::Value::Bool(value), _) => Value::Bool(*value),
        (serde_json::Value::Number(value), Kind::Timestamp) => value.as_i64().map_or(Value::Null, Value::Timestamp),
        (serde_json::Value::Number(value), Kind::Double) => value.as_f64().map_or(Value::Null, Value::Double),
        (serde_json::Value::Number(value), _) => value.as_i64().map_or(Value::Null, Value::Int),
        (serde_json::Value::String(value), Kind::Double) => match value.as_str() {
            "Infinity" => Value::Double(f64::INFINITY),
            "-Infinity" => Value::Double(f64::NEG_INFINITY),
            _ => Value::Null,
        },
        (serde_json::Value::String(value), Kind::Bytes) => {
            BASE64.decode(value.as_bytes()).map_or(Value::Null, Value::Bytes)
        }
        (serde_json::Value::String(value), _) => Value::Text(value.clone()),
        _ => Value::Null,
    }
}

/// What lies in a document as the value of a column of its own.
pub(crate) fn document(json: &serde_json::Value) -> Value {
    if json.is_null() { Value::Null } else { Value::Json(json.to_string()) }
}

/// The first element of a list of scalars that stands in it before.
fn twice(value: &serde_json::Value) -> Option<usize> {
    let mut seen = HashSet::new();
    // What is stored has one spelling.
    value.as_array()?.iter().position(|element| !seen.insert(element.to_string()))
}

pub(crate) fn int(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Int(value) | ValueRef::Timestamp(value) => value,
        _ => 0,
    }
}

fn double(value: ValueRef<'_>) -> f64 {
    match value {
        ValueRef::Double(value) => value,
        _ => 0.0,
    }
}

fn text<'v>(value: ValueRef<'v>) -> &'v str {
    match value {
        ValueRef::Text(value) => value,
        _ => "",
    }
}

fn length(text: &str) -> u64 {
    text.chars().count() as u64
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn list<T: std::fmt::Display>(values: &[T]) -> String {
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        let _ = write!(out, "{}{value}", if i == 0 { "" } else { ", " });
    }
    out
}

fn quoted(values: &[String]) -> String {
    list(&values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>())
}
