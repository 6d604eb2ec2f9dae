//! When two JSON values are the same, whichever engine they went through.
//!
//! SQLite keeps the text of a document; PostgreSQL writes it anew, with other spaces, another order of keys and other
//! forms of numbers.

use std::fmt::Write as _;

use mainstay_record::{Value, stored_json};
use serde_json::{Number, Value as Json};

/// Says whether two column values are the same.
pub fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Json(left), Value::Json(right)) if left != right => match (stored_json(left), stored_json(right)) {
            (Some(left), Some(right)) => same(&left, &right),
            _ => false,
        },
        _ => left == right,
    }
}

/// Says whether two documents are the same.
pub fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            let found = |(key, value): (&String, &Json)| right.get(key).is_some_and(|other| same(value, other));
            left.len() == right.len() && left.iter().all(found)
        }
        (Json::Number(left), Json::Number(right)) => left == right || number(left) == number(right),
        _ => left == right,
    }
}

/// A text that is the same for the same documents.
pub fn canonical(value: &Json) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Json, text: &mut String) {
    match value {
        Json::Array(items) => {
            text.push('[');
            for item in items {
                write(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Json::Object(entries) => {
            let mut entries: Vec<(&String, &Json)> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (key, value) in entries {
                let _ = write!(text, "{key:?}:");
                write(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Json::Number(value) => text.push_str(&number(value)),
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

/// A number in digits; a whole one looks the same whether it came as an integer or as a fraction.
fn number(value: &Number) -> String {
    match (value.is_f64(), value.as_f64()) {
        (true, Some(double)) => format!("{double}"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::Json(text.to_owned())
    }

    #[test]
    fn a_document_is_the_same_in_other_words() {
        for (left, right) in [
            (r#"[1,"a",{"b":null,"c":[true]}]"#, r#"[1, "a", {"c": [true], "b": null}]"#),
            ("[100.0,1e2,-0.5]", "[100, 100.0, -5e-1]"),
            ("[1e20]", "[100000000000000000000]"),
            ("[9223372036854775807]", "[ 9223372036854775807 ]"),
            ("[0.0]", "[0]"),
        ] {
            assert!(same_value(&json(left), &json(right)), "{left} {right}");
            let read = |text| canonical(&stored_json(text).unwrap());
            assert_eq!(read(left), read(right));
        }
    }

    #[test]
    fn another_document_is_another() {
        for (left, right) in [
            ("[1,2]", "[2,1]"),
            ("[9223372036854775807]", "[9223372036854775806]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"["1"]"#, "[1]"),
            ("[]", "{}"),
            (r#"{"a,b":1}"#, r#"{"a":1,"b":1}"#),
        ] {
            assert!(!same_value(&json(left), &json(right)), "{left} {right}");
            let read = |text| canonical(&stored_json(text).unwrap());
            assert_ne!(read(left), read(right));
        }
        assert!(!same_value(&json("null"), &Value::Null));
    }
}
