//! Regular expressions in SQL.

/// What SQLite's connections call the function that says whether a text has a match of a pattern: `(text, pattern)`, NULL
/// where the text is. The pattern is in the words of the `regex` crate.
pub const MATCHES: &str = "mainstay_matches";
