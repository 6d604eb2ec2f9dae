//! Tokens of protobuf's source and text format.

use std::ops::Range;

/// A token and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Identifiers and numbers alike.
    Word,
    /// A quoted string, its quotes included; one that is not closed ends with its line.
    Literal,
    Punctuation(u8),
}

/// Splits text into tokens; comments and white space are left out. Whatever the text is, this ends and never fails.
pub(crate) fn tokens(text: &str, range: Range<usize>) -> impl Iterator<Item = Token> + '_ {
    let bytes = text.as_bytes().get(..range.end).unwrap_or_default();
    let mut at = range.start;
    std::iter::from_fn(move || {
        at = skip_blank(bytes, at);
        let first = *bytes.get(at)?;
        let start = at;
        let kind = match first {
            b'"' | b'\'' => {
                at = skip_literal(bytes, at);
                TokenKind::Literal
            }
            _ if is_word(first) => {
                while bytes.get(at).is_some_and(|byte| is_word(*byte)) {
                    at += 1;
                }
                TokenKind::Word
            }
            _ => {
                at += 1;
                TokenKind::Punctuation(first)
            }
        };
        Some(Token { kind, range: start..at })
    })
}

/// A dot belongs to a number but not to a name; bytes beyond ASCII only stand in strings and comments.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(byte), _) if byte.is_ascii_whitespace() || *byte == 0x0b => at += 1,
            (Some(b'#'), _) | (Some(b'/'), Some(b'/')) => {
                at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - at);
            }
            (Some(b'/'), Some(b'*')) => {
                let end = bytes[at + 2..].windows(2).position(|pair| pair == b"*/");
                at = end.map_or(bytes.len(), |end| at + 2 + end + 2);
            }
            _ => return at,
        }
    }
}

fn skip_literal(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
