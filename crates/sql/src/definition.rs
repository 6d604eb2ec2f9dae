//! Tables, columns and keys as DDL defines them.

use std::fmt::Write as _;

use crate::{ColumnSpec, Dialect, ForeignKey, PrimaryKey, quote};

/// SQLite's tables keep their rowid: rows of a few hundred bytes and more make a WITHOUT ROWID tree deep, because it holds
/// whole rows in its inner pages, and secondary indexes would repeat the textual key instead of a small integer.
pub(crate) fn create_table(
    dialect: Dialect,
    table: &str,
    columns: &[ColumnSpec],
    primary_key: &PrimaryKey,
    foreign_keys: &[ForeignKey],
) -> String {
    // A key has no default: a row without one is a mistake, not the row ''.
    let is_key = |column: &ColumnSpec| primary_key.columns.contains(&column.name);
    let definition =
        |column| if is_key(column) { key_definition(dialect, column) } else { column_definition(dialect, column) };
    let mut parts: Vec<String> = columns.iter().map(definition).collect();
    parts.push(format!("CONSTRAINT {} PRIMARY KEY ({})", quote(&primary_key.name), names(&primary_key.columns)));
    if dialect == Dialect::Sqlite {
        parts.extend(foreign_keys.iter().map(foreign_key));
    }
    format!("CREATE TABLE {} (\n  {}\n)", quote(table), parts.join(",\n  "))
}

fn key_definition(dialect: Dialect, column: &ColumnSpec) -> String {
    format!("{} {} NOT NULL", quote(&column.name), dialect.column_type(column.ty))
}

pub(crate) fn column_definition(dialect: Dialect, column: &ColumnSpec) -> String {
    let mut text = format!("{} {}", quote(&column.name), dialect.column_type(column.ty));
    if !column.nullable {
        text.push_str(" NOT NULL");
        if let Some(zero) = dialect.zero(column.ty) {
            let _ = write!(text, " DEFAULT {zero}");
        }
    }
    text
}

pub(crate) fn foreign_key(key: &ForeignKey) -> String {
    let (columns, target, targets) = (names(&key.columns), quote(&key.target), names(&key.target_columns));
    format!("CONSTRAINT {} FOREIGN KEY ({columns}) REFERENCES {target} ({targets})", quote(&key.name))
}

pub(crate) fn names(columns: &[String]) -> String {
    columns.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}
