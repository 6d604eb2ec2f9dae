//! The failure that travels up through nested values and gathers its path on the way, at no cost where nothing fails.

use crate::{DecodeError, JsonError, JsonErrorKind, Violation, WireError};

/// How much of a client's own text an error message repeats.
const SHOWN_CHARACTERS: usize = 48;

/// Boxed, so that a `Result<(), Fail>` is one word.
#[derive(Debug)]
pub(crate) struct Fail(Box<Body>);

#[derive(Debug)]
struct Body {
    /// Innermost first.
    steps: Vec<Step>,
    message: String,
    kind: JsonErrorKind,
}

#[derive(Debug)]
enum Step {
    Field(Box<str>),
    Index(usize),
    Key(String),
}

impl Fail {
    #[cold]
    pub(crate) fn new(kind: JsonErrorKind, message: impl Into<String>) -> Fail {
        Fail(Box::new(Body { steps: Vec::new(), message: message.into(), kind }))
    }

    #[cold]
    pub(crate) fn value(message: impl Into<String>) -> Fail {
        Fail::new(JsonErrorKind::Value, message)
    }

    #[cold]
    pub(crate) fn too_deep() -> Fail {
        Fail::new(JsonErrorKind::Depth, format!("nested deeper than {} messages", crate::MAX_DEPTH))
    }

    #[cold]
    pub(crate) fn at_field(mut self, name: &str) -> Fail {
        self.0.steps.push(Step::Field(name.into()));
        self
    }

    #[cold]
    pub(crate) fn at_index(mut self, index: usize) -> Fail {
        self.0.steps.push(Step::Index(index));
        self
    }

    #[cold]
    pub(crate) fn at_key(mut self, key: &str) -> Fail {
        self.0.steps.push(Step::Key(shown(key)));
        self
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.steps.iter().rev() {
            match step {
                Step::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Key(key) => path.push_str(&format!("[\"{key}\"]")),
            }
        }
        path
    }

    pub(crate) fn into_violation(self) -> Violation {
        Violation { field: self.path(), message: self.0.message }
    }

    /// The text alone, for a value that an error of another kind names.
    pub(crate) fn into_message(self) -> String {
        let path = self.path();
        if path.is_empty() { self.0.message } else { format!("`{path}`: {}", self.0.message) }
    }
}

impl From<Fail> for WireError {
    fn from(fail: Fail) -> WireError {
        WireError { path: fail.path(), message: fail.0.message }
    }
}

impl From<Fail> for JsonError {
    fn from(fail: Fail) -> JsonError {
        JsonError { path: fail.path(), message: fail.0.message, kind: fail.0.kind }
    }
}

impl From<Fail> for DecodeError {
    fn from(fail: Fail) -> DecodeError {
        DecodeError { violations: vec![fail.into_violation()] }
    }
}

/// One level less, or the refusal.
pub(crate) fn enter(depth: usize) -> Result<usize, Fail> {
    depth.checked_sub(1).ok_or_else(Fail::too_deep)
}

/// A client's text, short enough for an error message and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN_CHARACTERS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}
