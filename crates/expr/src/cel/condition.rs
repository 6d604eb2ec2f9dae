//! What must be true or false, and what is said where it is neither.

use cel::common::ast::{Expr as Ast, IdedExpr};

use super::check::{Checker, is_arithmetic};
use super::operand::{Operand, claimed_as};
use crate::ir::Expr;
use crate::problem::{Problem, ProblemKind};
use crate::schema::Type;

impl Checker<'_> {
    /// Checks what says whether something is as it must be: a condition, or a text.
    pub fn verdict(&mut self, at: &IdedExpr) -> Option<Expr> {
        if matches!(&at.expr, Ast::Call(call) if is_arithmetic(&call.func_name)) {
            return self.condition(at);
        }
        let operand = self.operand(at)?;
        match operand.ty() {
            Some(Type::Text) if !matches!(operand, Operand::Target(_) | Operand::Constant { .. }) => {
                operand.read().map(Expr::bound)
            }
            Some(Type::Bool) => operand.read().map(Expr::bound),
            _ => self.condition(at),
        }
    }

    /// Checks a sub-expression that must be a condition.
    pub fn condition(&mut self, at: &IdedExpr) -> Option<Expr> {
        if let Ast::Call(call) = &at.expr
            && is_arithmetic(&call.func_name)
        {
            // Whether it could be computed does not matter.
            call.args.iter().for_each(|arg| {
                self.operand(arg);
            });
            let field = call.args.iter().find(|arg| !matches!(arg.expr, Ast::Literal(_))).unwrap_or(at);
            let field = self.parsed.text(&self.span(field));
            let help = format!("compare what it is made of, for example `{field} == …`");
            let problem = Problem::new(self.span(at), ProblemKind::Type, no_condition("the result of arithmetic"));
            return self.report(problem.help(help));
        }
        let operand = claimed_as(self.operand(at)?, &Type::Bool);
        match operand.ty() {
            // What it looks at may be missing without making the conditions beside it NULL.
            Some(Type::Bool) => operand.read().map(Expr::bound),
            Some(Type::Text) => self.no_condition(at, "a string", "'…'"),
            Some(Type::Int | Type::Double | Type::Float) => self.no_condition(at, &operand.describe(), "0"),
            Some(Type::Enum(ty)) => {
                let value = ty.values.last().map_or("…", |(value, _)| value);
                self.no_condition(at, &operand.describe(), &format!("{}.{value}", ty.short_name()))
            }
            Some(ty @ (Type::List(_) | Type::Map(_) | Type::MapOther { .. } | Type::Message(_))) => {
                let span = self.span(at);
                let source = self.parsed.text(&span);
                let help = match ty {
                    Type::Message(_) => format!("ask whether it is set: `has({source})`"),
                    _ => format!("ask for what is in it, for example `'…' in {source}` or `size({source}) > 0`"),
                };
                self.report(Problem::new(span, ProblemKind::Type, no_condition(&operand.describe())).help(help))
            }
            _ => self.type_problem(at, no_condition(&operand.describe())),
        }
    }

    fn no_condition<T>(&mut self, at: &IdedExpr, what: &str, other: &str) -> Option<T> {
        let span = self.span(at);
        let help = format!("compare it, for example `{} == {other}`", self.parsed.text(&span));
        self.report(Problem::new(span, ProblemKind::Type, no_condition(what)).help(help))
    }
}

fn no_condition(what: &str) -> String {
    format!("a condition must be true or false, this is {what}")
}
