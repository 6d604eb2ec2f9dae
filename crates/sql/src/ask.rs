//! Statements that evaluate a quantifier of a rule for a record that is not stored, or not as it is.

use mainstay_expr::{Expr, Row};
use mainstay_record::{Kind, Layout};

use crate::expression::Writer;
use crate::{Dialect, Sql, SqlBuilder, Tables};

/// What a statement is given in the place of rows: first the columns, then whether each of the rows is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    pub columns: Vec<(Row, usize, Kind)>,
    pub rows: Vec<Row>,
}

impl Given {
    /// All that an expression reads in records in hand, and in rows that are found from those.
    pub fn of(expr: &Expr) -> Given {
        let mut given = Given::default();
        expr.any_node(&mut |node| {
            match node {
                Expr::Column { row, index, kind } if row.root.is_in_hand() && given.column(row, *index).is_none() => {
                    given.columns.push((row.clone(), *index, *kind));
                }
                Expr::Look { row, .. } if row.root.is_in_hand() && !given.rows.contains(row) => {
                    given.rows.push(row.clone());
                }
                _ => {}
            }
            false
        });
        given
    }

    pub(crate) fn column(&self, row: &Row, index: usize) -> Option<usize> {
        self.columns.iter().position(|(known, column, _)| known == row && *column == index)
    }

    pub(crate) fn row(&self, row: &Row) -> Option<usize> {
        let position = self.rows.iter().position(|known| known == row)?;
        Some(self.columns.len() + position)
    }
}

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
