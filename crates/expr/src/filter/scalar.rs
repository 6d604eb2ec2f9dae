//! Comparisons of single values.

use mainstay_record::Value;

use super::literal::literal;
use super::syntax::{Argument, Restriction};
use crate::ir::{CompareOp, Expr, Measure, TextOp};
use crate::problem::{Problem, ProblemKind};
use crate::schema::Type;
use crate::target::{Form, Target, compare_constant, etag_equals, name_equals, render, starts_with_constant, zero};

/// Compares a scalar, a resource name or an etag with the argument.
///
/// # Errors
/// The comparator or the literal does not fit the type.
pub(crate) fn compare(target: &Target, name: &str, restriction: &Restriction) -> Result<Expr, Problem> {
    let Restriction { comparator, argument, at, .. } = restriction;
    if let Form::Link { expr, .. } = &target.form {
        let form = Form::Scalar { expr: expr.clone(), nullable: true };
        return compare(&Target { form, ty: target.ty.clone() }, name, restriction);
    }
    let op = comparator.operator();
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    if argument.is_any() && equality {
        let present = target.is_present();
        return Ok(if op == CompareOp::Ne { Expr::negate(present) } else { present });
    }
    let unordered = match (&target.form, &target.ty) {
        (Form::Etag { .. }, _) => Some("an etag".to_owned()),
        (_, ty @ (Type::Bool | Type::Enum(_))) => Some(ty.describe()),
        _ => None,
    };
    if let (Some(what), false) = (unordered, equality) {
        let message = format!("`{name}` is {what}, which has no order: only =, != and : are possible");
        return Err(Problem::new(at.clone(), ProblemKind::Type, message));
    }
    if argument.is_null() {
        return absent(target, name, op, restriction);
    }
    if target.ty == Type::Text {
        return text(target, op, argument);
    }
    let Form::Scalar { expr, nullable } = &target.form else {
        return Err(not_served(target, argument));
    };
    if target.ty == Type::Bytes {
        return Err(not_served(target, argument));
    }
    let constant = literal(argument, &target.ty, expr.kind())?;
    if !nullable {
        return Ok(Expr::compare(op, expr.clone(), Expr::Literal(constant)));
    }
    let unset = match target.ty {
        Type::Timestamp | Type::Duration | Type::Date | Type::TimeOfDay | Type::Decimal => None,
        _ => zero(&target.ty, expr),
    };
    Ok(compare_constant(op, expr.clone(), unset.as_ref(), constant))
}

fn not_served(target: &Target, argument: &Argument) -> Problem {
    let message = format!("comparing {} is not supported", target.ty.describe());
    Problem::new(argument.span.clone(), ProblemKind::Unsupported, message)
}

/// `= null` and `!= null`.
fn absent(target: &Target, name: &str, op: CompareOp, restriction: &Restriction) -> Result<Expr, Problem> {
    let column = match &target.form {
        Form::Scalar { expr, nullable: true } => Some(expr),
        Form::Name { columns, nullable: true, .. } => columns.first(),
        _ => None,
    };
    match (column, op) {
        (Some(column), CompareOp::Eq) => Ok(Expr::is_null(column.clone())),
        (Some(column), CompareOp::Ne) => Ok(Expr::is_set(column.clone())),
        (Some(_), _) => {
            let message = "null has no order: only =, != and : are possible";
            Err(Problem::new(restriction.at.clone(), ProblemKind::Type, message))
        }
        (None, _) => {
            let message = format!("`{name}` is never null: unset, it has its default value");
            let help = if target.ty == Type::Text {
                r#"write "" for the empty text, "null" in quotes for the word"#.to_owned()
            } else {
                format!("compare it with its default, or ask `NOT {name}:*`")
            };
            Err(Problem::new(restriction.argument.span.clone(), ProblemKind::Type, message).help(help))
        }
    }
}

fn text(target: &Target, op: CompareOp, argument: &Argument) -> Result<Expr, Problem> {
    if argument.is_pattern() {
        if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            let message = "a wildcard fits only =, != and :";
            return Err(Problem::new(argument.span.clone(), ProblemKind::Type, message).help(r"write \* for a star"));
        }
        let like = wildcard(target, argument)?;
        return Ok(if op == CompareOp::Ne { Expr::negate(like) } else { like });
    }
    let constant = argument.text();
    let equal = match (&target.form, op) {
        (Form::Scalar { expr, nullable: true }, _) => {
            let unset = Value::Text(String::new());
            return Ok(compare_constant(op, expr.clone(), Some(&unset), Value::Text(constant)));
        }
        (Form::Name { template, columns, nullable, .. }, CompareOp::Eq | CompareOp::Ne) => {
            name_equals(template, columns, *nullable, &constant)
        }
        (Form::Etag { revision }, _) => etag_equals(revision.clone(), &constant),
        _ => return Ok(Expr::compare(op, read(target), Expr::text(constant))),
    };
    Ok(if op == CompareOp::Ne { Expr::negate(equal) } else { equal })
}

/// The text of the target, the empty one where unset.
fn read(target: &Target) -> Expr {
    let (expr, nullable) = match &target.form {
        Form::Scalar { expr, nullable } => (expr.clone(), *nullable),
        Form::Name { template, columns, nullable, .. } => (render(template, columns), *nullable),
        Form::Link { expr, .. } => (expr.clone(), true),
        Form::Etag { .. } | Form::Flat { .. } | Form::Document(_) => (Expr::NULL, true),
    };
    if nullable { Expr::Coalesce(Box::new(expr), Box::new(Expr::text(""))) } else { expr }
}

/// `"cup*"`, `"*cup"`, `"*cup*"`, `"c*p"`.
fn wildcard(target: &Target, argument: &Argument) -> Result<Expr, Problem> {
    let unsupported = |what: &str| Err(Problem::new(argument.span.clone(), ProblemKind::Unsupported, what));
    if matches!(target.form, Form::Etag { .. }) {
        return unsupported("wildcards in an etag are not supported");
    }
    let pieces: Vec<&str> = argument.pieces.iter().map(String::as_str).collect();
    let matching = |op, pattern: &str| Expr::TextMatch {
        op,
        text: Box::new(read(target)),
        pattern: Box::new(Expr::text(pattern)),
    };
    match pieces.as_slice() {
        _ if pieces.iter().all(|piece| piece.is_empty()) => Ok(Expr::said_of(&read(target), true)),
        [prefix, ""] => Ok(starts_with(target, prefix)),
        ["", suffix] => Ok(matching(TextOp::EndsWith, suffix)),
        ["", part, ""] => Ok(matching(TextOp::Contains, part)),
        [prefix, suffix] => {
            let least = i64::try_from(prefix.chars().count() + suffix.chars().count()).unwrap_or(i64::MAX);
            let size = Expr::Size { of: Box::new(read(target)), measure: Measure::Characters };
            Ok(Expr::And(vec![
                starts_with(target, prefix),
                matching(TextOp::EndsWith, suffix),
                Expr::compare(CompareOp::Ge, size, Expr::int(least)),
            ]))
        }
        _ => unsupported("wildcards are supported at the start, at the end, at both, or once in the middle"),
    }
}

fn starts_with(target: &Target, prefix: &str) -> Expr {
    match &target.form {
        Form::Scalar { expr, nullable: true } => {
            Expr::And(vec![Expr::is_set(expr.clone()), starts_with_constant(expr.clone(), prefix)])
        }
        _ => starts_with_constant(read(target), prefix),
    }
}
