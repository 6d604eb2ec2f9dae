//! Reads the options of `buf.validate`, whose messages are known by their descriptors alone.

use prost_reflect::{DynamicMessage, Value};

/// A message that a rule holds, where it is set.
pub fn message(rules: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let value = rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten()?;
    value.as_message().cloned()
}

/// The values of a repeated rule.
pub fn list(rules: &DynamicMessage, name: &str) -> Vec<Value> {
    rules.get_field_by_name(name).and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
}

/// The same of texts.
pub fn texts(rules: &DynamicMessage, name: &str) -> Vec<String> {
    list(rules, name).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// A text, where it is set.
pub fn string(rules: &DynamicMessage, name: &str) -> Option<String> {
    let value = rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten()?;
    value.as_str().map(str::to_owned)
}

/// A count, where it is set.
pub fn count(rules: &DynamicMessage, name: &str) -> Option<u64> {
    let value = rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten()?;
    value.as_u64()
}

/// Whether a flag is set.
pub fn flag(rules: &DynamicMessage, name: &str) -> bool {
    rules.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or_default()
}

/// The number of an enum's value.
pub fn number(rules: &DynamicMessage, name: &str) -> Option<i32> {
    rules.get_field_by_name(name)?.as_enum_number()
}

/// A whole number of any kind.
pub fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::I32(number) | Value::EnumNumber(number) => Some((*number).into()),
        Value::I64(number) => Some((*number).into()),
        Value::U32(number) => Some((*number).into()),
        Value::U64(number) => Some((*number).into()),
        _ => None,
    }
}

/// A float or a double.
pub fn double(value: &Value) -> Option<f64> {
    match value {
        Value::F64(number) => Some(*number),
        Value::F32(number) => Some(f64::from(*number)),
        _ => None,
    }
}

/// Any number, as far as a double holds it.
pub fn real(value: &Value) -> Option<f64> {
    json(value)?.as_f64()
}

/// A number as JSON has it; one that is not finite it has not.
pub fn json(value: &Value) -> Option<serde_json::Number> {
    match value {
        Value::F64(number) => serde_json::Number::from_f64(*number),
        // The shortest text that is this float, not the digits of the nearest double.
        Value::F32(number) => number.to_string().parse().ok().and_then(serde_json::Number::from_f64),
        value => serde_json::Number::from_i128(integer(value)?),
    }
}
