//! Arithmetic: on numbers, moments and durations. What has no result is an error: NULL, so not true.

use cel::common::ast::{IdedExpr, operators};
use mainstay_record::Value;
use mainstay_record::time::TIME_RANGE_US;

use super::check::Checker;
use super::operand::{Operand, adapted};
use crate::arithmetic::{ArithmeticOp, Numbers};
use crate::ir::Expr;
use crate::problem::{Problem, ProblemKind};
use crate::schema::Type;
use crate::scope::Scope;

impl Checker<'_> {
    /// Computes `+ - * / %` and the unary minus.
    pub fn arithmetic(&mut self, operator: &str, operands: &[Operand], at: &IdedExpr) -> Option<Operand> {
        if let [Operand::Constant { ty: Type::Double, value: Value::Double(value) }] = operands {
            return Some(Operand::constant(Type::Double, Value::Double(0.0 - value)));
        }
        let integers: Option<Vec<i64>> = operands.iter().map(integer).collect();
        if let Some(integers) = integers {
            return match constant(operator, &integers) {
                Some(value) => Some(Operand::constant(Type::Int, Value::Int(value))),
                None => self.type_problem(at, "this has no result that is a 64-bit integer"),
            };
        }
        let result = match operands {
            [left, right] if is_text(left) && is_text(right) && operator == operators::ADD => {
                let expr = Expr::Concat(vec![left.read()?, right.read()?]);
                Some(Operand::Computed { ty: Type::Text, expr })
            }
            [left, right] => known(operator, left, right).or_else(|| computed(operator, left, right)),
            [of] if is_number(of) => computed(operators::SUBSTRACT, &zero(of), of),
            _ => None,
        };
        match result {
            Some(Operand::Computed { ty, expr }) if operands.iter().all(is_constant) => {
                self.of_constants(ty, &expr, at)
            }
            Some(result) => Some(result),
            None => self.cannot(operator, operands, at),
        }
    }

    /// What is computed of constants alone is a constant: that it has no result is told here, and not by every row.
    fn of_constants(&mut self, ty: Type, expr: &Expr, at: &IdedExpr) -> Option<Operand> {
        match (crate::evaluate_value(expr, &Scope::default()), &ty) {
            (Value::Null, _) => {
                let message = format!("this has no result that is {}", ty.describe());
                self.type_problem(at, message)
            }
            (Value::Int(micros), Type::Timestamp) => Some(Operand::constant(ty, Value::Timestamp(micros))),
            (value, _) => Some(Operand::constant(ty, value)),
        }
    }

    fn cannot<T>(&mut self, operator: &str, operands: &[Operand], at: &IdedExpr) -> Option<T> {
        let sign = operator.trim_matches(['_', '@']);
        let what: Vec<String> = operands.iter().map(Operand::describe).collect();
        let message = format!("`{}` is not made of {}", sign.chars().next().unwrap_or('-'), what.join(" and "));
        let problem = Problem::new(self.span(at), ProblemKind::Type, message);
        self.report(problem.help(help(operands)))
    }
}

fn help(operands: &[Operand]) -> &'static str {
    let is = |wanted: fn(&Type) -> bool| operands.iter().any(|operand| operand.ty().is_some_and(wanted));
    if is(|ty| matches!(ty, Type::Double | Type::Float)) && is(|ty| *ty == Type::Int) {
        "an integer and a fraction are two types: write the constant as a fraction (2.0), or keep both fields alike"
    } else if is(|ty| matches!(ty, Type::Date)) {
        "dates are only compared; compute with timestamps, and take date(…) of what comes of it"
    } else if is(|ty| matches!(ty, Type::Message(_))) {
        "compute with a field of the message"
    } else {
        "integers, fractions, durations, and moments with durations are computed; strings are joined with +"
    }
}

/// What is known when the rule is compiled, or when the request comes: so that what is compared with it stays plain.
fn known(operator: &str, left: &Operand, right: &Operand) -> Option<Operand> {
    let sign = match operator {
        operators::ADD => 1,
        operators::SUBSTRACT => -1,
        _ => return None,
    };
    match (left, right) {
        (base, Operand::Constant { ty: Type::Duration, value: Value::Int(by) }) => shifted(base, by.checked_mul(sign)?),
        (Operand::Constant { ty: Type::Duration, value: Value::Int(by) }, base) if sign == 1 => shifted(base, *by),
        _ => None,
    }
}

/// A moment that is known, or the time of the request, moved.
fn shifted(base: &Operand, by: i64) -> Option<Operand> {
    match base {
        Operand::Constant { ty: Type::Timestamp, value: Value::Timestamp(at) } => {
            let moved = at.checked_add(by).filter(|moved| TIME_RANGE_US.contains(moved))?;
            Some(Operand::constant(Type::Timestamp, Value::Timestamp(moved)))
        }
        Operand::Constant { ty: Type::Duration, value: Value::Int(first) } => {
            let sum = first.checked_add(by).filter(|sum| Numbers::Duration.range().contains(sum))?;
            Some(Operand::constant(Type::Duration, Value::Int(sum)))
        }
        Operand::Computed { expr: Expr::Now { offset_us }, .. } => {
            let expr = Expr::Now { offset_us: offset_us.checked_add(by)? };
            Some(Operand::Computed { ty: Type::Timestamp, expr })
        }
        _ => None,
    }
}

fn computed(operator: &str, left: &Operand, right: &Operand) -> Option<Operand> {
    let op = operation(operator)?;
    let (ty, within) = result(op, left.ty()?, right.ty()?)?;
    let (mut one, mut other) = (left.read()?, right.read()?);
    if within == Numbers::Double {
        (one, other) = (fraction(left, one)?, fraction(right, other)?);
    }
    let expr = Expr::arithmetic(op, Expr::micros(one), Expr::micros(other), within);
    Some(Operand::Computed { ty, expr })
}

/// The type of what comes of two types, where something does.
fn result(op: ArithmeticOp, left: &Type, right: &Type) -> Option<(Type, Numbers)> {
    use ArithmeticOp::{Add, Remainder, Subtract};
    match (op, left, right) {
        (_, Type::Int, Type::Int) => Some((Type::Int, Numbers::Integer)),
        (Remainder, ..) => None,
        (_, Type::Double | Type::Float, Type::Double | Type::Float | Type::Int)
        | (_, Type::Int, Type::Double | Type::Float) => Some((Type::Double, Numbers::Double)),
        (Add | Subtract, Type::Timestamp, Type::Duration) | (Add, Type::Duration, Type::Timestamp) => {
            Some((Type::Timestamp, Numbers::Time))
        }
        (Subtract, Type::Timestamp, Type::Timestamp) | (Add | Subtract, Type::Duration, Type::Duration) => {
            Some((Type::Duration, Numbers::Duration))
        }
        _ => None,
    }
}

/// An operand of floating-point arithmetic: an integer only where it is a constant.
fn fraction(operand: &Operand, read: Expr) -> Option<Expr> {
    match operand {
        Operand::Constant { ty, value } => adapted(ty, value, &Type::Double, &read).map(Expr::Literal),
        other => (*other.ty()? != Type::Int).then_some(read),
    }
}

fn operation(operator: &str) -> Option<ArithmeticOp> {
    match operator {
        operators::ADD => Some(ArithmeticOp::Add),
        operators::SUBSTRACT => Some(ArithmeticOp::Subtract),
        operators::MULTIPLY => Some(ArithmeticOp::Multiply),
        operators::DIVIDE => Some(ArithmeticOp::Divide),
        operators::MODULO => Some(ArithmeticOp::Remainder),
        _ => None,
    }
}

fn zero(like: &Operand) -> Operand {
    match like.ty() {
        Some(Type::Int) => Operand::constant(Type::Int, Value::Int(0)),
        _ => Operand::constant(Type::Double, Value::Double(0.0)),
    }
}

fn is_number(operand: &Operand) -> bool {
    matches!(operand.ty(), Some(Type::Int | Type::Double | Type::Float))
}

fn integer(operand: &Operand) -> Option<i64> {
    match operand {
        Operand::Constant { ty: Type::Int, value: Value::Int(value) } => Some(*value),
        _ => None,
    }
}

fn is_constant(operand: &Operand) -> bool {
    matches!(operand, Operand::Constant { .. })
}

fn is_text(operand: &Operand) -> bool {
    operand.ty() == Some(&Type::Text)
}

fn constant(operator: &str, operands: &[i64]) -> Option<i64> {
    match operands {
        [of] => of.checked_neg(),
        [a, b] => crate::arithmetic::integers(operation(operator)?, *a, *b, Numbers::Integer),
        _ => None,
    }
}
