//! JSON that goes through protobuf as a `google.protobuf.Struct`.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct};
use serde_json::{Map, Number, Value};

/// Writes an object; what is none is empty.
pub(super) fn to_struct(value: Value) -> Struct {
    match value {
        Value::Object(members) => {
            Struct { fields: members.into_iter().map(|(name, value)| (name, to_value(value))).collect() }
        }
        _ => Struct::default(),
    }
}

fn to_value(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        Value::String(value) => Kind::StringValue(value),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(to_value).collect() }),
        object @ Value::Object(_) => Kind::StructValue(to_struct(object)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// Reads an object. Whole numbers are whole again.
pub(super) fn from_struct(value: Struct) -> Value {
    Value::Object(value.fields.into_iter().map(|(name, value)| (name, from_value(value))).collect::<Map<_, _>>())
}

fn from_value(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(value)) => number(value),
        Some(Kind::StringValue(value)) => Value::String(value),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(from_value).collect()),
        Some(Kind::StructValue(value)) => from_struct(value),
    }
}

fn number(value: f64) -> Value {
    let text = value.to_string();
    text.parse::<i64>().map(Number::from).ok().or_else(|| Number::from_f64(value)).map_or(Value::Null, Value::Number)
}
