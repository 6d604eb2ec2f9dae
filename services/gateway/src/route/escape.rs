//! Percent-decoding, by the rules of `google/api/http.proto`.

use std::borrow::Cow;

/// What is wrong with an encoded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EscapeError {
    #[error("`%` is not followed by two hexadecimal digits")]
    Malformed,
    #[error("the decoded bytes are not valid UTF-8")]
    NotUtf8,
}

/// Which bytes stay encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// `%2F` stays as it is: captures of several segments, so that a slash inside one is no separator.
    Slash,
}

/// Decodes a captured part of a path.
pub fn decode_path(text: &str, keep: Keep) -> Result<Cow<'_, str>, EscapeError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    decode(text, |byte| !(keep == Keep::Slash && byte == b'/'), false).map(Cow::Owned)
}

/// Decodes one name or value of a query: as `application/x-www-form-urlencoded` has it, `+` is a space.
pub fn decode_query(text: &str) -> Result<Cow<'_, str>, EscapeError> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    decode(text, |_| true, true).map(Cow::Owned)
}

fn decode(text: &str, decodes: impl Fn(u8) -> bool, plus_is_space: bool) -> Result<String, EscapeError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, tail)) = bytes.split_first() {
        bytes = tail;
        match first {
            b'+' if plus_is_space => out.push(b' '),
            b'%' => {
                let ([high, low], after) = bytes.split_first_chunk().ok_or(EscapeError::Malformed)?;
                let byte =
                    hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low).ok_or(EscapeError::Malformed)?;
                if decodes(byte) {
                    out.push(byte);
                } else {
                    out.extend([b'%', *high, *low]);
                }
                bytes = after;
            }
            byte => out.push(*byte),
        }
    }
    String::from_utf8(out).map_err(|_| EscapeError::NotUtf8)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
