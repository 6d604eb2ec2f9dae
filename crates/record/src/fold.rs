//! Texts that are the same but for the case of their letters.
//!
//! Simple case folding (Unicode's CaseFolding.txt, C and S) takes one character to one: so a table of pairs is all that an
//! engine must know to agree with what is compared here.

use std::cmp::Ordering;
use std::sync::OnceLock;

use icu_casemap::CaseMapper;

/// What SQLite's connections call the order of texts that is blind to case, and PostgreSQL the function that folds one.
pub const FOLD: &str = "mainstay_fold";

/// Compares two texts by their folded characters.
pub fn compare_folded(one: &str, two: &str) -> Ordering {
    one.chars().map(folded_char).cmp(two.chars().map(folded_char))
}

/// The text with each of its characters folded.
pub fn folded(text: &str) -> String {
    text.chars().map(folded_char).collect()
}

/// How many bytes a text has when it is folded: a few characters grow.
pub fn folded_bytes(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(|c| folded_char(c).len_utf8()).sum() }
}

/// All characters that folding changes, each with what it becomes.
pub fn fold_pairs() -> &'static [(char, char)] {
    static PAIRS: OnceLock<Vec<(char, char)>> = OnceLock::new();
    PAIRS.get_or_init(|| ('\0'..=char::MAX).map(|c| (c, folded_char(c))).filter(|(c, folded)| c != folded).collect())
}

fn folded_char(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { CaseMapper::new().simple_fold(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_are_the_same_in_either_case() {
        for (one, two) in
            [("Straße", "STRAẞE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Привет", "ПРИВЕТ"), ("Ǆ", "ǅ"), ("K", "\u{212a}")]
        {
            assert_eq!(compare_folded(one, two), Ordering::Equal, "{one} {two}");
        }
        for (one, two) in [("ß", "ss"), ("ı", "i"), ("İ", "i"), ("e\u{301}", "é"), ("a", "b")] {
            assert_ne!(compare_folded(one, two), Ordering::Equal, "{one} {two}");
        }
    }

    /// An index remembers what its texts were folded to: another table would need all of them made again.
    #[test]
    fn the_table_of_pairs_stays_what_it_was() {
        let pairs = fold_pairs();
        let sum = pairs.iter().fold(0u64, |sum, (from, to)| {
            sum.wrapping_mul(0x0000_0100_0000_01b3) ^ (u64::from(u32::from(*from)) << 32) ^ u64::from(u32::from(*to))
        });
        assert_eq!((pairs.len(), sum), (1_533, 5_677_401_061_198_470_849));
        assert!(pairs.iter().all(|(_, to)| folded_char(*to) == *to), "what is folded stays as it is");
    }
}
