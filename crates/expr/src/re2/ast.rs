//! What a pattern says.

use super::groups::Group;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// One code point; RE2 lets a pattern name surrogates, which no text has.
    Literal {
        code: u32,
        fold: bool,
    },
    Class(Class),
    /// `.`
    AnyButNewline,
    /// `.` under `s`
    Any,
    /// `\C`
    Byte,
    Look(Look),
    Repeat {
        node: Box<Node>,
        min: u32,
        /// Nothing: without end.
        max: Option<u32>,
    },
    /// One after the other; an empty one matches the empty text.
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
}

/// What matches no character, but a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    TextBegin,
    TextEnd,
    LineBegin,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

impl Node {
    /// What is left of a number of repetitions where this stands inside them: each divides it, as RE2 counts.
    pub(super) fn repetitions_left(&self, budget: u32) -> u32 {
        match self {
            Node::Repeat { node, min, max } => match max.unwrap_or(*min) {
                0 => node.repetitions_left(budget),
                times => node.repetitions_left(budget / times),
            },
            Node::Concat(nodes) | Node::Alternate(nodes) => {
                nodes.iter().map(|node| node.repetitions_left(budget)).min().unwrap_or(budget)
            }
            _ => budget,
        }
    }
}

/// A set of characters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Class {
    pub items: Vec<Item>,
    pub negated: bool,
    pub fold: bool,
}

/// What a class is put together of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// Code points from the first to the last.
    Range(u32, u32),
    Group {
        group: Group,
        negated: bool,
    },
}

impl Class {
    pub(super) fn of(item: Item, fold: bool) -> Class {
        Class { items: vec![item], negated: false, fold }
    }
}
