//! Rules: CEL, parsed by the `cel` crate, checked and compiled here.

mod arithmetic;
mod check;
mod compare;
mod condition;
mod defaults;
mod functions;
mod habits;
mod membership;
mod named;
mod names;
mod operand;
mod parse;
mod predefined;
mod predicates;
mod quantifiers;
mod stack;
mod values;

use std::collections::BTreeSet;
use std::sync::Arc;

use mainstay_record::JsonShape;

pub use self::predefined::{Given, Said, compile_predefined};
use self::predicates::within_limits;
pub use self::predicates::{
    MAX_NESTED_QUANTIFIERS, MAX_PREDICATE_CHAIN, PredicateSource, Predicates, compile_predicates,
};
pub use self::quantifiers::MAX_QUANTIFIERS;
use self::stack::with_room;
pub use self::values::{Wanted, compile_value};

use self::check::Checker;
use crate::fold::fold;
use crate::problem::{Problem, ProblemKind};
use crate::program::Program;
use crate::row::Root;
use crate::schema::{EnumType, Field, RecordType, Type};

/// How long the source of a rule may be.
pub const MAX_RULE_BYTES: usize = 8 * 1024;
/// How deep a rule may be nested, each operator, call and field access counted.
pub const MAX_RULE_DEPTH: usize = 40;
/// How large a rule may become when what its predicates say, and what it names of lists, is put in their places.
pub const MAX_RULE_NODES: usize = 20_000;
/// How many ASCII punctuation characters a rule may have: they bound the size of what the parser builds.
pub const MAX_RULE_PUNCTUATION: usize = 1000;

/// What a rule may name beside `auth` and `now`.
#[derive(Debug, Clone, Default)]
pub struct RuleScope {
    pub resource: Option<Arc<RecordType>>,
    /// What `resource` is called, where that is something else: `this` in a constraint.
    pub called: Option<&'static str>,
    /// The field that this name stands for, by its number, where a constraint is on a field and not on the whole record.
    pub field: Option<u32>,
    pub old: Option<Arc<RecordType>>,
    pub new: Option<Arc<RecordType>>,
    /// The records of all tables by their numbers: where references lead.
    pub records: Arc<[Arc<RecordType>]>,
    /// Enums are named by their full name, or relative to the record's message or one of its packages, as in protobuf.
    pub enums: Vec<Arc<EnumType>>,
    /// Rules that have names, used like fields.
    pub predicates: Arc<Predicates>,
    /// What some role grants, where that is known: what else a rule looks for in `auth.permissions` is a slip.
    pub permissions: Option<Arc<BTreeSet<String>>>,
    /// What `this` is: one of the elements of a list, which the expression is asked of one after the other.
    pub element: Option<Element>,
}

/// The elements of a list that is stored as JSON.
#[derive(Debug, Clone)]
pub struct Element {
    pub ty: Type,
    pub shape: Arc<JsonShape>,
    /// The entry of the shape for messages that are elements.
    pub message: Option<usize>,
}

impl RuleScope {
    /// What the record in hand is called.
    fn record_name(&self) -> &'static str {
        self.called.unwrap_or("resource")
    }

    /// The ancestor of this name, of the record in hand. Where there are two, they are in one place: no key changes.
    fn ancestor(&self, name: &str) -> Option<(Root, &Field)> {
        let records = [(Root::Resource, &self.resource), (Root::Old, &self.old)];
        let (root, record) = records.into_iter().find_map(|(root, record)| Some((root, record.as_ref()?)))?;
        Some((root, record.ancestor(name)?))
    }
}

/// Compiles a CEL condition.
///
/// # Errors
/// All problems found, each with its place.
pub fn compile_rule(source: &str, scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    with_room(parse::nesting(source), || rule(source, scope))
}

fn rule(source: &str, scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    let parsed = parse::parse(source)?;
    let mut checker = Checker::new(&parsed, scope);
    match checker.condition(&parsed.root) {
        Some(root) if checker.problems.is_empty() => within_limits(fold(root), source).map(|root| Program { root }),
        _ => Err(checker.problems),
    }
}

/// Compiles a constraint: a CEL condition, or a text that says what is wrong, and is empty where nothing is.
///
/// # Errors
/// The same as [`compile_rule`]'s.
pub fn compile_constraint(source: &str, scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    with_room(parse::nesting(source), || constraint(source, scope))
}

fn constraint(source: &str, scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    let parsed = parse::parse(source)?;
    let mut checker = Checker::new(&parsed, scope);
    match checker.verdict(&parsed.root) {
        Some(root) if checker.problems.is_empty() => within_limits(fold(root), source).map(|root| Program { root }),
        _ => Err(checker.problems),
    }
}

/// Compiles a default: a CEL expression of the wanted type over `auth` and `now` alone. Where it comes out as NULL
/// (`auth.uid` of nobody) the field stays unset.
///
/// # Errors
/// All problems found, each with its place.
pub fn compile_default(source: &str, wanted: &Type) -> Result<Program, Vec<Problem>> {
    with_room(parse::nesting(source), || default(source, wanted))
}

fn default(source: &str, wanted: &Type) -> Result<Program, Vec<Problem>> {
    let enums = match wanted {
        Type::Enum(ty) => vec![ty.clone()],
        _ => Vec::new(),
    };
    let scope = RuleScope { enums, ..RuleScope::default() };
    let parsed = parse::parse(source).map_err(|problems| defaults::explained(source, None, wanted, problems))?;
    let mut checker = Checker::new(&parsed, &scope);
    let root = checker.operand(&parsed.root).and_then(|operand| checker.converted(&operand, wanted, &parsed.root));
    match root {
        Some(root) if checker.problems.is_empty() => Ok(Program { root: fold(root) }),
        _ => Err(defaults::explained(source, Some(&parsed.root), wanted, checker.problems)),
    }
}

/// One of the conditions that a rule joins with `&&`.
#[derive(Debug, Clone)]
pub struct Conjunct {
    /// Byte offsets into the rule's source.
    pub span: std::ops::Range<usize>,
    pub program: Program,
}

/// Compiles each of the conditions that must hold together for a rule to hold, in the order in which they are written: to
/// say which of them did not.
///
/// # Errors
/// The same as [`compile_rule`]'s.
pub fn compile_conjuncts(source: &str, scope: &RuleScope) -> Result<Vec<Conjunct>, Vec<Problem>> {
    with_room(parse::nesting(source), || conjuncts(source, scope))
}

fn conjuncts(source: &str, scope: &RuleScope) -> Result<Vec<Conjunct>, Vec<Problem>> {
    let parsed = parse::parse(source)?;
    let mut checker = Checker::new(&parsed, scope);
    let mut found = Vec::new();
    for part in parse::conjuncts(&parsed.root) {
        if let Some(root) = checker.condition(part) {
            found.push(Conjunct { span: parsed.span(part), program: Program { root: fold(root) } });
        }
    }
    if checker.problems.is_empty() { Ok(found) } else { Err(checker.problems) }
}

/// The problem of something that CEL has and this does not.
fn unsupported(span: std::ops::Range<usize>, what: &str) -> Problem {
    Problem::new(span, ProblemKind::Unsupported, format!("{what} is not supported yet"))
}
