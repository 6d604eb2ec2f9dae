//! An owner that whoever makes the row may choose, though it is meant to be himself.

use mainstay_expr::{AuthName, CompareOp, Expr, Root};

use super::Linted;
use super::callers::Caller;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    let Some(create) = &linted.resource.access.create else { return };
    let allowed = Caller::somebody().asks(&create.program);
    for field in &linted.resource.fields {
        let ([column], Some(default)) = (field.columns.as_slice(), &field.default) else { continue };
        let is_caller = default.root == Expr::Auth(AuthName::Uid);
        if !is_caller || field.behaviors.output_only || implies_own(&allowed, *column) || !decides(linted, *column) {
            continue;
        }
        let name = &field.field_path;
        let spot = linted.field_spot(report, field);
        report
            .warning(
                &spot,
                format!("whoever creates a {} may name another as its {name}", linted.resource.short_name()),
            )
            .because(format!(
                "{name} is the caller by default, rules trust it, and the rule for create lets any value through"
            ))
            .help(format!("add `resource.{name} == auth.uid` to the rule for create, or OUTPUT_ONLY to the field"));
    }
}

/// Whether a rule over an existing row compares the column with the caller.
fn decides(linted: &Linted<'_>, column: usize) -> bool {
    linted.all_rules().iter().any(|(_, rule)| compares(&rule.program.root, column))
}

fn compares(expr: &Expr, column: usize) -> bool {
    is_own(expr, column) || expr.children().into_iter().any(|child| compares(child, column))
}

/// Whether what is left of the rule is true only where the column is the caller.
fn implies_own(expr: &Expr, column: usize) -> bool {
    match expr {
        Expr::And(members) => members.iter().any(|member| implies_own(member, column)),
        Expr::Or(members) => members.iter().all(|member| implies_own(member, column)),
        other => *other == Expr::FALSE || is_own(other, column),
    }
}

/// `resource.owner == auth.uid`, either way round.
pub(super) fn is_own(expr: &Expr, column: usize) -> bool {
    own_column(expr) == Some(column)
}

/// The column that is compared with the caller.
pub(super) fn own_column(expr: &Expr) -> Option<usize> {
    let Expr::Compare { op: CompareOp::Eq, left, right } = expr else { return None };
    let column = match (&**left, &**right) {
        (column, Expr::Auth(AuthName::Uid)) | (Expr::Auth(AuthName::Uid), column) => column,
        _ => return None,
    };
    match column {
        Expr::Column { row, index, .. } if row.is_in_hand() && row.root != Root::New => Some(*index),
        Expr::Coalesce(first, _) => match &**first {
            Expr::Column { row, index, .. } if row.is_in_hand() && row.root != Root::New => Some(*index),
            _ => None,
        },
        _ => None,
    }
}
