//! Claims on the wire: a `google.protobuf.Struct`.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as PbValue};
use serde_json::{Map, Value};

use crate::domain::claims::{Claims, ClaimsError, number};

/// Reads claims. How deep they are nested is bounded by the decoder.
pub(super) fn claims_from_pb(given: Struct) -> Result<Claims, ClaimsError> {
    Claims::new(map_from_pb(given)?)
}

fn map_from_pb(given: Struct) -> Result<Map<String, Value>, ClaimsError> {
    given.fields.into_iter().map(|(name, value)| Ok((name, value_from_pb(value)?))).collect()
}

fn value_from_pb(value: PbValue) -> Result<Value, ClaimsError> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(value)) => Value::Number(number(value)?),
        Some(Kind::StringValue(value)) => Value::String(value),
        Some(Kind::StructValue(inner)) => Value::Object(map_from_pb(inner)?),
        Some(Kind::ListValue(list)) => {
            Value::Array(list.values.into_iter().map(value_from_pb).collect::<Result<_, _>>()?)
        }
    })
}

/// Writes claims: nothing where there are none.
pub(super) fn claims_to_pb(claims: &Claims) -> Option<Struct> {
    (!claims.is_empty()).then(|| map_to_pb(claims.as_map()))
}

fn map_to_pb(map: &Map<String, Value>) -> Struct {
    Struct { fields: map.iter().map(|(name, value)| (name.clone(), value_to_pb(value))).collect() }
}

fn value_to_pb(value: &Value) -> PbValue {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Object(inner) => Kind::StructValue(map_to_pb(inner)),
        Value::Array(items) => Kind::ListValue(ListValue { values: items.iter().map(value_to_pb).collect() }),
    };
    PbValue { kind: Some(kind) }
}
