//! Regular expressions as RE2 has them: the dialect of `buf.validate` and of CEL.
//!
//! A pattern is parsed here, by RE2's grammar, and written anew for the `regex` crate with every class spelled out. So
//! nothing that this crate knows beyond RE2, or reads otherwise (`\d` of all scripts, `[a&&b]`, `(?x)`), gets through, and
//! both match in linear time. Whether a text matches is all that is asked: which match is found, and what groups capture,
//! is not kept, and greediness says nothing.

mod ast;
mod class;
mod cursor;
mod emit;
mod escape;
mod former;
mod groups;
mod parse;
mod postgres;

use std::ops::Range;

pub use former::Rereading;
use regex::bytes::{Regex, RegexBuilder};

/// How long a pattern is at most.
pub const MAX_PATTERN_BYTES: usize = 1_024;
/// How much memory a compiled pattern takes at most.
pub const MAX_PATTERN_MEMORY_BYTES: usize = 256 << 10;
/// How often something is repeated at most, repetitions inside repetitions multiplied: RE2's own limit.
pub const MAX_PATTERN_REPETITIONS: u32 = 1_000;

/// How deep groups lie in one another at most: what reads, compiles and runs a pattern recurses.
pub const MAX_PATTERN_DEPTH: usize = 50;

/// A compiled regular expression; anchored only where it says so.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub source: String,
    /// On bytes, since `\C` is one.
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Byte offsets into the pattern.
    pub range: Range<usize>,
    pub message: String,
}

impl PatternError {
    fn new(range: Range<usize>, message: impl Into<String>) -> PatternError {
        PatternError { range, message: message.into() }
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is too long, too large, or no regular expression of RE2.
    pub fn new(source: &str) -> Result<Pattern, PatternError> {
        let whole = 0..source.len();
        if source.len() > MAX_PATTERN_BYTES {
            let message =
                format!("the pattern is {} bytes long; at most {MAX_PATTERN_BYTES} are allowed", source.len());
            return Err(PatternError::new(whole, message));
        }
        let written = emit::emit(&parse::parse(source)?);
        let regex = compiled(&written).map_err(|message| PatternError::new(whole, message))?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    /// Compiles a pattern as versions did that left it to the `regex` crate what it means: for contracts that were applied
    /// by them, so that they keep starting. Nothing where it is none there either.
    pub fn of_former_dialect(source: &str) -> Option<Pattern> {
        compiled(source).ok().map(|regex| Pattern { source: source.to_owned(), regex })
    }

    /// The same pattern for the `regex` crate, which reads it the same way everywhere.
    pub fn for_regex(&self) -> &str {
        self.regex.as_str()
    }

    /// The same pattern for PostgreSQL's `~`; nothing where it asks for single bytes, which PostgreSQL does not.
    pub fn for_postgres(&self) -> Option<String> {
        postgres::written(self.for_regex())
    }

    /// Whether the text has a match.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }
}

fn compiled(written: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(written);
    builder.size_limit(MAX_PATTERN_MEMORY_BYTES).dfa_size_limit(MAX_PATTERN_MEMORY_BYTES);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern compiles to too much; use smaller repetitions".to_owned(),
        _ => "the pattern cannot be compiled".to_owned(),
    })
}
