//! Stores on PostgreSQL: copied and read back by PostgreSQL's own programs.

use std::path::Path;
use std::sync::Arc;

use mainstay_backup::{Manifest, Store};
use mainstay_db::server::{self, ToolError};
use mainstay_db::{Conn, Database, Lane, Statement};
use mainstay_identity::{Clock as _, SystemClock};
use mainstay_record::{Kind, Row as _, Value};
use mainstay_runtime::process::Failure;
use secrecy::SecretString;
use tokio::task::JoinSet;

use super::check::differences;
use super::parts::Part;

/// Why a store on PostgreSQL is not copied, or not read back.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] mainstay_db::Error),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("the schema that the search path begins with is not there: CREATE SCHEMA makes it")]
    NoSchema,
}

/// How a store's file in a backup is called.
fn file_of(part: &Part) -> String {
    format!("{}.dump", part.service)
}

async fn open(url: &SecretString) -> Result<Database, mainstay_db::Error> {
    let config = mainstay_db::Config {
        database_url: Some(url.clone()),
        pool_size: 1,
        statement_timeout_ms: 0,
        ..mainstay_db::Config::default()
    };
    Database::open(&config, Path::new("")).await
}

/// Copies the schema of a service in one snapshot, in which its rows are counted, too.
pub async fn copy(part: &Part, url: &SecretString, copies: &Path) -> Result<Store, Failure> {
    let database = open(url).await.map_err(|error| in_words(part, &error))?;
    let (part_of, url, to) = (Arc::new(part.clone()), url.clone(), copies.join(file_of(part)));
    let copied = database.snapshot(move |conn| {
        let (part, url, to) = (Arc::clone(&part_of), url.clone(), to.clone());
        Box::pin(async move {
            let found = texts(conn, "SELECT current_schema()::text, pg_export_snapshot()").await?;
            let [Some(schema), Some(snapshot)] = found else { return Err(Error::NoSchema) };
            let store = part.describe(conn, file_of(&part)).await?;
            server::dump(&url, (&schema, &snapshot), &to).await?;
            Ok::<Store, Error>(Store { schema: Some(schema), ..store })
        })
    });
    let copied = copied.await.map_err(|error| in_words(part, &error))?;
    database.close().await;
    Ok(copied)
}

/// Makes sure that a store can be restored into a database: the same schema is there, and nothing is in it.
pub async fn refuse_filled(part: &Part, url: &SecretString, listed: &Store) -> Result<(), Failure> {
    let database = open(url).await.map_err(|error| in_words(part, &error))?;
    let looked = database.read(Lane::Heavy, |conn| Box::pin(look(conn))).await;
    database.close().await;
    let (schema, tables) = looked.map_err(|error| in_words(part, &error))?;
    let (service, wanted) = (part.service, listed.schema.as_deref().unwrap_or("public"));
    if schema != wanted {
        let why = format!(
            "{service} was in the schema {wanted}, and {service}.database_url leads to {schema}: name a database with that schema \
             (options=-c%20search_path%3D{wanted})"
        );
        return Err(why.into());
    }
    if tables.is_empty() {
        return Ok(());
    }
    let why = format!(
        "the database of {service} is not empty ({} is in it), and a restore goes over nothing: name another one in \
         {service}.database_url, made with `createdb`",
        tables.first().map_or("a table", String::as_str)
    );
    Err(why.into())
}

/// Reads a store's file into its database and counts its rows.
pub async fn restore(part: &Part, url: &SecretString, listed: &Store, folder: &Path) -> Result<(), Failure> {
    let schema = listed.schema.as_deref().unwrap_or("public");
    let restored = server::restore(url, schema, &folder.join(&listed.file)).await;
    restored.map_err(|error| in_words(part, &error))?;
    let database = open(url).await?;
    let (part_of, file) = (Arc::new(part.clone()), listed.file.clone());
    let found = database.snapshot(move |conn| {
        let (part, file) = (Arc::clone(&part_of), file.clone());
        Box::pin(async move { part.describe(conn, file).await })
    });
    let found = found.await?;
    database.close().await;
    match differences(listed, &found).as_slice() {
        [] => Ok(()),
        wrong => Err(format!("what was restored is not what was backed up:\n  {}", wrong.join("\n  ")).into()),
    }
}

/// What the databases of drills are called: with the second in which they were made, and by which process.
const DRILL: &str = "mainstay_drill_";

/// How old a database of a drill is at least before it counts as left behind. A younger one may not be used yet.
const LEFT_AFTER_SECONDS: i64 = 60;

/// The databases of a drill. They are made beside the configured ones, and removed by [`Scratch::remove`]. Where the drill is
/// killed, its connections end with it, and the next drill removes them.
pub struct Scratch {
    made: Vec<(SecretString, String)>,
    /// Keeps a connection to each, so that nobody takes it for one that was left.
    used: JoinSet<()>,
}

impl Scratch {
    /// Makes an empty database for each store of the manifest that is on PostgreSQL.
    pub async fn make(parts: &mut [Part], manifest: &Manifest) -> Result<Scratch, Failure> {
        let mut scratch = Scratch { made: Vec::new(), used: JoinSet::new() };
        let now = SystemClock.now_micros() / 1_000_000;
        for part in parts {
            let Some(listed) = manifest.store(part.service).filter(|store| store.engine == "postgres") else {
                continue;
            };
            let Some(url) = part.url.clone() else {
                scratch.remove().await;
                let service = part.service;
                let why = format!(
                    "the backup has {service} on PostgreSQL: set {service}.database_url to a server for the drill"
                );
                return Err(why.into());
            };
            remove_what_was_left(&url).await;
            let name = format!("{DRILL}{now}_{}_{}", std::process::id(), part.service);
            let target = server::with_database(&url, &name);
            if let Err(error) = make(&url, &name, &target, listed).await {
                scratch.remove().await;
                let why = "a drill makes a database beside the configured one: let the role do so (ALTER ROLE … CREATEDB), or name \
                           another server in the configuration of the drill";
                return Err(format!("{}: {why}", in_words(part, &*error)).into());
            }
            scratch.made.push((url, name));
            scratch.used.spawn(use_it(target.clone()));
            part.url = Some(target);
        }
        Ok(scratch)
    }

    /// Removes them.
    pub async fn remove(&self) {
        for (url, name) in &self.made {
            if let Err(error) = batch(url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await {
                tracing::warn!(%error, name, "a database of a drill cannot be removed: remove it by hand");
            }
        }
    }
}

/// Has a connection to a database until it is dropped.
async fn use_it(target: SecretString) {
    let Ok(database) = open(&target).await else { return };
    let _: Result<(), mainstay_db::Error> = database.snapshot(|_| Box::pin(std::future::pending())).await;
}

/// Removes the databases of drills that were killed. Where that fails the drill goes on without.
async fn remove_what_was_left(url: &SecretString) {
    let Ok(database) = open(url).await else { return };
    let left = database.read(Lane::Heavy, |conn| Box::pin(left_behind(conn))).await.unwrap_or_default();
    database.close().await;
    for name in left {
        match batch(url, &format!("DROP DATABASE IF EXISTS {name}")).await {
            Ok(()) => tracing::info!(name, "a database that was left of a drill is removed"),
            Err(error) => tracing::warn!(%error, name, "a database that was left of a drill cannot be removed"),
        }
    }
}

/// The databases of drills on a server that nobody uses, and that are not of this moment.
pub async fn left_behind(conn: &mut Conn<'_>) -> Result<Vec<String>, mainstay_db::Error> {
    let sql = format!(
        "SELECT d.datname::text FROM pg_database d WHERE substring(d.datname FROM '^{DRILL}([0-9]{{1,12}})_[0-9]+_[a-z]+$')::int8 \
         < extract(epoch FROM now()) - {LEFT_AFTER_SECONDS} AND NOT EXISTS \
         (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid) ORDER BY 1"
    );
    let mut names = Vec::new();
    let statement = Statement::new(vec![mainstay_record::Piece::Text(sql)], false);
    conn.query(&statement, &[], &mut |row| {
        if let Value::Text(name) = row.get(0, Kind::Text) {
            names.push(name);
        }
    })
    .await?;
    Ok(names)
}

async fn make(url: &SecretString, name: &str, target: &SecretString, listed: &Store) -> Result<(), Failure> {
    batch(url, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await?;
    match listed.schema.as_deref() {
        None | Some("public") => Ok(()),
        Some(schema) => batch(target, &format!("CREATE SCHEMA \"{}\"", schema.replace('"', "\"\""))).await,
    }
}

async fn batch(url: &SecretString, sql: &str) -> Result<(), Failure> {
    let database = open(url).await?;
    let sql = sql.to_owned();
    let done = database.read(Lane::Heavy, move |conn| {
        let sql = sql.clone();
        Box::pin(async move { conn.batch(&sql).await })
    });
    let done: Result<(), mainstay_db::Error> = done.await;
    database.close().await;
    Ok(done?)
}

/// The schema that is written to, and a table in it.
async fn look(conn: &mut Conn<'_>) -> Result<(String, Vec<String>), Error> {
    let [Some(schema), _] = texts(conn, "SELECT current_schema()::text, NULL::text").await? else {
        return Err(Error::NoSchema);
    };
    let sql =
        "SELECT tablename::text, NULL::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1 LIMIT 1";
    Ok((schema, texts(conn, sql).await?.into_iter().flatten().collect()))
}

/// Two texts of the first row.
async fn texts(conn: &mut Conn<'_>, sql: &str) -> Result<[Option<String>; 2], mainstay_db::Error> {
    let mut found = [None, None];
    let statement = Statement::new(vec![mainstay_record::Piece::Text(sql.to_owned())], false);
    conn.query(&statement, &[], &mut |row| {
        for (index, place) in found.iter_mut().enumerate() {
            if let Value::Text(text) = row.get(index, Kind::Text) {
                *place = Some(text);
            }
        }
    })
    .await?;
    Ok(found)
}

/// Which service's database it is, with the causes.
fn in_words(part: &Part, error: &(dyn std::error::Error + 'static)) -> Failure {
    let mut text = format!("the database of {}: {error}", part.service);
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.into()
}
