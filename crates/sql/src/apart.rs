//! `exists` from the side of the rows that it is about: an IN over those, where an index finds them without the row that asks.

use mainstay_expr::{CompareOp, Expr, Over, Root, Row};

use crate::expression::Writer;
use crate::open::Open;

impl Writer<'_> {
    /// Takes a condition on rows of a table apart: what is equal to columns of other rows, and what is said of the rows
    /// alone. Nothing where that is not all, or where no index finds the latter.
    pub fn apart<'e>(&self, level: u8, over: &Over, holds: &'e Expr) -> Option<Apart<'e>> {
        let Over::Rows(table) = over else { return None };
        let known = self.tables.known(*table)?;
        let all: Vec<&Expr> = match holds {
            Expr::And(list) => list.iter().collect(),
            other => vec![other],
        };
        let (mut apart, mut fixed) = (Apart::default(), Vec::new());
        for part in all {
            match equality(level, part) {
                Some((column, other)) if names_rows(other) => apart.equal.push((column, other)),
                Some((column, _)) => {
                    fixed.push(column);
                    apart.alone.push(part);
                }
                None if names_other_rows(part, level) => return None,
                None => apart.alone.push(part),
            }
        }
        (!apart.equal.is_empty() && !fixed.is_empty() && known.begins_index(&fixed)).then_some(apart)
    }

    pub fn is_in(&mut self, level: u8, over: &Over, apart: &Apart<'_>) {
        let several = apart.equal.len() > 1;
        self.text(if several { "(" } else { "" });
        for (i, (_, other)) in apart.equal.iter().enumerate() {
            self.text(if i > 0 { ", " } else { "" });
            self.operand(other);
        }
        self.text(if several { ") IN (" } else { " IN (" });
        self.among(level, over, apart, "");
        self.text(")");
    }

    /// Writes a select of what other rows must equal, of the rows that it is said of, and something beside that.
    pub fn among(&mut self, level: u8, over: &Over, apart: &Apart<'_>, beside: &str) {
        let name = format!("q{}", 1 + self.open.iter().filter(|(_, open)| matches!(open, Open::Row { .. })).count());
        let layout = over.table().and_then(|table| self.tables.get(table)).map(|table| table.layout);
        self.text("SELECT ");
        for (i, (column, _)) in apart.equal.iter().enumerate() {
            self.text(if i > 0 { ", " } else { "" });
            if let Some(layout) = layout {
                self.out.column_of(&name, layout, *column);
            }
        }
        self.text(beside);
        self.text(" FROM ");
        self.going_over(level, over);
        for (i, part) in apart.alone.iter().enumerate() {
            self.text(if i > 0 { " AND " } else { "" });
            self.truth(part);
        }
        self.open.pop();
    }
}

/// A condition on rows of a table, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Apart<'e> {
    /// Columns of theirs, and what they equal.
    pub equal: Vec<(usize, &'e Expr)>,
    alone: Vec<&'e Expr>,
}

/// `column = …`, where the column is of the row of a level and the other side is not.
fn equality(level: u8, part: &Expr) -> Option<(usize, &Expr)> {
    let Expr::Compare { op: CompareOp::Eq, left, right } = part else { return None };
    let own = |side: &Expr| match side {
        Expr::Column { row, index, .. } if *row == Row::of(Root::Bound(level)) => Some(*index),
        _ => None,
    };
    match (own(left), own(right)) {
        (Some(column), None) => Some((column, &**right)),
        (None, Some(column)) => Some((column, &**left)),
        _ => None,
    }
}

pub(crate) fn names_rows(expr: &Expr) -> bool {
    expr.any_node(&mut |node| matches!(node, Expr::Column { .. } | Expr::Look { .. } | Expr::Element { .. }))
}

/// Whether an expression names a row beside that of a level and those that are found from there.
fn names_other_rows(expr: &Expr, level: u8) -> bool {
    expr.any_node(&mut |node| match node {
        Expr::Column { row, .. } | Expr::Look { row, .. } => row.root != Root::Bound(level),
        Expr::Element { .. } | Expr::Exists { .. } => true,
        _ => false,
    })
}
