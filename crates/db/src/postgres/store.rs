//! The store as its callers see it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use diesel_migrations::EmbeddedMigrations;
use futures_util::future::{BoxFuture, try_join};
use mainstay_record::{Kind, Value};
use tracing::Instrument;

use super::connect::Target;
use super::damage::DamagedPage;
use super::links::Links;
use super::locks::{BUILD, SCHEMA, in_transactions, pause, tell_what_it_waits_for, unlock_all};
use super::pipeline::Pipelines;
use super::pool::{Connections, Lease};
use super::transaction::{self, Attempt, Isolation};
use super::watch::look_after;
use crate::condition::Condition;
use crate::config::Config;
use crate::conn::{Conn, Promise};
use crate::counters::{Tally, count};
use crate::erased::{Failing, Given, Job};
use crate::error::{Error, classify};
use crate::migrate;
use crate::row::{Rows, Sink};
use crate::statement::Statement;
use crate::terms::{Asker, Atomic, Lane, PATIENCE};
use crate::turns::{Turn, Turns};

/// How long a ping tells of a write that could not be stored.
const REMEMBERED: Duration = Duration::from_secs(30);

/// How long a ping may take.
const PING: Duration = Duration::from_secs(3);

/// How many connections a write may find lost before it began anything.
const MAX_LOST: u32 = 10;

/// One PostgreSQL database.
pub(crate) struct PostgresStore {
    links: Arc<Links>,
    tally: Tally,
    /// Long reads may use half of the connections.
    turns: Arc<Turns>,
    limit: Limit,
    condition: Condition,
}

impl PostgresStore {
    pub async fn open(url: &str, config: &Config) -> Result<Arc<PostgresStore>, Error> {
        let target = Arc::new(Target::new(url, config)?);
        let pipelines = Pipelines::new(Arc::clone(&target), config.pool_size);
        let connections = Connections::new(Arc::clone(&target), config, pipelines.len());
        let links = Arc::new(Links::new(target, connections, pipelines));
        let store = PostgresStore {
            links: Arc::clone(&links),
            tally: Tally::default(),
            turns: Turns::new(config.pool_size / 2, config.heavy_queue),
            limit: Limit::new(config),
            condition: Condition::default(),
        };
        store.ping().await?;
        tokio::spawn(look_after(Arc::downgrade(&links)));
        Ok(Arc::new(store))
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    async fn lend(&self, long: Option<Turn>) -> Result<Lease, Error> {
        let lease = self.links.connections.lend(long).await;
        if matches!(lease, Err(Error::Overloaded(_))) {
            count(&self.tally.refusals);
        }
        lease
    }

    /// Waits for a place among the long reads. It belongs to the query: it is free when that has ended, not when its caller
    /// has gone.
    async fn turn(&self, lane: Lane, asker: Asker) -> Result<Option<Turn>, Error> {
        if lane == Lane::Inline {
            count(&self.tally.inline_reads);
            return Ok(None);
        }
        count(&self.tally.heavy_reads);
        let turn = self.turns.take(asker).await;
        if matches!(turn, Err(Error::Overloaded(_))) {
            count(&self.tally.refusals);
        }
        turn.map(Some)
    }

    pub async fn fetch<S: Sink>(
        &self,
        asker: Asker,
        lane: Lane,
        statement: &Statement,
        binds: &[Value],
        mut sink: S,
    ) -> Result<S, Error> {
        let turn = self.turn(lane, asker).await?;
        if lane == Lane::Inline && !self.links.pipelines.is_empty() {
            let fetched = self.links.pipelines.fetch(statement, binds, &mut sink).await;
            if matches!(fetched, Err(Error::Overloaded(_))) {
                count(&self.tally.refusals);
            }
            return self.noting_damage(fetched).map(|()| sink);
        }
        let mut lease = self.lend(turn).await?;
        let limit = self.limit.within(asker.deadline);
        self.noting_damage(transaction::fetch(&mut lease, limit, statement, binds, &mut sink).await)?;
        lease.give_back();
        Ok(sink)
    }

    pub async fn read(&self, lane: Lane, job: Arc<Job>) -> Result<Given, Failing> {
        let turn = self.turn(lane, Asker::default()).await?;
        let mut lease = self.lend(turn).await?;
        let (mut result, mut failed) = transaction::run(&mut lease, Promise::Read, &*job).await;
        if result.is_err() && matches!(failed, Some(Error::Unavailable(_))) {
            // A kept connection may be dead without anybody knowing; a read can be repeated.
            let turn = lease.give_up();
            lease = self.lend(turn).await?;
            (result, failed) = transaction::run(&mut lease, Promise::Read, &*job).await;
        }
        self.note_damage(failed.as_ref());
        lease.give_back();
        result
    }

    /// Takes note of damage that somebody has met.
    fn note_damage(&self, failed: Option<&Error>) {
        if let Some(damage @ Error::Corrupt { .. }) = failed {
            self.condition.failed(damage);
        }
    }

    fn noting_damage<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| self.note_damage(Some(error)))
    }

    /// Reads in one snapshot, on a connection of its own: however long it takes, it takes nobody's place.
    pub async fn snapshot(&self, job: Arc<Job>) -> Result<Given, Failing> {
        count(&self.tally.heavy_reads);
        let mut lease = self.links.connections.lend_apart().await?;
        let begun = lease.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
        begun.map_err(classify::postgres)?;
        let (result, failed) = transaction::run(&mut lease, Promise::Read, &*job).await;
        self.note_damage(failed.as_ref());
        // It is not kept: with the connection the transaction ends.
        lease.give_back();
        result
    }

    /// Runs a write in a task of its own: it comes to its end also where its caller goes away.
    pub async fn write(
        self: &Arc<Self>,
        deadline: Option<Instant>,
        atomic: Atomic,
        job: Arc<Job>,
    ) -> Result<Given, Failing> {
        let store = Arc::clone(self);
        finished(tokio::spawn(async move { store.repeat(deadline, atomic, &*job).await }.in_current_span()).await)
    }

    async fn repeat(&self, deadline: Option<Instant>, atomic: Atomic, job: &Job) -> Result<Given, Failing> {
        count(&self.tally.jobs);
        let patience = deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
        let (mut conflicts, mut lost) = (0, 0);
        loop {
            let mut lease = self.lend(None).await?;
            let limit = self.limit.within(deadline);
            let attempt = async {
                match atomic {
                    Atomic::Statement => transaction::statement(&mut lease, job).await,
                    Atomic::Locked | Atomic::Tentative => {
                        transaction::transaction(&mut lease, Isolation::ReadCommitted, limit, job).await
                    }
                    Atomic::Transaction => {
                        transaction::transaction(&mut lease, Isolation::Serializable, limit, job).await
                    }
                }
            };
            // Nobody waits longer: what runs then is cancelled with its lease.
            let Some(outcome) = until(deadline, attempt).await else {
                return Err(Error::CommitUnknown(Arc::new(TimeIsOver)).into());
            };
            lease.give_back();
            match outcome {
                Attempt::Done(result, failed) => {
                    if result.is_ok() {
                        count(&self.tally.syncs);
                        self.condition.stored();
                    }
                    match failed {
                        Some(Error::Unavailable(source)) if classify::is_full(&source) => {
                            self.condition.failed(&Error::Unavailable(source));
                        }
                        failed => self.note_damage(failed.as_ref()),
                    }
                    return result;
                }
                Attempt::Conflict(source) => {
                    count(&self.tally.retries);
                    conflicts += 1;
                    let pause = pause(conflicts);
                    if Instant::now() + pause >= patience {
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
            let mut link = store.links.target.connect_unlimited().await?;
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
            let mut link = store.links.target.connect_unlimited().await?;
            BUILD.take_after(&SCHEMA, &mut link).await?;
            let pid = link.pulse().pid();
            let told = tell_what_it_waits_for(&store.links.target, pid);
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
        let mut link = self.links.target.connect_unlimited().await?;
        SCHEMA.take(&mut link).await?;
        let (link, driver) = link.into_parts();
        // Diesel's migrations block; on a thread of their own they may, whatever the kind of runtime.
        let mut link = tokio::task::spawn_blocking(move || {
            let mut link = AsyncConnectionWrapper::<AsyncPgConnection>::from(link);
            migrate::run(&mut link, &migrations, Error::internal).map(|()| link.into_inner())
        })
        .await
        .map_err(Error::internal)??;
        unlock_all(&mut link).await;
        drop(driver);
        Ok(())
    }

    pub fn refresh(&self) {
        self.links.refresh();
    }

    /// Tries out what requests do, over the connections that they use.
    pub async fn ping(&self) -> Result<(), Error> {
        let tried = async {
            try_join(self.takes_writes(), self.links.pipelines.ping(PING)).await?;
            self.looks_at_what_was_damaged().await
        };
        match tokio::time::timeout(PING, tried).await {
            // Whether there is room again shows with the next write: requests have to be let in for that.
            Ok(tried) => tried.and_then(|()| self.condition.check_of_the_last(REMEMBERED)),
            Err(_) => Err(Error::unavailable("PostgreSQL does not answer in time")),
        }
    }

    async fn takes_writes(&self) -> Result<(), Error> {
        let mut lease = match self.links.connections.lend(None).await {
            // All are in use. Whether that is work is for those who look after them to say.
            Err(Error::Overloaded(_)) => self.links.connections.lend_apart().await?,
            lease => lease?,
        };
        let (ask, mut answer) =
            (Statement::text("SELECT current_setting('transaction_read_only')"), Rows::of(&[Kind::Text]));
        Conn::postgres(lease.parts(), Promise::Read).fetch(&ask, &[], &mut answer).await?;
        lease.give_back();
        match answer.rows.first().and_then(|row| row.first()) {
            Some(Value::Text(read_only)) if read_only == "on" => Err(Error::unavailable(
                "PostgreSQL takes no writes: it is a standby, or set to read only; name the primary in the database URL",
            )),
            _ => Ok(()),
        }
    }

    /// Damage that somebody has met may have been mended, or removed with what it was of.
    async fn looks_at_what_was_damaged(&self) -> Result<(), Error> {
        let Some(page) = self.condition.damage().as_ref().and_then(DamagedPage::of) else { return Ok(()) };
        let mut lease = self.lend(None).await?;
        let is_there = page.is_there(&mut Conn::postgres(lease.parts(), Promise::Read)).await?;
        lease.give_back();
        if !is_there {
            self.condition.mended();
        }
        Ok(())
    }

    pub fn close(&self) {
        self.turns.close();
        self.links.close();
    }
}

fn finished<T, E: From<Error>>(task: Result<Result<T, E>, tokio::task::JoinError>) -> Result<T, E> {
    // A job's panic is caught before; what is left is a runtime that shuts down, perhaps in the middle of a COMMIT.
    task.unwrap_or_else(|error| Err(Error::CommitUnknown(Arc::new(error)).into()))
}

/// How long a statement may run.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// What every connection of the pool is set to; 0 where there is no limit.
    usual_ms: u64,
}

impl Limit {
    fn new(config: &Config) -> Limit {
        Limit { usual_ms: config.statement_timeout_ms }
    }

    /// The limit for a caller who stops waiting before the usual one is over, milliseconds.
    fn within(self, deadline: Option<Instant>) -> Option<u64> {
        let left = deadline?.saturating_duration_since(Instant::now());
        // 0 would be no limit at all.
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
        (self.usual_ms == 0 || left < self.usual_ms).then_some(left)
    }
}

/// The deadline of a write came while it was on its way.
#[derive(Debug, thiserror::Error)]
#[error("the time for the write was over before the database answered")]
struct TimeIsOver;

async fn until<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), work).await.ok(),
        None => Some(work.await),
    }
}
