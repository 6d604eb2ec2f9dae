//! What a role may be called: for the accounts that have it and the rules that ask for it.

/// Longest name of a role, in bytes.
pub const MAX_ROLE_BYTES: usize = 64;

/// Whether a text has the form of a role: lower-case letters, digits, `-`, `_`, and single dots between them.
pub fn is_role(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    text.len() <= MAX_ROLE_BYTES && text.split('.').all(is_part)
}
