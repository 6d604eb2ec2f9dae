//! Statements that evaluate a quantifier of a rule for a record that is not stored, or not as it is.

use mainstay_expr::Expr;
use mainstay_record::Layout;

use crate::expression::Writer;
use crate::given::Given;
use crate::{Dialect, Sql, SqlBuilder, Tables};

/// Writes a select of one row with the value of an expression. Params: what is given.
pub fn ask(dialect: Dialect, expr: &Expr, given: &Given, tables: &Tables) -> Sql {
    let layout = Layout::default();
    let mut out = SqlBuilder::new(dialect);
    out.text("SELECT ");
    let mut writer = Writer::new(&layout, tables, &mut out);
    writer.given = Some(given);
    writer.condition(expr);
    out.finish()
}
