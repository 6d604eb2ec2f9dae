//! What the text means at a place in it: which element's options are written there, and how deep inside.
//!
//! Whoever types has a file that does not parse, so this reads forward from the beginning, up to the place, and never back.

use std::ops::Range;

use crate::text::{Token, TokenKind, tokens};

/// An option that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    /// `FieldOptions`, `MessageOptions`, …
    pub element: &'static str,
    /// The parts that come before what stands here: extensions in brackets, as they are written.
    pub path: Vec<Name>,
    pub at: At,
}

/// A part of an option's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub text: String,
    /// Whether it stands in brackets.
    pub extension: bool,
}

/// What stands at the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// A name, or the gap where one can be written; that of an extension with its brackets.
    Name { range: Range<usize>, braces: bool },
    /// A number or a word.
    Value { range: Range<usize> },
    /// A text: from the first quote of all literals that are joined to the end of the one that the place is in.
    Text { range: Range<usize> },
}

/// What the text means at `offset`; nothing outside of options and in comments.
pub(super) fn context(text: &str, offset: usize) -> Option<Context> {
    let mut walk = Walk::new(text);
    let mut end = 0;
    for token in tokens(text, 0..text.len()) {
        if token.range.start >= offset {
            break;
        }
        end = token.range.end;
        if token.range.end >= offset && token.kind != TokenKind::Punctuation(b'/') {
            match token.kind {
                TokenKind::Punctuation(_) => {}
                TokenKind::Word => return walk.stands(token.range),
                TokenKind::Literal if token.range.end > offset || !is_closed(text, &token.range) => {
                    return walk.text(token.range);
                }
                TokenKind::Literal => {}
            }
        }
        walk.step(&token);
    }
    let gap = text.get(end..offset)?;
    if is_comment(gap) { None } else { walk.stands(offset..offset) }
}

/// Whether a literal ends with the quote that it begins with.
fn is_closed(text: &str, literal: &Range<usize>) -> bool {
    let bytes = &text.as_bytes()[literal.clone()];
    bytes.len() > 1 && bytes.first() == bytes.last()
}

/// Whether what stands between two tokens ends inside a comment.
fn is_comment(gap: &str) -> bool {
    let line = gap.rsplit('\n').next().unwrap_or_default();
    line.contains("//") || line.contains('#') || gap.rfind("/*").is_some_and(|at| !gap[at..].contains("*/"))
}

/// What a pair of braces encloses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Message,
    Enum,
    Service,
    Method,
    Oneof,
    Other,
}

impl Block {
    fn begun_by(word: &str) -> Block {
        match word {
            "message" | "extend" | "group" => Block::Message,
            "enum" => Block::Enum,
            "service" => Block::Service,
            "rpc" => Block::Method,
            "oneof" => Block::Oneof,
            _ => Block::Other,
        }
    }

    /// The options of the element itself.
    fn own(block: Option<Block>) -> Option<&'static str> {
        Some(match block {
            None => "FileOptions",
            Some(Block::Message) => "MessageOptions",
            Some(Block::Enum) => "EnumOptions",
            Some(Block::Service) => "ServiceOptions",
            Some(Block::Method) => "MethodOptions",
            Some(Block::Oneof) => "OneofOptions",
            Some(Block::Other) => return None,
        })
    }

    /// The options of what is declared inside, which stand in square brackets.
    fn inner(block: Option<Block>) -> Option<&'static str> {
        match block? {
            Block::Message | Block::Oneof => Some("FieldOptions"),
            Block::Enum => Some("EnumValueOptions"),
            _ => None,
        }
    }
}

/// A level of a value.
#[derive(Debug)]
enum Level {
    Message { entry: Option<Name>, colon: bool, valued: bool },
    List,
}

impl Level {
    const MESSAGE: Level = Level::Message { entry: None, colon: false, valued: false };
}

/// An option of which the beginning was read.
#[derive(Debug)]
struct Written {
    element: &'static str,
    /// In square brackets, where several stand.
    brackets: bool,
    parts: Vec<Name>,
    /// Behind the equals sign.
    value: bool,
    levels: Vec<Level>,
}

struct Walk<'t> {
    text: &'t str,
    blocks: Vec<Block>,
    /// The first word of the statement that is being read.
    first: Option<Range<usize>>,
    /// Whether the statement has had its equals sign.
    numbered: bool,
    option: Option<Written>,
    /// An extension's name whose bracket is not closed: where the bracket is, and the name so far.
    open: Option<(usize, String)>,
    /// Where the literals begin that stand directly before.
    literal: Option<usize>,
    before: Option<Token>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str) -> Walk<'t> {
        Walk {
            text,
            blocks: Vec::new(),
            first: None,
            numbered: false,
            option: None,
            open: None,
            literal: None,
            before: None,
        }
    }

    fn word(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    fn step(&mut self, token: &Token) {
        match token.kind {
            TokenKind::Literal => self.literal = self.literal.or(Some(token.range.start)),
            _ => self.literal = None,
        }
        match &self.option {
            None => self.outside(token),
            Some(option) if option.value => self.value(token),
            Some(_) => self.name(token),
        }
        self.before = Some(token.clone());
    }

    fn end_statement(&mut self) {
        self.first = None;
        self.numbered = false;
        self.option = None;
        self.open = None;
    }

    fn begin(&mut self, element: Option<&'static str>, brackets: bool) {
        let begun = |element| Written { element, brackets, parts: Vec::new(), value: false, levels: Vec::new() };
        self.option = element.map(begun);
    }

    fn outside(&mut self, token: &Token) {
        let block = self.blocks.last().copied();
        match token.kind {
            TokenKind::Word if self.first.is_none() => {
                self.first = Some(token.range.clone());
                if self.word(&token.range) == "option" {
                    self.begin(Block::own(block), false);
                }
            }
            TokenKind::Punctuation(b'=') => self.numbered = true,
            TokenKind::Punctuation(b'[') if self.numbered => self.begin(Block::inner(block), true),
            TokenKind::Punctuation(b'{') => {
                let word = self.first.clone().map(|first| self.word(&first)).unwrap_or_default();
                self.blocks.push(Block::begun_by(word));
                self.end_statement();
            }
            TokenKind::Punctuation(b'}') => {
                self.blocks.pop();
                self.end_statement();
            }
            TokenKind::Punctuation(b';') => self.end_statement(),
            _ => {}
        }
    }

    fn name(&mut self, token: &Token) {
        let word = self.word(&token.range);
        if let Some((_, open)) = &mut self.open {
            match token.kind {
                TokenKind::Punctuation(b')') => {
                    let name = Name { text: std::mem::take(open), extension: true };
                    self.open = None;
                    self.option.iter_mut().for_each(|option| option.parts.push(name.clone()));
                }
                _ => open.push_str(word),
            }
            return;
        }
        let Some(option) = &mut self.option else { return };
        match token.kind {
            TokenKind::Word => option.parts.push(Name { text: word.to_owned(), extension: false }),
            TokenKind::Punctuation(b'(') => self.open = Some((token.range.start, String::new())),
            TokenKind::Punctuation(b'=') => option.value = true,
            TokenKind::Punctuation(mark) => self.leave(mark),
            TokenKind::Literal => {}
        }
    }

    /// What ends an option.
    fn leave(&mut self, mark: u8) {
        let Some(option) = &mut self.option else { return };
        match mark {
            b',' if option.brackets => {
                option.parts.clear();
                option.value = false;
            }
            b']' if option.brackets => self.option = None,
            b';' => self.end_statement(),
            // The option was not finished.
            b'}' => {
                self.blocks.pop();
                self.end_statement();
            }
            _ => {}
        }
    }

    fn value(&mut self, token: &Token) {
        let text = self.word(&token.range).to_owned();
        let joined = self
            .before
            .as_ref()
            .is_some_and(|before| before.kind == TokenKind::Punctuation(b'.') && before.range.end == token.range.start);
        let after_literal = self.before.as_ref().is_some_and(|before| before.kind == TokenKind::Literal);
        if let Some((_, open)) = &mut self.open {
            match token.kind {
                TokenKind::Punctuation(b']') => {
                    let name = Name { text: std::mem::take(open), extension: true };
                    self.open = None;
                    self.entry(name);
                }
                _ => open.push_str(&text),
            }
            return;
        }
        let Some(option) = &mut self.option else { return };
        match (option.levels.last_mut(), token.kind) {
            (None, TokenKind::Punctuation(b'{')) => option.levels.push(Level::MESSAGE),
            (None, TokenKind::Punctuation(b'[')) => option.levels.push(Level::List),
            (None, TokenKind::Punctuation(mark)) => self.leave(mark),
            (Some(Level::List), TokenKind::Punctuation(b'{')) => option.levels.push(Level::MESSAGE),
            (Some(Level::List), TokenKind::Punctuation(b']')) => self.close(),
            (Some(Level::Message { .. }), TokenKind::Punctuation(b'}')) => self.close(),
            (Some(Level::Message { entry: Some(_), colon, valued: false }), kind) => match kind {
                TokenKind::Punctuation(b':') => *colon = true,
                TokenKind::Punctuation(b'{') => option.levels.push(Level::MESSAGE),
                TokenKind::Punctuation(b'[') => option.levels.push(Level::List),
                TokenKind::Word | TokenKind::Literal => self.valued(),
                TokenKind::Punctuation(_) => {}
            },
            (Some(Level::Message { .. }), TokenKind::Punctuation(b'[')) => {
                self.open = Some((token.range.start, String::new()));
            }
            (Some(Level::Message { .. }), TokenKind::Word) if !joined => {
                self.entry(Name { text, extension: false });
            }
            (Some(Level::Message { .. }), TokenKind::Literal) if after_literal => {}
            _ => {}
        }
    }

    fn entry(&mut self, name: Name) {
        if let Some(Level::Message { entry, colon, valued }) = self.option.as_mut().and_then(|it| it.levels.last_mut())
        {
            *entry = Some(name);
            *colon = false;
            *valued = false;
        }
    }

    /// The entry that is being read has its value.
    fn valued(&mut self) {
        if let Some(Level::Message { valued, .. }) = self.option.as_mut().and_then(|it| it.levels.last_mut()) {
            *valued = true;
        }
    }

    fn close(&mut self) {
        self.option.iter_mut().for_each(|option| drop(option.levels.pop()));
        self.valued();
    }

    /// The parts of the name, with those of the braces that the place is in; of an entry whose value stands here its own too.
    fn path(option: &Written, own: bool) -> Vec<Name> {
        let last = option.levels.len().saturating_sub(1);
        let entries = option.levels.iter().enumerate().filter_map(|(i, level)| match level {
            Level::Message { entry: Some(entry), .. } if own || i < last => Some(entry.clone()),
            _ => None,
        });
        option.parts.iter().cloned().chain(entries).collect()
    }

    fn text(&self, literal: Range<usize>) -> Option<Context> {
        let option = self.option.as_ref().filter(|option| option.value)?;
        let range = self.literal.unwrap_or(literal.start)..literal.end;
        Some(Context { element: option.element, path: Walk::path(option, true), at: At::Text { range } })
    }

    /// What a word that was not read yet is, or the gap at its place.
    fn stands(&self, word: Range<usize>) -> Option<Context> {
        let option = self.option.as_ref()?;
        let element = option.element;
        if let Some((open, _)) = &self.open {
            let closing = if option.value { ']' } else { ')' };
            let rest = self.text.get(word.end..).unwrap_or_default();
            let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._/".contains(c))).unwrap_or(rest.len());
            let closed = usize::from(rest[name..].starts_with(closing));
            let range = *open..word.end + name + closed;
            let path = Walk::path(option, false);
            return Some(Context { element, path, at: At::Name { range, braces: option.value } });
        }
        if !option.value {
            // A dot leads on; without one a further name makes no sense.
            let dot = self.before.as_ref().is_some_and(|before| before.kind == TokenKind::Punctuation(b'.'));
            let fits = option.parts.is_empty() || dot;
            let at = At::Name { range: word, braces: false };
            return fits.then(|| Context { element, path: option.parts.clone(), at });
        }
        match option.levels.last() {
            Some(Level::Message { entry: Some(_), colon: true, valued: false }) | None => {
                Some(Context { element, path: Walk::path(option, true), at: At::Value { range: word } })
            }
            Some(Level::List) => {
                Some(Context { element, path: Walk::path(option, true), at: At::Value { range: word } })
            }
            Some(Level::Message { entry: Some(_), valued: false, .. }) => None,
            Some(Level::Message { .. }) => {
                let at = At::Name { range: word, braces: true };
                Some(Context { element, path: Walk::path(option, false), at })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context at the bar in the text.
    fn at(text: &str) -> Option<(String, String)> {
        let offset = text.find('|').expect("a bar");
        let text = text.replacen('|', "", 1);
        let found = context(&text, offset)?;
        let path: Vec<String> = found
            .path
            .iter()
            .map(|name| if name.extension { format!("({})", name.text) } else { name.text.clone() })
            .collect();
        let (what, range) = match found.at {
            At::Name { range, braces: true } => ("name in braces", range),
            At::Name { range, .. } => ("name", range),
            At::Value { range } => ("value", range),
            At::Text { range } => ("text", range),
        };
        Some((format!("{} {}", found.element, path.join(".")), format!("{what} {}", &text[range])))
    }

    fn is(text: &str, of: &str, what: &str) {
        assert_eq!(at(text), Some((of.to_owned(), what.to_owned())), "{text}");
    }

    #[test]
    fn options_are_known_by_the_element_that_they_stand_on() {
        is("option (mai|", "FileOptions ", "name (mai");
        is("message A { option (a.b|) = 1; }", "MessageOptions ", "name (a.b)");
        is("message A { message B {} oneof c { option |", "OneofOptions ", "name ");
        is("service S { rpc M(A) returns (B) { option de|", "MethodOptions ", "name de");
        is("message A { string b = 1 [|", "FieldOptions ", "name ");
        is("message A { oneof c { string b = 1 [dep|", "FieldOptions ", "name dep");
        is("enum E { A = 0 [(x.y).|", "EnumValueOptions (x.y)", "name ");
        is("message A { string b = 1 [deprecated = true, (x.|y).z = 1", "FieldOptions ", "name (x.y)");
        is("message A { string b = 1; } enum E { option |", "EnumOptions ", "name ");
    }

    #[test]
    fn the_parts_of_a_name_lead_inward() {
        is("message A { string b = 1 [(x.y).|", "FieldOptions (x.y)", "name ");
        is("message A { string b = 1 [(x.y).string.mi|n", "FieldOptions (x.y).string", "name min");
        is("message A { option (r) = { access { rea|", "MessageOptions (r).access", "name in braces rea");
        is(
            "message A { option (r) = { access: { read: \"a\" \"b\" wr|",
            "MessageOptions (r).access",
            "name in braces wr",
        );
        is("message A { option (r) = { limit: -1.5 on: tr|", "MessageOptions (r).on", "value tr");
        is("message A { option (r) = { index { fields: [\"a\"] } |", "MessageOptions (r)", "name in braces ");
        is("message A { option (r) = { index: [{ un|", "MessageOptions (r).index", "name in braces un");
        is("message A { option (r).access = { |", "MessageOptions (r).access", "name in braces ");
        is("message A { option (r).soft = |", "MessageOptions (r).soft", "value ");
    }

    #[test]
    fn a_text_is_known_by_its_first_quote() {
        is("message A { option (r) = { read: \"a |b\" }", "MessageOptions (r).read", "text \"a b\"");
        is("message A { option (r) = { read: \"a\" \"b|c\" }", "MessageOptions (r).read", "text \"a\" \"bc\"");
        is("message A { string b = 1 [(x).cel = \"a|", "FieldOptions (x).cel", "text \"a");
    }

    #[test]
    fn elsewhere_is_nothing() {
        let outside =
            ["mess|age A {}", "message A { str|ing b = 1; }", "// option (|", "option /* (| */", "option a = 1; |"];
        for text in outside.into_iter().chain(["enum E { A = 0 [(x.y)|", "message A { option (r) = { read |: 1 }"]) {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
