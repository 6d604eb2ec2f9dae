//! What a JSON column holds, as a tree.

use serde::Deserialize as _;
use serde_json::Value;

/// How deep lists and objects may lie in one another in what is stored. A record's messages nest less deep, and each of
/// them comes to two levels at most (a list, and an object in it).
pub const MAX_STORED_DEPTH: usize = 512;

/// Reads the text of a JSON column; nothing where it is no JSON, or deeper than anything that is stored.
///
/// A reader with a limit of its own below that would take a deep record for an empty one, and what is said of its values
/// would be passed over.
pub fn stored_json(text: &str) -> Option<Value> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(_) if depth(text) <= MAX_STORED_DEPTH => {
            let mut reader = serde_json::Deserializer::from_str(text);
            reader.disable_recursion_limit();
            let value = Value::deserialize(&mut reader).ok()?;
            reader.end().ok().map(|()| value)
        }
        Err(_) => None,
    }
}

/// The most brackets that are open at a time.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}\"]\\\"[\"{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn what_is_stored_is_read_however_deep() {
        for deep in [0, 1, 126, 127, 128, 200, MAX_STORED_DEPTH] {
            let text = nested(deep);
            assert_eq!(stored_json(&text).map(|value| value.to_string()), Some(text), "{deep}");
        }
    }

    #[test]
    fn what_nothing_stores_is_not_read() {
        for text in [nested(MAX_STORED_DEPTH + 1), nested(1_000_000), "[".repeat(300), "{".into(), String::new()] {
            assert_eq!(stored_json(&text), None);
        }
        assert_eq!(stored_json(&format!("{}x", nested(200))), None, "nothing comes after a value");
    }
}
