//! Columns that are made from others, and tables that are made anew.

use crate::definition::{column_definition, create_table, names};
use crate::index;
use crate::linked::variable;
use crate::literal::literal;
use crate::{ColumnSpec, Dialect, Literal, MadeColumn, MadeFrom, SchemaStep, identifier, quote};

/// The columns that go step aside, for those that are made may have their names. SQLite drops no column that refers: there
/// they go when the table is remade.
pub(crate) fn replace_columns(dialect: Dialect, table: &str, gone: &[String], made: &[MadeColumn]) -> Vec<String> {
    let table = quote(table);
    let aside =
        gone.iter().map(|name| format!("ALTER TABLE {table} RENAME COLUMN {} TO {}", quote(name), former(name)));
    let add =
        made.iter().map(|made| format!("ALTER TABLE {table} ADD COLUMN {}", column_definition(dialect, &made.column)));
    let set = made.iter().map(|made| format!("{} = {}", quote(&made.column.name), value(dialect, made)));
    let fill = format!("UPDATE {table} SET {}", set.collect::<Vec<_>>().join(", "));
    let dropped: &[String] = if dialect == Dialect::Postgres { gone } else { &[] };
    let drop = dropped.iter().map(|name| format!("ALTER TABLE {table} DROP COLUMN {}", former(name)));
    aside.chain(add).chain([fill]).chain(drop).collect()
}

fn former(name: &str) -> String {
    quote(&identifier(&format!("_former_{name}")))
}

/// What a column is made from, after that stepped aside.
fn value(dialect: Dialect, made: &MadeColumn) -> String {
    let text = |text: &str| literal(dialect, &Literal::Text(text.to_owned()));
    match &made.from {
        MadeFrom::Variable { column, position } => {
            let name = former(column);
            format!("CASE WHEN {name} <> '' THEN {} END", variable(dialect, &name, *position))
        }
        MadeFrom::Key { columns, words, listed } => {
            let mut name = Vec::new();
            for (position, word) in words.iter().enumerate() {
                name.push(text(word));
                name.extend(columns.get(position).map(|column| former(column)));
            }
            let name = name.join(" || ");
            let unset = dialect.zero(made.column.ty).filter(|_| !made.column.nullable);
            match (listed, unset) {
                (true, _) => {
                    let list = if dialect == Dialect::Postgres { "jsonb_build_array" } else { "json_array" };
                    format!("CASE WHEN ({name}) IS NOT NULL THEN {list}({name}) END")
                }
                (false, Some(zero)) => format!("COALESCE({name}, {zero})"),
                (false, None) => name,
            }
        }
    }
}

/// The table is made beside the one that stands, filled from it, and takes its place; then it gets its indexes again. The
/// second statement is the last before the old table goes: see [`same_rows`].
pub(crate) fn remake(dialect: Dialect, step: &SchemaStep) -> Vec<String> {
    let (SchemaStep::RemakeTable { table, columns, primary_key, foreign_keys, indexes }, Dialect::Sqlite) =
        (step, dialect)
    else {
        return Vec::new();
    };
    let (old, new) = (quote(table), quote(&beside(table)));
    let all: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut statements = vec![
        create_table(dialect, &beside(table), columns, primary_key, foreign_keys),
        format!("INSERT INTO {new} ({all}) SELECT {all} FROM {old} ORDER BY rowid", all = names(&all)),
        format!("DROP TABLE {old}"),
        format!("ALTER TABLE {new} RENAME TO {old}"),
    ];
    statements.extend(indexes.iter().flat_map(|step| index::create(dialect, step)));
    statements
}

fn beside(table: &str) -> String {
    format!("_remade_{table}")
}

/// SQLite's statement that answers with 1 if a table which is remade ([`SchemaStep::RemakeTable`]) and the one that takes its
/// place have the same rows, to be run between its second and its third statement; nothing for other steps.
pub fn same_rows(step: &SchemaStep) -> Option<String> {
    let SchemaStep::RemakeTable { table, columns, primary_key, .. } = step else { return None };
    let (old, new) = (quote(table), quote(&beside(table)));
    let is_key = |column: &&ColumnSpec| primary_key.columns.contains(&column.name);
    let same = |column: &ColumnSpec, how: &str| format!("o.{name} {how} n.{name}", name = quote(&column.name));
    let key: Vec<String> = columns.iter().filter(is_key).map(|column| same(column, "=")).collect();
    let rest = columns.iter().filter(|column| !is_key(column)).map(|column| format!(" AND {}", same(column, "IS")));
    Some(format!(
        "SELECT (SELECT COUNT(*) FROM {old}) = (SELECT COUNT(*) FROM {new}) AND (SELECT COUNT(*) FROM {old}) = \
         (SELECT COUNT(*) FROM {old} AS o JOIN {new} AS n ON {}{})",
        key.join(" AND "),
        rest.collect::<String>()
    ))
}
