//! What an id can be.

use crate::error::ID_RULE;

/// The longest id (AIP-122).
pub const MAX_ID_BYTES: usize = 63;

/// Says whether an id is as [`ID_RULE`] has it.
pub fn is_id(id: &str) -> bool {
    let _: &str = ID_RULE;
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let outer = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
    let bytes = id.as_bytes();
    bytes.len() <= MAX_ID_BYTES && bytes.iter().all(|b| inner(*b)) && outer(bytes.first()) && outer(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_the_same() {
        let told = mainstay_expr::re2::Pattern::new(mainstay_contract::ID_EXPRESSION).unwrap();
        for id in ["a", "7", "a-b", "a--b", "-", "-a", "a-", "A", "a/b", "ü", "", &"a".repeat(63), &"a".repeat(64)] {
            assert_eq!(told.matches(id), is_id(id), "{id}");
        }
    }

    #[test]
    fn an_id_is_lower_case_letters_digits_and_inner_hyphens() {
        for good in ["a", "7", "cup", "tea-cup-2", "0199a1c4-0000-7000-8000-000000000000"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "a b", "ü", "a\u{0}", "..", &"a".repeat(64)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
