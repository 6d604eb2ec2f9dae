//! The values that a column can hold.

use serde::{Deserialize, Serialize};

/// What a column holds, independent of the engine.
///
/// | kind | SQLite | PostgreSQL |
/// |---|---|---|
/// | `Bool` | BOOLEAN (0 or 1) | BOOLEAN |
/// | `Int` | BIGINT | BIGINT |
/// | `Double` | DOUBLE | DOUBLE PRECISION |
/// | `Text` | TEXT, binary collation | TEXT, collation "C" |
/// | `Bytes` | BLOB | BYTEA |
/// | `Timestamp` | BIGINT, microseconds since 1970 UTC | TIMESTAMPTZ |
/// | `Json` | TEXT | JSONB |
///
/// Durations (microseconds), dates (`yyyymmdd`, zero parts where the date is partial) and enums (their number) are `Int`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Bool,
    Int,
    Double,
    Text,
    Bytes,
    Timestamp,
    Json,
}

/// One owned value. `Timestamp` counts microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Timestamp(i64),
    Json(String),
}

/// One borrowed value, as a row cursor yields it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Timestamp(i64),
    Json(&'a str),
}

impl Value {
    /// Borrows the value.
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Bool(*v),
            Value::Int(v) => ValueRef::Int(*v),
            Value::Double(v) => ValueRef::Double(*v),
            Value::Text(v) => ValueRef::Text(v),
            Value::Bytes(v) => ValueRef::Bytes(v),
            Value::Timestamp(v) => ValueRef::Timestamp(*v),
            Value::Json(v) => ValueRef::Json(v),
        }
    }

    /// Appends the value so that no other one, and no two others behind each other, are the same bytes.
    pub fn put_content(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(b'n'),
            Value::Bool(value) => out.extend_from_slice(&[b'b', u8::from(*value)]),
            Value::Text(text) => delimited(b's', text.as_bytes(), out),
            Value::Bytes(bytes) => delimited(b'y', bytes, out),
            Value::Json(text) => delimited(b'j', text.as_bytes(), out),
            Value::Int(value) => fixed(b'i', value.to_le_bytes(), out),
            Value::Timestamp(value) => fixed(b't', value.to_le_bytes(), out),
            Value::Double(value) => fixed(b'd', value.to_bits().to_le_bytes(), out),
        }
    }

    /// Says whether the value is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

fn delimited(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn fixed(kind: u8, bytes: [u8; 8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&bytes);
}

impl ValueRef<'_> {
    /// Copies the value.
    pub fn to_owned(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(v) => Value::Bool(v),
            ValueRef::Int(v) => Value::Int(v),
            ValueRef::Double(v) => Value::Double(v),
            ValueRef::Text(v) => Value::Text(v.to_owned()),
            ValueRef::Bytes(v) => Value::Bytes(v.to_owned()),
            ValueRef::Timestamp(v) => Value::Timestamp(v),
            ValueRef::Json(v) => Value::Json(v.to_owned()),
        }
    }
}

impl Kind {
    /// The value that an implicit-presence field has when it was never set; what `NOT NULL DEFAULT` says in SQL.
    pub fn zero(self) -> Value {
        match self {
            Kind::Bool => Value::Bool(false),
            Kind::Int => Value::Int(0),
            Kind::Double => Value::Double(0.0),
            Kind::Text => Value::Text(String::new()),
            Kind::Bytes => Value::Bytes(Vec::new()),
            Kind::Timestamp | Kind::Json => Value::Null,
        }
    }
}
