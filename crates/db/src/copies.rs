//! Copies of stores: how they are made, what is in them, and whether they hold together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use mainstay_record::{Kind, Row as _, Value};

use crate::conn::Conn;
use crate::error::Error;
use crate::sqlite;
use crate::statement::Statement;
use crate::terms::Engine;

/// Where Diesel notes which migrations ran.
const MIGRATIONS: &str = "__diesel_schema_migrations";

/// What is in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The last of the service's own migrations; nothing where none ever ran.
    pub migration: Option<String>,
    /// How many rows each table has.
    pub tables: BTreeMap<String, u64>,
}

/// Copies the SQLite store in `from` to the new file `to`, as it is at this moment, while another process may use it. Blocks
/// until the copy is made.
pub fn copy_sqlite(from: &Path, to: &Path) -> Result<(), Error> {
    sqlite::copy(from, to)
}

/// Runs a job on an SQLite file, which another process may use. All of it sees one snapshot, and changes nothing.
pub async fn look_into<T, E, F>(file: &Path, job: F) -> Result<T, E>
where
    F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send,
    E: From<Error>,
{
    sqlite::look(file, job).await
}

/// Counts the rows of all tables.
pub async fn inventory(conn: &mut Conn<'_>) -> Result<Inventory, Error> {
    let names = match conn.engine() {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        }
        Engine::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    };
    let mut inventory = Inventory::default();
    for table in texts(conn, names).await? {
        let count =
            Statement::new(vec![text(format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\"")))], false);
        let mut rows = 0;
        conn.query(&count, &[], &mut |row| rows = number(&row.get(0, Kind::Int))).await?;
        inventory.tables.insert(table, rows);
    }
    if inventory.tables.contains_key(MIGRATIONS) {
        let last = format!("SELECT max(version) FROM {MIGRATIONS}");
        inventory.migration = texts(conn, &last).await?.pop();
    }
    Ok(inventory)
}

/// Finds what is wrong with a store, each in a few words: damaged pages, indexes that say something else than their table,
/// rows that refer to none. PostgreSQL checks its references itself.
pub async fn faults(conn: &mut Conn<'_>) -> Result<Vec<String>, Error> {
    if conn.engine() == Engine::Postgres {
        return Ok(Vec::new());
    }
    let mut found = match texts(conn, "SELECT integrity_check FROM pragma_integrity_check").await {
        // So damaged that it cannot even be said where.
        Err(Error::Corrupt { source, .. }) => vec![source.to_string()],
        found => found?,
    };
    found.retain(|line| line != "ok");
    if !found.is_empty() {
        // Who looks for references in damaged pages finds nothing but those.
        return Ok(found);
    }
    let broken = "SELECT \"table\" || ' refers to ' || count(*) || ' missing rows of ' || \"parent\" \
                  FROM pragma_foreign_key_check GROUP BY \"table\", \"parent\"";
    texts(conn, broken).await
}

/// The size of an SQLite store with its log, bytes.
pub fn size_of(store: &Path) -> u64 {
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    [store.to_owned(), PathBuf::from(log)]
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|file| file.len())
        .sum()
}

async fn texts(conn: &mut Conn<'_>, sql: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let statement = Statement::new(vec![text(sql.to_owned())], false);
    conn.query(&statement, &[], &mut |row| {
        if let Value::Text(text) = row.get(0, Kind::Text) {
            found.push(text);
        }
    })
    .await?;
    Ok(found)
}

fn text(sql: String) -> mainstay_record::Piece {
    mainstay_record::Piece::Text(sql)
}

fn number(value: &Value) -> u64 {
    if let Value::Int(number) = value { u64::try_from(*number).unwrap_or(0) } else { 0 }
}
