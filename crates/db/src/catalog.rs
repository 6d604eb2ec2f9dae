//! The tables that a store really has, in the words of our own DDL.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_record::{Kind, Row as _, Value};

use crate::conn::Conn;
use crate::error::Error;
use crate::row::RowRef;
use crate::statement::Statement;
use crate::terms::Engine;

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    pub columns: BTreeMap<String, Column>,
    /// Those that are no primary key, by name.
    pub indexes: BTreeMap<String, Index>,
    pub foreign_keys: BTreeSet<ForeignKey>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As `CREATE TABLE` writes it: `BIGINT`, `TEXT COLLATE "C"`.
    pub ty: String,
    pub nullable: bool,
}

/// An index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    pub unique: bool,
    /// Each with whether it descends.
    pub columns: Vec<(String, bool)>,
    /// Whether it has only some rows.
    pub partial: bool,
    /// Whether PostgreSQL uses it: one whose building broke off stays behind, and only costs.
    pub valid: bool,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub target: String,
}

/// Reads all tables of a store.
pub async fn catalog(conn: &mut Conn<'_>) -> Result<BTreeMap<String, Table>, Error> {
    let sql = match conn.engine() {
        Engine::Sqlite => [SQLITE_COLUMNS, SQLITE_INDEXES, SQLITE_KEYS],
        Engine::Postgres => [POSTGRES_COLUMNS, POSTGRES_INDEXES, POSTGRES_KEYS],
    };
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    each(conn, sql[0], |row| {
        let column = Column { ty: column_type(row), nullable: flag(row, 3) };
        tables.entry(text(row, 0)).or_default().columns.insert(text(row, 1), column);
    })
    .await?;
    each(conn, sql[1], |row| {
        let index = tables.entry(text(row, 0)).or_default().indexes.entry(text(row, 1)).or_default();
        index.unique = flag(row, 2);
        index.partial = flag(row, 3);
        index.valid = flag(row, 4);
        index.columns.push((text(row, 5), flag(row, 6)));
    })
    .await?;
    let mut keys: BTreeMap<(String, String), ForeignKey> = BTreeMap::new();
    each(conn, sql[2], |row| {
        let key = keys.entry((text(row, 0), text(row, 1)));
        key.or_insert_with(|| ForeignKey { columns: Vec::new(), target: text(row, 2) }).columns.push(text(row, 3));
    })
    .await?;
    for ((table, _), key) in keys {
        tables.entry(table).or_default().foreign_keys.insert(key);
    }
    Ok(tables)
}

/// Table, column, type, whether it may be NULL, collation.
const SQLITE_COLUMNS: &str = "SELECT t.name, c.name, c.type, c.\"notnull\" = 0, '' \
     FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!'";

const POSTGRES_COLUMNS: &str = "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, \
     coalesce((SELECT collname::text FROM pg_collation l WHERE l.oid = a.attcollation AND l.collname <> 'default'), '') \
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace";

/// Table, index, unique, partial, valid, column, descending; in the order of the columns.
const SQLITE_INDEXES: &str = "SELECT t.name, i.name, i.\"unique\", i.partial, 1, coalesce(c.name, ''), c.desc \
     FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND i.origin = 'c' AND c.key ORDER BY 1, 2, c.seqno";

const POSTGRES_INDEXES: &str = "SELECT t.relname::text, i.relname::text, x.indisunique, x.indpred IS NOT NULL, \
     x.indisvalid AND x.indisready, coalesce(a.attname::text, ''), x.indoption[n.n - 1] & 1 = 1 \
     FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
     CROSS JOIN LATERAL generate_series(1, x.indnkeyatts) AS n(n) \
     LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[n.n - 1] \
     WHERE NOT x.indisprimary AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2, n.n";

/// Table, key, target, column; in the order of the columns.
const SQLITE_KEYS: &str = "SELECT t.name, CAST(k.id AS TEXT), k.\"table\", k.\"from\" \
     FROM sqlite_schema t, pragma_foreign_key_list(t.name) k WHERE t.type = 'table' ORDER BY 1, k.id, k.seq";

const POSTGRES_KEYS: &str = "SELECT t.relname::text, k.conname::text, r.relname::text, a.attname::text \
     FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid \
     CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS n(num, place) \
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = n.num \
     WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2, n.place";

async fn each(conn: &mut Conn<'_>, sql: &str, mut take: impl FnMut(&RowRef<'_>) + Send) -> Result<(), Error> {
    let statement = Statement::new(vec![mainstay_record::Piece::Text(sql.to_owned())], false);
    conn.query(&statement, &[], &mut take).await.map(|_| ())
}

fn text(row: &RowRef<'_>, index: usize) -> String {
    if let Value::Text(text) = row.get(index, Kind::Text) { text } else { String::new() }
}

fn flag(row: &RowRef<'_>, index: usize) -> bool {
    matches!(row.get(index, Kind::Bool), Value::Bool(true))
}

/// PostgreSQL's long names are what we write short.
fn column_type(row: &RowRef<'_>) -> String {
    let ty = match text(row, 2).to_uppercase().as_str() {
        "TIMESTAMP WITH TIME ZONE" => "TIMESTAMPTZ".to_owned(),
        other => other.to_owned(),
    };
    match text(row, 4).as_str() {
        "" => ty,
        collation => format!("{ty} COLLATE \"{collation}\""),
    }
}
