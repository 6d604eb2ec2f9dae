//! Languages that people want to be written in.

/// Longest tag that is accepted, in bytes.
pub const MAX_LOCALE_BYTES: usize = 35;

/// Says that a text is no language tag, as a clause after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a language tag (BCP 47) of at most {MAX_LOCALE_BYTES} characters, as `de` or `de-AT`")]
pub struct NotALocale;

/// Checks the form of a language tag (RFC 5646 §2.1): letters and digits in parts of one to eight, the first one of two or
/// three letters. Whether there is such a language is not looked up. Nothing is no wish, and fine.
pub fn check(tag: &str) -> Result<(), NotALocale> {
    if tag.is_empty() {
        return Ok(());
    }
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut parts = tag.split('-');
    let is_language = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_tag = tag.len() <= MAX_LOCALE_BYTES && parts.next().is_some_and(is_language) && parts.all(is_part);
    if is_tag { Ok(()) } else { Err(NotALocale) }
}
