//! Writes JSON strings.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Appends a string with its quotes, escaping only what RFC 8259 demands.
pub(crate) fn put_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    put_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Appends a part of a text that is UTF-8 as a whole, without quotes. What is escaped is one byte, so that the text may be cut
/// anywhere.
pub(crate) fn put_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    loop {
        let at = find_special(bytes, from);
        out.extend_from_slice(&bytes[from..at]);
        let Some(byte) = bytes.get(at) else { break };
        put_escape(*byte, out);
        from = at + 1;
    }
}

/// Appends a string that may not be UTF-8; false where it is not, and nothing is written.
///
/// Most strings are ASCII without anything to escape, which one look tells.
pub(crate) fn put_utf8(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if is_plain(bytes) {
        out.reserve(bytes.len() + 2);
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
        return true;
    }
    std::str::from_utf8(bytes).map(|text| put_string(text, out)).is_ok()
}

/// Whether these bytes are ASCII that JSON takes as it is. The blocks are written so that the compiler looks at all bytes
/// of one at a time.
fn is_plain(bytes: &[u8]) -> bool {
    let special = |byte: &u8| {
        u8::from(*byte < 0x20) | u8::from(*byte >= 0x80) | u8::from(*byte == b'"') | u8::from(*byte == b'\\')
    };
    let (blocks, rest) = bytes.as_chunks::<16>();
    if blocks.iter().any(|block| block.iter().fold(0, |found, byte| found | special(byte)) != 0) {
        return false;
    }
    let (words, rest) = rest.as_chunks::<8>();
    let clean = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        (special_bytes(word) | (word & HIGH)) == 0
    };
    words.iter().all(clean) && rest.iter().all(|byte| special(byte) == 0)
}

fn put_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

/// The position of the next quote, backslash or control character, or the end. Looks at eight bytes at a time.
#[inline]
pub(crate) fn find_special(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("the chunk is eight bytes long"));
        let found = special_bytes(word);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            break;
        }
        at += 1;
    }
    at
}

/// Marks quotes, backslashes and control characters; a mark above the lowest one may be false.
fn special_bytes(word: u64) -> u64 {
    zero_bytes(word ^ (LOW * 0x22)) | zero_bytes(word ^ (LOW * 0x5c)) | below_space(word)
}

/// Marks the bytes that are zero; a mark above the lowest one may be false.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

/// Marks the bytes below 0x20; a mark above the lowest one may be false.
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(LOW * 0x20) & !word & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_special_byte_is_the_first_one(bytes in proptest::collection::vec(any::<u8>(), 0..40), from in 0usize..40) {
            let from = from.min(bytes.len());
            let slow = bytes[from..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            prop_assert_eq!(find_special(&bytes, from), slow.map_or(bytes.len(), |at| from + at));
        }

        #[test]
        fn bytes_are_written_where_they_are_utf8(bytes in proptest::collection::vec(any::<u8>(), 0..80), plain in "[ -~]{0,80}") {
            for bytes in [bytes.as_slice(), plain.as_bytes()] {
                let (mut out, mut expected) = (Vec::new(), Vec::new());
                let written = put_utf8(bytes, &mut out);
                let text = std::str::from_utf8(bytes);
                prop_assert_eq!(written, text.is_ok());
                text.into_iter().for_each(|text| put_string(text, &mut expected));
                prop_assert_eq!(out, expected);
            }
        }

        #[test]
        fn a_written_string_reads_back(text in any::<String>()) {
            let mut out = Vec::new();
            put_string(&text, &mut out);
            let back: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
