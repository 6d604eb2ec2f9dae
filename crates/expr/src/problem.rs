//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// One problem of an expression's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte offsets into the source.
    pub span: Range<usize>,
    pub kind: ProblemKind,
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The message without the value that it repeats, where it repeats one.
    pub unsaid: Option<Box<str>>,
}

/// What sort of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The text does not follow the grammar.
    Syntax,
    /// A name that nothing has.
    UnknownName,
    /// An operator or literal that does not fit the type.
    Type,
    /// Longer, deeper or larger than allowed.
    Limit,
    /// Understood, but not served.
    Unsupported,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, kind: ProblemKind, message: impl Into<String>) -> Problem {
        Problem { span, kind, message: message.into(), help: None, unsaid: None }
    }

    /// The same of a message that repeats a value, with what it is without that.
    pub(crate) fn repeating(self, unsaid: impl Into<Box<str>>) -> Problem {
        Problem { unsaid: Some(unsaid.into()), ..self }
    }

    /// The same without the value that it repeats: where values may not be said.
    #[must_use]
    pub fn without_value(mut self) -> Problem {
        if let Some(unsaid) = self.unsaid.take() {
            self.message = unsaid.into();
        }
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// The same where there may be nothing to say.
    pub(crate) fn maybe_help(self, help: Option<String>) -> Problem {
        Problem { help: help.or(self.help), ..self }
    }

    /// The place as a person counts it: the column in characters, from 1.
    pub fn column(&self, source: &str) -> usize {
        source.char_indices().take_while(|(offset, _)| *offset < self.span.start).count() + 1
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
