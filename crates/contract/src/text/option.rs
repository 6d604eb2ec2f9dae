//! The inside of option statements: which name has its value where.

use std::iter::Peekable;
use std::ops::Range;

use super::{Token, TokenKind, tokens};

/// One step from an option to a part of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// A field that occurs once.
    Field(&'a str),
    /// An occurrence of a repeated field, counting from 0.
    Item(&'a str, usize),
}

/// The value of one option of one descriptor, put together from all statements that set parts of it.
#[derive(Debug, Default)]
pub(crate) struct OptionText {
    entries: Vec<Entry>,
    /// Of all statements; the first one's place stands for the option.
    statements: Vec<Range<usize>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    value: Node,
}

#[derive(Debug)]
struct Node {
    range: Range<usize>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Scalar,
    Message(Vec<Entry>),
    List(Vec<Node>),
}

impl OptionText {
    /// Reads a statement (`option (a.b).c = {…};` or `(a.b).c = 1`) and keeps it if it is about the extension.
    pub(crate) fn add(&mut self, text: &str, statement: Range<usize>, extension: &str) {
        let mut parser = Parser { text, tokens: tokens(text, statement.clone()).peekable() };
        let Some((name, value)) = parser.statement() else { return };
        let mut parts = name.into_iter();
        let first = parts.next().unwrap_or_default();
        if !names_extension(&first, extension) {
            return;
        }
        self.statements.push(statement);
        let parts: Vec<String> = parts.collect();
        match (parts.is_empty(), value.content) {
            (true, Content::Message(entries)) => self.entries.extend(entries),
            (true, content) => self.entries.push(Entry { name: String::new(), value: Node { content, ..value } }),
            (false, content) => {
                let range = value.range;
                let wrap =
                    |value, name| Node { range: range.clone(), content: Content::Message(vec![Entry { name, value }]) };
                let nested = parts.into_iter().rev().fold(Node { range: range.clone(), content }, wrap);
                if let Content::Message(entries) = nested.content {
                    self.entries.extend(entries);
                }
            }
        }
    }

    /// Where the value of a part is; the statement where the part cannot be found; nothing where there is no statement.
    pub(crate) fn find(&self, steps: &[Step<'_>]) -> Option<Range<usize>> {
        let mut levels: Vec<&[Entry]> = vec![&self.entries];
        let mut found = None;
        for step in steps {
            let name = match step {
                Step::Field(name) | Step::Item(name, _) => *name,
            };
            let values: Vec<&Node> = levels.iter().flat_map(|entries| occurrences(entries, name)).collect();
            let values: Vec<&Node> = match step {
                Step::Field(_) => values,
                Step::Item(_, index) => values.get(*index).copied().into_iter().collect(),
            };
            let Some(first) = values.first() else { break };
            found = Some(first.range.clone());
            levels = values
                .into_iter()
                .filter_map(|node| match &node.content {
                    Content::Message(entries) => Some(entries.as_slice()),
                    _ => None,
                })
                .collect();
        }
        found.or_else(|| self.statements.first().cloned())
    }

    /// Where occurrence `index` of an option that is set by whole statements is (`(field_behavior) = REQUIRED`).
    pub(crate) fn statement(&self, index: usize) -> Option<Range<usize>> {
        self.statements.get(index).or_else(|| self.statements.last()).cloned()
    }
}

fn occurrences<'e>(entries: &'e [Entry], name: &str) -> impl Iterator<Item = &'e Node> {
    let name = name.to_owned();
    entries.iter().filter(move |entry| entry.name == name).flat_map(|entry| match &entry.value.content {
        Content::List(items) => items.iter().collect::<Vec<_>>(),
        _ => vec![&entry.value],
    })
}

/// Names in options are relative to where they stand: `(resource)` inside package `mainstay.v1` would do.
fn names_extension(written: &str, full_name: &str) -> bool {
    let written = written.trim_start_matches('.');
    full_name == written || full_name.strip_suffix(written).is_some_and(|rest| rest.ends_with('.'))
}

struct Parser<'t, I: Iterator<Item = Token>> {
    text: &'t str,
    tokens: Peekable<I>,
}

impl<I: Iterator<Item = Token>> Parser<'_, I> {
    fn take(&mut self, punctuation: u8) -> bool {
        self.tokens.next_if(|token| token.kind == TokenKind::Punctuation(punctuation)).is_some()
    }

    fn peeks(&mut self, punctuation: u8) -> bool {
        self.tokens.peek().is_some_and(|token| token.kind == TokenKind::Punctuation(punctuation))
    }

    fn word(&mut self) -> Option<String> {
        let token = self.tokens.next_if(|token| token.kind == TokenKind::Word)?;
        Some(self.text.get(token.range).unwrap_or_default().to_owned())
    }

    fn statement(&mut self) -> Option<(Vec<String>, Node)> {
        let mut parts = Vec::new();
        loop {
            if self.take(b'(') {
                parts.push(self.dotted(b')')?);
            } else {
                let word = self.word()?;
                if parts.is_empty() && word == "option" && !self.peeks(b'=') {
                    continue;
                }
                parts.push(word);
            }
            if !self.take(b'.') {
                break;
            }
        }
        self.take(b'=').then_some(())?;
        Some((parts, self.value()?))
    }

    fn dotted(&mut self, end: u8) -> Option<String> {
        let mut name = String::new();
        while !self.take(end) {
            match self.word() {
                Some(word) => name.push_str(&word),
                None if self.take(b'.') => name.push('.'),
                None => return None,
            }
        }
        Some(name)
    }

    fn value(&mut self) -> Option<Node> {
        let start = self.tokens.peek()?.range.start;
        if self.take(b'{') || self.take(b'<') {
            let (entries, end) = self.entries();
            return Some(Node { range: start..end, content: Content::Message(entries) });
        }
        if self.take(b'[') {
            let mut items = Vec::new();
            while !self.peeks(b']') {
                items.push(self.value()?);
                self.take(b',');
            }
            let end = self.tokens.next()?.range.end;
            return Some(Node { range: start..end, content: Content::List(items) });
        }
        self.scalar()
    }

    /// A scalar: adjacent literals, or words joined by signs and dots (`-1.5e+3`).
    fn scalar(&mut self) -> Option<Node> {
        let first = self.tokens.next()?;
        let mut range = first.range.clone();
        let literal = first.kind == TokenKind::Literal;
        while let Some(next) = self.tokens.next_if(|token| match token.kind {
            TokenKind::Literal => literal,
            // Only what stands without a gap belongs to a number; a name on the next line does not.
            _ => {
                !literal
                    && token.range.start == range.end
                    && matches!(token.kind, TokenKind::Word | TokenKind::Punctuation(b'.' | b'-' | b'+'))
            }
        }) {
            range.end = next.range.end;
        }
        Some(Node { range, content: Content::Scalar })
    }

    /// Reads `name: value` pairs up to the closing brace; what is malformed ends the message.
    fn entries(&mut self) -> (Vec<Entry>, usize) {
        let mut entries = Vec::new();
        let mut end = 0;
        loop {
            let Some(token) = self.tokens.peek() else { return (entries, end) };
            end = token.range.end;
            if self.take(b'}') || self.take(b'>') {
                return (entries, end);
            }
            if self.take(b',') || self.take(b';') {
                continue;
            }
            let name = if self.take(b'[') { self.dotted(b']') } else { self.word() };
            let Some(name) = name else {
                self.tokens.next();
                continue;
            };
            self.take(b':');
            let Some(value) = self.value() else { return (entries, end) };
            end = value.range.end;
            entries.push(Entry { name, value });
        }
    }
}
