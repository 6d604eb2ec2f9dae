//! Where the value of an effect is put.

use mainstay_contract::{Numeric, Slot};
use mainstay_record::{Kind, Layout, Value};
use serde_json::Value as Json;

use crate::plans::{ResourcePlan, unset};

/// A value that its field cannot hold.
pub struct Unfit;

/// What integers a field may hold.
fn holds(numeric: Option<Numeric>, number: i64) -> bool {
    match numeric {
        Some(Numeric::Int32) => i32::try_from(number).is_ok(),
        Some(Numeric::Uint32) => u32::try_from(number).is_ok(),
        Some(Numeric::Uint64) => number >= 0,
        _ => true,
    }
}

fn fitting(numeric: Option<Numeric>, value: Value) -> Result<Value, Unfit> {
    match value {
        Value::Int(number) if !holds(numeric, number) => Err(Unfit),
        Value::Double(number) if number.is_nan() => Err(Unfit),
        #[expect(clippy::cast_possible_truncation, reason = "a float has no more precision")]
        Value::Double(number) if numeric == Some(Numeric::Float) => Ok(Value::Double(f64::from(number as f32) + 0.0)),
        other => Ok(other),
    }
}

/// Puts a value into a row. The messages that it lies in are set by that, and of a oneof the other fields are unset, as if a
/// client had set this one.
pub fn put(slot: &Slot, plan: &ResourcePlan, row: &mut [Value], value: Value) -> Result<(), Unfit> {
    let layout = &plan.resource.layout;
    let touched = match slot {
        Slot::Column { column, .. } => std::slice::from_ref(column),
        Slot::Reference { columns, .. } => columns.as_slice(),
        Slot::Element { .. } => return Err(Unfit),
    };
    let is_set = value != Value::Null;
    write(slot, layout, row, value)?;
    if is_set {
        for column in plan.record.around(touched) {
            row[column] = Value::Bool(true);
        }
    }
    for column in plan.record.unset_with(touched, row) {
        row[column] = unset(&layout.columns[column]);
    }
    Ok(())
}

fn write(slot: &Slot, layout: &Layout, row: &mut [Value], value: Value) -> Result<(), Unfit> {
    match slot {
        Slot::Column { column, numeric } => {
            let declared = &layout.columns[*column];
            row[*column] = match (fitting(*numeric, value)?, declared.kind) {
                (Value::Null, _) => unset(declared),
                // Inside a document a moment is a number.
                (Value::Int(micros), Kind::Timestamp) => Value::Timestamp(micros),
                (Value::Timestamp(micros), Kind::Int) => Value::Int(micros),
                (value, _) => value,
            };
        }
        Slot::Reference { columns, template } => {
            let key: Option<Vec<Value>> = match &value {
                Value::Text(name) if !name.is_empty() => {
                    let parts = template.parse(name).ok_or(Unfit)?;
                    Some(parts.into_iter().map(|part| Value::Text(part.to_owned())).collect())
                }
                _ => None,
            };
            for (at, column) in columns.iter().enumerate() {
                row[*column] = key.as_ref().and_then(|key| key.get(at)).cloned().unwrap_or_default();
            }
        }
        Slot::Element { .. } => return Err(Unfit),
    }
    Ok(())
}

/// Puts a value into an element of a list.
pub fn put_into(slot: &Slot, element: &mut Json, value: Value) -> Result<(), Unfit> {
    let Slot::Element { keys, numeric, presence, others } = slot else { return Err(Unfit) };
    let Some((last, above)) = keys.split_last() else { return Err(Unfit) };
    let json = in_document(fitting(*numeric, value)?, *presence);
    let mut at = &mut *element;
    for key in above {
        if at.get(key).is_none() && json.is_none() {
            return Ok(());
        }
        let Json::Object(fields) = at else { return Err(Unfit) };
        at = fields.entry(key.clone()).or_insert_with(|| Json::Object(serde_json::Map::new()));
    }
    let Json::Object(fields) = at else { return Err(Unfit) };
    let Some(json) = json else {
        fields.remove(last);
        return Ok(());
    };
    fields.insert(last.clone(), json);
    others.iter().for_each(|keys| remove(element, keys));
    Ok(())
}

/// Takes what lies under these keys out of a document.
fn remove(document: &mut Json, keys: &[String]) {
    let Some((last, above)) = keys.split_last() else { return };
    let outer = above.iter().try_fold(document, |at, key| at.get_mut(key));
    if let Some(Json::Object(fields)) = outer {
        fields.remove(last);
    }
}

/// A value as documents have it; nothing where it is left out of them.
fn in_document(value: Value, presence: bool) -> Option<Json> {
    let (json, zero) = match value {
        Value::Null | Value::Bytes(_) | Value::Json(_) => return None,
        Value::Bool(flag) => (Json::Bool(flag), !flag),
        Value::Int(number) | Value::Timestamp(number) => (Json::from(number), number == 0),
        Value::Double(number) if number.is_infinite() => {
            (Json::from(if number > 0.0 { "Infinity" } else { "-Infinity" }), false)
        }
        Value::Double(number) => (Json::from(number), number == 0.0),
        Value::Text(text) => {
            let empty = text.is_empty();
            (Json::String(text), empty)
        }
    };
    (presence || !zero).then_some(json)
}
