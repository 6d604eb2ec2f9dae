//! Rules and filters as SQL.

use mainstay_expr::{AuthName, CompareOp, Expr};
use mainstay_record::{Kind, Layout, Value};

use crate::{BindSource, Dialect, SqlBuilder};

/// Writes an expression whose columns are those of the statement's table.
pub(crate) fn emit(dialect: Dialect, expr: &Expr, layout: &Layout, out: &mut SqlBuilder) {
    match expr {
        Expr::Literal(Value::Null) => out.text("NULL"),
        Expr::Literal(Value::Bool(value)) => out.text(if *value { "TRUE" } else { "FALSE" }),
        Expr::Literal(value) => {
            let kind = mainstay_expr::kind_of(value).unwrap_or(Kind::Text);
            out.bind(BindSource::Literal(value.clone()), kind);
        }
        Expr::Column { index, .. } => out.column(layout, *index),
        Expr::Auth(AuthName::Uid) => out.bind(BindSource::AuthUid, Kind::Text),
        Expr::Auth(AuthName::Email) => out.bind(BindSource::AuthEmail, Kind::Text),
        Expr::Auth(AuthName::EmailVerified) => out.bind(BindSource::AuthEmailVerified, Kind::Bool),
        Expr::Auth(AuthName::Roles) => out.bind(BindSource::AuthRoles, Kind::Json),
        Expr::Not(of) => {
            out.text("NOT (");
            emit(dialect, of, layout, out);
            out.text(")");
        }
        Expr::IsNull(of) => {
            out.text("(");
            emit(dialect, of, layout, out);
            out.text(") IS NULL");
        }
        Expr::And(list) => joined(dialect, list, " AND ", layout, out),
        Expr::Or(list) => joined(dialect, list, " OR ", layout, out),
        Expr::Compare { op, left, right } => {
            emit(dialect, left, layout, out);
            out.text(match op {
                CompareOp::Eq => " = ",
                CompareOp::Ne => " <> ",
                CompareOp::Lt => " < ",
                CompareOp::Le => " <= ",
                CompareOp::Gt => " > ",
                CompareOp::Ge => " >= ",
            });
            emit(dialect, right, layout, out);
        }
        _ => out.text("NULL"),
    }
}

fn joined(dialect: Dialect, list: &[Expr], word: &str, layout: &Layout, out: &mut SqlBuilder) {
    out.text("(");
    out.list(list, word, |out, each| emit(dialect, each, layout, out));
    out.text(")");
}
