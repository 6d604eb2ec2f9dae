//! Functions.

use cel::common::ast::{CallExpr, IdedExpr};
use mainstay_record::Value;
use mainstay_record::time::{Duration, TimeError, Timestamp};

use super::check::Checker;
use super::operand::Operand;
use crate::ir::{Expr, Measure, TextOp};
use crate::problem::{Problem, ProblemKind};
use crate::schema::Type;
use crate::suggest::suggest;
use crate::target::{Form, Target, document_size, starts_with_constant};

const FUNCTIONS: [&str; 9] =
    ["has", "size", "startsWith", "endsWith", "contains", "lowerAscii", "upperAscii", "timestamp", "duration"];

impl Checker<'_> {
    /// A call of anything but an operator.
    pub fn function(&mut self, call: &CallExpr, at: &IdedExpr) -> Option<Operand> {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            ("size", Some(of), []) | ("size", None, [of]) => self.size(of),
            ("startsWith", Some(text), [pattern]) => self.text_match(TextOp::StartsWith, text, pattern),
            ("endsWith", Some(text), [pattern]) => self.text_match(TextOp::EndsWith, text, pattern),
            ("contains", Some(text), [pattern]) => self.text_match(TextOp::Contains, text, pattern),
            ("lowerAscii", Some(text), []) => self.ascii_case(text, false),
            ("upperAscii", Some(text), []) => self.ascii_case(text, true),
            ("timestamp", None, [text]) => {
                self.time(text, Type::Timestamp, |text| Ok(Value::Timestamp(Timestamp::parse(text)?.micros())))
            }
            ("duration", None, [text]) => {
                self.time(text, Type::Duration, |text| Ok(Value::Int(Duration::parse_units(text)?.micros())))
            }
            ("matches", ..) => {
                let span = self.span(at);
                let problem = super::unsupported(span, "matches()");
                self.report(problem.help("startsWith(), endsWith() and contains() are"))
            }
            (name, ..) if FUNCTIONS.contains(&name) => {
                self.type_problem(at, format!("{name}() is called in another way"))
            }
            ("exists" | "all" | "map" | "filter", ..) => {
                let span = self.span(at);
                let problem = Problem::new(
                    span,
                    ProblemKind::Type,
                    format!("{name}() is called on a list, with a name and a condition"),
                );
                self.report(problem.help(format!("for example `list.{name}(x, x.field == …)`")))
            }
            _ => {
                let span = self.span(at);
                let problem =
                    Problem::new(span, ProblemKind::Unsupported, format!("the function {name}() is not supported"));
                self.report(problem.maybe_help(suggest(name, FUNCTIONS, "there are")))
            }
        }
    }

    fn size(&mut self, of: &IdedExpr) -> Option<Operand> {
        let operand = self.operand(of)?;
        let expr = match (&operand, operand.ty(), operand.read()) {
            (_, Some(Type::Text), Some(text)) => Expr::Size { of: Box::new(text), measure: Measure::Characters },
            (_, Some(Type::Bytes), Some(bytes)) => Expr::Size { of: Box::new(bytes), measure: Measure::Bytes },
            (Operand::List(items), ..) => Expr::int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            (Operand::Target(Target { ty, form: Form::Document(document) }), ..) if is_collection(ty) => {
                document_size(ty, document.expr.clone())
            }
            _ => {
                let message = format!("size() needs a string, bytes, a list or a map, this is {}", operand.describe());
                return self.type_problem(of, message);
            }
        };
        Some(Operand::Computed { ty: Type::Int, expr })
    }

    fn text_match(&mut self, op: TextOp, text: &IdedExpr, pattern: &IdedExpr) -> Option<Operand> {
        let (text, pattern) = (self.text(text), self.text(pattern));
        Some(Operand::bool(text_match(op, text?, pattern?)))
    }

    fn ascii_case(&mut self, text: &IdedExpr, upper: bool) -> Option<Operand> {
        let of = Box::new(self.text(text)?);
        Some(Operand::Computed { ty: Type::Text, expr: Expr::AsciiCase { upper, of } })
    }

    fn time(&mut self, text: &IdedExpr, ty: Type, read: fn(&str) -> Result<Value, TimeError>) -> Option<Operand> {
        let operand = self.operand(text)?;
        let Operand::Constant { value: Value::Text(source), .. } = &operand else {
            return self.unsupported(text, "a timestamp or duration that is not written out");
        };
        match read(source) {
            Ok(value) => Some(Operand::constant(ty, value)),
            Err(_) => {
                let span = self.span(text);
                let problem = Problem::new(span, ProblemKind::Type, format!("`{source}` is not {}", ty.describe()));
                self.report(
                    problem.help("timestamps are written \"2024-05-01T12:00:00Z\", durations \"1h30m\" or \"20s\""),
                )
            }
        }
    }
}

fn is_collection(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(_) | Type::MapOther { .. })
}

/// A text match; a constant prefix becomes a range, which an index can serve.
fn text_match(op: TextOp, text: Expr, pattern: Expr) -> Expr {
    match (op, pattern) {
        (TextOp::StartsWith, Expr::Literal(Value::Text(prefix)))
            if !prefix.is_empty() && matches!(text, Expr::Column { .. }) =>
        {
            starts_with_constant(text, &prefix)
        }
        (op, pattern) => Expr::TextMatch { op, text: Box::new(text), pattern: Box::new(pattern) },
    }
}
