//! Options as a contract writes them.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, Value};

use super::names::Names;

/// The longest value that stands on one line.
const SHORT: usize = 90;

/// One option, or one element of one that is a list.
#[derive(Debug)]
pub struct Statement {
    pub name: String,
    pub value: String,
}

/// What the options of an element say.
pub fn statements(options: &DynamicMessage, names: &Names) -> Vec<Statement> {
    let mut said = Vec::new();
    for (field, value) in options.fields() {
        each(&field, value, &mut |value| {
            said.push(Statement { name: field.name().to_owned(), value: written(&field.kind(), value) });
        });
    }
    for (extension, value) in options.extensions() {
        let kind = extension.kind();
        let values: Vec<&Value> = value.as_list().map_or_else(|| vec![value], |values| values.iter().collect());
        let name = format!("({})", names.named(extension.full_name()));
        said.extend(values.into_iter().map(|value| Statement { name: name.clone(), value: written(&kind, value) }));
    }
    said
}

/// Goes through the values of a field, those of a list one by one.
fn each(field: &FieldDescriptor, value: &Value, then: &mut dyn FnMut(&Value)) {
    match value {
        Value::List(values) if field.is_list() => values.iter().for_each(then),
        value => then(value),
    }
}

/// A value in the text format of protobuf.
fn written(kind: &Kind, value: &Value) -> String {
    match value {
        Value::Message(message) => braced(message),
        Value::EnumNumber(number) => {
            let named = kind.as_enum().and_then(|item| item.get_value(*number));
            named.map_or_else(|| number.to_string(), |value| value.name().to_owned())
        }
        Value::Bool(value) => value.to_string(),
        Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::F32(number) => real(f64::from(*number), &number.to_string()),
        Value::F64(number) => real(*number, &number.to_string()),
        Value::String(text) => quoted(text.as_bytes()),
        Value::Bytes(bytes) => quoted(bytes),
        Value::List(_) | Value::Map(_) => String::new(),
    }
}

fn real(number: f64, digits: &str) -> String {
    match number {
        number if number.is_nan() => "nan".to_owned(),
        number if number.is_infinite() => if number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        _ => digits.to_owned(),
    }
}

fn braced(message: &DynamicMessage) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (field, value) in message.fields() {
        match value {
            Value::Map(entries) => {
                let entry = field.kind();
                let value_kind = entry.as_message().map(|entry| entry.map_entry_value_field().kind());
                let mut all: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| {
                        let value = value_kind.as_ref().map(|kind| written(kind, value)).unwrap_or_default();
                        format!("{}: {{key: {} value: {value}}}", field.name(), map_key(key))
                    })
                    .collect();
                all.sort();
                parts.extend(all);
            }
            value => each(&field, value, &mut |value| parts.push(part(field.name(), &field.kind(), value))),
        }
    }
    for (extension, value) in message.extensions() {
        let name = format!("[{}]", extension.full_name());
        let values: Vec<&Value> = value.as_list().map_or_else(|| vec![value], |values| values.iter().collect());
        parts.extend(values.into_iter().map(|value| part(&name, &extension.kind(), value)));
    }
    let short = parts.iter().map(|part| part.len() + 1).sum::<usize>() <= SHORT
        && !parts.iter().any(|part| part.contains('\n'));
    if short {
        return format!("{{{}}}", parts.join(" "));
    }
    let lines: Vec<String> = parts.iter().map(|part| format!("  {}", part.replace('\n', "\n  "))).collect();
    format!("{{\n{}\n}}", lines.join("\n"))
}

fn part(name: &str, kind: &Kind, value: &Value) -> String {
    match value {
        Value::Message(message) => format!("{name} {}", braced(message)),
        value => format!("{name}: {}", written(kind, value)),
    }
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
        MapKey::String(text) => quoted(text.as_bytes()),
    }
}

/// A text or bytes between quotes, UTF-8 as it is.
pub fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    let mut rest = bytes;
    while !rest.is_empty() {
        let (good, bad) = match std::str::from_utf8(rest) {
            Ok(good) => (good, 0),
            Err(error) => {
                let good = std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default();
                (good, error.error_len().unwrap_or(rest.len() - error.valid_up_to()))
            }
        };
        for character in good.chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                control if control.is_ascii_control() => text.push_str(&format!("\\{:03o}", control as u32)),
                other => text.push(other),
            }
        }
        let (broken, after) = rest[good.len()..].split_at(bad);
        broken.iter().for_each(|byte| text.push_str(&format!("\\{byte:03o}")));
        rest = after;
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_quotes_is_read_back_as_it_was() {
        assert_eq!(quoted("a\"b\\c\nü".as_bytes()), "\"a\\\"b\\\\c\\nü\"");
        assert_eq!(quoted(&[0x61, 0xff, 0x00, 0x62]), "\"a\\377\\000b\"");
    }
}
