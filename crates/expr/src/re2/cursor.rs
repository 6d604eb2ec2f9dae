//! How far a pattern is read.

/// The pattern, and how far it is read.
pub(super) struct Cursor<'s> {
    pub source: &'s str,
    /// Byte offset.
    pub at: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.source.len()
    }

    pub(super) fn sees(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Goes past a text, if it is the next one.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.sees(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }
}
