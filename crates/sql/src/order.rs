//! The order of a list, spelled out to columns.

use mainstay_expr::OrderKey;
use mainstay_record::Layout;

use crate::{Dialect, SqlBuilder};

/// A column that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderColumn {
    pub index: usize,
    pub descending: bool,
    /// Only so many characters (of a text; else bytes) from the beginning decide, where the whole value may be too long to
    /// go on behind. Rows that begin alike are told apart by the columns that follow, and by the key in the end.
    pub prefix: Option<u32>,
}

impl OrderColumn {
    /// Writes what is compared.
    pub(crate) fn emit(self, out: &mut SqlBuilder, layout: &Layout) {
        match self.prefix {
            None => out.column(layout, self.index),
            Some(length) => {
                out.text("substr(");
                out.column(layout, self.index);
                out.text(&format!(", 1, {length})"));
            }
        }
    }
}

/// Spells an order out to columns, each once, ending in the key columns, so that it is total.
///
/// The key columns that the order does not name take the direction of the last column before them (ascending where there
/// is none). The indexes that the ledger makes end in the key the same way, so one index serves an order forwards and its
/// opposite backwards.
pub fn order_columns(layout: &Layout, order: &[OrderKey]) -> Vec<OrderColumn> {
    let mut columns: Vec<OrderColumn> = Vec::new();
    let mut push = |index: usize, descending: bool| {
        if columns.iter().all(|column| column.index != index) {
            columns.push(OrderColumn { index, descending, prefix: None });
        }
    };
    for key in order {
        for index in &key.columns {
            push(*index, key.descending);
        }
    }
    let direction = order.last().is_some_and(|key| key.descending);
    for index in 0..layout.keys() {
        push(index, direction);
    }
    columns
}

/// Writes ` ORDER BY …`, where `place` writes the column itself.
pub(crate) fn order_by(
    out: &mut SqlBuilder,
    layout: &Layout,
    columns: &[OrderColumn],
    place: impl Fn(&mut SqlBuilder, usize),
) {
    if columns.is_empty() {
        return;
    }
    out.text(" ORDER BY ");
    out.list(columns.iter().enumerate(), ", ", |out, (position, column)| {
        place(out, position);
        if column.descending {
            out.text(" DESC");
        }
        let nullable = layout.columns.get(column.index).is_some_and(|column| column.nullable);
        // SQLite puts NULL below every value by nature; PostgreSQL above, unless told. Told only where a NULL can be, so
        // that an index made without the words (the primary key's) still serves the order.
        if nullable && out.dialect() == Dialect::Postgres {
            out.text(if column.descending { " NULLS LAST" } else { " NULLS FIRST" });
        }
    });
}
