//! When two rows are in each other's way: the same in the index that forbids it, and in the questions about rows that stand.

use mainstay_record::{FOLD, Kind, fold_pairs};

use crate::{Dialect, IndexColumn, OnlyRows, RowCondition, Span, quote};

/// The rows that may be in conflict with others at all.
pub(crate) struct Among<'a> {
    pub dialect: Dialect,
    pub columns: &'a [IndexColumn],
    pub only: Option<&'a OnlyRows>,
    pub condition: Option<&'a RowCondition<String>>,
}

impl Among<'_> {
    /// What must hold of such a row.
    pub fn tests(&self, of: Option<&str>) -> Vec<String> {
        let only =
            self.only.map(|only| format!("{} IS {}NULL", column(of, &only.column), if only.set { "NOT " } else { "" }));
        let set = self.columns.iter().filter_map(|column| self.is_set(of, column));
        let condition = self.condition.map(|condition| condition.text(self.dialect, of));
        only.into_iter().chain(set).chain(condition).collect()
    }

    /// The zero of a column of implicit presence means unset, and what is unset conflicts with nothing.
    fn is_set(&self, of: Option<&str>, part: &IndexColumn) -> Option<String> {
        let ty = part.unset_zero?;
        let zero = self.dialect.zero(ty)?;
        let name = column(of, &part.name);
        Some(if ty == Kind::Bool { name } else { format!("{name} <> {zero}") })
    }

    /// That every column which may be NULL is not, where NULL is no value like others. An index does so by itself.
    pub fn no_nulls(&self, of: Option<&str>) -> Vec<String> {
        let nullable = self.columns.iter().filter(|part| part.nullable && part.unset_as.is_none());
        nullable.map(|part| format!("{} IS NOT NULL", column(of, &part.name))).collect()
    }
}

/// What of a column is compared.
pub(crate) fn compared(dialect: Dialect, part: &IndexColumn, value: String) -> String {
    match (part.folded, dialect) {
        (false, _) => value,
        (true, Dialect::Sqlite) => format!("{value} COLLATE {FOLD}"),
        (true, Dialect::Postgres) => format!("{FOLD}({value})"),
    }
}

/// The same before the function is made that PostgreSQL's indexes have.
pub(crate) fn compared_anyhow(dialect: Dialect, part: &IndexColumn, value: String) -> String {
    if part.folded && dialect == Dialect::Postgres { fold(&value) } else { compared(dialect, part, value) }
}

/// Folds a text in PostgreSQL's words, by the pairs that our own comparison has. What is ASCII alone needs none of them.
pub(crate) fn fold(value: &str) -> String {
    let (from, to): (String, String) = fold_pairs().iter().copied().unzip();
    format!(
        "CASE WHEN octet_length({value}) = char_length({value}) THEN lower({value} COLLATE \"C\") \
         ELSE translate({value}, '{from}', '{to}') END"
    )
}

/// That the times of two rows overlap. Both are half-open, what has no end is for ever, and what ends before it begins is
/// no time.
pub(crate) fn overlap(span: &Span, one: &str, two: &str) -> String {
    let (from, to) = (|of| column(Some(of), &span.from), |of| column(Some(of), &span.to));
    let before = |a, b| format!("({to} IS NULL OR {from} < {to})", to = to(b), from = from(a));
    [before(one, one), before(two, two), before(one, two), before(two, one)].join(" AND ")
}

/// A column of a row that has this name in the statement.
pub(crate) fn column(of: Option<&str>, name: &str) -> String {
    of.map_or_else(|| quote(name), |of| format!("{of}.{}", quote(name)))
}
