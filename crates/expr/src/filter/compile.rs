//! From a parsed filter to an expression.

use mainstay_record::Kind;

use super::literal::map_key;
use super::scalar;
use super::syntax::{Comparator, Node, Restriction, Segment};
use crate::ir::{Expr, Root};
use crate::problem::{Problem, ProblemKind};
use crate::schema::{Field, RecordType, Type};
use crate::target::{Document, Form, Target, recurs};

/// Compiles a filter.
///
/// # Errors
/// The first name that is unknown, literal that does not fit, or use that is not served.
pub(crate) fn compile(node: &Node, record: &RecordType) -> Result<Expr, Problem> {
    compile_node(node, record, false)
}

/// Negations are pushed down to the restrictions, because what a restriction passes through must be there whether it is
/// negated or not.
fn compile_node(node: &Node, record: &RecordType, negated: bool) -> Result<Expr, Problem> {
    let all = |list: &[Node]| list.iter().map(|node| compile_node(node, record, negated)).collect::<Result<_, _>>();
    match node {
        Node::And(list) if negated => Ok(Expr::Or(all(list)?)),
        Node::Or(list) if negated => Ok(Expr::And(all(list)?)),
        Node::And(list) => Ok(Expr::And(all(list)?)),
        Node::Or(list) => Ok(Expr::Or(all(list)?)),
        Node::Not(inner) => compile_node(inner, record, !negated),
        Node::Restriction(restriction) => {
            let mut conditions = Vec::new();
            let (first, rest) = split_path(&restriction.path);
            let field = field(record, first)?;
            let target = Target::of_record(field, Root::Resource);
            let holds = restrict(&target, field.name.as_str(), rest, restriction, &mut conditions)?;
            conditions.push(if negated { Expr::negate(holds) } else { holds });
            Ok(Expr::And(conditions))
        }
    }
}

fn split_path(path: &[Segment]) -> (&Segment, &[Segment]) {
    path.split_first().expect("the parser gives every restriction a path")
}

fn field<'r>(record: &'r RecordType, segment: &Segment) -> Result<&'r Field, Problem> {
    record.input_field(&segment.name).ok_or_else(|| {
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

/// Follows the rest of a path from a target and applies the comparison at its end. What the path passes through goes to
/// `conditions`.
fn restrict(
    target: &Target,
    name: &str,
    rest: &[Segment],
    restriction: &Restriction,
    conditions: &mut Vec<Expr>,
) -> Result<Expr, Problem> {
    let Some((next, further)) = rest.split_first() else { return apply(target, name, restriction) };
    match (&target.form, &target.ty) {
        (Form::Flat { record, root, .. }, _) => {
            conditions.push(target.is_present());
            let field = field(record, next)?;
            restrict(&Target::of_record(field, *root), &next.name, further, restriction, conditions)
        }
        (Form::Document(document), Type::Message(record)) => {
            conditions.push(target.is_present());
            let inner = inside(document, record, next)?;
            restrict(&inner, &next.name, further, restriction, conditions)
        }
        (Form::Document(document), Type::Map(ty) | Type::MapOther { value: ty, .. }) => {
            let key = key(&target.ty, &next.name, &next.span)?;
            let present = has_key(document, &key);
            if further.is_empty() && restriction.comparator == Comparator::Has && restriction.argument.is_any() {
                return Ok(present);
            }
            conditions.push(present);
            let entry = Target::entry(ty, document, &Expr::text(key));
            restrict(&entry, &next.name, further, restriction, conditions)
        }
        (Form::Document(document), Type::List(ty)) => {
            if restriction.comparator != Comparator::Has {
                let message = format!("`{name}` is a list: only `:` can look inside it");
                return Err(Problem::new(restriction.at.clone(), ProblemKind::Type, message)
                    .help("`list.field:value` is true if one element's field has the value"));
            }
            let mut inner = Vec::new();
            let holds = restrict(&Target::element(ty, document), name, rest, restriction, &mut inner)?;
            inner.push(holds);
            Ok(Expr::Any { of: Box::new(document.expr.clone()), predicate: Box::new(Expr::And(inner)) })
        }
        (Form::Document(_), Type::Struct) => Err(unsupported_path(next)),
        (Form::Name { .. }, _) => Err(Problem::new(
            next.span.clone(),
            ProblemKind::Unsupported,
            format!("`{name}` names another resource: filtering by that resource's fields is not supported yet"),
        )),
        (_, ty) => {
            let message = format!("`{name}` is {}: it has no field `{}`", ty.describe(), next.name);
            Err(Problem::new(next.span.clone(), ProblemKind::Type, message))
        }
    }
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

/// Applies the comparison to what the path led to.
fn apply(target: &Target, name: &str, restriction: &Restriction) -> Result<Expr, Problem> {
    let Restriction { comparator, argument, at, .. } = restriction;
    let document = match &target.form {
        Form::Scalar { .. } | Form::Name { .. } | Form::Etag { .. } => {
            return scalar::compare(target, name, restriction);
        }
        Form::Document(document) => Some(document),
        Form::Flat { .. } => None,
    };
    match (comparator, &target.ty, document) {
        (Comparator::Has, _, _) if argument.is_any() => Ok(target.is_present()),
        (Comparator::Equals | Comparator::NotEquals, Type::Message(_) | Type::Struct, _) if argument.is_null() => {
            let present = target.is_present();
            Ok(if *comparator == Comparator::Equals { Expr::negate(present) } else { present })
        }
        (Comparator::Has, Type::Map(_) | Type::MapOther { .. }, Some(map)) => {
            Ok(has_key(map, &key(&target.ty, &argument.text(), &argument.span)?))
        }
        (Comparator::Has, Type::Struct, Some(fields)) => Ok(has_key(fields, &argument.text())),
        (Comparator::Has, Type::List(ty), Some(list)) => {
            let element = Target::element(ty, list);
            if matches!(element.form, Form::Document(_)) {
                let message = format!("`{name}` is a list of messages: name a field of theirs");
                return Err(Problem::new(argument.span.clone(), ProblemKind::Type, message)
                    .help(format!("write `{name}.field:value`")));
            }
            let holds = scalar::compare(&element, name, restriction)?;
            Ok(Expr::Any { of: Box::new(list.expr.clone()), predicate: Box::new(holds) })
        }
        (Comparator::Has, Type::Message(record), _) => {
            let segment = Segment { name: argument.text(), span: argument.span.clone() };
            let inner = match (&target.form, document) {
                (_, Some(document)) => inside(document, record, &segment)?,
                (Form::Flat { root, .. }, _) => Target::of_record(field(record, &segment)?, *root),
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
