//! What is said of a message or a field in Mainstay's own options, one statement each: by which a contract is known to say
//! something else than before, whatever it is.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

use crate::options::of_field;

/// The options that are read, each with the name by which its statements begin.
const READ: [(&str, &str); 5] = [
    ("mainstay.v1.resource", "resource"),
    ("mainstay.v1.field", "field"),
    ("mainstay.v1.states", "states"),
    ("buf.validate.message", "validate"),
    ("buf.validate.oneof", "validate.oneof"),
];

/// What is a statement by itself: who may take a row along a transition, and when, changes apart from where it leads.
const APART: [&str; 2] = ["access", "guard"];

/// The field of a statement by which it is known again among others: `predicate.editable`.
const NAME: &str = "name";

/// The statements of a message, by name: `resource.predicate.editable`.
pub fn stated_of_message(message: &MessageDescriptor) -> BTreeMap<String, String> {
    statements(&message.options())
}

/// The statements of a field, by name: `field.read`, `states.transition.Place`; what is said of its oneof is said of each field.
pub fn stated_of_field(field: &FieldDescriptor) -> BTreeMap<String, String> {
    let mut found = of_field(field).map(|options| statements(&options)).unwrap_or_default();
    if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
        found.append(&mut statements(&oneof.options()));
    }
    found
}

fn statements(options: &DynamicMessage) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (extension, value) in options.extensions() {
        let read = READ.iter().find(|(name, _)| *name == extension.full_name());
        if let (Some((_, short)), Value::Message(option)) = (read, value) {
            for (field, value) in option.fields() {
                collect(&format!("{short}.{}", field.name()), &field, value, &mut found);
            }
        }
    }
    found
}

/// A list of what has names is as many statements; all else is one.
fn collect(name: &str, field: &FieldDescriptor, value: &Value, found: &mut BTreeMap<String, String>) {
    let Value::List(values) = value else {
        found.insert(name.to_owned(), of_kind(field, value));
        return;
    };
    let (named, others): (Vec<&Value>, Vec<&Value>) = values.iter().partition(|value| name_of(value).is_some());
    for value in named {
        let own = format!("{name}.{}", name_of(value).unwrap_or_default());
        let value = apart(&own, value, found);
        let value = &value;
        // Of two with one name both are said.
        let text: &mut String = found.entry(own).or_default();
        *text = format!("{text} {}", written(value)).trim_start().to_owned();
    }
    if !others.is_empty() {
        found.insert(
            name.to_owned(),
            others.into_iter().map(|value| of_kind(field, value)).collect::<Vec<_>>().join(", "),
        );
    }
}

/// Takes out of a statement what is one by itself.
fn apart(own: &str, value: &Value, found: &mut BTreeMap<String, String>) -> Value {
    let Value::Message(message) = value else { return value.clone() };
    let mut rest = message.clone();
    for (field, value) in message.fields().filter(|(field, _)| APART.contains(&field.name())) {
        found.insert(format!("{own}.{}", field.name()), of_kind(&field, value));
        rest.clear_field(&field);
    }
    Value::Message(rest)
}

fn name_of(value: &Value) -> Option<String> {
    let message = value.as_message()?;
    let name = message.get_field_by_name(NAME)?.as_str()?.to_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// A value as a contract writes it, the fields in the order of their numbers.
fn written(value: &Value) -> String {
    match value {
        Value::Message(message) => {
            let mut fields: Vec<(u32, String)> = Vec::new();
            for (field, value) in message.fields() {
                let all: Vec<String> = match value {
                    Value::List(values) => values.iter().map(|value| of_kind(&field, value)).collect(),
                    value => vec![of_kind(&field, value)],
                };
                fields.extend(all.into_iter().map(|text| (field.number(), format!("{}: {text}", field.name()))));
            }
            fields.sort_by_key(|(number, _)| *number);
            format!("{{{}}}", fields.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" "))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Bool(value) => value.to_string(),
        Value::EnumNumber(number) | Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::F32(number) => number.to_string(),
        Value::F64(number) => number.to_string(),
        Value::Bytes(bytes) => format!("{bytes:?}"),
        Value::List(values) => values.iter().map(written).collect::<Vec<_>>().join(", "),
        Value::Map(_) => String::new(),
    }
}

/// The same, an enum by its value's name.
fn of_kind(field: &FieldDescriptor, value: &Value) -> String {
    let kind = field.kind();
    let named = value.as_enum_number().and_then(|number| kind.as_enum()?.get_value(number));
    named.map_or_else(|| written(value), |value| value.name().to_owned())
}
