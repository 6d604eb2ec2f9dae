//! The store as its callers see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::EmbeddedMigrations;
use futures_util::future::BoxFuture;
use mainstay_record::Value;
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::connect::Target;
use super::locks::{BUILD, SCHEMA, in_transactions, own_pid, pause, tell_what_it_waits_for, unlock_all};
use super::pipeline::Pipelines;
use super::pool::{Connections, Lease};
use super::transaction::{self, Attempt, Isolation};
use crate::config::Config;
use crate::conn::{Conn, Promise};
use crate::counters::{Tally, count};
use crate::error::{Error, classify};
use crate::migrate;
use crate::row::Sink;
use crate::statement::Statement;
use crate::terms::{Atomic, Lane, PATIENCE};

/// How many connections a write may find lost before it began anything.
const MAX_LOST: u32 = 10;

/// One PostgreSQL database.
pub(crate) struct PostgresStore {
    target: Arc<Target>,
    connections: Connections,
    pipelines: Pipelines,
    tally: Tally,
    /// Long reads may use half of the connections.
    heavy: Semaphore,
    heavy_waiting: AtomicUsize,
    heavy_queue: usize,
}

impl PostgresStore {
    pub async fn open(url: &str, config: &Config) -> Result<Arc<PostgresStore>, Error> {
        let target = Arc::new(Target::new(url, config)?);
        let pipelines = Pipelines::new(Arc::clone(&target), config.pool_size);
        let connections = Connections::new(Arc::clone(&target), config, pipelines.len())?;
        let store = PostgresStore {
            target,
            connections,
            pipelines,
            tally: Tally::default(),
            heavy: Semaphore::new((config.pool_size / 2).max(1)),
            heavy_waiting: AtomicUsize::new(0),
            heavy_queue: config.heavy_queue.max(1),
        };
        store.ping().await?;
        Ok(Arc::new(store))
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    async fn lend(&self) -> Result<Lease, Error> {
        let lease = self.connections.lend().await;
        if matches!(lease, Err(Error::Overloaded(_))) {
            count(&self.tally.refusals);
        }
        lease
    }

    /// Waits for a place among the long reads.
    async fn heavy_place(&self, lane: Lane) -> Result<Option<tokio::sync::SemaphorePermit<'_>>, Error> {
        if lane == Lane::Inline {
            count(&self.tally.inline_reads);
            return Ok(None);
        }
        count(&self.tally.heavy_reads);
        let _waiting = Waiting::enter(&self.heavy_waiting);
        if self.heavy.available_permits() == 0 && self.heavy_waiting.load(Ordering::Relaxed) > self.heavy_queue {
            count(&self.tally.refusals);
            return Err(Error::Overloaded("too many long reads are waiting"));
        }
        self.heavy.acquire().await.map(Some).map_err(Error::internal)
    }

    pub async fn fetch<S: Sink>(
        &self,
        lane: Lane,
        statement: &Statement,
        binds: &[Value],
        mut sink: S,
    ) -> Result<S, Error> {
        let _place = self.heavy_place(lane).await?;
        if lane == Lane::Inline && !self.pipelines.is_empty() {
            let fetched = self.pipelines.fetch(statement, binds, &mut sink).await;
            if matches!(fetched, Err(Error::Overloaded(_))) {
                count(&self.tally.refusals);
            }
            return fetched.map(|()| sink);
        }
        let mut lease = self.lend().await?;
        let mut conn = Conn::postgres(&mut lease, Promise::Read);
        conn.fetch(statement, binds, &mut sink).await?;
        Ok(sink)
    }

    pub async fn read<T, E, F>(&self, lane: Lane, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        E: From<Error>,
    {
        let _place = self.heavy_place(lane).await?;
        let mut lease = self.lend().await?;
        let (result, failed) = transaction::run(&mut lease, Promise::Read, &job).await;
        if result.is_err() && matches!(failed, Some(Error::Unavailable(_))) {
            // A kept connection may be dead without anybody knowing; a read can be repeated.
            drop(lease);
            lease = self.lend().await?;
            return transaction::run(&mut lease, Promise::Read, &job).await.0;
        }
        result
    }

    /// Reads in one snapshot, on a connection of its own: however long it takes, it takes nobody's place.
    pub async fn snapshot<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        E: From<Error>,
    {
        count(&self.tally.heavy_reads);
        let mut link = self.target.connect_unlimited().await?;
        let begun = link.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
        begun.map_err(classify::postgres)?;
        // With the connection the transaction ends.
        transaction::run(&mut link, Promise::Read, &job).await.0
    }

    /// Runs a write in a task of its own: it comes to its end also where its caller goes away.
    pub async fn write<T, E, F>(self: &Arc<Self>, deadline: Option<Instant>, atomic: Atomic, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let store = Arc::clone(self);
        finished(tokio::spawn(async move { store.repeat(deadline, atomic, job).await }.in_current_span()).await)
    }

    async fn repeat<T, E, F>(&self, deadline: Option<Instant>, atomic: Atomic, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
        E: From<Error>,
        T: Send,
    {
        count(&self.tally.jobs);
        let deadline = deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
        let (mut conflicts, mut lost) = (0, 0);
        loop {
            let mut lease = self.lend().await?;
            let outcome = match atomic {
                Atomic::Statement => transaction::statement(&mut lease, &job).await,
                Atomic::Locked | Atomic::Tentative => {
                    transaction::transaction(&mut lease, Isolation::ReadCommitted, &job).await
                }
                Atomic::Transaction => transaction::transaction(&mut lease, Isolation::Serializable, &job).await,
            };
            drop(lease);
            match outcome {
                Attempt::Done(result) => {
                    if result.is_ok() {
                        count(&self.tally.syncs);
                    }
                    return result;
                }
                Attempt::Conflict(source) => {
                    count(&self.tally.retries);
                    conflicts += 1;
                    let pause = pause(conflicts);
                    if Instant::now() + pause >= deadline {
                        return Err(Error::Conflict { attempts: conflicts, source }.into());
                    }
                    tokio::time::sleep(pause).await;
                }
                // Kept connections may all be dead after a restart of the server.
                Attempt::NotBegun(error) => {
                    lost += 1;
                    if lost == MAX_LOST {
                        return Err(error.into());
                    }
                }
            }
        }
    }

    pub async fn exclusive<T, E, F>(self: &Arc<Self>, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let store = Arc::clone(self);
        let change = async move {
            let mut link = store.target.connect_unlimited().await?;
            SCHEMA.take(&mut link).await?;
            BUILD.take_over(&mut link).await?;
            let (mut result, failed) = transaction::run(&mut link, Promise::Exclusive, job).await;
            unlock_all(&mut link).await;
            if let Some(Error::StatementTimeout(source)) = failed {
                let by = in_transactions(&mut link).await;
                result = Err(Error::InUse { by, source }.into());
            }
            store.refresh();
            result
        };
        finished(tokio::spawn(change.in_current_span()).await)
    }

    /// Runs a schema change that may take long and gives way to every other: whoever comes with one breaks it off.
    pub async fn build<T, E, F>(self: &Arc<Self>, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let store = Arc::clone(self);
        let change = async move {
            let mut link = store.target.connect_unlimited().await?;
            BUILD.take_after(&SCHEMA, &mut link).await?;
            let pid = own_pid(&mut link).await?;
            let told = tell_what_it_waits_for(&store.target, pid);
            let (result, _) = tokio::select! {
                done = transaction::run(&mut link, Promise::Exclusive, job) => done,
                never = told => match never {},
            };
            unlock_all(&mut link).await;
            store.refresh();
            result
        };
        finished(tokio::spawn(change.in_current_span()).await)
    }

    pub async fn migrate(self: &Arc<Self>, migrations: EmbeddedMigrations) -> Result<(), Error> {
        let mut link = self.target.connect_unlimited().await?;
        SCHEMA.take(&mut link).await?;
        // Diesel's migrations block; on a thread of their own they may, whatever the kind of runtime.
        let mut link = tokio::task::spawn_blocking(move || {
            let mut link = AsyncConnectionWrapper::<AsyncPgConnection>::from(link);
            migrate::run(&mut link, &migrations, Error::internal).map(|()| link.into_inner())
        })
        .await
        .map_err(Error::internal)??;
        unlock_all(&mut link).await;
        Ok(())
    }

    pub fn refresh(&self) {
        self.connections.refresh();
        self.pipelines.refresh();
    }

    pub async fn ping(&self) -> Result<(), Error> {
        let mut lease = self.connections.lend().await?;
        Conn::postgres(&mut lease, Promise::Read).batch("SELECT 1").await
    }

    pub fn close(&self) {
        self.connections.close();
        self.pipelines.close();
    }
}

fn finished<T, E: From<Error>>(task: Result<Result<T, E>, tokio::task::JoinError>) -> Result<T, E> {
    // A job's panic is caught before; what is left is a runtime that shuts down, perhaps in the middle of a COMMIT.
    task.unwrap_or_else(|error| Err(Error::CommitUnknown(Arc::new(error)).into()))
}

/// Counts who waits, also where the wait is given up.
struct Waiting<'w>(&'w AtomicUsize);

impl Waiting<'_> {
    fn enter(waiting: &AtomicUsize) -> Waiting<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
