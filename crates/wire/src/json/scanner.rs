//! Takes JSON text apart, in one pass and without a tree.

use std::borrow::Cow;

use super::{number::number_length, text::find_special};
use crate::{
    JsonErrorKind, MAX_DEPTH,
    fail::Fail,
    writer::{Sink, close, open, put_length_delimited},
};

/// A cursor over one JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at the start of a text. Fails where it is not UTF-8.
    pub(crate) fn new(json: &'a [u8]) -> Result<Scanner<'a>, Fail> {
        match std::str::from_utf8(json) {
            Ok(text) => Ok(Scanner::of(text)),
            Err(error) => {
                let message = format!("the text is not UTF-8 at byte {}", error.valid_up_to());
                Err(Fail::new(JsonErrorKind::Syntax, message))
            }
        }
    }

    /// Begins at the start of a text.
    pub(crate) fn of(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// The next byte that is not white space; 0 at the end (a NUL is never JSON outside strings).
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return *byte,
            }
        }
        0
    }

    /// Where the cursor stands, to come back to.
    pub(crate) fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a mark.
    pub(crate) fn rewind(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Takes one punctuation mark.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Fail> {
        if self.peek() == byte {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{}`", char::from(byte))))
        }
    }

    /// Refuses anything after the value.
    pub(crate) fn end(&mut self) -> Result<(), Fail> {
        if self.peek() == 0 && self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.unexpected("the end of the text"))
        }
    }

    /// Takes the next key of an object and its colon; nothing at the object's end. `first` is the caller's to keep.
    #[inline]
    pub(crate) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Fail> {
        if !self.next_item(first, b'}')? {
            return Ok(None);
        }
        if self.peek() != b'"' {
            return Err(self.unexpected("a key in quotes"));
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Goes on to the next element; false after the closing bracket.
    #[inline]
    pub(crate) fn next_item(&mut self, first: &mut bool, closing: u8) -> Result<bool, Fail> {
        let byte = self.peek();
        if byte == closing {
            self.at += 1;
            return Ok(false);
        }
        if std::mem::take(first) {
            return Ok(true);
        }
        if byte != b',' {
            return Err(self.unexpected(&format!("`,` or `{}`", char::from(closing))));
        }
        self.at += 1;
        if self.peek() == closing { Err(self.unexpected("another element after the comma")) } else { Ok(true) }
    }

    /// Takes `true`, `false` or `null`.
    pub(crate) fn literal(&mut self, word: &str) -> Result<(), Fail> {
        self.peek();
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{word}`")))
        }
    }

    /// Takes a number, as it is written.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a str, Fail> {
        self.peek();
        match number_length(&self.text.as_bytes()[self.at..]) {
            Some(length) => {
                let number = &self.text[self.at..self.at + length];
                self.at += length;
                Ok(number)
            }
            None => Err(self.unexpected("a number")),
        }
    }

    /// Takes a string; borrowed where it has no escapes.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Fail> {
        let start = self.opening_quote()?;
        let end = find_special(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        let mut bytes = Vec::with_capacity(end - start + 16);
        self.escaped(start, &mut bytes)?;
        Ok(Cow::Owned(String::from_utf8(bytes).expect("the text is UTF-8 and escapes give whole characters")))
    }

    /// Takes a string and appends it with its length before it.
    #[inline]
    pub(crate) fn string_into<S: Sink>(&mut self, out: &mut S) -> Result<(), Fail> {
        let start = self.opening_quote()?;
        let end = find_special(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            put_length_delimited(&self.text.as_bytes()[start..end], out);
            return Ok(());
        }
        let body = open(out);
        self.escaped(start, out)?;
        close(body, out);
        Ok(())
    }

    #[inline]
    fn opening_quote(&mut self) -> Result<usize, Fail> {
        if self.peek() == b'"' { Ok(self.at + 1) } else { Err(self.unexpected("a string")) }
    }

    /// Takes the rest of a string that may hold escapes.
    fn escaped<S: Sink>(&mut self, mut from: usize, out: &mut S) -> Result<(), Fail> {
        let bytes = self.text.as_bytes();
        loop {
            let at = find_special(bytes, from);
            out.extend(&bytes[from..at]);
            self.at = at;
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => from = self.escape(out)?,
                Some(_) => return Err(self.wrong("a control character in a string must be escaped")),
                None => return Err(self.wrong("a string is not closed")),
            }
        }
    }

    /// Takes one escape; answers where the string goes on.
    fn escape<S: Sink>(&mut self, out: &mut S) -> Result<usize, Fail> {
        let plain = match self.text.as_bytes().get(self.at + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(out),
            _ => return Err(self.wrong("an unknown escape in a string")),
        };
        out.push(plain);
        Ok(self.at + 2)
    }

    fn unicode<S: Sink>(&mut self, out: &mut S) -> Result<usize, Fail> {
        let first = self.hex(self.at)?;
        let (code, length) = match first {
            0xd800..=0xdbff => {
                let second = self.hex(self.at + 6).ok().filter(|low| (0xdc00..=0xdfff).contains(low));
                let Some(second) = second else { return Err(self.wrong("a lone surrogate in a string")) };
                (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
            }
            code => (code, 6),
        };
        let Some(character) = char::from_u32(code) else { return Err(self.wrong("a lone surrogate in a string")) };
        out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(self.at + length)
    }

    /// The four digits of the `\uXXXX` at `at`.
    fn hex(&self, at: usize) -> Result<u32, Fail> {
        let digits = self.text.as_bytes().get(at..at + 6).and_then(|escape| escape.strip_prefix(b"\\u"));
        let value = digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit)).and_then(|d| std::str::from_utf8(d).ok());
        match value.and_then(|d| u32::from_str_radix(d, 16).ok()) {
            Some(value) => Ok(value),
            None => Err(self.wrong("`\\u` needs four hexadecimal digits")),
        }
    }

    /// Passes over one value of any kind, at most [`MAX_DEPTH`] deep.
    pub(crate) fn skip_value(&mut self) -> Result<(), Fail> {
        self.skip_nested(MAX_DEPTH)
    }

    fn skip_nested(&mut self, depth: usize) -> Result<(), Fail> {
        match self.peek() {
            b'{' => {
                let depth = depth.checked_sub(1).ok_or_else(Fail::too_deep)?;
                self.at += 1;
                let mut first = true;
                while self.next_key(&mut first)?.is_some() {
                    self.skip_nested(depth)?;
                }
                Ok(())
            }
            b'[' => {
                let depth = depth.checked_sub(1).ok_or_else(Fail::too_deep)?;
                self.at += 1;
                let mut first = true;
                while self.next_item(&mut first, b']')? {
                    self.skip_nested(depth)?;
                }
                Ok(())
            }
            b'"' => self.string().map(drop),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number().map(drop),
        }
    }

    /// A syntax error at the cursor that says what should stand there.
    #[cold]
    pub(crate) fn unexpected(&mut self, wanted: &str) -> Fail {
        self.peek();
        match self.text[self.at..].chars().next() {
            Some(found) if !found.is_control() => self.wrong(&format!("expected {wanted}, found `{found}`")),
            Some(_) => self.wrong(&format!("expected {wanted}, found a control character")),
            None => self.wrong(&format!("expected {wanted}, but the text ends")),
        }
    }

    #[cold]
    fn wrong(&self, message: &str) -> Fail {
        let before = &self.text[..self.at.min(self.text.len())];
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Fail::new(JsonErrorKind::Syntax, format!("not valid JSON at line {line}, column {column}: {message}"))
    }
}
