//! What an editor asks about a place in a contract's text: which names can be written there, and what the one that stands
//! there means.

mod complete;
mod context;
mod docs;
mod target;

use std::ops::Range;

pub use complete::{Completion, Completions, Fill, complete};
use context::{At, context};
use target::Target;

/// What is told about an option or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Of the name that is described.
    pub range: Range<usize>,
    /// As an option is written: `(mainstay.v1.resource).access.read`.
    pub name: String,
    /// Its type, as a contract says it: `repeated string`.
    pub ty: String,
    /// The comment at its declaration; empty where there is none.
    pub doc: String,
    /// What this version does of it; empty where nothing is to be said.
    pub note: String,
}

/// Tells about the option whose name stands at `offset`, bytes from the beginning. Nothing where none does, or none that
/// Mainstay or protobuf declares.
pub fn describe(text: &str, offset: usize) -> Option<Description> {
    // The name that begins here is meant as well as the one that ends here.
    let begins =
        text[..].get(offset..)?.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'(');
    let found = context(text, if begins { offset + 1 } else { offset })?;
    let At::Name { range, .. } = found.at else { return None };
    let written = text.get(range.clone()).filter(|written| !written.is_empty())?;
    let target = Target::of(found.element, &found.path)?.part(written)?;
    Some(Description { range, name: target.written(), ty: target.ty(), doc: target.doc(), note: target.note() })
}

/// The text that is written at `offset`, from its first quote to its last; literals that are joined are one. Nothing outside
/// of the values of options.
pub fn literal(text: &str, offset: usize) -> Option<Range<usize>> {
    match context(text, offset)?.at {
        At::Text { range } => Some(range),
        _ => None,
    }
}
