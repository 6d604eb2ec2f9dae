//! The configuration file: TOML, each value with its line.

use super::Problem;
use config::{Map, Value, ValueKind};
use serde::Deserialize as _;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// What to do about a file that is no TOML.
const REMEDY: &str = "the file is in TOML; https://toml.io";

/// Reads a file, or says everything that is wrong with its form.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>, Vec<Problem>> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        vec![
            Problem::new("", format!("the configuration file {} cannot be read: {error}", path.display()))
                .help("check the path given with --config, or leave the flag out to run on defaults"),
        ]
    })?;
    let file = Text { name: path.display().to_string(), text: &text };
    let (table, errors) = DeTable::parse_recoverable(&text);
    let mut problems: Vec<Problem> = errors.iter().map(|error| file.problem(error)).collect();
    let table = file.table(table.into_inner(), &mut problems);
    if problems.is_empty() { Ok(table) } else { Err(problems) }
}

/// The text of a file, to find lines in it.
struct Text<'t> {
    name: String,
    text: &'t str,
}

impl<'t> Text<'t> {
    /// Says in which line of the file a byte is.
    fn place(&self, byte: usize) -> String {
        let before = &self.text.as_bytes()[..byte.min(self.text.len())];
        format!("{}:{}", self.name, 1 + before.iter().filter(|byte| **byte == b'\n').count())
    }

    /// Tells an error in the parser's words; never with the line itself, which may hold a secret.
    fn problem(&self, error: &toml::de::Error) -> Problem {
        let place = error.span().map_or_else(|| self.name.clone(), |span| self.place(span.start));
        Problem::new("", error.message().trim()).at(place).help(REMEDY)
    }

    fn table(&self, table: DeTable<'t>, problems: &mut Vec<Problem>) -> Map<String, Value> {
        let mut read = Map::new();
        for (key, value) in table {
            let place = self.place(key.span().start);
            if let Some(kind) = self.kind(value, problems) {
                read.insert(key.into_inner().into_owned(), Value::new(Some(&place), kind));
            }
        }
        read
    }

    fn kind(&self, value: Spanned<DeValue<'t>>, problems: &mut Vec<Problem>) -> Option<ValueKind> {
        if value.get_ref().is_table() {
            let DeValue::Table(table) = value.into_inner() else { return None };
            return Some(ValueKind::Table(self.table(table, problems)));
        }
        let span = value.span();
        match toml::Value::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(plain(value)),
            Err(error) => {
                problems.push(Problem::new("", error.message().trim()).at(self.place(span.start)).help(REMEDY));
                None
            }
        }
    }
}

/// The same value as the layers above know it. What is inside a list has the list's line.
fn plain(value: toml::Value) -> ValueKind {
    match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(truth) => ValueKind::Boolean(truth),
        toml::Value::Datetime(time) => ValueKind::String(time.to_string()),
        toml::Value::Array(items) => {
            ValueKind::Array(items.into_iter().map(|item| Value::new(None, plain(item))).collect())
        }
        toml::Value::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, value)| (key, Value::new(None, plain(value)))).collect())
        }
    }
}
