//! Conditions that are written once and asked of many fields: extensions of the messages that hold constraints, such as
//! `buf.validate.StringRules`, with `(buf.validate.predefined)`.

use mainstay_expr::{Given, Said};
use mainstay_record::time::{Duration, Timestamp};
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};

use super::written::{Predefined, Written};
use crate::options::{items, predefined, text};

/// Those that constraints name, in the order of their numbers.
pub(super) fn of(rules: &DynamicMessage) -> Vec<Written> {
    let mut found = Vec::new();
    for (family, value) in rules.fields() {
        let Value::Message(family_rules) = value else { continue };
        if family.containing_oneof().is_none() {
            continue;
        }
        let mut named: Vec<_> = family_rules.extensions().collect();
        named.sort_by_key(|(extension, _)| extension.number());
        for (extension, value) in named {
            let Some(option) = predefined(&extension) else { continue };
            let said = given(value).map(|rule| Said { rule, rules: beside(family_rules) });
            found.extend(items(&option, "cel").iter().enumerate().filter_map(|(position, written)| {
                let Value::Message(written) = written else { return None };
                let [id, message, source] = ["id", "message", "expression"].map(|name| text(written, name));
                let predefined = Predefined { extension: extension.clone(), said: said.clone() };
                Some(Written { id, message, source, bare: false, list: "cel", position, predefined: Some(predefined) })
            }));
        }
    }
    found
}

/// The standard constraints beside an extension.
fn beside(rules: &DynamicMessage) -> Vec<(String, bool, Given)> {
    let fields = rules.descriptor();
    let fields = fields.fields().filter_map(|field: FieldDescriptor| {
        let value = given(&rules.get_field(&field))?;
        Some((field.name().to_owned(), rules.has_field(&field), value))
    });
    fields.collect()
}

fn given(value: &Value) -> Option<Given> {
    Some(match value {
        Value::Bool(value) => Given::Bool(*value),
        Value::I32(value) | Value::EnumNumber(value) => Given::Int(i64::from(*value)),
        Value::I64(value) => Given::Int(*value),
        Value::U32(value) => Given::Int(i64::from(*value)),
        Value::U64(value) => Given::Int(i64::try_from(*value).ok()?),
        Value::F32(value) => Given::Double(f64::from(*value)),
        Value::F64(value) => Given::Double(*value),
        Value::String(value) => Given::Text(value.clone()),
        Value::Bytes(value) => Given::Bytes(value.to_vec()),
        Value::List(values) => Given::List(values.iter().map(given).collect::<Option<_>>()?),
        Value::Message(message) => time(message)?,
        Value::Map(_) => return None,
    })
}

fn time(message: &DynamicMessage) -> Option<Given> {
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    let nanos = message.get_field_by_name("nanos")?.as_i32()?;
    let mut shown = Vec::new();
    let is_duration = message.descriptor().full_name() == "google.protobuf.Duration";
    match is_duration {
        true => Duration { seconds, nanos }.check().ok()?.put(&mut shown),
        false => Timestamp { seconds, nanos }.check().ok()?.put(&mut shown),
    }
    let shown = String::from_utf8(shown).ok()?;
    Some(if is_duration { Given::Duration(shown) } else { Given::Timestamp(shown) })
}
