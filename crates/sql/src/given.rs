//! What is known already of the rows around an expression when a store is asked.

use mainstay_expr::{Expr, Row};
use mainstay_record::Kind;

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
