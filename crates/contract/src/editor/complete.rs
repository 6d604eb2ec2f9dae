//! The names and words that can be written at a place.

use std::ops::Range;

use super::context::{At, context};
use super::target::Target;

/// What can be written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completions {
    /// What one of them takes the place of, bytes from the beginning; empty in a gap.
    pub range: Range<usize>,
    /// In the order in which they are shown.
    pub items: Vec<Completion>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The name or the word itself.
    pub label: String,
    /// What stands around the value that comes next.
    pub fill: Fill,
    /// Its type; of a word nothing.
    pub ty: String,
    pub doc: String,
}

/// What is written with a name, so that its value can be typed: before the caret and behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    pub before: &'static str,
    pub after: &'static str,
}

impl Fill {
    const NONE: Fill = Fill { before: "", after: "" };
}

/// Lists what can be written at `offset`, bytes from the beginning; of options only what this version does. Nothing where
/// no option is written.
pub fn complete(text: &str, offset: usize) -> Option<Completions> {
    let found = context(text, offset)?;
    let target = Target::of(found.element, &found.path)?;
    let (range, items) = match found.at {
        At::Name { range, braces } => {
            let name = |part: Target| Completion {
                label: part.label(braces),
                fill: fill(&part, braces),
                ty: part.ty(),
                doc: part.doc(),
            };
            (range, target.parts().into_iter().map(name).collect())
        }
        At::Value { range } => {
            let word = |(label, doc)| Completion { label, fill: Fill::NONE, ty: String::new(), doc };
            (range, target.words().into_iter().map(word).collect())
        }
        At::Text { .. } => return None,
    };
    Some(Completions { range, items })
}

/// Behind a name that has parts, outside of braces, either a dot leads on or an equals sign: that is left to who types.
fn fill(target: &Target, braces: bool) -> Fill {
    match (target.has_parts(), target.is_text(), braces) {
        (true, _, true) => Fill { before: " { ", after: " }" },
        (true, _, false) => Fill::NONE,
        (_, true, true) if target.is_list() => Fill { before: ": [\"", after: "\"]" },
        (_, true, true) => Fill { before: ": \"", after: "\"" },
        (_, false, true) => Fill { before: ": ", after: "" },
        (_, true, false) => Fill { before: " = \"", after: "\"" },
        (_, false, false) => Fill { before: " = ", after: "" },
    }
}
