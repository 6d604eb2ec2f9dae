//! Values that fields are set to: CEL expressions over all that a rule may name, and over an element of a list.

use cel::common::ast::IdedExpr;

use super::check::Checker;
use super::operand::{Operand, comparable};
use super::predicates::within_limits;
use super::stack::with_room;
use super::{RuleScope, parse};
use crate::fold::fold;
use crate::ir::Expr;
use crate::problem::Problem;
use crate::program::Program;
use crate::row::{Root, Row};
use crate::schema::Type;
use crate::target::{Form, Target};

/// What an expression is to come to.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'w> {
    /// A single value of this type; NULL is an unset field.
    Value(&'w Type),
    /// The name of a row of this table, which is one by what it refers to, and no text that looks like one; NULL is no row.
    Name(usize),
}

/// Compiles the value that a field is set to. Where it comes out as NULL the field becomes unset.
///
/// # Errors
/// All problems found, each with its place.
pub fn compile_value(source: &str, wanted: Wanted<'_>, scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    with_room(parse::nesting(source), || value(source, wanted, scope))
}

fn value(source: &str, wanted: Wanted<'_>, scope: &RuleScope) -> Result<Program, Vec<Problem>> {
    let parsed = parse::parse(source)?;
    let mut checker = Checker::new(&parsed, scope);
    let root = checker.operand(&parsed.root).and_then(|operand| checker.valued(&operand, wanted, &parsed.root));
    match root {
        Some(root) if checker.problems.is_empty() => {
            within_limits(fold(root.bound()), source).map(|root| Program { root })
        }
        _ => Err(checker.problems),
    }
}

impl Checker<'_> {
    fn valued(&mut self, operand: &Operand, wanted: Wanted<'_>, at: &IdedExpr) -> Option<Expr> {
        match (operand, wanted) {
            (Operand::Null, _) => Some(Expr::NULL),
            (operand, Wanted::Name(table)) => self.name_of(operand, table, at),
            (Operand::Target(target), Wanted::Value(ty)) if comparable(&target.ty, ty) => match &target.form {
                // What is unset there is unset here.
                Form::Scalar { expr, nullable: true } | Form::Link { expr, .. } => Some(expr.clone()),
                _ => match operand.read() {
                    Some(expr) => Some(expr),
                    None => self.unsupported(
                        at,
                        &format!("setting a field to {}", operand.describe()),
                        "name a single value in it",
                    ),
                },
            },
            (operand, Wanted::Value(ty)) => self.converted(operand, ty, at),
        }
    }

    /// The name of a row that a reference leads to, or of the row itself.
    fn name_of(&mut self, operand: &Operand, table: usize, at: &IdedExpr) -> Option<Expr> {
        let short = self.short_name(table).to_owned();
        if let Operand::Target(Target { form, .. }) = operand {
            match form {
                Form::Name { to: Some(to), .. } | Form::Link { to: Some(to), .. } if to.table() == Some(table) => {
                    return match form {
                        Form::Name { template, columns, .. } => Some(crate::target::render(template, columns)),
                        Form::Link { expr, .. } => Some(expr.clone()),
                        _ => None,
                    };
                }
                Form::Name { template, columns, to: None, .. } if self.is_named(columns, table) => {
                    return Some(crate::target::render(template, columns));
                }
                _ => {}
            }
        }
        let message = format!("the field refers to a {short}, this is {}", operand.describe());
        self.type_problem(at, message)
    }

    /// Says whether a name is that of a row of the table.
    fn is_named(&self, columns: &[Expr], table: usize) -> bool {
        let Some(Expr::Column { row, .. }) = columns.first() else { return false };
        match row {
            Row { root: Root::Resource, hops } if hops.is_empty() => {
                let own = self.scope.resource.as_ref().map(|record| &record.name);
                own.is_some() && own == self.scope.records.get(table).map(|record| &record.name)
            }
            row => row.table() == Some(table),
        }
    }
}
