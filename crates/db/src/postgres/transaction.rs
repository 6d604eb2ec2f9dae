//! One attempt at a write.

use std::panic::AssertUnwindSafe;

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::conn::{Conn, Promise};
use crate::error::{Cause, Error, classify};

/// How an attempt ended.
pub(super) enum Attempt<T, E> {
    Done(Result<T, E>),
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

/// Runs a job of one statement, which is a transaction by itself.
pub(super) async fn statement<T, E, F>(link: &mut AsyncPgConnection, job: &F) -> Attempt<T, E>
where
    F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Sync,
    E: From<Error>,
{
    let (result, failed) = run(link, Promise::Statement, job).await;
    match failed {
        Some(Error::Conflict { source, .. }) => Attempt::Conflict(source),
        // The statement carries its own COMMIT: it may be stored.
        Some(Error::Unavailable(source)) => Attempt::Done(Err(Error::CommitUnknown(source).into())),
        _ => Attempt::Done(result),
    }
}

/// Runs a job of several statements in a transaction.
pub(super) async fn transaction<T, E, F>(link: &mut AsyncPgConnection, isolation: Isolation, job: &F) -> Attempt<T, E>
where
    F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Sync,
    E: From<Error>,
{
    // Diesel keeps count of open transactions, so that the pool throws away a connection that is left inside one.
    if let Err(error) = AnsiTransactionManager::begin_transaction_sql(link, isolation.begin()).await {
        return match classify::postgres(error) {
            error @ Error::Unavailable(_) => Attempt::NotBegun(error),
            error => Attempt::Done(Err(error.into())),
        };
    }
    let (result, failed) = run(link, Promise::Transaction, job).await;
    match (result, failed) {
        (Ok(value), None) => commit(link, value).await,
        (result, failed) => {
            if let Err(error) = <AnsiTransactionManager as TransactionManager<_>>::rollback_transaction(link).await {
                tracing::debug!(%error, "a connection is given up, because it cannot roll back");
            }
            match (result, failed) {
                (_, Some(Error::Conflict { source, .. })) => Attempt::Conflict(source),
                // PostgreSQL answers the COMMIT of a failed transaction with success.
                (Ok(_), Some(error)) => Attempt::Done(Err(error.into())),
                (result, _) => Attempt::Done(result),
            }
        }
    }
}

async fn commit<T, E: From<Error>>(link: &mut AsyncPgConnection, value: T) -> Attempt<T, E> {
    crate::failpoint!("db.postgres.commit");
    match <AnsiTransactionManager as TransactionManager<_>>::commit_transaction(link).await {
        Ok(()) => Attempt::Done(Ok(value)),
        Err(error) => match classify::postgres(error) {
            Error::Conflict { source, .. } => Attempt::Conflict(source),
            Error::Unavailable(source) => Attempt::Done(Err(Error::CommitUnknown(source).into())),
            other => Attempt::Done(Err(other.into())),
        },
    }
}

/// Runs a job; a panic is its error. Returns also the error of the last statement that failed, if one did.
pub(super) async fn run<T, E, F>(
    link: &mut AsyncPgConnection,
    promise: Promise,
    job: F,
) -> (Result<T, E>, Option<Error>)
where
    F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>>,
    E: From<Error>,
{
    let mut conn = Conn::postgres(link, promise);
    let result = AssertUnwindSafe(async { job(&mut conn).await }).catch_unwind().await;
    let mut result = result.unwrap_or_else(|panic| Err(crate::sqlite::panicked(&*panic).into()));
    if let Some(broken) = conn.broken_promise(&result) {
        result = Err(broken.into());
    }
    (result, conn.failed.take())
}
