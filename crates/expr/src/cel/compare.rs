//! Comparisons.

use cel::common::ast::IdedExpr;
use mainstay_record::{Kind, Value};

use super::check::Checker;
use super::operand::{Operand, adapted, claim, claimed_as, comparable, how_to_write, stored_alike};
use super::unsupported;
use crate::claims::AuthName;
use crate::ir::{CompareOp, Expr};
use crate::problem::{Problem, ProblemKind};
use crate::schema::{Type, account_template};
use crate::target::{Form, Target, compare_constant, etag_equals, name_equals, render, zero};

impl Checker<'_> {
    /// Compares two operands.
    pub fn comparison(&mut self, op: CompareOp, left: Operand, right: Operand, at: &IdedExpr) -> Option<Expr> {
        match (left, right) {
            (Operand::Claim(name), other) => self.claim_comparison(op, &name, other, at),
            (other, Operand::Claim(name)) => self.claim_comparison(op.mirrored(), &name, other, at),
            (Operand::Null, other) | (other, Operand::Null) => self.null_comparison(op, &other, at),
            (left @ Operand::Constant { .. }, right) if !matches!(right, Operand::Constant { .. }) => {
                self.comparison(op.mirrored(), right, left, at)
            }
            (left, Operand::Constant { ty, value }) => self.with_constant(op, &left, &ty, &value, at),
            (left, right) => self.dynamic(op, &left, &right, at),
        }
    }

    /// A claim is of the type of what it is compared with, and NULL where it is of another. A number beside a constant may have
    /// a fraction.
    fn claim_comparison(&mut self, op: CompareOp, name: &str, other: Operand, at: &IdedExpr) -> Option<Expr> {
        let ty = match (&other, other.ty()) {
            (Operand::Null, _) => {
                let value = claim(name, Kind::Json);
                return match op {
                    CompareOp::Eq => Some(Expr::is_null(value)),
                    CompareOp::Ne => Some(Expr::is_set(value)),
                    _ => self.type_problem(at, "null has no order: only == and !="),
                };
            }
            (Operand::Constant { .. }, Some(Type::Int)) => Type::Double,
            (_, Some(ty)) => ty.clone(),
            (_, None) => Type::Struct,
        };
        match claimed_as(Operand::Claim(name.to_owned()), &ty) {
            Operand::Claim(_) => self.unsupported(
                at,
                &format!("comparing a claim with {}", other.describe()),
                "claims are compared with strings, numbers and true or false",
            ),
            claim => self.comparison(op, claim, other, at),
        }
    }

    /// Only what the caller may lack is ever null: fields read as their defaults.
    fn null_comparison(&mut self, op: CompareOp, other: &Operand, at: &IdedExpr) -> Option<Expr> {
        match (op, other) {
            (CompareOp::Eq, Operand::Computed { expr: expr @ Expr::Auth(_), .. }) => Some(Expr::is_null(expr.clone())),
            (CompareOp::Ne, Operand::Computed { expr: expr @ Expr::Auth(_), .. }) => Some(Expr::is_set(expr.clone())),
            _ => {
                let span = self.span(at);
                let problem = Problem::new(
                    span,
                    ProblemKind::Type,
                    "only auth.uid, auth.email, auth.org and auth.fresh can be null",
                );
                self.report(problem.help("an unset field reads as its default: ask has(field)"))
            }
        }
    }

    fn mismatch<T>(&mut self, left: &Operand, right: &Operand, at: &IdedExpr) -> Option<T> {
        let span = self.span(at);
        let message = format!("{} cannot be compared with {}", left.describe(), right.describe());
        let problem = Problem::new(span, ProblemKind::Type, message);
        let help = how_to_write(left, right).or_else(|| how_to_write(right, left));
        self.report(problem.maybe_help(help))
    }

    fn with_constant(
        &mut self,
        op: CompareOp,
        left: &Operand,
        ty: &Type,
        value: &Value,
        at: &IdedExpr,
    ) -> Option<Expr> {
        let right = Operand::constant(ty.clone(), value.clone());
        if let Operand::Target(target) = left
            && let (Form::Name { .. } | Form::Etag { .. }, Type::Text, Value::Text(text)) = (&target.form, ty, value)
        {
            return self.identity_with_constant(op, target, text, at);
        }
        let (Some(wanted), Some(read)) = (left.ty(), left.read()) else { return self.mismatch(left, &right, at) };
        let Some(constant) = adapted(ty, value, wanted, &read) else { return self.mismatch(left, &right, at) };
        if let Operand::Target(Target { ty, form: Form::Scalar { expr, nullable: true } }) = left {
            return Some(compare_constant(op, expr.clone(), zero(ty, expr).as_ref(), constant));
        }
        Some(Expr::compare(op, read, Expr::Literal(constant)))
    }

    /// A resource name or etag against a constant: a comparison of the columns that it is made of.
    fn identity_with_constant(&mut self, op: CompareOp, target: &Target, text: &str, at: &IdedExpr) -> Option<Expr> {
        let equal = match (&target.form, op) {
            (Form::Name { template, columns, nullable, .. }, CompareOp::Eq | CompareOp::Ne) => {
                name_equals(template, columns, *nullable, text)
            }
            (Form::Etag { revision }, CompareOp::Eq | CompareOp::Ne) => etag_equals(revision.clone(), text),
            (Form::Etag { .. }, _) => return self.type_problem(at, "etags have no order: only == and !="),
            _ => {
                let read = Operand::Target(target.clone()).read()?;
                return Some(Expr::compare(op, read, Expr::text(text)));
            }
        };
        Some(if op == CompareOp::Ne { Expr::negate(equal) } else { equal })
    }

    /// Two operands of which neither is a constant.
    fn dynamic(&mut self, op: CompareOp, left: &Operand, right: &Operand, at: &IdedExpr) -> Option<Expr> {
        if let Some((account, caller)) = account_of_caller(left, right).or_else(|| account_of_caller(right, left)) {
            return self.dynamic(op, &account, &caller, at);
        }
        if let (Operand::Target(one), Operand::Target(other)) = (left, right)
            && let Some(result) = self.identities(op, one, other, at)
        {
            return result;
        }
        let fits = left.ty().zip(right.ty()).is_some_and(|(left, right)| comparable(left, right));
        let (Some(one), Some(other), true) = (left.read(), right.read(), fits) else {
            return self.mismatch(left, right, at);
        };
        let Some((one, other)) = stored_alike(one, other) else {
            let span = self.span(at);
            return self.report(unsupported(span, "comparing these two, which are stored differently,"));
        };
        match (op, left, right) {
            (CompareOp::Eq, Operand::Target(field), Operand::Computed { expr, .. })
            | (CompareOp::Eq, Operand::Computed { expr, .. }, Operand::Target(field)) => {
                Some(nullable_equals_caller(field, expr).unwrap_or_else(|| Expr::eq(one, other)))
            }
            _ => Some(Expr::compare(op, one, other)),
        }
    }

    /// Two resource names or two etags.
    fn identities(&mut self, op: CompareOp, one: &Target, other: &Target, at: &IdedExpr) -> Option<Option<Expr>> {
        let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
        let equal = match (&one.form, &other.form) {
            (Form::Etag { revision: a }, Form::Etag { revision: b }) if equality => Expr::eq(a.clone(), b.clone()),
            (
                Form::Name { template: a, columns: left, nullable: first, .. },
                Form::Name { template: b, columns: right, nullable: second, .. },
            ) if equality => {
                if a != b {
                    return Some(self.type_problem(at, "these name resources of different types"));
                }
                let pairs = left.iter().zip(right);
                Expr::And(pairs.map(|(a, b)| parts_equal((a, *first), (b, *second))).collect())
            }
            _ => return None,
        };
        Some(Some(if op == CompareOp::Ne { Expr::negate(equal) } else { equal }))
    }
}

/// A name of an account and `auth.uid` as what can be compared: the account's id where it has a column, so that an index can
/// serve, else the caller's own name.
fn account_of_caller(name: &Operand, caller: &Operand) -> Option<(Operand, Operand)> {
    let (Operand::Target(Target { ty, form }), Operand::Computed { expr: uid @ Expr::Auth(AuthName::Uid), .. }) =
        (name, caller)
    else {
        return None;
    };
    let scalar = |expr: &Expr, nullable| {
        Operand::Target(Target { ty: ty.clone(), form: Form::Scalar { expr: expr.clone(), nullable } })
    };
    match form {
        Form::Name { columns, is_account: true, .. } => Some((scalar(columns.first()?, true), caller.clone())),
        Form::Link { expr, to: None } => {
            let own = render(&account_template(), std::slice::from_ref(uid));
            Some((scalar(expr, !matches!(expr, Expr::Element { .. })), Operand::Computed { ty: ty.clone(), expr: own }))
        }
        _ => None,
    }
}

/// Whether two parts of resource names are equal. One that is unset is empty, which no part of a name is; the comparison
/// itself stays plain, so that an index can serve it.
fn parts_equal((a, a_nullable): (&Expr, bool), (b, b_nullable): (&Expr, bool)) -> Expr {
    let equal = Expr::eq(a.clone(), b.clone());
    match (a_nullable, b_nullable) {
        (false, false) => equal,
        (true, false) => Expr::And(vec![Expr::is_set(a.clone()), equal]),
        (false, true) => Expr::And(vec![Expr::is_set(b.clone()), equal]),
        (true, true) => {
            let both = |test: fn(Expr) -> Expr| vec![test(a.clone()), test(b.clone())];
            let set = both(Expr::is_set).into_iter().chain([equal]).collect();
            Expr::Or(vec![Expr::And(both(Expr::is_null)), Expr::And(set)])
        }
    }
}

/// `field == auth.uid` where the field may be NULL, so that an index on it can serve: the plain comparison, false where
/// the field is unset (the caller's id, and any text that is known of the caller, is never empty) and NULL where nobody is
/// signed in.
fn nullable_equals_caller(field: &Target, caller: &Expr) -> Option<Expr> {
    match (&field.form, caller) {
        (Form::Scalar { expr, nullable: true }, Expr::Auth(name)) if is_identity(*name) => Some(Expr::And(vec![
            Expr::Or(vec![Expr::is_set(expr.clone()), Expr::is_null(caller.clone())]),
            Expr::eq(expr.clone(), caller.clone()),
        ])),
        _ => None,
    }
}

/// Whether it is a text that a caller may lack, and that is never empty.
fn is_identity(name: AuthName) -> bool {
    let claim = name.claim();
    claim.nullable && claim.kind == Kind::Text
}
