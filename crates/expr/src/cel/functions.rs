//! Functions.

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr};
use mainstay_record::Value;
use mainstay_record::time::{Date, Duration, TimeError, Timestamp};

use super::check::Checker;
use super::operand::{Operand, Sequence};
use crate::arithmetic::Numbers;
use crate::ir::{Expr, Measure, TextOp};
use crate::problem::{Problem, ProblemKind};
use crate::re2::Pattern;
use crate::schema::Type;
use crate::suggest::suggest;
use crate::target::{Form, Target, document_size, starts_with_constant};

const FUNCTIONS: [&str; 12] = [
    "has",
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lowerAscii",
    "upperAscii",
    "timestamp",
    "duration",
    "date",
    "sum",
];

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
            ("date", None, [of]) => self.date(of),
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => self.matches(text, pattern),
            ("sum", Some(list), []) => self.sum(list, None, at),
            ("sum", Some(list), [name, value]) => self.sum(list, Some((name, value)), at),
            (name, ..) if FUNCTIONS.contains(&name) => {
                self.type_problem(at, format!("{name}() is called in another way"))
            }
            ("exists" | "exists_one" | "all" | "map" | "filter", ..) => {
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
            (Operand::Sequence(sequence), ..) => sequence.count()?,
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

    /// Whether a text has a match of a regular expression, which is written out: so it is checked when the rule is read.
    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Option<Operand> {
        let (of, written) = (self.text(text), self.text(pattern));
        let (of, Expr::Literal(Value::Text(source))) = (of?, written?) else {
            let span = self.span(pattern);
            let problem = super::unsupported(span, "a regular expression that is not written out");
            return self
                .report(problem.help("compare with startsWith(), endsWith() or contains(), which take any text"));
        };
        let compiled = Pattern::new(&source).map_err(|error| error.to_string());
        let compiled = compiled.and_then(|pattern| match pattern.for_postgres() {
            Some(_) => Ok(pattern),
            None => Err(r"`\C` is a byte, and a text is made of characters: write `.`".to_owned()),
        });
        match compiled {
            Ok(pattern) => {
                let pattern = std::sync::Arc::new(pattern);
                Some(Operand::bool(Expr::Matches { text: Box::new(of), pattern }))
            }
            Err(message) => {
                let span = self.span(pattern);
                let problem =
                    Problem::new(span, ProblemKind::Type, format!("this is no regular expression: {message}"));
                self.report(problem.help("regular expressions are RE2's: https://github.com/google/re2/wiki/Syntax"))
            }
        }
    }

    /// `date('2026-01-31')`, or the date in UTC of a moment.
    fn date(&mut self, of: &IdedExpr) -> Option<Operand> {
        let operand = self.operand(of)?;
        match (&operand, operand.ty(), operand.read()) {
            (Operand::Constant { value: Value::Text(text), .. }, ..) => match Date::parse(text) {
                Ok(date) => Some(Operand::constant(Type::Date, Value::Int(date.number()))),
                Err(_) => {
                    let span = self.span(of);
                    let problem = Problem::new(span, ProblemKind::Type, format!("`{text}` is not a date"));
                    self.report(problem.help("dates are written \"2026-01-31\""))
                }
            },
            (_, Some(Type::Timestamp), Some(moment)) => {
                let expr = Expr::DateOf(Box::new(Expr::micros(moment)));
                Some(Operand::Computed { ty: Type::Date, expr })
            }
            _ => {
                let message = format!("date() takes a timestamp or a date written out, this is {}", operand.describe());
                self.type_problem(of, message)
            }
        }
    }

    /// `list.sum()`, or `list.sum(x, value)`: of what each element comes to.
    fn sum(&mut self, list: &IdedExpr, of: Option<(&IdedExpr, &IdedExpr)>, at: &IdedExpr) -> Option<Operand> {
        let mut sequence = self.sequence(list)?;
        if let Some(table) = sequence.over.table() {
            return self.no_list(table, list, "x", at);
        }
        if let Some((name, value)) = of {
            let Ast::Ident(name) = &name.expr else {
                let problem = Problem::new(self.span(name), ProblemKind::Type, "sum() names what it goes over");
                return self.report(problem.help("for example `list.sum(x, x.amount)`, or `list.sum()` of numbers"));
            };
            sequence.value = self.within(name, &sequence, at, |checker| checker.operand(value))?;
        }
        self.summed(&sequence, at)
    }

    fn summed(&mut self, sequence: &Sequence, at: &IdedExpr) -> Option<Operand> {
        let ty = sequence.value.ty().cloned();
        let within = match ty {
            Some(Type::Int) => Numbers::Integer,
            Some(Type::Duration) => Numbers::Duration,
            _ => {
                let message = format!("sum() adds integers or durations, this is {}", sequence.value.describe());
                let problem = Problem::new(self.span(at), ProblemKind::Type, message);
                return self.report(problem.help(
                    "a sum of fractions depends on the order in which they are added: keep hundredths as integers; of an amount \
                     of money name its units",
                ));
            }
        };
        let expr = sequence.sum(sequence.value.read()?.bound(), within)?;
        Some(Operand::Computed { ty: ty?, expr })
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
            return self.unsupported(
                text,
                "a timestamp or duration that is not written out",
                "give the field the type google.protobuf.Timestamp or Duration",
            );
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
