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

/// A name with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Of an extension without its brackets.
    pub name: String,
    /// Of the name.
    pub at: Range<usize>,
    pub extension: bool,
    pub value: Node,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub range: Range<usize>,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// A string.
    Literal,
    /// A number or an identifier.
    Word,
    Message(Vec<Entry>),
    List(Vec<Node>),
}

/// A part of the name of an option statement.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub name: String,
    pub at: Range<usize>,
    /// Whether it stands in brackets.
    pub extension: bool,
}

/// A place where the value of an option is not written as text format is.
#[derive(Debug, Clone)]
pub(crate) struct Malformed {
    pub at: Range<usize>,
    pub message: String,
    pub help: String,
}

/// What an option statement says: `(a.b).c = {…}`.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub parts: Vec<Part>,
    pub value: Node,
    pub malformed: Vec<Malformed>,
}

impl Statement {
    /// Reads a statement; nothing where it is none.
    pub(crate) fn read(text: &str, range: Range<usize>) -> Option<Statement> {
        let mut parser = Parser { text, tokens: tokens(text, range).peekable(), malformed: Vec::new(), lost: false };
        let (parts, value) = parser.statement()?;
        Some(Statement { parts, value, malformed: parser.malformed })
    }
}

impl OptionText {
    /// Reads a statement (`option (a.b).c = {…};` or `(a.b).c = 1`) and keeps it if it is about the extension.
    pub(crate) fn add(&mut self, text: &str, statement: Range<usize>, extension: &str) {
        let Some(Statement { parts, value, .. }) = Statement::read(text, statement.clone()) else { return };
        let mut parts = parts.into_iter();
        if !parts.next().is_some_and(|first| names_extension(&first.name, extension)) {
            return;
        }
        self.statements.push(statement);
        let wrap = |value: Node, part: Part| {
            let Part { name, at, extension } = part;
            Node { range: value.range.clone(), content: Content::Message(vec![Entry { name, at, extension, value }]) }
        };
        let value = parts.rev().fold(value, wrap);
        match value.content {
            Content::Message(entries) => self.entries.extend(entries),
            content => {
                let value = Node { content, ..value };
                self.entries.push(Entry { name: String::new(), at: value.range.clone(), extension: false, value });
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
    malformed: Vec<Malformed>,
    /// Where a name was missing, what comes after is not what it seems: no more is told.
    lost: bool,
}

impl<I: Iterator<Item = Token>> Parser<'_, I> {
    fn take(&mut self, punctuation: u8) -> bool {
        self.tokens.next_if(|token| token.kind == TokenKind::Punctuation(punctuation)).is_some()
    }

    fn peeks(&mut self, punctuation: u8) -> bool {
        self.tokens.peek().is_some_and(|token| token.kind == TokenKind::Punctuation(punctuation))
    }

    fn word(&mut self) -> Option<(String, Range<usize>)> {
        let token = self.tokens.next_if(|token| token.kind == TokenKind::Word)?;
        Some((self.text.get(token.range.clone()).unwrap_or_default().to_owned(), token.range))
    }

    fn malformed(&mut self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        if !self.lost {
            self.malformed.push(Malformed { at, message: message.into(), help: help.into() });
        }
    }

    fn statement(&mut self) -> Option<(Vec<Part>, Node)> {
        let mut parts = Vec::new();
        loop {
            if self.take(b'(') {
                let (name, at) = self.dotted(b')')?;
                parts.push(Part { name, at, extension: true });
            } else {
                let (name, at) = self.word()?;
                if parts.is_empty() && name == "option" && !self.peeks(b'=') {
                    continue;
                }
                parts.push(Part { name, at, extension: false });
            }
            if !self.take(b'.') {
                break;
            }
        }
        self.take(b'=').then_some(())?;
        Some((parts, self.value()?))
    }

    /// A name up to the bracket that closes it.
    fn dotted(&mut self, end: u8) -> Option<(String, Range<usize>)> {
        let mut name = String::new();
        let mut at = self.tokens.peek()?.range.clone();
        while !self.take(end) {
            at.end = self.tokens.peek()?.range.end;
            match self.word() {
                Some((word, _)) => name.push_str(&word),
                None if self.take(b'.') => name.push('.'),
                None if self.take(b'/') => name.push('/'),
                None => return None,
            }
        }
        Some((name, at))
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
                let next = self.tokens.peek()?.range.clone();
                if !self.take(b',') && !self.peeks(b']') {
                    self.malformed(next, "a comma is missing here", "separate the values of a list with commas");
                }
            }
            let end = self.tokens.next()?.range.end;
            return Some(Node { range: start..end, content: Content::List(items) });
        }
        self.scalar()
    }

    /// A scalar: adjacent literals, or words joined by signs and dots (`-1.5e+3`).
    fn scalar(&mut self) -> Option<Node> {
        let first = self
            .tokens
            .next_if(|token| !matches!(token.kind, TokenKind::Punctuation(mark) if !b"-+.".contains(&mark)))?;
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
        Some(Node { range, content: if literal { Content::Literal } else { Content::Word } })
    }

    /// Reads `name: value` pairs up to the closing brace.
    fn entries(&mut self) -> (Vec<Entry>, usize) {
        let mut entries = Vec::new();
        let mut end = 0;
        loop {
            let Some(token) = self.tokens.peek() else { return (entries, end) };
            let here = token.range.clone();
            end = here.end;
            if self.take(b'}') || self.take(b'>') {
                return (entries, end);
            }
            if self.take(b',') || self.take(b';') {
                continue;
            }
            let extension = self.take(b'[');
            let named = if extension { self.dotted(b']') } else { self.word() };
            let Some((name, at)) = named else {
                let help = "between braces stand names with their values, such as `read: \"true\"`";
                self.malformed(here, "a name is missing here", help);
                self.lost = true;
                self.tokens.next();
                continue;
            };
            self.colon(&name);
            let Some(value) = self.value() else {
                self.malformed(at, format!("`{name}` has no value"), format!("write `{name}: …`"));
                continue;
            };
            end = value.range.end;
            entries.push(Entry { name, at, extension, value });
        }
    }

    /// The colon after a name; braces do without.
    fn colon(&mut self, name: &str) {
        if self.take(b':') {
            return;
        }
        let Some(next) = self.tokens.peek().map(|token| (token.kind, token.range.clone())) else { return };
        match next {
            (TokenKind::Punctuation(b'{' | b'<' | b'}' | b'>' | b',' | b';'), _) => {}
            (TokenKind::Punctuation(b'='), at) => {
                self.take(b'=');
                self.malformed(at, "between braces a value stands after a colon", format!("write `{name}: …`"));
            }
            (_, at) => {
                self.malformed(at, format!("a colon is missing after `{name}`"), format!("write `{name}: …`"));
            }
        }
    }
}
