//! The failure that travels up through nested values and gathers its path on the way, at no cost where nothing fails.

use mainstay_record::Violation;
use mainstay_record::time::TimeError;

use crate::{DecodeError, JsonError, JsonErrorKind, WireError};

/// How much of a client's own text an error message repeats.
const SHOWN_CHARACTERS: usize = 48;

/// What is told of a value that is repeated in no error.
pub const UNSAID: &str = "is not a value of this field; what was sent is not repeated here";

/// The most that is told of what is wrong with one JSON text; it is not read further than to there.
pub const MAX_JSON_VIOLATIONS: usize = 20;

/// Boxed, so that a `Result<(), Fail>` is one word.
#[derive(Debug)]
pub(crate) struct Fail(Box<Body>);

#[derive(Debug)]
struct Body {
    first: Problem,
    /// What else is wrong in the same value, in the order of the text.
    further: Vec<Problem>,
    /// The value was read to its end all the same.
    passed: bool,
}

#[derive(Debug)]
struct Problem {
    /// Innermost first.
    steps: Vec<Step>,
    message: String,
    kind: JsonErrorKind,
}

#[derive(Debug, Clone)]
enum Step {
    Field(Box<str>),
    Index(usize),
    Key(String),
}

impl Fail {
    #[cold]
    pub(crate) fn new(kind: JsonErrorKind, message: impl Into<String>) -> Fail {
        let first = Problem { steps: Vec::new(), message: message.into(), kind };
        Fail(Box::new(Body { first, further: Vec::new(), passed: false }))
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
    pub(crate) fn at_field(self, name: &str) -> Fail {
        self.at(&Step::Field(name.into()))
    }

    /// The same without what was sent: neither what is wrong with it nor where in it repeats it. How a text is no JSON says nothing
    /// of what it would hold.
    pub(crate) fn unsaid(mut self) -> Fail {
        let Body { first, further, .. } = &mut *self.0;
        for problem in std::iter::once(first).chain(further) {
            problem.steps.clear();
            if !matches!(problem.kind, JsonErrorKind::Syntax | JsonErrorKind::Depth) {
                UNSAID.clone_into(&mut problem.message);
            }
        }
        self
    }

    #[cold]
    pub(crate) fn at_index(self, index: usize) -> Fail {
        self.at(&Step::Index(index))
    }

    #[cold]
    pub(crate) fn at_key(self, key: &str) -> Fail {
        self.at(&Step::Key(shown(key)))
    }

    fn at(mut self, step: &Step) -> Fail {
        let Body { first, further, .. } = &mut *self.0;
        std::iter::once(first).chain(further).for_each(|problem| problem.steps.push(step.clone()));
        self
    }

    /// Whether nothing can be read after the value: the text is not JSON, or too deep.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.0.first.kind, JsonErrorKind::Syntax | JsonErrorKind::Depth)
    }

    /// Whether more messages nest than may.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.0.first.kind == JsonErrorKind::Depth
    }

    /// Whether the value was read to its end.
    pub(crate) fn has_passed(&self) -> bool {
        self.0.passed
    }

    /// Whether what was written of the value is what could be read of it: it was read to its end, or as far as is told.
    pub(crate) fn leaves_legible(&self) -> bool {
        self.0.passed || self.is_full()
    }

    /// Says whether the value was read to its end. Whoever hands a failure on from inside a value must say that it was not.
    pub(crate) fn passed(mut self, passed: bool) -> Fail {
        self.0.passed = passed;
        self
    }

    /// Takes what is wrong further on, as far as there is room.
    pub(crate) fn join(&mut self, other: Fail) {
        self.0.further.push(other.0.first);
        self.0.further.extend(other.0.further);
        self.0.further.truncate(MAX_JSON_VIOLATIONS - 1);
    }

    /// Whether no more can be told.
    pub(crate) fn is_full(&self) -> bool {
        self.0.further.len() + 1 >= MAX_JSON_VIOLATIONS
    }

    pub(crate) fn into_violation(self) -> Violation {
        Violation { field: self.0.first.path(), description: self.0.first.message }
    }

    /// The text alone, for a value that an error of another kind names.
    pub(crate) fn into_message(self) -> String {
        let path = self.0.first.path();
        if path.is_empty() { self.0.first.message } else { format!("`{path}`: {}", self.0.first.message) }
    }
}

impl Problem {
    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
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
}

impl From<Fail> for WireError {
    fn from(fail: Fail) -> WireError {
        WireError { path: fail.0.first.path(), message: fail.0.first.message }
    }
}

impl From<Fail> for JsonError {
    fn from(fail: Fail) -> JsonError {
        let further = fail.0.further.into_iter().map(JsonError::from).collect();
        JsonError { further, ..fail.0.first.into() }
    }
}

impl From<Problem> for JsonError {
    fn from(problem: Problem) -> JsonError {
        JsonError { path: problem.path(), message: problem.message, kind: problem.kind, further: Vec::new() }
    }
}

impl From<Fail> for DecodeError {
    fn from(fail: Fail) -> DecodeError {
        DecodeError { violations: vec![fail.into_violation()] }
    }
}

impl From<TimeError> for Fail {
    fn from(error: TimeError) -> Fail {
        Fail::value(error.to_string())
    }
}

/// Reads a time or a duration that a client wrote.
pub(crate) fn parsed<T>(text: &str, parse: fn(&str) -> Result<T, TimeError>) -> Result<T, Fail> {
    parse(text).map_err(|error| Fail::value(error.of(&shown(text))))
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
