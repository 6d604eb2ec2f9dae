//! What is said of a default that is no expression of its field's type. Defaults are short, and mostly meant as the value
//! itself: `new` for `'new'`, `CART` for `State.CART`.

use cel::common::ast::{Expr as Ast, IdedExpr, LiteralValue};

use super::operand::{example, unquoted};
use crate::problem::{Problem, ProblemKind};
use crate::schema::{EnumType, Type};
use crate::suggest::{nearest, suggest};

/// The problems with the help that fits a default. `root` is missing where the source does not parse.
pub(crate) fn explained(source: &str, root: Option<&IdedExpr>, wanted: &Type, problems: Vec<Problem>) -> Vec<Problem> {
    let written = source.trim();
    if written.is_empty() {
        let problem = Problem::new(0..source.len(), ProblemKind::Syntax, "the default is empty");
        let help = match wanted {
            Type::Text => "leave it out: a text that is not set is empty; '' would say the same",
            _ => "write a value, or leave the default out",
        };
        return vec![problem.help(help)];
    }
    let plain = match root {
        Some(root) => is_plain(root, wanted),
        None => !written.contains(['\'', '"']) && !written.contains("auth."),
    };
    let problem = plain.then(|| instead(written, wanted)).flatten();
    if let Some((message, help)) = problem {
        let start = source.len() - source.trim_start().len();
        let problem = Problem::new(start..start + written.len(), ProblemKind::UnknownName, message);
        return vec![problem.maybe_help(help)];
    }
    let help = match (wanted, root.map(|root| &root.expr)) {
        (_, Some(Ast::Literal(LiteralValue::String(text)))) => unquoted(text.inner(), wanted),
        (Type::Enum(ty), Some(Ast::Select(select))) => value(ty, &select.field),
        (Type::Text, Some(Ast::Literal(_))) => Some(format!("a text is written in quotes: '{written}'")),
        (Type::Timestamp | Type::Duration | Type::Date | Type::TimeOfDay | Type::Decimal, _) => unquoted("", wanted),
        _ => None,
    };
    problems.into_iter().map(|problem| problem.maybe_help(help.clone())).collect()
}

/// What to say of a value that is written as it is.
fn instead(written: &str, wanted: &Type) -> Option<(String, Option<String>)> {
    let (what, help) = match wanted {
        Type::Text => ("a text", Some(format!("a text is written in quotes: '{written}'"))),
        Type::Enum(ty) => {
            return Some((format!("`{written}` is no value of the enum {}", ty.name), value(ty, written)));
        }
        Type::Bool => {
            ("a bool", Some(format!("write {}", nearest(written, ["true", "false"]).unwrap_or("true or false"))))
        }
        Type::Int => ("an integer", Some("write a whole number, for example 42".into())),
        Type::Double | Type::Float => ("a number", Some("write a number, for example 1.5".into())),
        Type::Timestamp => ("a timestamp", Some("write now, or timestamp('2026-01-31T12:00:00Z')".into())),
        Type::Duration => ("a duration", Some("write duration('90s')".into())),
        Type::Bytes => ("bytes", Some(format!("bytes are written in quotes after a b: b'{written}'"))),
        Type::Date => ("a date", unquoted("", wanted)),
        Type::TimeOfDay => ("a time of day", unquoted("", wanted)),
        Type::Decimal => ("a decimal", unquoted("", wanted)),
        _ => return None,
    };
    Some((format!("`{written}` is not {what}"), help))
}

/// Whether the expression is a bare name that no default can mean.
fn is_plain(root: &IdedExpr, wanted: &Type) -> bool {
    match &root.expr {
        Ast::Ident(name) => name != "auth" && !(name == "now" && *wanted == Type::Timestamp),
        // `www.example.org`; a dotted name may be meant as an enum's value.
        Ast::Select(select) if *wanted == Type::Text && !select.test => {
            is_plain(&select.operand, wanted)
                && !matches!(&select.operand.expr, Ast::Ident(name) if matches!(name.as_str(), "resource" | "old" | "new"))
        }
        // `blue-green`
        Ast::Call(call) => {
            call.target.is_none() && call.args.len() == 2 && call.args.iter().all(|arg| is_plain(arg, wanted))
        }
        _ => false,
    }
}

fn value(ty: &EnumType, written: &str) -> Option<String> {
    match ty.meant(written) {
        Some(value) => Some(format!("write `{}.{value}`", ty.short_name())),
        None => {
            let values = ty.values.iter().map(|(value, _)| value.as_str());
            suggest(written, values, &format!("write for example `{}`; its values are", example(ty)))
        }
    }
}
