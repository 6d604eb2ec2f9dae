//! Constants in DDL.

use data_encoding::HEXLOWER;
use mainstay_record::Value;
use mainstay_record::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Dialect;

/// A constant in DDL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Microseconds since 1970 UTC.
    Timestamp(i64),
    Json(String),
    /// The time at which the step runs, for a timestamp column.
    Now,
}

impl Literal {
    /// The constant that a value is, or nothing for NULL.
    pub fn from_value(value: &Value) -> Option<Literal> {
        match value {
            Value::Null => None,
            Value::Bool(v) => Some(Literal::Bool(*v)),
            Value::Int(v) => Some(Literal::Int(*v)),
            Value::Double(v) => Some(Literal::Double(*v)),
            Value::Text(v) => Some(Literal::Text(v.clone())),
            Value::Bytes(v) => Some(Literal::Bytes(v.clone())),
            Value::Timestamp(v) => Some(Literal::Timestamp(*v)),
            Value::Json(v) => Some(Literal::Json(v.clone())),
        }
    }
}

/// Writes a constant. A text keeps every character: the only one with a meaning inside quotes is the quote, doubled.
pub(crate) fn literal(dialect: Dialect, literal: &Literal) -> String {
    let postgres = dialect == Dialect::Postgres;
    match literal {
        Literal::Bool(true) => "TRUE".to_owned(),
        Literal::Bool(false) => "FALSE".to_owned(),
        Literal::Int(v) => v.to_string(),
        Literal::Double(v) => double(dialect, *v),
        Literal::Text(v) => text(v),
        Literal::Json(v) => {
            if postgres {
                format!("{}::jsonb", text(v))
            } else {
                text(v)
            }
        }
        Literal::Bytes(v) => {
            let hex = HEXLOWER.encode(v);
            if postgres { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") }
        }
        Literal::Timestamp(v) => {
            if postgres {
                // A constant, where moving the epoch would be a function of the session's time zone: no index takes that.
                let mut text = Vec::new();
                Timestamp::from_micros(*v).put(&mut text);
                format!("'{}'::timestamptz", String::from_utf8_lossy(&text))
            } else {
                v.to_string()
            }
        }
        Literal::Now => {
            if postgres {
                "now()".to_owned()
            } else {
                "CAST(unixepoch('subsec') * 1000000 AS INTEGER)".to_owned()
            }
        }
    }
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\0', "").replace('\'', "''"))
}

fn double(dialect: Dialect, value: f64) -> String {
    match (value.is_nan(), value.is_infinite(), dialect) {
        (true, _, _) => "NULL".to_owned(),
        (_, true, Dialect::Sqlite) => if value > 0.0 { "9e999" } else { "-9e999" }.to_owned(),
        (_, true, Dialect::Postgres) => format!("'{value}'::double precision"),
        (_, false, _) => format!("{value:?}"),
    }
}
