//! Rows that refer to one another: what is above one, and whether something is so far below it.

use mainstay_record::Kind;

use crate::{BindSource, Dialect, Sql, SqlBuilder, Table};

/// Writes a select of the keys that a reference of a table to itself leads to from a first one on, that one first, at most
/// so many. Params: the first key.
pub fn above(dialect: Dialect, table: Table<'_>, reference: &[usize], most: usize) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    let keys = names(table.layout.keys());
    begin(&mut out, "up", &keys);
    for column in reference {
        out.column_of("f", table.layout, *column);
        out.text(collated(dialect));
        out.text(", ");
    }
    out.text("u.n + 1 FROM up AS u JOIN ");
    out.name(table.name);
    out.text(" AS f ON ");
    for (key, name) in keys.iter().enumerate() {
        out.text(if key > 0 { " AND " } else { "" });
        out.column_of("f", table.layout, key);
        out.text(&format!(" = u.{name}"));
    }
    out.text(&format!(" WHERE u.n < {} AND ", most.saturating_sub(1)));
    out.list(reference, " AND ", |out, column| {
        out.column_of("f", table.layout, *column);
        out.text(" IS NOT NULL");
    });
    out.text(&format!(") SELECT {} FROM up ORDER BY n", keys.join(", ")));
    out.finish()
}

/// Writes a select that finds a row if one is so many references below another. Params: the other's key, then how many.
pub fn below(dialect: Dialect, table: Table<'_>, reference: &[usize]) -> Sql {
    let mut out = SqlBuilder::new(dialect);
    let keys = names(table.layout.keys());
    let depth = |out: &mut SqlBuilder| out.bind(BindSource::Param(keys.len()), Kind::Int);
    begin(&mut out, "down", &keys);
    for key in 0..keys.len() {
        out.column_of("f", table.layout, key);
        out.text(collated(dialect));
        out.text(", ");
    }
    out.text("d.n + 1 FROM down AS d JOIN ");
    out.name(table.name);
    out.text(" AS f ON ");
    for (column, name) in reference.iter().zip(&keys) {
        out.text(if *name == keys[0] { "" } else { " AND " });
        out.column_of("f", table.layout, *column);
        out.text(&format!(" = d.{name}"));
    }
    out.text(" WHERE d.n < ");
    depth(&mut out);
    out.text(") SELECT 1 FROM down WHERE n = ");
    depth(&mut out);
    out.text(" LIMIT 1");
    out.finish()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|key| format!("k{key}")).collect()
}

fn begin(out: &mut SqlBuilder, name: &str, keys: &[String]) {
    out.text(&format!("WITH RECURSIVE {name}({}, n) AS (SELECT ", keys.join(", ")));
    let dialect = out.dialect();
    for key in 0..keys.len() {
        out.bind(BindSource::Param(key), Kind::Text);
        out.text(collated(dialect));
        out.text(", ");
    }
    out.text("0 UNION ALL SELECT ");
}

/// Both parts of a recursive query must compare alike on PostgreSQL.
fn collated(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " COLLATE \"C\"",
    }
}
