//! What can go wrong, in words that a client may read.

use mainstay_record::Violation;

/// A message whose bytes are not valid protobuf, or hold a value that JSON cannot say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.path))]
pub struct WireError {
    /// The field, as a dotted path of proto names with `[i]` for list elements; empty for the message itself.
    pub path: String,
    pub message: String,
}

/// A JSON text or a query parameter that is not a value of its message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(.path))]
pub struct JsonError {
    /// The place, as a dotted path of proto names with `[i]` for list elements and `["key"]` for the values of maps,
    /// whatever names the text uses (AIP-193); a name that no field has is as it was given. Empty for the whole text.
    pub path: String,
    pub message: String,
    pub kind: JsonErrorKind,
    /// What else is wrong with the text, in its order: with the first at most [`crate::MAX_JSON_VIOLATIONS`]. Nothing
    /// beside a text that is not JSON or too deep. These have none of their own.
    pub further: Vec<JsonError>,
}

/// What a [`JsonError`] is about, so that the caller can choose a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// Not JSON at all (RFC 8259), or not UTF-8.
    Syntax,
    /// A field that the message does not have.
    UnknownField,
    /// A value of the wrong type, out of range or misspelt.
    Value,
    /// A key given twice, or two members of one oneof.
    Duplicate,
    /// Nested deeper than [`crate::MAX_DEPTH`].
    Depth,
}

/// A layout and a message that do not fit together: a mistake of the program, found when a contract is loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {message}")]
pub struct PlanError {
    pub field: String,
    pub message: String,
}

/// A message that cannot be stored; every problem is listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.violations))]
pub struct DecodeError {
    pub violations: Vec<Violation>,
}

/// A stored row that is not a value of its message: another program wrote to the database, or it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` holds {message}")]
pub struct EncodeError {
    pub column: String,
    pub message: String,
}

/// A field mask that cannot be followed (AIP-161).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {message}")]
pub struct MaskError {
    /// The path as the client wrote it.
    pub path: String,
    pub message: String,
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{path}`: ") }
}

fn list(violations: &[Violation]) -> String {
    let texts: Vec<String> = violations.iter().map(|v| format!("{}{}", place(&v.field), v.description)).collect();
    texts.join("; ")
}
