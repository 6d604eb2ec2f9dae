//! Where each byte of a string's value stands in the source.

use std::ops::Range;

use super::{Token, TokenKind, tokens};

/// For each byte of the value that the adjacent literals in `range` have together, the offset in `text` that it comes
/// from; and one more for the end of the value.
pub(crate) fn literal_offsets(text: &str, range: Range<usize>) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut end = range.start;
    for Token { kind, range } in tokens(text, range) {
        if kind == TokenKind::Literal {
            let inner = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
            value(text.as_bytes(), inner.clone(), &mut offsets);
            end = inner.end;
        }
    }
    offsets.push(end);
    offsets
}

fn value(bytes: &[u8], range: Range<usize>, offsets: &mut Vec<usize>) {
    let mut at = range.start;
    while at < range.end {
        if bytes[at] != b'\\' {
            offsets.push(at);
            at += 1;
            continue;
        }
        let (length, decoded) = escape(&bytes[at..range.end]);
        offsets.extend(std::iter::repeat_n(at, decoded));
        at += length;
    }
}

/// How long an escape is in the source, and how many bytes it stands for.
fn escape(bytes: &[u8]) -> (usize, usize) {
    let digits = |from: usize, most: usize, valid: fn(&u8) -> bool| {
        bytes.iter().skip(from).take(most).take_while(|byte| valid(byte)).count()
    };
    match bytes.get(1) {
        Some(b'x' | b'X') => (2 + digits(2, 2, u8::is_ascii_hexdigit), 1),
        Some(b'0'..=b'7') => (1 + digits(1, 3, |byte| (b'0'..=b'7').contains(byte)), 1),
        Some(kind @ (b'u' | b'U')) => {
            let count = digits(2, if *kind == b'u' { 4 } else { 8 }, u8::is_ascii_hexdigit);
            let code = bytes.get(2..2 + count).and_then(|hex| std::str::from_utf8(hex).ok());
            let code = code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
            (2 + count, code.map_or(1, char::len_utf8))
        }
        _ => (2, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters of the source that the value's bytes come from.
    fn origins(text: &str) -> Vec<usize> {
        literal_offsets(text, 0..text.len())
    }

    #[test]
    fn plain_text_stands_for_itself() {
        assert_eq!(origins(r#""abc""#), [1, 2, 3, 4]);
        assert_eq!(origins(r#""ß""#), [1, 2, 3]);
    }

    #[test]
    fn adjacent_literals_are_one_value() {
        assert_eq!(origins(r#""a" /* "no" */ 'b'"#), [1, 16, 17]);
    }

    #[test]
    fn an_escape_is_as_many_bytes_as_it_stands_for() {
        assert_eq!(origins(r#""\"a""#), [1, 3, 4]);
        assert_eq!(origins(r#""\x41\101b""#), [1, 5, 9, 10]);
        assert_eq!(origins(r#""\u00dfb""#), [1, 1, 7, 8]);
    }

    #[test]
    fn what_is_not_closed_ends_with_its_line() {
        assert_eq!(origins("\"ab\ncd"), [1, 2]);
        assert_eq!(origins("\""), [1]);
    }
}
