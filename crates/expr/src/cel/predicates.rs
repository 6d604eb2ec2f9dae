//! Rules that have a name, used like fields: each is compiled once and put in the places of its name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use cel::common::ast::{Expr as Ast, IdedExpr, operators};
use mainstay_record::Kind;

use super::check::Checker;
use super::named::{Found, Named, Predicate};
use super::operand::Operand;
use super::stack::with_room;
use super::{MAX_RULE_NODES, RuleScope, parse};
use crate::fold::fold;
use crate::ir::{Climb, Expr, MAX_CLIMB, Over};
use crate::problem::{Problem, ProblemKind};
use crate::row::{Relation, Root, Row};
use crate::schema::{RecordType, Storage};

/// How many predicates may lead from one to the next.
pub const MAX_PREDICATE_CHAIN: usize = 16;

/// How many quantifiers may stand in one another when what its predicates say is put in their places.
pub const MAX_NESTED_QUANTIFIERS: usize = 6;

/// How deep the parts of a predicate may lie in one another when those that it names are put in.
const MAX_PREDICATE_DEPTH: usize = 200;

/// A rule with a name, as it is written.
#[derive(Debug, Clone)]
pub struct PredicateSource {
    /// The number of the record that it is a rule of.
    pub table: usize,
    pub name: String,
    /// Over `resource`.
    pub rule: String,
}

/// All rules with names; nothing where one does not compile, which is told of it and of nobody who names it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predicates(HashMap<(usize, String), Option<Arc<Predicate>>>);

impl Named for Predicates {
    fn find(&self, table: usize, name: &str) -> Found {
        match self.0.get(&(table, name.to_owned())) {
            None => Found::None,
            Some(None) => Found::Failed,
            Some(Some(known)) => Found::Ready(Arc::clone(known)),
        }
    }

    fn names(&self, table: usize) -> Vec<String> {
        let mut names: Vec<String> =
            self.0.keys().filter(|(of, _)| *of == table).map(|(_, name)| name.clone()).collect();
        names.sort();
        names
    }
}

/// Compiles all rules with names. `scope` has the records and enums; what is wrong is told by the position of the source.
pub fn compile_predicates(sources: &[PredicateSource], scope: &RuleScope) -> (Predicates, Vec<(usize, Vec<Problem>)>) {
    // One that names another is compiled around it.
    let nesting = sources.iter().map(|source| parse::nesting(&source.rule)).sum();
    let compiled = with_room(nesting, || Ok(all(sources, scope)));
    compiled.unwrap_or_else(|problems| (Predicates::default(), vec![(0, problems)]))
}

fn all(sources: &[PredicateSource], scope: &RuleScope) -> (Predicates, Vec<(usize, Vec<Problem>)>) {
    let compiler = Compiler { sources, scope, states: RefCell::new(HashMap::new()), open: RefCell::default() };
    for source in 0..sources.len() {
        compiler.compile(source);
    }
    let mut problems = Vec::new();
    let mut compiled = HashMap::new();
    for (source, outcome) in compiler.states.into_inner() {
        let name = (sources[source].table, sources[source].name.clone());
        let predicate = outcome.map_err(|found| problems.push((source, found))).ok();
        compiled.insert(name, predicate);
    }
    problems.sort_by_key(|(source, _)| *source);
    (Predicates(compiled), problems)
}

type Outcome = Result<Arc<Predicate>, Vec<Problem>>;

struct Compiler<'s> {
    sources: &'s [PredicateSource],
    scope: &'s RuleScope,
    states: RefCell<HashMap<usize, Outcome>>,
    /// Those that are being compiled, each named by the one before it, with the greatest height of those that it names.
    open: RefCell<Vec<(usize, usize)>>,
}

impl Named for Compiler<'_> {
    fn find(&self, table: usize, name: &str) -> Found {
        let Some(source) = self.sources.iter().position(|known| known.table == table && known.name == name) else {
            return Found::None;
        };
        let begun = self.open.borrow().iter().position(|(open, _)| *open == source);
        if let Some(begun) = begun {
            let circle = self.open.borrow()[begun..].iter().map(|(open, _)| self.sources[*open].name.clone()).collect();
            return Found::Circle(circle);
        }
        if self.open.borrow().len() >= MAX_PREDICATE_CHAIN {
            return Found::TooFar;
        }
        self.compile(source);
        let states = self.states.borrow();
        let Some(Ok(predicate)) = states.get(&source) else { return Found::Failed };
        let mut open = self.open.borrow_mut();
        if let Some((_, height)) = open.last_mut() {
            *height = predicate.height.max(*height);
        }
        if predicate.height >= MAX_PREDICATE_CHAIN && !open.is_empty() {
            return Found::TooFar;
        }
        Found::Ready(Arc::clone(predicate))
    }

    fn names(&self, table: usize) -> Vec<String> {
        self.sources.iter().filter(|known| known.table == table).map(|known| known.name.clone()).collect()
    }
}

impl Compiler<'_> {
    fn compile(&self, source: usize) {
        if self.states.borrow().contains_key(&source) {
            return;
        }
        self.open.borrow_mut().push((source, 0));
        let compiled = self.compiled(&self.sources[source]);
        let height = self.open.borrow_mut().pop().map_or(0, |(_, height)| height) + 1;
        let outcome = compiled.and_then(|root| within_limits(root, &self.sources[source].rule));
        let outcome = outcome.map(|root| Arc::new(Predicate { nodes: root.nodes(), root, height }));
        self.states.borrow_mut().insert(source, outcome);
    }

    fn compiled(&self, source: &PredicateSource) -> Result<Expr, Vec<Problem>> {
        let record = self.scope.records.get(source.table).cloned().unwrap_or_default();
        let scope = RuleScope { resource: Some(Arc::clone(&record)), ..self.scope.clone() };
        let parsed = parse::parse(&source.rule)?;
        let mut members = Vec::new();
        alternatives(&parsed.root, &mut members);
        let calls: Vec<Option<Relation>> = members.iter().map(|member| recursion(member, source, &record)).collect();
        let relations: Vec<Relation> = calls.iter().flatten().cloned().collect();
        let mut checker = Checker::with(&parsed, &scope, self);
        let base: Vec<Option<Expr>> = members
            .iter()
            .zip(&calls)
            .filter(|(_, call)| call.is_none())
            .map(|(member, _)| checker.condition(member))
            .collect();
        let base: Option<Vec<Expr>> = base.into_iter().collect();
        match base {
            Some(base) if checker.problems.is_empty() && (!base.is_empty() || relations.is_empty()) => {
                Ok(climbing(fold(Expr::Or(base)), &relations, source.table))
            }
            Some(base) if checker.problems.is_empty() && base.is_empty() => {
                let message = format!("`{}` says nothing but what it says of the row above", source.name);
                let problem = Problem::new(0..source.rule.len(), ProblemKind::Type, message);
                Err(vec![
                    problem
                        .help("add what must hold of one of the rows, for example `resource.owner == auth.uid || …`"),
                ])
            }
            _ => Err(checker.problems),
        }
    }
}

/// Refuses what has become too large or too deep with what its names stand for: whoever writes it as SQL says some of it
/// twice, level by level.
pub(super) fn within_limits(root: Expr, source: &str) -> Result<Expr, Vec<Problem>> {
    let (nodes, depth, nested) = (root.nodes(), root.depth(), root.nested_quantifiers());
    let message = if nodes > MAX_RULE_NODES {
        format!("the rule becomes larger than {MAX_RULE_NODES} parts when its predicates are put in")
    } else if depth > MAX_PREDICATE_DEPTH {
        format!("the rule becomes more than {MAX_PREDICATE_DEPTH} parts deep when its predicates are put in")
    } else if nested > MAX_NESTED_QUANTIFIERS {
        format!("more than {MAX_NESTED_QUANTIFIERS} exists() and all() stand in one another when predicates are put in")
    } else {
        return Ok(root);
    };
    let problem = Problem::new(0..source.len(), ProblemKind::Limit, message);
    Err(vec![problem.help("let fewer predicates stand in one another")])
}

/// The members of a disjunction.
fn alternatives<'e>(at: &'e IdedExpr, members: &mut Vec<&'e IdedExpr>) {
    match &at.expr {
        Ast::Call(call) if call.func_name == operators::LOGICAL_OR => {
            call.args.iter().for_each(|arg| alternatives(arg, members));
        }
        _ => members.push(at),
    }
}

/// The relation of a member that is `resource.reference.name`, the predicate itself, through an acyclic reference to its own
/// resource.
fn recursion(member: &IdedExpr, source: &PredicateSource, record: &RecordType) -> Option<Relation> {
    let Ast::Select(call) = &member.expr else { return None };
    let Ast::Select(reference) = &call.operand.expr else { return None };
    let is_resource = matches!(&reference.operand.expr, Ast::Ident(name) if name == "resource");
    if !is_resource || call.test || reference.test || call.field != source.name {
        return None;
    }
    let field = record.field(&reference.field).filter(|field| field.acyclic)?;
    match &field.storage {
        Storage::Template { target: Some(to), .. } if to.table == source.table => {
            Some(Relation::of(to.key.clone(), to.table))
        }
        _ => None,
    }
}

/// What is true of a row, or of one that the relations lead to from there. Where they end it is false.
fn climbing(base: Expr, relations: &[Relation], table: usize) -> Expr {
    if relations.is_empty() {
        return base;
    }
    let (own, bound) = (Row::of(Root::Resource), Row::of(Root::Bound(0)));
    let holds = base.clone().moved(Root::Resource, &bound);
    let onward: Vec<Vec<usize>> = relations.iter().map(|relation| relation.columns.clone()).collect();
    let above = relations.iter().map(|relation| {
        let first = own.via(relation.clone());
        let start =
            (0..relation.columns.len()).map(|index| Expr::Column { row: first.clone(), index, kind: Kind::Text });
        let (start, relations) = (start.collect(), onward.clone());
        let over = Over::Climb(Climb { table, start, relations, most: MAX_CLIMB, from_above: false });
        let climb = Expr::Exists { level: 0, over, holds: Box::new(holds.clone()) };
        // The first one that is the reference's own: the organisation, which stands before it, is set in every row.
        let set = relation.columns.iter().find(|index| **index != 0);
        let set = set.map(|index| Expr::is_set(Expr::Column { row: own.clone(), index: *index, kind: Kind::Text }));
        Expr::And(set.into_iter().chain([Expr::look(first, climb)]).collect())
    });
    Expr::Or(std::iter::once(base).chain(above).collect())
}

impl Checker<'_> {
    /// The rule of this name, said of a row; nothing where no rule has the name.
    pub fn predicate(&mut self, record: &RecordType, row: &Row, name: &str, at: &IdedExpr) -> Option<Option<Operand>> {
        let table = self.scope.records.iter().position(|known| known.name == record.name)?;
        let span = self.span(at);
        match self.predicates.find(table, name) {
            Found::None => None,
            // It is told where it stands.
            Found::Failed => {
                self.failed = true;
                Some(None)
            }
            Found::Circle(circle) => Some(self.circle(&circle, name, span)),
            Found::TooFar => {
                let message = format!("more than {MAX_PREDICATE_CHAIN} predicates lead from one to the next");
                let problem = Problem::new(span, ProblemKind::Limit, message);
                Some(self.report(problem.help("write some of them where they are asked")))
            }
            Found::Ready(predicate) => {
                if self.spend(predicate.nodes, at).is_none() {
                    return Some(None);
                }
                Some(Some(Operand::bool(predicate.root.clone().moved(Root::Resource, row))))
            }
        }
    }

    fn circle<T>(&mut self, circle: &[String], name: &str, span: std::ops::Range<usize>) -> Option<T> {
        let problem = match circle {
            [_] => Problem::new(span, ProblemKind::Unsupported, format!("`{name}` cannot name itself like that")).help(
                "a predicate may name itself through an `acyclic` reference to its own resource, under nothing but `||`: \
                 `… || resource.parent.name`",
            ),
            _ => {
                let message = format!("these predicates lead back to where they began: {} → {name}", circle.join(" → "));
                Problem::new(span, ProblemKind::Unsupported, message).help("write one of them without the others")
            }
        };
        self.report(problem)
    }
}
