//! Path templates of `google.api.http`, as the grammar in `google/api/http.proto` writes them.

use std::fmt;
use std::ops::Range;

/// The most segments that a template may have, those inside variables counted.
pub const MAX_TEMPLATE_SEGMENTS: usize = 32;

/// A parsed path template: `/v1/{name=shelves/*/books/*}:archive`.
///
/// `segments` is flat: what stands inside variables is spliced in, and a variable says which segments it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub segments: Vec<Segment>,
    /// The custom verb after the last colon, without the colon.
    pub verb: Option<String>,
    pub variables: Vec<Variable>,
}

/// What one or more path segments must look like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Exactly this text, in the percent-encoding in which it stands in the URL.
    Literal(String),
    /// `*`: one segment, never empty.
    One,
    /// `**`: zero or more segments; only at the end.
    Rest,
}

/// `{book.name=shelves/*}`: the request field that takes the text of `count` segments from `first` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Dotted path of proto field names.
    pub field: String,
    pub first: usize,
    pub count: usize,
}

/// Says where in a template the grammar is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path template `{template}`, column {}: {message}", .offset + 1)]
pub struct TemplateError {
    pub template: String,
    /// Byte offset into the template.
    pub offset: usize,
    pub message: &'static str,
}

impl Template {
    /// Parses `Template = "/" Segments [ Verb ]`. Fails on text outside the grammar, on `**` before the end, on a
    /// field bound twice and above [`MAX_TEMPLATE_SEGMENTS`].
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut parser = Parser { text, at: 0, template: Template { segments: vec![], verb: None, variables: vec![] } };
        parser.template()?;
        Ok(parser.template)
    }

    /// Whether the variable is one segment, whose `%2F` is decoded; in longer ones it stays as it is (http.proto).
    pub fn is_single(&self, variable: &Variable) -> bool {
        variable.count == 1 && self.segments.get(variable.first) != Some(&Segment::Rest)
    }

    /// Which segments of a path the variable takes. It ends at `usize::MAX` where it ends with `**`.
    pub fn covered_by(&self, variable: &Variable) -> Range<usize> {
        let end = variable.first + variable.count;
        let open = end == self.segments.len() && self.segments.last() == Some(&Segment::Rest);
        variable.first..if open { usize::MAX } else { end }
    }

    /// The text of the first segment where it is a literal.
    pub fn root(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Literal(text)) => Some(text),
            _ => None,
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    template: Template,
}

impl Parser<'_> {
    fn template(&mut self) -> Result<(), TemplateError> {
        if !self.eat(b'/') {
            return self.fail("a path template starts with `/`");
        }
        self.segments(false)?;
        if self.eat(b':') {
            let verb = self.literal("expected a verb after `:`")?;
            self.template.verb = Some(verb);
        }
        if self.at < self.text.len() {
            return self.fail("expected `/`, `:` or the end of the template");
        }
        self.check()
    }

    fn segments(&mut self, inside: bool) -> Result<(), TemplateError> {
        loop {
            match self.peek() {
                Some(b'{') if inside => return self.fail("a variable cannot stand inside another"),
                Some(b'{') => self.variable()?,
                Some(b'*') => self.wildcard()?,
                _ => {
                    let text = self.literal("expected a segment: a literal, `*`, `**` or `{field}`")?;
                    self.template.segments.push(Segment::Literal(text));
                }
            }
            if !self.eat(b'/') {
                return Ok(());
            }
        }
    }

    fn wildcard(&mut self) -> Result<(), TemplateError> {
        self.at += 1;
        let segment = if self.eat(b'*') { Segment::Rest } else { Segment::One };
        self.template.segments.push(segment);
        Ok(())
    }

    fn variable(&mut self) -> Result<(), TemplateError> {
        self.at += 1;
        let field = self.field_path()?;
        if self.template.variables.iter().any(|bound| bound.field == field) {
            return self.fail("this field is bound twice");
        }
        let first = self.template.segments.len();
        if self.eat(b'=') {
            self.segments(true)?;
        } else {
            self.template.segments.push(Segment::One);
        }
        if !self.eat(b'}') {
            return self.fail("expected `}`");
        }
        let count = self.template.segments.len() - first;
        self.template.variables.push(Variable { field, first, count });
        Ok(())
    }

    fn field_path(&mut self) -> Result<String, TemplateError> {
        let start = self.at;
        loop {
            if !self.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
                return self.fail("expected a field name");
            }
            while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                self.at += 1;
            }
            if !self.eat(b'.') {
                return Ok(self.text[start..self.at].to_owned());
            }
        }
    }

    /// Reads text that can stand in one segment of a URL's path: RFC 3986's `pchar`, less `:` and `*`, which the grammar
    /// uses itself.
    fn literal(&mut self, expected: &'static str) -> Result<String, TemplateError> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'%' if !self.escape_follows() => return self.fail("`%` is followed by two hexadecimal digits"),
                b'%' => self.at += 3,
                _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=@".contains(&byte) => self.at += 1,
                _ => break,
            }
        }
        if start == self.at {
            return self.fail(expected);
        }
        Ok(self.text[start..self.at].to_owned())
    }

    fn escape_follows(&self) -> bool {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    }

    fn check(&self) -> Result<(), TemplateError> {
        let segments = &self.template.segments;
        if segments.len() > MAX_TEMPLATE_SEGMENTS {
            return self.fail("a path template has at most 32 segments");
        }
        match segments.iter().position(|segment| *segment == Segment::Rest) {
            Some(position) if position + 1 < segments.len() => self.fail("`**` stands only at the end"),
            _ => Ok(()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn fail<T>(&self, message: &'static str) -> Result<T, TemplateError> {
        Err(TemplateError { template: self.text.to_owned(), offset: self.at, message })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = 0;
        while next < self.segments.len() {
            f.write_str("/")?;
            match self.variables.iter().find(|variable| variable.first == next && variable.count > 0) {
                Some(variable) => {
                    write!(f, "{{{}", variable.field)?;
                    let covered = &self.segments[next..next + variable.count];
                    if covered != [Segment::One] {
                        write!(f, "={}", join(covered))?;
                    }
                    f.write_str("}")?;
                    next += variable.count;
                }
                None => {
                    write!(f, "{}", join(&self.segments[next..=next]))?;
                    next += 1;
                }
            }
        }
        self.verb.as_ref().map_or(Ok(()), |verb| write!(f, ":{verb}"))
    }
}

fn join(segments: &[Segment]) -> String {
    let texts: Vec<&str> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => text.as_str(),
            Segment::One => "*",
            Segment::Rest => "**",
        })
        .collect();
    texts.join("/")
}
