//! What an expression has come to while it is computed.

use std::borrow::Cow;

use mainstay_record::{Kind, Value, stored_json};
use serde_json::Value as Json;

/// The outcome of a condition: Kleene's three, and what hangs on a record that is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Null,
    Unknown,
}

impl Truth {
    pub(super) fn of(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

/// A value while it is computed: borrowed where it can be.
pub(super) enum Val<'v> {
    Null,
    /// Hangs on a record that is left out: perhaps NULL, perhaps not.
    Unknown,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'v, str>),
    Bytes(Cow<'v, [u8]>),
    Timestamp(i64),
    Json(Cow<'v, Json>),
    Roles(&'v [String]),
}

impl<'v> Val<'v> {
    pub(super) fn text(text: Option<&'v str>) -> Val<'v> {
        text.map_or(Val::Null, |text| Val::Text(Cow::Borrowed(text)))
    }

    pub(super) fn truth(truth: Truth) -> Val<'v> {
        match truth {
            Truth::True => Val::Bool(true),
            Truth::False => Val::Bool(false),
            Truth::Null => Val::Null,
            Truth::Unknown => Val::Unknown,
        }
    }

    /// What a strict operator makes of an operand that it cannot use.
    pub(super) fn nothing(self) -> Val<'v> {
        if matches!(self, Val::Unknown) { Val::Unknown } else { Val::Null }
    }

    pub(super) fn stored(value: &'v Value) -> Val<'v> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(v) => Val::Bool(*v),
            Value::Int(v) => Val::Int(*v),
            Value::Double(v) => Val::Double(*v),
            Value::Text(v) => Val::Text(Cow::Borrowed(v)),
            Value::Bytes(v) => Val::Bytes(Cow::Borrowed(v)),
            Value::Timestamp(v) => Val::Timestamp(*v),
            Value::Json(v) => stored_json(v).map_or(Val::Null, |json| Val::Json(Cow::Owned(json))),
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Val::Null | Val::Unknown => Value::Null,
            Val::Bool(v) => Value::Bool(v),
            Val::Int(v) => Value::Int(v),
            Val::Double(v) => Value::Double(v),
            Val::Text(v) => Value::Text(v.into_owned()),
            Val::Bytes(v) => Value::Bytes(v.into_owned()),
            Val::Timestamp(v) => Value::Timestamp(v),
            Val::Json(v) => Value::Json(v.to_string()),
            Val::Roles(v) => Value::Json(Json::from(v).to_string()),
        }
    }
}

/// The scalar, or the document, that stands in a document.
pub(super) fn scalar(json: Cow<'_, Json>, kind: Kind) -> Val<'_> {
    let value = match kind {
        Kind::Bool => json.as_bool().map(Val::Bool),
        Kind::Int => json.as_i64().map(Val::Int),
        Kind::Double => match json.as_str() {
            Some("Infinity") => Some(Val::Double(f64::INFINITY)),
            Some("-Infinity") => Some(Val::Double(f64::NEG_INFINITY)),
            _ => json.as_f64().map(Val::Double),
        },
        Kind::Text => match json {
            Cow::Borrowed(json) => json.as_str().map(|text| Val::Text(Cow::Borrowed(text))),
            Cow::Owned(Json::String(text)) => Some(Val::Text(Cow::Owned(text))),
            Cow::Owned(_) => None,
        },
        Kind::Json => (!json.is_null()).then_some(Val::Json(json)),
        Kind::Bytes | Kind::Timestamp => None,
    };
    value.unwrap_or(Val::Null)
}
