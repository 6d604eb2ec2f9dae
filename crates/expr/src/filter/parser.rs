//! The grammar of AIP-160.
//!
//! ```text
//! expression  = sequence { "AND" sequence }
//! sequence    = factor { factor }                     -- side by side means AND
//! factor      = term { "OR" term }                    -- so OR binds tighter than AND
//! term        = [ "NOT" | "-" ] simple
//! simple      = restriction | "(" expression ")"
//! restriction = value { "." value } [ comparator argument ]
//! comparator  = "<=" | "<" | ">=" | ">" | "!=" | "=" | ":"
//! ```

use std::ops::Range;

use super::foreign;
use super::syntax::{Argument, Comparator, Node, Restriction, Segment};
use super::{MAX_DEPTH, MAX_NODES};
use crate::problem::{Problem, ProblemKind};

/// Parses a filter that is not empty.
///
/// # Errors
/// The first problem: syntax, a limit, or a part of the grammar that is not served.
pub(crate) fn parse(source: &str) -> Result<Node, Problem> {
    let mut parser = Parser { source, position: 0, depth: 0, nodes: 0 };
    let node = parser.expression()?;
    match parser.peek() {
        None => Ok(node),
        Some(')') => Err(parser.syntax_here("this bracket closes nothing")),
        Some(_) => Err(parser.syntax_here("expected AND, OR or another condition here")),
    }
}

struct Parser<'s> {
    source: &'s str,
    position: usize,
    depth: usize,
    nodes: usize,
}

impl<'s> Parser<'s> {
    fn expression(&mut self) -> Result<Node, Problem> {
        let mut factors = self.sequence()?;
        while self.keyword("AND") {
            factors.extend(self.sequence()?);
        }
        Ok(if factors.len() == 1 { factors.remove(0) } else { Node::And(factors) })
    }

    fn sequence(&mut self) -> Result<Vec<Node>, Problem> {
        let mut factors = vec![self.factor()?];
        while !matches!(self.peek(), None | Some(')')) && !self.at_keyword("AND") {
            factors.push(self.factor()?);
        }
        Ok(factors)
    }

    fn factor(&mut self) -> Result<Node, Problem> {
        let mut terms = vec![self.term()?];
        while self.keyword("OR") {
            terms.push(self.term()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Node::Or(terms) })
    }

    fn term(&mut self) -> Result<Node, Problem> {
        self.count()?;
        if self.keyword("NOT") || self.minus() {
            self.count()?;
            return Ok(Node::Not(Box::new(self.simple()?)));
        }
        self.simple()
    }

    fn simple(&mut self) -> Result<Node, Problem> {
        if self.peek() != Some('(') {
            return self.restriction().map(Node::Restriction);
        }
        let open = self.position;
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("a filter may be nested {MAX_DEPTH} deep");
            return Err(Problem::new(open..open + 1, ProblemKind::Limit, message));
        }
        let inner = self.expression()?;
        if self.peek() != Some(')') {
            return Err(Problem::new(open..open + 1, ProblemKind::Syntax, "this bracket is not closed"));
        }
        self.position += 1;
        self.depth -= 1;
        Ok(inner)
    }

    fn count(&mut self) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!("a filter may have {MAX_NODES} conditions and operators");
        Err(Problem::new(self.here(), ProblemKind::Limit, message))
    }

    fn restriction(&mut self) -> Result<Restriction, Problem> {
        let start = self.skip_space();
        for keyword in ["AND", "OR", "NOT"] {
            if self.at_keyword(keyword) {
                return Err(self.syntax_here("expected a condition here, like `field = value`"));
            }
        }
        let mut path = vec![self.segment()?];
        let quoted = self.source[start..].starts_with(['"', '\'']);
        while self.source[self.position..].starts_with('.') {
            self.position += 1;
            path.push(self.segment()?);
        }
        let whole = start..self.position;
        if self.source[self.position..].starts_with('(') {
            return Err(self.no_function(whole));
        }
        let Some((comparator, at)) = self.comparator()? else {
            return Err(self.no_comparison(whole));
        };
        if quoted {
            let message = "a field name stands here without quotes";
            return Err(Problem::new(whole, ProblemKind::Syntax, message));
        }
        Ok(Restriction { path, comparator, at, argument: self.argument()? })
    }

    fn no_function(&self, name: Range<usize>) -> Problem {
        let text = &self.source[name.clone()];
        let problem = Problem::new(name, ProblemKind::Unsupported, format!("the function {text}() is not supported"));
        problem.maybe_help(foreign::function(text).map(str::to_owned))
    }

    /// Words that are compared with nothing: operators of other languages, or what is looked for in all fields.
    fn no_comparison(&mut self, words: Range<usize>) -> Problem {
        let start = self.skip_space();
        let next = start..self.run(|c| !c.is_ascii_whitespace() && !is_mark(c)).end;
        for word in [words.clone(), next] {
            if let Some(help) = foreign::operator(&self.source[word.clone()]) {
                let message = format!("`{}` is no operator of a filter", &self.source[word.clone()]);
                return Problem::new(word, ProblemKind::Syntax, message).help(help);
            }
        }
        let message = "searching all fields for a word is not supported";
        Problem::new(words, ProblemKind::Unsupported, message).help("compare a field: `field = value`")
    }

    fn segment(&mut self) -> Result<Segment, Problem> {
        if let Some(quote @ ('"' | '\'')) = self.next_char() {
            let argument = self.quoted(quote)?;
            return Ok(Segment { name: argument.text(), span: argument.span });
        }
        let span = self.run(|c| !is_mark(c) && !matches!(c, ':' | '.'));
        if span.is_empty() {
            return Err(self.syntax_here("expected a field name here"));
        }
        Ok(Segment { name: self.source[span.clone()].to_owned(), span })
    }

    fn comparator(&mut self) -> Result<Option<(Comparator, Range<usize>)>, Problem> {
        const COMPARATORS: [(&str, Comparator); 7] = [
            ("<=", Comparator::LessOrEqual),
            ("<", Comparator::Less),
            (">=", Comparator::GreaterOrEqual),
            (">", Comparator::Greater),
            ("!=", Comparator::NotEquals),
            ("=", Comparator::Equals),
            (":", Comparator::Has),
        ];
        let before = self.position;
        let start = self.skip_space();
        let rest = &self.source[start..];
        if let Some((text, comparator)) = COMPARATORS.into_iter().find(|(text, _)| rest.starts_with(text)) {
            self.position += text.len();
            return Ok(Some((comparator, start..self.position)));
        }
        if rest.starts_with('!') {
            return Err(self.syntax_here("expected `!=` here").help("negate with NOT or `-`"));
        }
        self.position = before;
        Ok(None)
    }

    fn argument(&mut self) -> Result<Argument, Problem> {
        self.skip_space();
        let start = self.position;
        match self.next_char() {
            Some(quote @ ('"' | '\'')) => return self.quoted(quote),
            Some('(') => {
                let problem =
                    Problem::new(start..start + 1, ProblemKind::Unsupported, "a group as a value is not supported");
                return Err(problem.help("write `a = 1 OR a = 2`"));
            }
            _ => {}
        }
        // A bare value may hold dots and colons: 1.5, 2024-05-01T12:00:00Z.
        let span = self.run(|c| !is_mark(c));
        let text = &self.source[span.clone()];
        if text.is_empty() {
            let help = foreign::longer(&self.source[..start], self.next_char());
            return Err(self.syntax_here("expected a value here").maybe_help(help.map(str::to_owned)));
        }
        if matches!(text, "AND" | "OR" | "NOT") {
            let problem = Problem::new(span, ProblemKind::Syntax, "expected a value here");
            return Err(problem.help(format!("put the word in quotes: \"{text}\"")));
        }
        if self.next_char() == Some('(') {
            return Err(self.no_function(span));
        }
        self.check_end()?;
        Ok(Argument { pieces: text.split('*').map(str::to_owned).collect(), quoted: false, span })
    }

    /// After a value there must be space, a closing bracket or the end.
    fn check_end(&self) -> Result<(), Problem> {
        match self.next_char() {
            Some(c) if !c.is_ascii_whitespace() && c != ')' => {
                Err(self.syntax_here("expected AND, OR or a space here"))
            }
            _ => Ok(()),
        }
    }

    /// Reads a quoted text. `\\`, `\"`, `\'`, `\*`, `\n`, `\r` and `\t` are escapes; a star without one is a wildcard.
    fn quoted(&mut self, quote: char) -> Result<Argument, Problem> {
        let start = self.position;
        let mut pieces = vec![String::new()];
        let mut characters = self.source[start + 1..].char_indices();
        while let Some((offset, c)) = characters.next() {
            let push = match c {
                '\0' => {
                    let at = start + 1 + offset;
                    return Err(Problem::new(at..at + 1, ProblemKind::Type, "U+0000 cannot be stored"));
                }
                '*' => {
                    pieces.push(String::new());
                    continue;
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('\\' | '"' | '\'' | '*'))) => escaped,
                    Some((_, 'n')) => '\n',
                    Some((_, 'r')) => '\r',
                    Some((_, 't')) => '\t',
                    other => {
                        let at = start + 1 + offset;
                        let end = other.map_or(self.source.len(), |(next, c)| start + 1 + next + c.len_utf8());
                        let problem = Problem::new(at..end, ProblemKind::Syntax, "this escape is unknown");
                        return Err(problem.help(r#"there are \\, \", \', \*, \n, \r and \t"#));
                    }
                },
                c if c == quote => {
                    self.position = start + 1 + offset + 1;
                    return Ok(Argument { pieces, quoted: true, span: start..self.position });
                }
                c => c,
            };
            if let Some(last) = pieces.last_mut() {
                last.push(push);
            }
        }
        Err(Problem::new(start..self.source.len(), ProblemKind::Syntax, "this quote is not closed"))
    }

    /// Takes characters while they fit.
    fn run(&mut self, fits: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.position;
        let rest = &self.source[start..];
        self.position += rest.find(|c| !fits(c)).unwrap_or(rest.len());
        start..self.position
    }

    fn skip_space(&mut self) -> usize {
        self.run(|c| c.is_ascii_whitespace());
        self.position
    }

    fn next_char(&self) -> Option<char> {
        self.source[self.position..].chars().next()
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.next_char()
    }

    fn at_keyword(&mut self, keyword: &str) -> bool {
        let start = self.skip_space();
        let Some(rest) = self.source[start..].strip_prefix(keyword) else { return false };
        rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '(' | ')'))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            self.position += keyword.len();
        }
        found
    }

    fn minus(&mut self) -> bool {
        let found = self.peek() == Some('-');
        if found {
            self.position += 1;
        }
        found
    }

    /// The place of the next character, or of the end.
    fn here(&self) -> Range<usize> {
        let end = self.next_char().map_or(self.position, |c| self.position + c.len_utf8());
        self.position..end
    }

    fn syntax_here(&self, message: &str) -> Problem {
        Problem::new(self.here(), ProblemKind::Syntax, message)
    }
}

/// Characters that end a bare word.
fn is_mark(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '\'' | '=' | '<' | '>' | '!' | '\0')
}
