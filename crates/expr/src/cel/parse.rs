//! The `cel` crate's parser behind limits, with places as byte offsets.

use std::ops::Range;

use cel::common::ast::{EntryExpr, Expr, IdedExpr, SourceInfo, operators};
use cel::parser::{ParseError, Parser};

use super::{MAX_RULE_BYTES, MAX_RULE_DEPTH, MAX_RULE_PUNCTUATION, habits};
use crate::problem::{Problem, ProblemKind};

/// A parsed rule.
pub(crate) struct Parsed<'s> {
    pub root: IdedExpr,
    source: &'s str,
    info: SourceInfo,
}

/// Parses a rule.
///
/// # Errors
/// Syntax errors, and sources beyond the limits. The limits come first: the parser and everything after it recurse.
pub(crate) fn parse(source: &str) -> Result<Parsed<'_>, Vec<Problem>> {
    let limit = |message: String| vec![Problem::new(0..source.len(), ProblemKind::Limit, message)];
    if source.len() > MAX_RULE_BYTES {
        return Err(limit(format!("a rule may have {MAX_RULE_BYTES} bytes, this one has {}", source.len())));
    }
    if source.trim().is_empty() {
        return Err(vec![
            Problem::new(0..source.len(), ProblemKind::Syntax, "the rule is empty").help("write `true` or `false`"),
        ]);
    }
    let marks = source.bytes().filter(u8::is_ascii_punctuation).count();
    if marks > MAX_RULE_PUNCTUATION {
        return Err(limit(format!("a rule may have {MAX_RULE_PUNCTUATION} marks and operators, this one has {marks}")));
    }
    if bracket_depth(source) > MAX_RULE_DEPTH {
        return Err(limit(format!("a rule may be nested {MAX_RULE_DEPTH} deep")));
    }
    if choices(source) > MAX_RULE_DEPTH {
        return Err(limit(format!("a rule may choose with ?: {MAX_RULE_DEPTH} times")));
    }
    let (root, info) = Parser::new().error_recovery_limit(4).parse_with_source_info(source).map_err(|errors| {
        let habits = habits::problems(source);
        if habits.is_empty() { errors.errors.iter().map(|error| syntax(source, error)).collect() } else { habits }
    })?;
    if depth(&root) > MAX_RULE_DEPTH {
        return Err(limit(format!("a rule may be nested {MAX_RULE_DEPTH} deep")));
    }
    Ok(Parsed { root, source, info })
}

/// How deep the parser recurses at most, in levels of an expression within another.
pub(crate) fn nesting(source: &str) -> usize {
    // What is longer is refused before it is parsed.
    if source.len() > MAX_RULE_BYTES { 0 } else { bracket_depth(source) + choices(source) }
}

/// How often `?` stands there, those in string literals included: one choice may stand in another without any bracket.
fn choices(source: &str) -> usize {
    source.bytes().filter(|byte| *byte == b'?').count()
}

/// How deep brackets stand in one another at most, those in string literals included.
fn bracket_depth(source: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn syntax(source: &str, error: &ParseError) -> Problem {
    let (line, column) = (error.pos.0.max(1).unsigned_abs(), error.pos.1.max(1).unsigned_abs());
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let offset = source[start..].char_indices().nth(column - 1).map_or(source.len(), |(offset, _)| start + offset);
    let end = source[offset..].chars().next().map_or(offset, |c| offset + c.len_utf8());
    let message = error.msg.split(" expecting ").next().unwrap_or("the rule does not parse");
    Problem::new(offset..end, ProblemKind::Syntax, format!("this is not CEL: {message}"))
}

impl Parsed<'_> {
    /// The place of a sub-expression, from its first to its last token.
    pub fn span(&self, expr: &IdedExpr) -> Range<usize> {
        let mut bounds: Option<(u32, u32)> = None;
        self.widen(expr, &mut bounds);
        let Some((start, stop)) = bounds else { return 0..self.source.len() };
        let start = self.boundary(start as usize);
        let end = self.boundary(stop as usize + 1).max(start);
        let start = self.named(start);
        start..self.closed(start, end)
    }

    /// The source of a place.
    pub fn text(&self, span: &Range<usize>) -> &str {
        self.source.get(span.clone()).unwrap_or_default()
    }

    /// The place of the name that a dotted expression ends with; of the whole where it does not.
    pub fn name_span(&self, expr: &IdedExpr, name: &str) -> Range<usize> {
        let span = self.span(expr);
        let text = self.text(&span).trim_end_matches([')', ' ']);
        if text.ends_with(name) { span.start + text.len() - name.len()..span.start + text.len() } else { span }
    }

    /// The places of the names of a dotted expression that is nothing else.
    pub fn path_spans(&self, expr: &IdedExpr, path: &[&str]) -> Vec<Range<usize>> {
        let whole = self.span(expr);
        let mut at = whole.start;
        let found = path.iter().map(|name| {
            let start = at + self.source.get(at..whole.end)?.find(name)?;
            at = start + name.len();
            Some(start..at)
        });
        found.collect::<Option<Vec<_>>>().unwrap_or_else(|| vec![whole; path.len()])
    }

    fn widen(&self, expr: &IdedExpr, bounds: &mut Option<(u32, u32)>) {
        if let Some((start, stop)) = self.info.offset_for(expr.id) {
            let (low, high) = bounds.unwrap_or((start, stop));
            *bounds = Some((low.min(start), high.max(stop)));
        }
        for child in children(&expr.expr) {
            self.widen(child, bounds);
        }
    }

    /// The offset, or the next one between two characters.
    fn boundary(&self, offset: usize) -> usize {
        (offset..self.source.len()).find(|offset| self.source.is_char_boundary(*offset)).unwrap_or(self.source.len())
    }

    /// Moves the start of a call, which the parser puts at the opening bracket, to the function's name.
    fn named(&self, start: usize) -> usize {
        if !self.source[start..].starts_with('(') {
            return start;
        }
        let before = self.source[..start].trim_end();
        let name = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if name.len() == before.len() { start } else { name.len() }
    }

    /// Moves the end behind the name after a dot and behind brackets that were opened inside the span: the parser's places
    /// are those of the dot and of the opening bracket.
    fn closed(&self, start: usize, mut end: usize) -> usize {
        if self.source[start..end].ends_with('.') {
            let rest = &self.source[end..];
            let name = rest.trim_start();
            let skipped = rest.len() - name.len();
            let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            end += skipped + length;
        }
        let inside = &self.source[start..end];
        let count = |marks: [char; 3]| inside.matches(marks).count();
        let mut open = count(['(', '[', '{']).saturating_sub(count([')', ']', '}']));
        while open > 0 {
            let Some(offset) = self.source[end..].find([')', ']', '}']) else { break };
            end += offset + 1;
            open -= 1;
        }
        end
    }
}

/// The conditions that an expression joins with `&&`, however deep.
pub(crate) fn conjuncts(expr: &IdedExpr) -> Vec<&IdedExpr> {
    match &expr.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => call.args.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// The direct sub-expressions.
fn children(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(c) => vec![&c.iter_range, &c.loop_cond, &c.loop_step, &c.result],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entries(&entry.expr)).collect(),
        Expr::Struct(message) => message.entries.iter().flat_map(|entry| entries(&entry.expr)).collect(),
    }
}

fn entries(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

fn depth(expr: &IdedExpr) -> usize {
    1 + children(&expr.expr).into_iter().map(depth).max().unwrap_or(0)
}
