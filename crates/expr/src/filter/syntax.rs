//! What a filter's text says, before its fields are looked up.

use std::ops::Range;

use crate::ir::CompareOp;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Restriction(Restriction),
}

/// `path comparator argument`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Restriction {
    /// At least one.
    pub path: Vec<Segment>,
    pub comparator: Comparator,
    /// The comparator's place.
    pub at: Range<usize>,
    pub argument: Argument,
}

/// A name between dots.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub name: String,
    pub span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equals,
    NotEquals,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Has,
}

impl Comparator {
    /// The operator on a scalar, where `:` is equality.
    pub fn operator(self) -> CompareOp {
        match self {
            Comparator::Equals | Comparator::Has => CompareOp::Eq,
            Comparator::NotEquals => CompareOp::Ne,
            Comparator::Less => CompareOp::Lt,
            Comparator::LessOrEqual => CompareOp::Le,
            Comparator::Greater => CompareOp::Gt,
            Comparator::GreaterOrEqual => CompareOp::Ge,
        }
    }
}

/// What stands right of a comparator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Argument {
    /// The text, escapes resolved, cut at each wildcard: one piece more than there are wildcards.
    pub pieces: Vec<String>,
    pub quoted: bool,
    pub span: Range<usize>,
}

impl Argument {
    /// The text with its wildcards as stars.
    pub fn text(&self) -> String {
        self.pieces.join("*")
    }

    /// Whether the argument is a bare `*`: any value that is set.
    pub fn is_any(&self) -> bool {
        !self.quoted && self.pieces.len() == 2 && self.pieces.iter().all(String::is_empty)
    }

    /// Whether the argument is the bare word `null`: no value.
    pub fn is_null(&self) -> bool {
        !self.quoted && self.text() == "null"
    }

    /// Whether stars in the argument stand for any text. A star alone in quotes is the text of one star.
    pub fn is_pattern(&self) -> bool {
        self.pieces.len() > 1 && !(self.quoted && self.text() == "*")
    }
}
