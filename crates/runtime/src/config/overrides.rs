//! Environment and flags: text under a path.

use super::{ENVIRONMENT_PREFIX, ENVIRONMENT_SEPARATOR};
use config::{Map, Value, ValueKind};

/// Puts variables over what the file says, and flags (name, path, text) over both.
pub(super) fn put_over(
    mut root: Map<String, Value>,
    environment: &[(String, String)],
    flags: &[(String, String, String)],
) -> Value {
    for (name, text) in environment {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name).to_ascii_lowercase();
        let path: Vec<&str> = path.split(ENVIRONMENT_SEPARATOR).collect();
        insert(&mut root, &path, text, &format!("the environment variable {name}"));
    }
    for (flag, path, text) in flags {
        let path: Vec<&str> = path.split('.').collect();
        insert(&mut root, &path, text, &format!("the flag {flag}"));
    }
    Value::new(None, ValueKind::Table(root))
}

fn insert(table: &mut Map<String, Value>, path: &[&str], text: &str, origin: &str) {
    let origin = origin.to_owned();
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), Value::new(Some(&origin), text));
        }
        [key, rest @ ..] => {
            let entry = table
                .entry((*key).to_owned())
                .or_insert_with(|| Value::new(Some(&origin), ValueKind::Table(Map::new())));
            if !matches!(entry.kind, ValueKind::Table(_)) {
                entry.kind = ValueKind::Table(Map::new());
            }
            if let ValueKind::Table(inner) = &mut entry.kind {
                insert(inner, rest, text, &origin);
            }
        }
    }
}
