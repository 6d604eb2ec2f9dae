//! The one interface to both engines.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use mainstay_record::{Kind, Value};
use secrecy::ExposeSecret;

use crate::EmbeddedMigrations;
use crate::config::Config;
use crate::conn::Conn;
use crate::counters::Counters;
use crate::erased::{erased, told};
use crate::error::Error;
use crate::known::{Known, Stored};
use crate::postgres::PostgresStore;
use crate::row::{Rows, Sink};
use crate::sqlite::SqliteStore;
use crate::statement::Statement;
use crate::step::StepError;
use crate::terms::{Asker, Atomic, Compacted, Engine, Lane};

/// A store: an SQLite file or a PostgreSQL database. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Database {
    store: Store,
}

#[derive(Clone)]
enum Store {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Opens PostgreSQL where the configuration has a URL, else the SQLite file `path`.
    pub async fn open(config: &Config, path: &Path) -> Result<Database, Error> {
        match &config.database_url {
            Some(url) => Database::open_postgres(url.expose_secret(), config).await,
            None => Database::open_sqlite(path, config),
        }
    }

    /// Opens or creates an SQLite file and takes its lock: fails with [`Error::Locked`] while another process has it.
    pub fn open_sqlite(path: &Path, config: &Config) -> Result<Database, Error> {
        Ok(Database { store: Store::Sqlite(SqliteStore::open(path, config)?) })
    }

    /// Opens a pool to a PostgreSQL database and makes sure that it answers.
    pub async fn open_postgres(url: &str, config: &Config) -> Result<Database, Error> {
        Ok(Database { store: Store::Postgres(PostgresStore::open(url, config).await?) })
    }

    /// The engine behind this store.
    pub fn engine(&self) -> Engine {
        match self.store {
            Store::Sqlite(_) => Engine::Sqlite,
            Store::Postgres(_) => Engine::Postgres,
        }
    }

    /// What the store counted since it was opened.
    pub fn counters(&self) -> Counters {
        match &self.store {
            Store::Sqlite(store) => store.tally().read(),
            Store::Postgres(store) => store.tally().read(),
        }
    }

    /// Runs one statement outside any transaction, hands its rows to `sink` and returns the sink: the hot path.
    ///
    /// A statement that proved slow (see [`Statement::is_slow`]) leaves the inline lane by itself.
    pub async fn fetch<S>(&self, lane: Lane, statement: &Arc<Statement>, binds: Vec<Value>, sink: S) -> Result<S, Error>
    where
        S: Sink + 'static,
    {
        self.fetch_for(Asker::default(), lane, statement, binds, sink).await
    }

    /// The same for a caller who takes turns with others, and who may stop waiting: what is read in the heavy lane is broken
    /// off at the deadline, and when the returned future is dropped.
    pub async fn fetch_for<S>(
        &self,
        asker: Asker,
        lane: Lane,
        statement: &Arc<Statement>,
        binds: Vec<Value>,
        sink: S,
    ) -> Result<S, Error>
    where
        S: Sink + 'static,
    {
        match &self.store {
            Store::Sqlite(store) => store.fetch(asker, lane, statement, binds, sink).await,
            // Boxed: a future is as large as the largest thing in it, and this one is moved with every call on SQLite.
            Store::Postgres(store) => Box::pin(store.fetch(asker, lane, statement, &binds, sink)).await,
        }
    }

    /// Runs a job that only reads. On SQLite all of it sees one snapshot; on PostgreSQL each statement sees its own.
    pub async fn read<T, E, F>(&self, lane: Lane, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.store {
            Store::Sqlite(store) => store.read(lane, job).await,
            Store::Postgres(store) => told(Box::pin(store.read(lane, erased(job))).await),
        }
    }

    /// Runs a long job that only reads and sees one snapshot on both engines. It holds up nobody: no writer waits for it,
    /// and it waits for no writer and no schema change. Where the schema changes under it, it fails with
    /// [`Error::StaleSchema`].
    pub async fn snapshot<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.store {
            Store::Sqlite(store) => store.read(Lane::Heavy, job).await,
            Store::Postgres(store) => told(Box::pin(store.snapshot(erased(job))).await),
        }
    }

    /// Runs a job that writes: all of it is stored before the answer comes, or nothing of it. An `Err` undoes it; a job
    /// of [`Atomic::Statement`] must not fail once its statement has changed rows, which is an internal error.
    ///
    /// The job may run more than once (PostgreSQL repeats it after a conflict, for [`PATIENCE`] at most) and goes on to its
    /// end when the caller goes away. After a statement has failed, the job can only fail.
    pub async fn write<T, E, F>(&self, atomic: Atomic, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write_until(None, atomic, job).await
    }

    /// The same for a caller with a deadline: until then, and no longer, the job is repeated after conflicts.
    pub async fn write_until<T, E, F>(&self, deadline: Option<Instant>, atomic: Atomic, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.store {
            Store::Sqlite(store) => store.write(atomic, job).await,
            // Boxed as above.
            Store::Postgres(store) => told(Box::pin(store.write(deadline, atomic, erased(job))).await),
        }
    }

    /// Stores a write that is known whole: in one statement where one does it, else in a transaction.
    pub async fn store(&self, deadline: Option<Instant>, known: Known) -> Result<Stored, StepError> {
        let (atomic, known) = (known.atomic(), Arc::new(known));
        let stored = self.write_until(deadline, atomic, move |conn| {
            let known = Arc::clone(&known);
            Box::pin(async move { known.store(conn).await })
        });
        stored.await
    }

    /// Runs a schema change alone: outside group commit on SQLite, under an advisory lock on PostgreSQL. The job opens
    /// its own transactions with [`Conn::begin`]; one that it leaves open is rolled back.
    pub async fn exclusive<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.store {
            Store::Sqlite(store) => store.exclusive(job).await,
            Store::Postgres(store) => store.exclusive(job).await,
        }
    }

    /// Runs a schema change that may take long, and that nobody has to wait for: on PostgreSQL, [`exclusive`](Self::exclusive)
    /// breaks it off, with [`Error::BrokenOff`], after which it is to be begun again. On SQLite it runs alone.
    pub async fn build<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.store {
            Store::Sqlite(store) => store.exclusive(job).await,
            Store::Postgres(store) => store.build(job).await,
        }
    }

    /// Has the store give up what it still holds of rows that are gone or were other before. On SQLite the file is written anew, and
    /// the write-ahead log begins anew: writes wait for it. PostgreSQL has its own VACUUM, and nothing is done.
    pub async fn compact(&self) -> Result<Compacted, Error> {
        match &self.store {
            Store::Sqlite(store) => store.compact().await,
            Store::Postgres(_) => Ok(Compacted::NotHere),
        }
    }

    /// Brings a service's own tables up to date. Two processes that start at once migrate once. Fails with
    /// [`Error::NewerSchema`] where the store has a migration that this program does not know.
    pub async fn migrate(&self, sqlite: EmbeddedMigrations, postgres: EmbeddedMigrations) -> Result<(), Error> {
        match &self.store {
            Store::Sqlite(store) => store.migrate(sqlite).await,
            Store::Postgres(store) => store.migrate(postgres).await,
        }
    }

    /// Forgets all prepared statements: after a schema change, and when a snapshot of the contract is swapped.
    pub fn refresh(&self) {
        match &self.store {
            Store::Sqlite(store) => store.refresh(),
            Store::Postgres(store) => store.refresh(),
        }
    }

    /// Says whether nothing was ever stored: there is no table.
    pub async fn is_blank(&self) -> Result<bool, Error> {
        let tables = Statement::text(match self.engine() {
            Engine::Sqlite => "SELECT count(*) FROM sqlite_schema",
            Engine::Postgres => "SELECT count(*) FROM pg_tables WHERE schemaname = ANY (current_schemas(false))",
        });
        let rows = self.fetch(Lane::Inline, &tables, Vec::new(), Rows::of(&[Kind::Int])).await?.rows;
        Ok(rows == [[Value::Int(0)]])
    }

    /// Finds out whether the store does what requests ask of it, in a limited time; for readiness.
    pub async fn ping(&self) -> Result<(), Error> {
        match &self.store {
            Store::Sqlite(store) => store.ping().await,
            Store::Postgres(store) => store.ping().await,
        }
    }

    /// Takes no more work, finishes what is queued and closes the files or connections.
    pub async fn close(&self) {
        match &self.store {
            Store::Sqlite(store) => store.close().await,
            Store::Postgres(store) => store.close(),
        }
    }
}
