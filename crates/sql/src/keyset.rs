//! Where a page continues: the rows strictly after given order values.
//!
//! Unset sorts below every value, so an ascending order begins with the rows where the column is NULL and a descending one
//! ends with them. A bound on a column cannot cover both a range and the NULLs and still be one range of an index; where
//! both are needed the page is two selects put together (`UNION ALL`), each a range of the same index.

use mainstay_record::{Kind, Layout};

use crate::{BindSource, OrderColumn, SqlBuilder};

/// The place after which a page continues. The order values of the last row are the parameters from `first_param` on, one
/// for each of [`crate::order_columns`], NULLs included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    pub first_param: usize,
    pub nulls: NullPattern,
}

/// Which order values of the last row are NULL; part of the statement's shape. At most 64 order columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NullPattern(pub u64);

impl NullPattern {
    /// Collects the pattern of the given values.
    pub fn of(is_null: impl IntoIterator<Item = bool>) -> NullPattern {
        let bits = is_null.into_iter().take(64).enumerate();
        NullPattern(bits.fold(0, |bits, (i, null)| bits | (u64::from(null) << i)))
    }

    /// Says whether the value in this position is NULL.
    pub fn is_null(self, position: usize) -> bool {
        position < 64 && self.0 & (1 << position) != 0
    }
}

/// One select of a page: a part of the rows after the place, in the order of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    /// Rows whose first column is beyond the given value or equal to it with later columns beyond theirs.
    Range,
    /// Rows whose first column is NULL, like the given value, with later columns beyond theirs.
    Ties,
    /// All rows whose first column is NULL: they follow every value in a descending order.
    Nulls,
    /// All rows whose first column has a value: they follow the NULLs in an ascending order.
    Values,
}

/// The order values of the last row, ready to be compared with.
pub(crate) struct Place<'a> {
    pub layout: &'a Layout,
    pub columns: &'a [OrderColumn],
    pub after: After,
}

impl Place<'_> {
    /// The selects that the page needs: one, or two where NULLs stand on the other side of the first column's range.
    pub fn arms(&self) -> &'static [Arm] {
        let Some(first) = self.columns.first() else { return &[] };
        match (self.after.nulls.is_null(0), first.descending) {
            (false, true) if self.nullable(0) => &[Arm::Range, Arm::Nulls],
            (false, _) => &[Arm::Range],
            (true, false) => &[Arm::Ties, Arm::Values],
            (true, true) => &[Arm::Ties],
        }
    }

    /// Writes the condition of one arm.
    pub fn emit(&self, out: &mut SqlBuilder, arm: Arm) {
        match arm {
            Arm::Range => self.range(out, 0),
            Arm::Nulls => self.null_test(out, 0, " IS NULL"),
            Arm::Values => self.null_test(out, 0, " IS NOT NULL"),
            Arm::Ties => {
                self.null_test(out, 0, " IS NULL");
                out.text(" AND ");
                if self.columns.len() > 1 && !self.after.nulls.is_null(1) && !self.loses_nulls(1) {
                    self.range(out, 1);
                } else {
                    self.beyond(out, 1);
                }
            }
        }
    }

    /// From `position` on: strictly beyond, led by a bound on the first column that an index can start at.
    fn range(&self, out: &mut SqlBuilder, position: usize) {
        if self.is_row_value(position) {
            return self.row_value(out, position);
        }
        self.compare(out, position, if self.columns[position].descending { " <= " } else { " >= " });
        out.text(" AND ");
        out.text("(");
        self.compare(out, position, self.sign(position));
        out.text(" OR (");
        self.compare(out, position, " = ");
        out.text(" AND ");
        self.beyond(out, position + 1);
        out.text("))");
    }

    /// From `position` on: strictly beyond, as any boolean expression; nothing is beyond where no column is left.
    fn beyond(&self, out: &mut SqlBuilder, position: usize) {
        if position >= self.columns.len() {
            return out.text("FALSE");
        }
        if self.is_row_value(position) {
            return self.row_value(out, position);
        }
        let null = self.after.nulls.is_null(position);
        out.text("(");
        match (null, self.columns[position].descending) {
            (true, true) => {}
            (true, false) => self.null_test(out, position, " IS NOT NULL OR "),
            (false, _) => {
                self.compare(out, position, self.sign(position));
                out.text(" OR ");
                if self.loses_nulls(position) {
                    self.null_test(out, position, " IS NULL OR ");
                }
            }
        }
        out.text("(");
        if null {
            self.null_test(out, position, " IS NULL");
        } else {
            self.compare(out, position, " = ");
        }
        out.text(" AND ");
        self.beyond(out, position + 1);
        out.text("))");
    }

    /// Whether the columns from `position` on compare as one row value: the same direction throughout, no NULL given, and
    /// no NULL that a descending comparison would lose beyond the first column (the caller sees to the first).
    fn is_row_value(&self, position: usize) -> bool {
        let rest = &self.columns[position..];
        let first_is_safe = position == 0 || !self.loses_nulls(position);
        first_is_safe
            && rest.iter().enumerate().all(|(i, column)| {
                column.descending == rest[0].descending
                    && !self.after.nulls.is_null(position + i)
                    && (i == 0 || !self.loses_nulls(position + i))
            })
    }

    fn row_value(&self, out: &mut SqlBuilder, position: usize) {
        let count = self.columns.len() - position;
        if count == 1 {
            return self.compare(out, position, self.sign(position));
        }
        out.text("(");
        out.list(position..self.columns.len(), ", ", |out, i| self.columns[i].emit(out, self.layout));
        out.text(")");
        out.text(self.sign(position));
        out.text("(");
        out.list(position..self.columns.len(), ", ", |out, i| self.value(out, i));
        out.text(")");
    }

    fn compare(&self, out: &mut SqlBuilder, position: usize, operator: &str) {
        self.columns[position].emit(out, self.layout);
        out.text(operator);
        self.value(out, position);
    }

    fn null_test(&self, out: &mut SqlBuilder, position: usize, test: &str) {
        out.column(self.layout, self.columns[position].index);
        out.text(test);
    }

    fn value(&self, out: &mut SqlBuilder, position: usize) {
        let column = self.layout.columns.get(self.columns[position].index);
        out.bind(BindSource::Param(self.after.first_param + position), column.map_or(Kind::Text, |c| c.kind));
    }

    fn sign(&self, position: usize) -> &'static str {
        if self.columns[position].descending { " < " } else { " > " }
    }

    fn nullable(&self, position: usize) -> bool {
        self.layout.columns.get(self.columns[position].index).is_some_and(|column| column.nullable)
    }

    /// Whether `column < value` would lose rows that do come after: the NULLs at the end of a descending order.
    fn loses_nulls(&self, position: usize) -> bool {
        self.columns[position].descending && self.nullable(position)
    }
}
