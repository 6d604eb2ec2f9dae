//! RE2's grammar.

use std::mem;
use std::sync::LazyLock;

use regex::Regex;

use super::ast::{Class, Look, Node};
use super::class::{backslashed, bracketed};
use super::cursor::Cursor;
use super::escape::escape;
use super::{MAX_PATTERN_DEPTH, MAX_PATTERN_REPETITIONS, PatternError};

/// What `(?ims)` switches; greediness says nothing about whether there is a match.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold: bool,
    lines: bool,
    dot_takes_newline: bool,
}

/// A group that is open, or the whole pattern.
#[derive(Default)]
struct Frame {
    /// Offset of the bracket.
    start: usize,
    /// As they were outside.
    flags: Flags,
    alternatives: Vec<Node>,
    concat: Vec<Node>,
}

impl Frame {
    fn node(mut self) -> Node {
        let last = Node::Concat(self.concat);
        if self.alternatives.is_empty() {
            return last;
        }
        self.alternatives.push(last);
        Node::Alternate(self.alternatives)
    }
}

struct Parser<'s> {
    cursor: Cursor<'s>,
    flags: Flags,
    /// Innermost last; the whole pattern is the first.
    frames: Vec<Frame>,
    /// What was read last was a repetition, which cannot be repeated.
    repeated: bool,
}

/// Parses a pattern.
///
/// # Errors
/// The first place that is not as RE2 has it.
pub(super) fn parse(source: &str) -> Result<Node, PatternError> {
    let cursor = Cursor { source, at: 0 };
    let mut parser = Parser { cursor, flags: Flags::default(), frames: vec![Frame::default()], repeated: false };
    while !parser.cursor.is_done() {
        let repeated = parser.step()?;
        parser.repeated = repeated;
    }
    let last = parser.frames.pop().unwrap_or_default();
    if parser.frames.is_empty() {
        return Ok(last.node());
    }
    Err(PatternError::new(last.start..last.start + 1, "the group is not closed: a `)` is missing"))
}

impl Parser<'_> {
    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn push(&mut self, node: Node) {
        self.frame().concat.push(node);
    }

    fn literal(&mut self, code: u32) {
        let fold = self.flags.fold;
        self.push(Node::Literal { code, fold });
    }

    /// Reads what comes next; says whether it was a repetition.
    fn step(&mut self) -> Result<bool, PatternError> {
        let start = self.cursor.at;
        let Some(c) = self.cursor.next() else { return Ok(false) };
        match c {
            '(' if self.cursor.eat("?") => self.special_group(start)?,
            '(' => self.open(start, self.flags)?,
            ')' => self.close(start)?,
            '|' => {
                let concat = mem::take(&mut self.frame().concat);
                self.frame().alternatives.push(Node::Concat(concat));
            }
            '^' => self.push(Node::Look(if self.flags.lines { Look::LineBegin } else { Look::TextBegin })),
            '$' => self.push(Node::Look(if self.flags.lines { Look::LineEnd } else { Look::TextEnd })),
            '.' => self.push(if self.flags.dot_takes_newline { Node::Any } else { Node::AnyButNewline }),
            '[' => {
                self.cursor.at = start;
                let class = bracketed(&mut self.cursor, self.flags.fold)?;
                self.push(Node::Class(class));
            }
            '*' => return self.repeat(start, 0, None),
            '+' => return self.repeat(start, 1, None),
            '?' => return self.repeat(start, 0, Some(1)),
            '{' => match counted(&mut self.cursor) {
                Some((min, max)) => return self.repeat(start, min, max),
                None => self.literal(u32::from('{')),
            },
            '\\' => {
                self.cursor.at = start;
                self.backslash()?;
            }
            c => self.literal(u32::from(c)),
        }
        Ok(false)
    }

    fn open(&mut self, start: usize, outside: Flags) -> Result<(), PatternError> {
        // The whole pattern is a frame, too.
        if self.frames.len() > MAX_PATTERN_DEPTH {
            let message = format!("groups lie more than {MAX_PATTERN_DEPTH} deep in one another");
            return Err(PatternError::new(start..self.cursor.at, message));
        }
        self.frames.push(Frame { start, flags: outside, ..Frame::default() });
        Ok(())
    }

    fn close(&mut self, start: usize) -> Result<(), PatternError> {
        let frame = if self.frames.len() > 1 { self.frames.pop() } else { None };
        let Some(frame) = frame else {
            return Err(PatternError::new(start..start + 1, "there is no group to close here; a bracket is `\\)`"));
        };
        self.flags = frame.flags;
        self.push(frame.node());
        Ok(())
    }

    /// Repeats what stands before.
    fn repeat(&mut self, start: usize, min: u32, max: Option<u32>) -> Result<bool, PatternError> {
        // Lazy: which match is found says nothing about whether there is one.
        self.cursor.eat("?");
        let range = start..self.cursor.at;
        if self.repeated {
            let message = "a repetition cannot be repeated, and RE2 has no possessive ones; put it into a group";
            return Err(PatternError::new(range, message));
        }
        let limit = MAX_PATTERN_REPETITIONS;
        let many = format!("something is repeated at most {limit} times, repetitions inside it multiplied");
        if max.is_some_and(|max| max < min) {
            return Err(PatternError::new(range, "the repetition ends before it begins"));
        }
        if min > limit || max.is_some_and(|max| max > limit) {
            return Err(PatternError::new(range, many));
        }
        let Some(node) = self.frame().concat.pop() else {
            return Err(PatternError::new(range, "there is nothing to repeat here"));
        };
        let node = Node::Repeat { node: Box::new(node), min, max };
        if (min >= 2 || max.is_some_and(|max| max >= 2)) && node.repetitions_left(limit) == 0 {
            return Err(PatternError::new(range, many));
        }
        self.push(node);
        Ok(true)
    }

    fn backslash(&mut self) -> Result<(), PatternError> {
        let mut chars = self.cursor.rest().chars();
        chars.next();
        let node = match chars.next() {
            Some('b') => Node::Look(Look::WordBoundary),
            Some('B') => Node::Look(Look::NoWordBoundary),
            Some('A') => Node::Look(Look::TextBegin),
            Some('z') => Node::Look(Look::TextEnd),
            Some('C') => Node::Byte,
            Some('Q') => {
                self.cursor.at += 2;
                self.quoted();
                return Ok(());
            }
            _ => {
                match backslashed(&mut self.cursor)? {
                    Some(item) => self.push(Node::Class(Class::of(item, self.flags.fold))),
                    None => {
                        let code = escape(&mut self.cursor)?;
                        self.literal(code);
                    }
                }
                return Ok(());
            }
        };
        self.cursor.at += 2;
        self.push(node);
        Ok(())
    }

    /// Everything up to `\E` stands for itself.
    fn quoted(&mut self) {
        while !self.cursor.eat("\\E") {
            let Some(c) = self.cursor.next() else { return };
            self.literal(u32::from(c));
        }
    }

    /// What begins with `(?`: a name, or flags for the rest of the group or for a group of their own.
    fn special_group(&mut self, start: usize) -> Result<(), PatternError> {
        if ["=", "!", "<=", "<!"].iter().any(|look| self.cursor.sees(look)) {
            return Err(PatternError::new(start..self.cursor.at + 1, "RE2 has no look-around"));
        }
        if self.cursor.eat("P<") || self.cursor.eat("<") {
            return self.named(start);
        }
        let outside = self.flags;
        let (mut flags, mut on, mut any) = (outside, true, false);
        loop {
            let c = self.cursor.next();
            match c {
                Some('i') => flags.fold = on,
                Some('m') => flags.lines = on,
                Some('s') => flags.dot_takes_newline = on,
                Some('U') => {}
                Some('-') if on => {
                    (on, any) = (false, false);
                    continue;
                }
                Some(':' | ')') if on || any => {
                    if c == Some(':') {
                        self.open(start, outside)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => {
                    let message =
                        "RE2 knows no such group: there are (?:…), (?P<name>…), (?<name>…) and the flags i, m, s, U";
                    return Err(PatternError::new(start..self.cursor.at, message));
                }
            }
            any = true;
        }
    }

    fn named(&mut self, start: usize) -> Result<(), PatternError> {
        let rest = self.cursor.rest();
        let name = rest.find('>').map(|end| &rest[..end]);
        match name.filter(|name| is_name(name)) {
            Some(name) => {
                self.cursor.at += name.len() + 1;
                self.open(start, self.flags)
            }
            None => Err(PatternError::new(start..self.cursor.at, "a group's name is letters, digits and underscores")),
        }
    }
}

fn is_name(name: &str) -> bool {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[\p{Lu}\p{Ll}\p{Lt}\p{Lm}\p{Lo}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]+$").ok());
    NAME.as_ref().is_some_and(|pattern| pattern.is_match(name))
}

/// Reads what stands after `{`: `3}`, `3,}`, `3,5}`. Nothing, and nothing read, where it is anything else: then the brace
/// stands for itself.
fn counted(cursor: &mut Cursor<'_>) -> Option<(u32, Option<u32>)> {
    let (inside, _) = cursor.rest().split_once('}')?;
    let (min, max) = match inside.split_once(',') {
        None => (number(inside)?, Some(number(inside)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    cursor.at += inside.len() + 1;
    Some((min, max))
}

/// A number of at most nine digits, without zeros in front.
fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let led = text.len() > 1 && text.starts_with('0');
    if plain && !led && text.len() <= 9 { text.parse().ok() } else { None }
}
