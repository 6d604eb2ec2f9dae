//! One attempt at a write.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use diesel_async::{AnsiTransactionManager, TransactionManager};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mainstay_record::Value;

use super::link::Link;
use crate::conn::{Conn, Promise};
use crate::erased::{Failing, Given, Job};
use crate::error::{Cause, Error, classify};
use crate::row::Sink;
use crate::statement::Statement;

/// How an attempt ended.
pub(super) enum Attempt {
    /// With its result, and with what a statement of it failed with, if one did.
    Done(Result<Given, Failing>, Option<Error>),
    /// It lost against concurrent work and left nothing behind.
    Conflict(Cause),
    /// The connection was lost before anything began.
    NotBegun(Error),
}

/// What a transaction may see of others that commit while it runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// Nothing: it is as if it ran alone, or it conflicts.
    Serializable,
}

impl Isolation {
    fn begin(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }
}

/// Begins a transaction whose statements may run for `limit_ms` each, where that is less than usual.
async fn begin(link: &mut Link, begin: &'static str, limit_ms: Option<u64>) -> Result<(), Error> {
    let text = match limit_ms {
        Some(limit) => Cow::Owned(format!("{begin}; SET LOCAL statement_timeout = {limit}")),
        None => Cow::Borrowed(begin),
    };
    // Diesel keeps count of open transactions, so that nobody else gets a connection that is left inside one.
    let (link, pulse) = link.parts();
    pulse.during(AnsiTransactionManager::begin_transaction_sql(link, &text)).await.map_err(classify::postgres)
}

/// Runs one statement that reads.
pub(super) async fn fetch<S: Sink>(
    link: &mut Link,
    limit_ms: Option<u64>,
    statement: &Statement,
    binds: &[Value],
    sink: &mut S,
) -> Result<(), Error> {
    if limit_ms.is_none() {
        return Conn::postgres(link.parts(), Promise::Read).fetch(statement, binds, sink).await.map(drop);
    }
    begin(link, "BEGIN READ ONLY", limit_ms).await?;
    let fetched = Conn::postgres(link.parts(), Promise::Read).fetch(statement, binds, sink).await;
    let ended = rollback(link).await;
    fetched?;
    ended.map_err(classify::postgres)
}

async fn rollback(link: &mut Link) -> diesel::QueryResult<()> {
    let (link, pulse) = link.parts();
    pulse.during(<AnsiTransactionManager as TransactionManager<_>>::rollback_transaction(link)).await
}

/// Runs a job of one statement, which is a transaction by itself.
pub(super) async fn statement(link: &mut Link, job: &Job) -> Attempt {
    let (result, failed) = run(link, Promise::Statement, job).await;
    match failed {
        Some(Error::Conflict { source, .. }) => Attempt::Conflict(source),
        // The statement carries its own COMMIT: it may be stored.
        Some(Error::Unavailable(source)) if !classify::is_full(&source) => {
            Attempt::Done(Err(Error::CommitUnknown(source).into()), None)
        }
        failed => Attempt::Done(result, failed),
    }
}

/// Runs a job of several statements in a transaction.
pub(super) async fn transaction(link: &mut Link, isolation: Isolation, limit_ms: Option<u64>, job: &Job) -> Attempt {
    match begin(link, isolation.begin(), limit_ms).await {
        Ok(()) => {}
        Err(error @ Error::Unavailable(_)) => return Attempt::NotBegun(error),
        Err(error) => return Attempt::Done(Err(error.into()), None),
    }
    let (result, failed) = run(link, Promise::Transaction, job).await;
    match (result, failed) {
        (Ok(value), None) => commit(link, value).await,
        (result, failed) => {
            if let Err(error) = rollback(link).await {
                tracing::debug!(%error, "a connection is given up, because it cannot roll back");
            }
            match (result, failed) {
                (_, Some(Error::Conflict { source, .. })) => Attempt::Conflict(source),
                // PostgreSQL answers the COMMIT of a failed transaction with success.
                (Ok(_), Some(error)) => Attempt::Done(Err(error.clone().into()), Some(error)),
                (result, failed) => Attempt::Done(result, failed),
            }
        }
    }
}

async fn commit(link: &mut Link, value: Given) -> Attempt {
    crate::failpoint!("db.postgres.commit");
    let (link, pulse) = link.parts();
    match pulse.during(<AnsiTransactionManager as TransactionManager<_>>::commit_transaction(link)).await {
        Ok(()) => Attempt::Done(Ok(value), None),
        Err(error) => match classify::postgres(error) {
            Error::Conflict { source, .. } => Attempt::Conflict(source),
            Error::Unavailable(source) => Attempt::Done(Err(Error::CommitUnknown(source).into()), None),
            other => Attempt::Done(Err(other.into()), None),
        },
    }
}

/// Runs a job; a panic is its error. Returns also the error of the last statement that failed, if one did.
pub(super) async fn run<T, E, F>(link: &mut Link, promise: Promise, job: F) -> (Result<T, E>, Option<Error>)
where
    F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>>,
    E: From<Error>,
{
    let mut conn = Conn::postgres(link.parts(), promise);
    let result = AssertUnwindSafe(async { job(&mut conn).await }).catch_unwind().await;
    let mut result = result.unwrap_or_else(|panic| Err(crate::sqlite::panicked(&*panic).into()));
    if let Some(broken) = conn.broken_promise(&result) {
        result = Err(broken.into());
    }
    (result, conn.failed.take())
}
