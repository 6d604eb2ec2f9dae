//! Schema steps as DDL.

use std::fmt::Write as _;

use mainstay_record::Kind;

use crate::definition::{column_definition, create_table, foreign_key, names};
use crate::literal::literal;
use crate::{ColumnSpec, Conversion, Dialect, ForeignKey, Literal, SchemaStep, index, linked, quote, remade};

/// Writes a schema step as the statements that carry it out, in order; none where the engine needs none.
///
/// The statements of a step with `concurrently` must run outside a transaction, one at a time.
pub fn schema_sql(dialect: Dialect, step: &SchemaStep) -> Vec<String> {
    match step {
        SchemaStep::CreateTable { table, columns, primary_key, foreign_keys } => {
            vec![create_table(dialect, table, columns, primary_key, foreign_keys)]
        }
        SchemaStep::RenameTable { from, to } => vec![format!("ALTER TABLE {} RENAME TO {}", quote(from), quote(to))],
        SchemaStep::AddColumn { table, column, fill, references } => {
            add_column(dialect, table, column, fill.as_ref(), references.as_ref())
        }
        SchemaStep::RenameColumn { table, from, to } => {
            vec![format!("ALTER TABLE {} RENAME COLUMN {} TO {}", quote(table), quote(from), quote(to))]
        }
        SchemaStep::ConvertColumn { table, column, from, how } => convert_column(dialect, table, column, *from, *how),
        SchemaStep::MakeRows { table, keys, values, source, source_keys } => {
            vec![make_rows(dialect, (table, keys), values, (source, source_keys))]
        }
        SchemaStep::ReplaceColumns { table, gone, made } => remade::replace_columns(dialect, table, gone, made),
        SchemaStep::RemakeTable { .. } => remade::remake(dialect, step),
        SchemaStep::DropColumn { table, column } => {
            vec![format!("ALTER TABLE {} DROP COLUMN {}", quote(table), quote(column))]
        }
        SchemaStep::DropTable { table } => vec![format!("DROP TABLE {}", quote(table))],
        SchemaStep::CreateIndex { .. } => index::create(dialect, step),
        SchemaStep::DropIndex { name, table, spans, concurrently } => {
            index::drop(dialect, name, table, *spans, *concurrently)
        }
        SchemaStep::FillLinks { link, names } => {
            let fills = names.iter().map(|names| names.fill(dialect, link));
            std::iter::once(linked::forget(dialect, link)).chain(fills).collect()
        }
        SchemaStep::ForgetLinks { link } => vec![linked::forget(dialect, link)],
        SchemaStep::ForgetHistory { resource } => {
            let resource = literal(dialect, &Literal::Text(resource.clone()));
            vec![format!("DELETE FROM mainstay_transitions WHERE resource = {resource}")]
        }
        SchemaStep::AddForeignKey { table, key } => match dialect {
            Dialect::Sqlite => Vec::new(),
            Dialect::Postgres => {
                vec![format!("ALTER TABLE {} ADD {}", quote(table), foreign_key(key))]
            }
        },
        SchemaStep::DropForeignKey { table, name } => match dialect {
            Dialect::Sqlite => Vec::new(),
            Dialect::Postgres => vec![format!("ALTER TABLE {} DROP CONSTRAINT {}", quote(table), quote(name))],
        },
    }
}

/// A constant default fills the rows that exist without touching them on both engines. PostgreSQL's then goes back to the
/// type's zero; SQLite cannot change a default, where it stays without effect, since every insert names every column.
fn add_column(
    dialect: Dialect,
    table: &str,
    column: &ColumnSpec,
    fill: Option<&Literal>,
    references: Option<&ForeignKey>,
) -> Vec<String> {
    let (table, name) = (quote(table), quote(&column.name));
    let constant = fill.filter(|fill| dialect == Dialect::Postgres || **fill != Literal::Now);
    let mut add = match constant {
        None => format!("ALTER TABLE {table} ADD COLUMN {}", column_definition(dialect, column)),
        Some(fill) => {
            let (ty, null) = (dialect.column_type(column.ty), if column.nullable { "" } else { " NOT NULL" });
            format!("ALTER TABLE {table} ADD COLUMN {name} {ty}{null} DEFAULT {}", literal(dialect, fill))
        }
    };
    if let (Dialect::Sqlite, Some(key)) = (dialect, references) {
        let _ = write!(add, " REFERENCES {} ({})", quote(&key.target), names(&key.target_columns));
    }
    let mut statements = vec![add];
    match (fill, dialect) {
        (None, _) => {}
        (Some(Literal::Now), Dialect::Sqlite) => {
            statements.push(format!("UPDATE {table} SET {name} = {}", literal(dialect, &Literal::Now)));
        }
        (Some(_), Dialect::Sqlite) => {}
        (Some(_), Dialect::Postgres) => {
            let zero = dialect.zero(column.ty).filter(|_| !column.nullable);
            let default = zero.map_or("DROP DEFAULT".to_owned(), |zero| format!("SET DEFAULT {zero}"));
            statements.push(format!("ALTER TABLE {table} ALTER COLUMN {name} {default}"));
        }
    }
    statements
}

/// What no value is given for is NULL or its type's zero: each column that is not nullable has that as its default.
fn make_rows(
    dialect: Dialect,
    (table, keys): (&str, &[String]),
    values: &[(String, Literal)],
    (source, source_keys): (&str, &[String]),
) -> String {
    let columns: Vec<String> = keys.iter().chain(values.iter().map(|(name, _)| name)).map(|name| quote(name)).collect();
    let theirs = source_keys.iter().map(|key| format!("s.{}", quote(key)));
    let constants = values.iter().map(|(_, value)| literal(dialect, value));
    let given: Vec<String> = theirs.chain(constants).collect();
    let pairs = keys.iter().zip(source_keys).map(|(own, theirs)| format!("t.{} = s.{}", quote(own), quote(theirs)));
    let table = quote(table);
    format!(
        "INSERT INTO {table} ({}) SELECT {} FROM {} AS s WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {})",
        columns.join(", "),
        given.join(", "),
        quote(source),
        pairs.collect::<Vec<_>>().join(" AND ")
    )
}

/// SQLite cannot change a column's type, nor whether it may be NULL. So on both engines the column steps aside, another one
/// takes its name, and every row is written once.
fn convert_column(dialect: Dialect, table: &str, column: &ColumnSpec, from: Kind, how: Conversion) -> Vec<String> {
    let former = quote(&format!("_former_{}", column.name));
    let (table, name) = (quote(table), quote(&column.name));
    let value = converted(dialect, &former, from, how);
    vec![
        format!("ALTER TABLE {table} RENAME COLUMN {name} TO {former}"),
        format!("ALTER TABLE {table} ADD COLUMN {}", column_definition(dialect, column)),
        format!("UPDATE {table} SET {name} = {value}"),
        format!("ALTER TABLE {table} DROP COLUMN {former}"),
    ]
}

/// What the value in a column of this type becomes.
fn converted(dialect: Dialect, column: &str, from: Kind, how: Conversion) -> String {
    let zero = dialect.zero(from).unwrap_or("NULL");
    match (how, dialect) {
        (Conversion::UnsetToZero, _) => format!("COALESCE({column}, {zero})"),
        (Conversion::ZeroToUnset, _) => format!("NULLIF({column}, {zero})"),
        (Conversion::ToBytes, Dialect::Sqlite) => format!("CAST({column} AS BLOB)"),
        (Conversion::ToBytes, Dialect::Postgres) => format!("convert_to({column}, 'UTF8')"),
        (Conversion::ToList, _) => {
            let list = match (dialect, from) {
                // SQLite's booleans are numbers, which JSON's are not.
                (Dialect::Sqlite, Kind::Bool) => format!("CASE WHEN {column} THEN '[true]' ELSE '[false]' END"),
                (Dialect::Sqlite, _) => format!("json_array({column})"),
                (Dialect::Postgres, _) => format!("jsonb_build_array({column})"),
            };
            format!("CASE WHEN NULLIF({column}, {zero}) IS NOT NULL THEN {list} END")
        }
    }
}
