//! From a parsed filter to an expression.

use std::cell::Cell;
use std::sync::Arc;

use mainstay_record::Kind;

use super::MAX_FILTER_HOPS;
use super::literal::map_key;
use super::scalar;
use super::syntax::{Comparator, Node, Restriction, Segment};
use crate::cel::MAX_QUANTIFIERS;
use crate::ir::{Expr, Over};
use crate::problem::{Problem, ProblemKind};
use crate::row::{Root, Row};
use crate::schema::{Child, Field, RecordType, Type};
use crate::target::{Document, Form, Target, followed, recurs};

/// Compiles a filter. `records` are those that references lead to.
///
/// # Errors
/// The first name that is unknown, literal that does not fit, or use that is not served.
pub(crate) fn compile(node: &Node, record: &RecordType, records: &[Arc<RecordType>]) -> Result<Expr, Problem> {
    Compiler { record, records, hops: Cell::new(0), level: Cell::new(0) }.node(node, false)
}

struct Compiler<'r> {
    record: &'r RecordType,
    records: &'r [Arc<RecordType>],
    /// How many references were followed until now, and how often rows below others were looked through.
    hops: Cell<usize>,
    /// How many quantifiers over rows are around here.
    level: Cell<u8>,
}

impl Compiler<'_> {
    /// Negations are pushed down to the restrictions, because what a restriction passes through must be there whether it is
    /// negated or not.
    fn node(&self, node: &Node, negated: bool) -> Result<Expr, Problem> {
        let all = |list: &[Node]| list.iter().map(|node| self.node(node, negated)).collect::<Result<_, _>>();
        match node {
            Node::And(list) if negated => Ok(Expr::Or(all(list)?)),
            Node::Or(list) if negated => Ok(Expr::And(all(list)?)),
            Node::And(list) => Ok(Expr::And(all(list)?)),
            Node::Or(list) => Ok(Expr::Or(all(list)?)),
            Node::Not(inner) => self.node(inner, !negated),
            Node::Restriction(restriction) => {
                let mut conditions = Vec::new();
                let (first, rest) = split_path(&restriction.path);
                let of = (self.record, &Row::of(Root::Resource));
                let holds = self.member(of, first, rest, restriction, &mut conditions)?;
                conditions.push(if negated { Expr::negate(holds) } else { holds });
                Ok(Expr::And(conditions).bound())
            }
        }
    }

    /// Goes on with a field of a row, or with the rows below it.
    fn member(
        &self,
        (record, row): (&RecordType, &Row),
        name: &Segment,
        rest: &[Segment],
        restriction: &Restriction,
        conditions: &mut Vec<Expr>,
    ) -> Result<Expr, Problem> {
        let is_child = |child: &&Child| child.name == name.name && record.input_member(&name.name).is_none();
        match record.children.iter().find(is_child) {
            Some(child) => self.below((child, row), name, rest, restriction),
            None => {
                let field = field(record, name)?;
                self.restrict(&Target::of_record(field, row), &field.name, rest, restriction, conditions)
            }
        }
    }

    /// Asks whether one of the rows below a row is as it is said: of no row, it is false.
    fn below(
        &self,
        (child, row): (&Child, &Row),
        name: &Segment,
        rest: &[Segment],
        restriction: &Restriction,
    ) -> Result<Expr, Problem> {
        let rows = &name.name;
        if restriction.comparator != Comparator::Has || (rest.is_empty() && !restriction.argument.is_any()) {
            let message = format!("`{rows}` are rows, any number of them: only `:` can look at them");
            let problem = Problem::new(restriction.at.clone(), ProblemKind::Type, message);
            return Err(problem.help(format!(
                "`{rows}.field:value` is true if one of them that you may read has the value, `{rows}:*` if there is one"
            )));
        }
        self.hop(&name.span)?;
        let level = self.level.get();
        if usize::from(level) >= MAX_QUANTIFIERS {
            let message = format!("rows below rows are looked through {MAX_QUANTIFIERS} deep at most");
            return Err(Problem::new(name.span.clone(), ProblemKind::Limit, message));
        }
        let Some(record) = self.records.get(child.table) else { return Err(unsupported_path(name)) };
        let bound = Row::of(Root::Bound(level));
        let column = |row: &Row, index| Expr::Column { row: row.clone(), index, kind: Kind::Text };
        let mut inner: Vec<Expr> = (0..child.keys).map(|key| Expr::eq(column(&bound, key), column(row, key))).collect();
        if let Some((next, further)) = rest.split_first() {
            self.level.set(level + 1);
            let holds = self.member((record, &bound), next, further, restriction, &mut inner);
            self.level.set(level);
            inner.push(holds?);
        }
        let holds = Expr::Coalesce(Box::new(Expr::And(inner).bound()), Box::new(Expr::FALSE));
        Ok(Expr::Exists { level, over: Over::Rows(child.table), holds: Box::new(holds) })
    }

    /// Counts a step to other rows.
    fn hop(&self, at: &std::ops::Range<usize>) -> Result<(), Problem> {
        self.hops.set(self.hops.get() + 1);
        if self.hops.get() <= MAX_FILTER_HOPS {
            return Ok(());
        }
        let message = format!("a filter may follow {MAX_FILTER_HOPS} references");
        Err(Problem::new(at.clone(), ProblemKind::Limit, message).help("ask for less, or in several lists"))
    }

    /// Follows the rest of a path from a target and applies the comparison at its end. What the path passes through goes to
    /// `conditions`.
    fn restrict(
        &self,
        target: &Target,
        name: &str,
        rest: &[Segment],
        restriction: &Restriction,
        conditions: &mut Vec<Expr>,
    ) -> Result<Expr, Problem> {
        let Some((next, further)) = rest.split_first() else { return self.apply(target, name, restriction) };
        match (&target.form, &target.ty) {
            (Form::Flat { record, row, .. }, _) => {
                conditions.push(target.is_present());
                let field = field(record, next)?;
                self.restrict(&Target::of_record(field, row), &next.name, further, restriction, conditions)
            }
            (Form::Name { to: Some(row), .. } | Form::Link { to: Some(row), .. }, _) => {
                self.member((self.follow(row, name, next)?, row), next, further, restriction, conditions)
            }
            (Form::Document(document), Type::Message(record)) => {
                conditions.push(target.is_present());
                let inner = inside(document, record, next)?;
                self.restrict(&inner, &next.name, further, restriction, conditions)
            }
            (Form::Document(document), Type::Map(ty) | Type::MapOther { value: ty, .. }) => {
                let key = key(&target.ty, &next.name, &next.span)?;
                let present = has_key(document, &key);
                if further.is_empty() && restriction.comparator == Comparator::Has && restriction.argument.is_any() {
                    return Ok(present);
                }
                conditions.push(present);
                let entry = Target::entry(ty, document, &Expr::text(key));
                self.restrict(&entry, &next.name, further, restriction, conditions)
            }
            (Form::Document(document), Type::List(ty)) => {
                if restriction.comparator != Comparator::Has {
                    let message = format!("`{name}` is a list: only `:` can look inside it");
                    return Err(Problem::new(restriction.at.clone(), ProblemKind::Type, message)
                        .help("`list.field:value` is true if one element's field has the value"));
                }
                let mut inner = Vec::new();
                let level = self.level_over(document);
                // What its names lead to may have rows below it.
                let outer = self.level.replace(level + 1);
                let holds = self.restrict(&Target::element(level, ty, document), name, rest, restriction, &mut inner);
                self.level.set(outer);
                inner.push(holds?);
                Ok(Expr::any(level, document.expr.clone(), Expr::And(inner).bound_within(level)))
            }
            (Form::Document(_), Type::Struct) => Err(unsupported_path(next)),
            (_, ty) => {
                let message = format!("`{name}` is {}: it has no field `{}`", ty.describe(), next.name);
                Err(Problem::new(next.span.clone(), ProblemKind::Type, message))
            }
        }
    }

    /// Applies the comparison to what the path led to.
    fn apply(&self, target: &Target, name: &str, restriction: &Restriction) -> Result<Expr, Problem> {
        let Restriction { comparator, argument, at, .. } = restriction;
        let document = match &target.form {
            Form::Scalar { .. } | Form::Link { .. } | Form::Name { .. } | Form::Etag { .. } => {
                return scalar::compare(target, name, restriction);
            }
            Form::Document(document) => Some(document),
            Form::Flat { .. } => None,
        };
        match (comparator, &target.ty, document) {
            (Comparator::Has, _, _) if argument.is_any() => Ok(target.is_present()),
            (Comparator::Equals | Comparator::NotEquals, Type::Message(_) | Type::Struct | Type::Opaque(_), _)
                if argument.is_null() =>
            {
                let present = target.is_present();
                Ok(if *comparator == Comparator::Equals { Expr::negate(present) } else { present })
            }
            (Comparator::Has, Type::Map(_) | Type::MapOther { .. }, Some(map)) => {
                Ok(has_key(map, &key(&target.ty, &argument.text(), &argument.span)?))
            }
            (Comparator::Has, Type::Struct, Some(fields)) => Ok(has_key(fields, &argument.text())),
            (Comparator::Has, Type::List(ty), Some(list)) => {
                let level = self.level_over(list);
                let element = Target::element(level, ty, list);
                if matches!(element.form, Form::Document(_)) {
                    let message = format!("`{name}` is a list of messages: name a field of theirs");
                    return Err(Problem::new(argument.span.clone(), ProblemKind::Type, message)
                        .help(format!("write `{name}.field:value`")));
                }
                let holds = scalar::compare(&element, name, restriction)?;
                Ok(Expr::any(level, list.expr.clone(), holds))
            }
            (Comparator::Has, Type::Message(record), _) => {
                let segment = Segment { name: argument.text(), span: argument.span.clone() };
                let inner = match (&target.form, document) {
                    (_, Some(document)) => inside(document, record, &segment)?,
                    (Form::Flat { row, .. }, _) => Target::of_record(field(record, &segment)?, row),
                    _ => return Err(unsupported_path(&segment)),
                };
                Ok(Expr::And(vec![target.is_present(), inner.is_present()]))
            }
            (_, ty, _) => {
                let message = format!("`{name}` is {}: it can only be asked with `:`", ty.describe());
                let problem = Problem::new(at.clone(), ProblemKind::Type, message);
                Err(if argument.is_null() { problem.help(format!("ask `NOT {name}:*`")) } else { problem })
            }
        }
    }

    /// The level of a quantifier over a list. Rows may be looked through around it, and it may lie in an element of another
    /// list: an inner quantifier of a level of theirs would hide them.
    fn level_over(&self, list: &Document) -> u8 {
        let mut level = self.level.get();
        list.expr.any_node(&mut |node| {
            if let Expr::Element { level: outer, .. } = node {
                level = level.max(outer + 1);
            }
            false
        });
        level
    }

    /// The record of a row that the reference `name` leads to, of which the field `next` is asked.
    fn follow(&self, row: &Row, name: &str, next: &Segment) -> Result<&RecordType, Problem> {
        self.hop(&next.span)?;
        followed(row, self.records, name, next.span.clone())
    }
}

fn split_path(path: &[Segment]) -> (&Segment, &[Segment]) {
    path.split_first().expect("the parser gives every restriction a path")
}

fn field<'r>(record: &'r RecordType, segment: &Segment) -> Result<&'r Field, Problem> {
    record.input_member(&segment.name).ok_or_else(|| {
        let message = format!("`{}` has no field `{}`", record.name, segment.name);
        let problem = Problem::new(segment.span.clone(), ProblemKind::UnknownName, message);
        problem.maybe_help(record.suggest(&segment.name))
    })
}

/// The field of a message that is stored in a document.
fn inside(document: &Document, record: &RecordType, segment: &Segment) -> Result<Target, Problem> {
    if document.is_cut(record) {
        return Err(recurs(segment.span.clone(), record, &segment.name));
    }
    Target::in_document(field(record, segment)?, document).ok_or_else(|| unsupported_path(segment))
}

fn unsupported_path(segment: &Segment) -> Problem {
    let message = format!("filtering by `{}` inside this field is not supported yet", segment.name);
    Problem::new(segment.span.clone(), ProblemKind::Unsupported, message)
}

/// The key of a map as it is stored.
fn key(map: &Type, text: &str, span: &std::ops::Range<usize>) -> Result<String, Problem> {
    match map {
        Type::MapOther { key, .. } => map_key(text, *key, span.clone()),
        _ => Ok(text.to_owned()),
    }
}

fn has_key(map: &Document, key: &str) -> Expr {
    let of = Box::new(map.expr.clone());
    Expr::is_set(Expr::Json { of, key: Box::new(Expr::text(key)), kind: Kind::Json })
}
