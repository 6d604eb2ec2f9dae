//! Conditions that are written once for many fields (`buf.validate.predefined`): what a field says to one stands in it for
//! `rule`, and all that the field says beside it for `rules`.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators};

use super::check::Checker;
use super::predicates::within_limits;
use super::stack::with_room;
use super::{RuleScope, parse, quantifiers};
use crate::fold::fold;
use crate::problem::{Problem, ProblemKind};
use crate::program::Program;

/// How large what is written for a list of values may become: each value takes the condition once.
const MAX_UNROLLED: usize = 2_000;

/// How much deeper an expression becomes by that.
const UNROLLED_DEPTH: usize = 16;

/// A value that a field says.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// `1.5s`
    Duration(String),
    /// RFC 3339.
    Timestamp(String),
    List(Vec<Given>),
}

impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Given::Bool(value) => value.fmt(f),
            Given::Int(value) => value.fmt(f),
            Given::Double(value) => value.fmt(f),
            Given::Text(value) => write!(f, "{value:?}"),
            Given::Bytes(value) => write!(f, "b\"{}\"", value.escape_ascii()),
            Given::Duration(value) | Given::Timestamp(value) => f.write_str(value),
            Given::List(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", values.join(", "))
            }
        }
    }
}

/// What a field says to a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub rule: Given,
    /// By name: whether it is said, and what it comes to.
    pub rules: Vec<(String, bool, Given)>,
}

/// Compiles such a condition, as [`super::compile_constraint`] does.
///
/// # Errors
/// The same as [`super::compile_rule`]'s.
pub fn compile_predefined(source: &str, scope: &RuleScope, said: &Said) -> Result<Program, Vec<Problem>> {
    with_room(parse::nesting(source) + UNROLLED_DEPTH, || predefined(source, scope, said))
}

fn predefined(source: &str, scope: &RuleScope, said: &Said) -> Result<Program, Vec<Problem>> {
    let mut parsed = parse::parse(source)?;
    let mut put = Put { said, bound: Vec::new(), room: MAX_UNROLLED };
    put.replace(&mut parsed.root);
    if put.room == 0 {
        let message = format!("written out for each value of `rule` it has more than {MAX_UNROLLED} parts");
        return Err(vec![Problem::new(0..source.len(), ProblemKind::Limit, message)]);
    }
    let mut checker = Checker::new(&parsed, scope);
    match checker.verdict(&parsed.root) {
        Some(root) if checker.problems.is_empty() => within_limits(fold(root), source).map(|root| Program { root }),
        _ => Err(checker.problems),
    }
}

/// Puts values in the places of names.
struct Put<'s> {
    said: &'s Said,
    /// The names that macros give to elements.
    bound: Vec<String>,
    room: usize,
}

impl Put<'_> {
    fn replace(&mut self, at: &mut IdedExpr) {
        if let Some(value) = self.value(&at.expr) {
            at.expr = value;
            return;
        }
        match &mut at.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Select(select) => self.replace(&mut select.operand),
            Expr::Call(call) => {
                call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(|of| self.replace(of));
            }
            Expr::List(list) => list.elements.iter_mut().for_each(|of| self.replace(of)),
            Expr::Map(map) => map.entries.iter_mut().for_each(|entry| self.entry(&mut entry.expr)),
            Expr::Struct(message) => message.entries.iter_mut().for_each(|entry| self.entry(&mut entry.expr)),
            Expr::Comprehension(of) => {
                self.replace(&mut of.iter_range);
                let names = [Some(of.iter_var.clone()), of.iter_var2.clone()];
                let own = self.bound.len();
                self.bound.extend(names.into_iter().flatten());
                self.replace(&mut of.loop_step);
                self.bound.truncate(own);
                if let Some(unrolled) = self.unrolled(of) {
                    at.expr = unrolled;
                }
            }
        }
    }

    fn entry(&mut self, entry: &mut EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.replace(&mut field.value),
            EntryExpr::MapEntry(entry) => {
                self.replace(&mut entry.key);
                self.replace(&mut entry.value);
            }
        }
    }

    /// What a name stands for: `rule`, `rules.min_len`, `has(rules.min_len)`.
    fn value(&self, expr: &Expr) -> Option<Expr> {
        let is = |expr: &Expr, name: &str| matches!(expr, Expr::Ident(found) if found == name);
        let is_free = |name: &str| !self.bound.iter().any(|bound| bound == name);
        match expr {
            expr if is(expr, "rule") && is_free("rule") => Some(written(&self.said.rule)),
            Expr::Select(select) if is(&select.operand.expr, "rules") && is_free("rules") => {
                let (_, is_said, value) = self.said.rules.iter().find(|(name, ..)| *name == select.field)?;
                Some(if select.test { literal(LiteralValue::Boolean((*is_said).into())) } else { written(value) })
            }
            _ => None,
        }
    }

    /// `exists` and `all` over a list that is known, as a condition on each value: there is no list in the row.
    fn unrolled(&mut self, of: &ComprehensionExpr) -> Option<Expr> {
        let Expr::List(list) = &of.iter_range.expr else { return None };
        let (condition, is_all) = quantifiers::said_of_each(of)?;
        let mut all = list.elements.iter().map(|element| {
            let mut one = condition.clone();
            self.room = self.room.saturating_sub(named(&mut one, &of.iter_var, &element.expr));
            one
        });
        let first = all
            .next()
            .unwrap_or_else(|| IdedExpr { id: condition.id, expr: literal(LiteralValue::Boolean(is_all.into())) });
        let name = if is_all { operators::LOGICAL_AND } else { operators::LOGICAL_OR };
        let joined = |one: IdedExpr, other: IdedExpr| {
            let call = CallExpr { func_name: name.to_owned(), target: None, args: vec![one, other] };
            IdedExpr { id: condition.id, expr: Expr::Call(call) }
        };
        let mut rest: Vec<IdedExpr> = std::iter::once(first).chain(all).collect();
        // As deep as it must be: what is checked afterwards recurses.
        while rest.len() > 1 {
            let mut pairs = rest.into_iter();
            let mut next = Vec::new();
            while let Some(one) = pairs.next() {
                next.push(match pairs.next() {
                    Some(other) => joined(one, other),
                    None => one,
                });
            }
            rest = next;
        }
        rest.pop().map(|one| one.expr)
    }
}

/// Puts a value in the places of a name. Says how large the outcome is.
fn named(at: &mut IdedExpr, name: &str, value: &Expr) -> usize {
    if matches!(&at.expr, Expr::Ident(found) if found == name) {
        at.expr = value.clone();
        return 1;
    }
    let parts: usize = match &mut at.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
        Expr::Select(select) => named(&mut select.operand, name, value),
        Expr::Call(call) => {
            call.target.as_deref_mut().into_iter().chain(&mut call.args).map(|of| named(of, name, value)).sum()
        }
        Expr::List(list) => list.elements.iter_mut().map(|of| named(of, name, value)).sum(),
        // Neither is anything that a condition can be made of.
        Expr::Map(_) | Expr::Struct(_) => 0,
        Expr::Comprehension(of) => {
            let range = named(&mut of.iter_range, name, value);
            let hides = of.iter_var == name || of.iter_var2.as_deref() == Some(name);
            range + if hides { 0 } else { named(&mut of.loop_step, name, value) }
        }
    };
    parts + 1
}

fn literal(value: LiteralValue) -> Expr {
    Expr::Literal(value)
}

fn written(value: &Given) -> Expr {
    let text = |text: &str| IdedExpr { id: 0, expr: literal(LiteralValue::String(text.to_owned().into())) };
    let call =
        |name: &str, of: &str| Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args: vec![text(of)] });
    match value {
        Given::Bool(value) => literal(LiteralValue::Boolean((*value).into())),
        Given::Int(value) => literal(LiteralValue::Int((*value).into())),
        Given::Double(value) => literal(LiteralValue::Double((*value).into())),
        Given::Text(value) => text(value).expr,
        Given::Bytes(value) => literal(LiteralValue::Bytes(value.clone().into())),
        Given::Duration(value) => call("duration", value),
        Given::Timestamp(value) => call("timestamp", value),
        Given::List(values) => {
            let elements = values.iter().map(|value| IdedExpr { id: 0, expr: written(value) }).collect();
            Expr::List(ListExpr::new(elements))
        }
    }
}
