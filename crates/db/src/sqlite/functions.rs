//! What SQL may call on a connection beside SQLite's own functions.

use std::cell::RefCell;

use diesel::expression::functions::declare_sql_function;
use diesel::sql_types::{Nullable, Text};
use diesel::{QueryResult, SqliteConnection};
use regex::{Regex, RegexBuilder};
use rusqlite::functions::FunctionFlags;

/// How many patterns a thread keeps compiled: the rules of a contract have a few.
const KEPT: usize = 16;
/// How much memory a pattern takes at most; whoever wrote it was held to less.
const MAX_PATTERN_BYTES: usize = 1 << 20;

#[declare_sql_function]
extern "SQL" {
    /// Says whether a text has a match of a pattern of the `regex` crate.
    fn mainstay_matches(text: Nullable<Text>, pattern: Text) -> Nullable<Bool>;
}

/// Makes them known to a connection.
pub(super) fn register(link: &mut SqliteConnection) -> QueryResult<()> {
    mainstay_matches_utils::register_impl(link, |text: Option<String>, pattern: String| matches(&text?, &pattern))
}

/// The same for a connection of rusqlite's.
pub(super) fn make_known(link: &rusqlite::Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    link.create_scalar_function(mainstay_record::MATCHES, 2, flags, |call| {
        let (text, pattern) = (call.get_raw(0).as_str_or_null()?, call.get_raw(1).as_str_or_null()?);
        Ok(text.zip(pattern).and_then(|(text, pattern)| matches(text, pattern)))
    })
}

thread_local! {
    /// The pattern that was asked last stands last.
    static COMPILED: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// Nothing where the pattern is none: what writes it has checked it.
fn matches(text: &str, pattern: &str) -> Option<bool> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(known) = compiled.iter().position(|(known, _)| known == pattern) {
            compiled[known..].rotate_left(1);
        } else {
            let regex = RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().ok()?;
            if compiled.len() == KEPT {
                compiled.remove(0);
            }
            compiled.push((pattern.to_owned(), regex));
        }
        compiled.last().map(|(_, regex)| regex.is_match(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_kept_as_long_as_they_are_asked_for() {
        assert_eq!(matches("ä1", "^[a-zä][0-9]$"), Some(true));
        for i in 0..2 * KEPT {
            assert_eq!(matches("x", &format!("^y{i}")), Some(false));
            assert_eq!(matches("x", "^x$"), Some(true));
        }
        let known =
            COMPILED.with_borrow(|compiled| compiled.iter().map(|(pattern, _)| pattern.clone()).collect::<Vec<_>>());
        assert_eq!(known.len(), KEPT);
        assert_eq!(known.last().map(String::as_str), Some("^x$"));
        assert_eq!(matches("x", "("), None);
    }

    #[test]
    fn a_name_is_that_which_rules_are_written_with() {
        assert_eq!(mainstay_record::MATCHES, "mainstay_matches");
    }
}
