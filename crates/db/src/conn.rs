//! The connection that a job gets, the same for both engines.

use std::ops::ControlFlow;
use std::path::Path;

use diesel::connection::{LoadConnection, SimpleConnection};
use diesel::sqlite::SqliteConnection;
use diesel_async::{AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use mainstay_record::{Row, Value};

use crate::error::{Error, classify};
use crate::postgres::Pulse;
use crate::row::{PostgresCells, RowRef, Sink, SqliteCells};
use crate::statement::Statement;
use crate::step::{Step, StepError};
use crate::terms::Engine;

/// A connection of either engine, lent to one job.
///
/// On SQLite every future made here is ready at once, so that a job written as `async` code runs on the thread that
/// owns the connection.
pub struct Conn<'c> {
    link: Link<'c>,
    promise: Promise,
    /// The SQLite file, for errors; empty on PostgreSQL.
    path: &'c Path,
    /// Where PostgreSQL's statements are noted while they run.
    pulse: Option<&'c Pulse>,
    pub(crate) ran: u32,
    pub(crate) changed: bool,
    pub(crate) failed: Option<Error>,
}

/// Diesel's own connection, for the macros.
pub enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut AsyncPgConnection),
}

/// What a job may do with its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Reads, as many as it likes.
    Read,
    /// Exactly one statement: there is no transaction around it.
    Statement,
    /// Any number of statements that are stored together or not at all.
    Transaction,
    /// Anything; opens its own transactions.
    Exclusive,
}

/// Whoever waits for a table's lock holds up everybody who comes after, readers too: a schema change waits for a moment only.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '500ms'";

impl<'c> Conn<'c> {
    pub(crate) fn sqlite(link: &'c mut SqliteConnection, path: &'c Path, promise: Promise) -> Conn<'c> {
        Conn { link: Link::Sqlite(link), promise, path, pulse: None, ran: 0, changed: false, failed: None }
    }

    pub(crate) fn postgres((link, pulse): (&'c mut AsyncPgConnection, &'c Pulse), promise: Promise) -> Conn<'c> {
        let (link, path, pulse) = (Link::Postgres(link), Path::new(""), Some(pulse));
        Conn { link, promise, path, pulse, ran: 0, changed: false, failed: None }
    }

    /// The engine behind the connection.
    pub fn engine(&self) -> Engine {
        match self.link {
            Link::Sqlite(_) => Engine::Sqlite,
            Link::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement and hands each row to `each`. Returns the number of rows.
    pub async fn query(
        &mut self,
        statement: &Statement,
        binds: &[Value],
        each: &mut (dyn FnMut(&RowRef<'_>) + Send),
    ) -> Result<usize, Error> {
        self.fetch(statement, binds, &mut Each(each)).await
    }

    /// Runs a statement and hands its rows to `sink`, as long as it takes them. Returns the number of rows that it took.
    pub async fn fetch<S: Sink>(
        &mut self,
        statement: &Statement,
        binds: &[Value],
        sink: &mut S,
    ) -> Result<usize, Error> {
        let rows = match self.link()? {
            Link::Sqlite(link) => query_sqlite(link, statement, binds, sink),
            Link::Postgres(link) => query_postgres(link, statement, binds, sink).await,
        };
        self.settle(rows, |rows| if statement.only_reads() { 0 } else { *rows })
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub async fn execute(&mut self, statement: &Statement, binds: &[Value]) -> Result<usize, Error> {
        let changed = match self.link()? {
            Link::Sqlite(link) => diesel::connection::Connection::execute_returning_count(link, &statement.bind(binds)),
            Link::Postgres(link) => link.execute_returning_count(statement.bind(binds)).await,
        };
        self.settle(changed, |changed| *changed)
    }

    /// Runs statements one after the other and returns the number of rows that each changed. PostgreSQL is sent many before
    /// it has answered the first.
    pub async fn execute_all(&mut self, steps: &[Step]) -> Result<Vec<usize>, StepError> {
        let mut changed = Vec::with_capacity(steps.len());
        for some in steps.chunks(SENT_AHEAD) {
            if let ([_, _, ..], Engine::Postgres) = (some, self.engine()) {
                self.send_ahead(some, &mut changed).await?;
                continue;
            }
            for step in some {
                let at = Some(changed.len());
                let rows = self.execute(&step.statement, &step.binds).await;
                changed.push(rows.map_err(|error| StepError { at, error })?);
            }
        }
        Ok(changed)
    }

    /// The first error is the one that counts: after it PostgreSQL refuses what else was sent.
    async fn send_ahead(&mut self, steps: &[Step], changed: &mut Vec<usize>) -> Result<(), StepError> {
        let answers = match self.link()? {
            Link::Postgres(link) => join_all(steps.iter().map(|step| execute_postgres(link, step))).await,
            Link::Sqlite(_) => Vec::new(),
        };
        for answer in answers {
            let at = Some(changed.len());
            changed.push(self.settle(answer, |rows| *rows).map_err(|error| StepError { at, error })?);
        }
        Ok(())
    }

    /// Runs SQL text that may hold several statements and no binds.
    pub async fn batch(&mut self, sql: &str) -> Result<(), Error> {
        let done = match self.link()? {
            Link::Sqlite(link) => SimpleConnection::batch_execute(link, sql),
            Link::Postgres(link) => SimpleAsyncConnection::batch_execute(link, sql).await,
        };
        self.settle(done, |()| 1)
    }

    /// Opens a transaction; only in [`Database::exclusive`](crate::Database::exclusive). Fails with [`Error::InUse`] where a
    /// transaction of others holds what it needs.
    pub async fn begin(&mut self) -> Result<(), Error> {
        self.only_exclusive()?;
        match self.engine() {
            Engine::Sqlite => self.batch("BEGIN IMMEDIATE").await,
            Engine::Postgres => self.batch(BEGIN).await,
        }
    }

    /// Stores what was done since [`begin`](Conn::begin).
    pub async fn commit(&mut self) -> Result<(), Error> {
        self.only_exclusive()?;
        self.batch("COMMIT").await
    }

    /// Takes back what was done since [`begin`](Conn::begin).
    pub async fn rollback(&mut self) -> Result<(), Error> {
        self.only_exclusive()?;
        self.batch("ROLLBACK").await
    }

    /// What is wrong with how a job ended although none of its statements failed.
    ///
    /// A single statement is stored when it has run (on PostgreSQL there is nothing around it that could be undone), so a
    /// job must not find a reason to fail after it.
    pub(crate) fn broken_promise<T, E>(&self, result: &Result<T, E>) -> Option<Error> {
        if self.promise != Promise::Statement || result.is_ok() || !self.changed || self.failed.is_some() {
            return None;
        }
        let broken = "a job of Atomic::Statement failed after its statement had changed rows: use Atomic::Transaction";
        tracing::error!(engine = ?self.engine(), "{broken}");
        Some(Error::internal(broken))
    }

    fn only_exclusive(&self) -> Result<(), Error> {
        if self.promise == Promise::Exclusive {
            return Ok(());
        }
        Err(Error::internal("a job must not open or end transactions: `write` does"))
    }

    /// Hands out Diesel's connection for one statement, if the job may still run one.
    #[doc(hidden)]
    pub fn link(&mut self) -> Result<Link<'_>, Error> {
        if self.promise == Promise::Statement && self.ran > 0 {
            return Err(Error::internal("a job of Atomic::Statement runs one statement: use Atomic::Transaction"));
        }
        if self.promise == Promise::Transaction && self.failed.is_some() {
            return Err(Error::internal("a statement of this transaction has failed: it can only end"));
        }
        self.ran += 1;
        self.pulse.inspect(|pulse| pulse.asked());
        Ok(match &mut self.link {
            Link::Sqlite(link) => Link::Sqlite(link),
            Link::Postgres(link) => Link::Postgres(link),
        })
    }

    /// Takes note of how a statement ended, and puts its error into words.
    #[doc(hidden)]
    pub fn settle<T>(&mut self, result: diesel::QueryResult<T>, rows: impl FnOnce(&T) -> usize) -> Result<T, Error> {
        self.pulse.inspect(|pulse| pulse.answered());
        match result {
            Ok(value) => {
                self.changed |= rows(&value) > 0;
                Ok(value)
            }
            Err(error) => {
                let error = match &mut self.link {
                    Link::Sqlite(link) => classify::sqlite(error, self.path, link),
                    Link::Postgres(_) => classify::postgres(error),
                };
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }
}

/// How many statements PostgreSQL is sent before their answers are looked at.
const SENT_AHEAD: usize = 128;

async fn execute_postgres(mut link: &AsyncPgConnection, step: &Step) -> diesel::QueryResult<usize> {
    AsyncConnectionCore::execute_returning_count(&mut link, step.statement.bind(&step.binds)).await
}

/// The sink of a job, which names no type of row.
struct Each<'e>(&'e mut (dyn FnMut(&RowRef<'_>) + Send));

impl Sink for Each<'_> {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        (self.0)(&RowRef::of(row));
        ControlFlow::Continue(())
    }
}

fn query_sqlite<S: Sink>(
    link: &mut SqliteConnection,
    statement: &Statement,
    binds: &[Value],
    sink: &mut S,
) -> diesel::QueryResult<usize> {
    let mut count = 0;
    for row in LoadConnection::load(link, statement.bind(binds))? {
        count += 1;
        if sink.row(&SqliteCells(row?)).is_break() {
            break;
        }
    }
    Ok(count)
}

/// The rows that the server has sent already are thrown away unread when the sink has enough: the connection does that
/// with the stream gone, before it takes the next statement's answer.
pub(crate) async fn query_postgres<S: Sink>(
    mut link: &AsyncPgConnection,
    statement: &Statement,
    binds: &[Value],
    sink: &mut S,
) -> diesel::QueryResult<usize> {
    let mut count = 0;
    let mut rows = AsyncConnectionCore::load(&mut link, statement.bind(binds)).await?;
    while let Some(row) = rows.try_next().await? {
        count += 1;
        if sink.row(&PostgresCells(row)).is_break() {
            break;
        }
    }
    Ok(count)
}

/// Runs one statement on an SQLite connection without a job around it.
pub(crate) fn fetch_sqlite<S: Sink>(
    link: &mut SqliteConnection,
    path: &Path,
    statement: &Statement,
    binds: &[Value],
    sink: &mut S,
) -> Result<usize, Error> {
    query_sqlite(link, statement, binds, sink).map_err(|error| classify::sqlite(error, path, link))
}
