//! Arithmetic: what is exact on both engines. Integers in columns could overflow, where one engine fails the statement
//! and the other turns to floating point, so only constants are computed, and the time of the request moved by constants.

use cel::common::ast::{IdedExpr, operators};
use mainstay_record::Value;
use mainstay_record::time::TIME_RANGE_US;

use super::check::Checker;
use super::operand::Operand;
use crate::ir::Expr;
use crate::schema::Type;

impl Checker<'_> {
    /// Computes `+ - * / %` and the unary minus.
    pub fn arithmetic(&mut self, operator: &str, operands: &[Operand], at: &IdedExpr) -> Option<Operand> {
        if let [Operand::Constant { ty: Type::Double, value: Value::Double(value) }] = operands {
            return Some(Operand::constant(Type::Double, Value::Double(0.0 - value)));
        }
        let integers: Option<Vec<i64>> = operands.iter().map(integer).collect();
        if let Some(integers) = integers {
            return match compute(operator, &integers) {
                Some(value) => Some(Operand::constant(Type::Int, Value::Int(value))),
                None => self.type_problem(at, "this has no result that is a 64-bit integer"),
            };
        }
        match operands {
            [left, right] if is_text(left) && is_text(right) && operator == operators::ADD => {
                let expr = Expr::Concat(vec![left.read()?, right.read()?]);
                Some(Operand::Computed { ty: Type::Text, expr })
            }
            [left, right] => self.time_arithmetic(operator, left, right, at),
            _ => self.refuse(at),
        }
    }

    fn refuse<T>(&mut self, at: &IdedExpr) -> Option<T> {
        let span = self.span(at);
        let problem = super::unsupported(span, "this arithmetic");
        self.report(problem.help("strings can be joined, integers in the rule computed, and durations added to or taken from now; write `a > now - d` instead of `now - a < d`"))
    }

    fn time_arithmetic(&mut self, operator: &str, left: &Operand, right: &Operand, at: &IdedExpr) -> Option<Operand> {
        let sign = if operator == operators::SUBSTRACT { -1 } else { 1 };
        if !matches!(operator, operators::ADD | operators::SUBSTRACT) {
            return self.refuse(at);
        }
        let moved = match (left, right) {
            (
                Operand::Constant { ty: Type::Duration, value: Value::Int(a) },
                Operand::Constant { ty, value: Value::Int(b) },
            ) if *ty == Type::Duration => {
                a.checked_add(sign * b).map(|sum| Operand::constant(Type::Duration, Value::Int(sum)))
            }
            (base, Operand::Constant { ty: Type::Duration, value: Value::Int(by) }) => shifted(base, sign * by),
            (Operand::Constant { ty: Type::Duration, value: Value::Int(by) }, base) if sign == 1 => shifted(base, *by),
            _ => None,
        };
        if moved.is_none() {
            return self.refuse(at);
        }
        moved
    }
}

/// A moment that is known, or the time of the request, moved.
fn shifted(base: &Operand, by: i64) -> Option<Operand> {
    match base {
        Operand::Constant { ty: Type::Timestamp, value: Value::Timestamp(at) } => {
            let moved = at.checked_add(by).filter(|moved| TIME_RANGE_US.contains(moved))?;
            Some(Operand::constant(Type::Timestamp, Value::Timestamp(moved)))
        }
        Operand::Computed { expr: Expr::Now { offset_us }, .. } => {
            let expr = Expr::Now { offset_us: offset_us.checked_add(by)? };
            Some(Operand::Computed { ty: Type::Timestamp, expr })
        }
        _ => None,
    }
}

fn integer(operand: &Operand) -> Option<i64> {
    match operand {
        Operand::Constant { ty: Type::Int, value: Value::Int(value) } => Some(*value),
        _ => None,
    }
}

fn is_text(operand: &Operand) -> bool {
    operand.ty() == Some(&Type::Text)
}

fn compute(operator: &str, operands: &[i64]) -> Option<i64> {
    match (operator, operands) {
        (operators::NEGATE, [a]) => a.checked_neg(),
        (operators::ADD, [a, b]) => a.checked_add(*b),
        (operators::SUBSTRACT, [a, b]) => a.checked_sub(*b),
        (operators::MULTIPLY, [a, b]) => a.checked_mul(*b),
        (operators::DIVIDE, [a, b]) => a.checked_div(*b),
        (operators::MODULO, [a, b]) => a.checked_rem(*b),
        _ => None,
    }
}
