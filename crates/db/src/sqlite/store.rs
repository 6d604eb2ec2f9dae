//! The store as its callers see it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::sqlite::SqliteConnection;
use diesel_migrations::EmbeddedMigrations;
use futures_util::future::BoxFuture;
use mainstay_record::Value;
use tokio::sync::oneshot;

use super::job::{self, Alone, HeavyTask, Plain, Reply, Task, Write};
use super::log::Log;
use super::long::{LongReader, Wanted};
use super::open::{self, Role};
use super::shared::Shared;
use super::{compact, heavy, inline, writer};
use crate::config::Config;
use crate::conn::{Conn, Promise};
use crate::counters::{Tally, count};
use crate::data_dir::{self, Lock};
use crate::erased::{erased, told};
use crate::error::{Error, classify};
use crate::migrate;
use crate::queue::Refused;
use crate::row::Sink;
use crate::statement::Statement;
use crate::terms::{Asker, Atomic, Compacted, Lane};
use crate::turns::Turn;

/// One SQLite file.
pub(crate) struct SqliteStore {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<Lock>>,
    last_ping: Mutex<LastPing>,
}

/// How long a write that a ping makes may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long nothing may have been written before a ping writes something itself.
const UNTRIED: Duration = Duration::from_secs(10);

/// What the pings have seen of writes.
struct LastPing {
    commits: u64,
    since: Instant,
}

impl LastPing {
    /// Says whether nothing was written for so long that it has to be tried.
    fn is_due(&mut self, commits: u64) -> bool {
        if self.commits != commits {
            self.wrote(commits);
        }
        self.since.elapsed() >= UNTRIED
    }

    fn wrote(&mut self, commits: u64) {
        *self = LastPing { commits, since: Instant::now() };
    }
}

/// The smallest write that there is: a number in the file's head that nobody else uses.
fn mark<'a>(conn: &'a mut Conn<'_>) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move { conn.batch("PRAGMA user_version = 1").await })
}

impl SqliteStore {
    pub fn open(path: &Path, config: &Config) -> Result<Arc<SqliteStore>, Error> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        data_dir::prepare(directory)?;
        let mut lock_name = path.as_os_str().to_owned();
        lock_name.push(".lock");
        let lock = data_dir::lock_file(Path::new(&lock_name), directory)?;
        data_dir::touch_private(path).map_err(|error| data_dir::unusable(path, &error))?;
        let writer = open::connect(path, Role::Writer { log_limit_bytes: config.log_limit_bytes })?;
        let shared = Arc::new(Shared::new(path, config));
        let mut store = SqliteStore {
            shared: Arc::clone(&shared),
            threads: Mutex::default(),
            lock: Mutex::new(Some(lock)),
            last_ping: Mutex::new(LastPing { commits: 0, since: Instant::now() }),
        };
        let log = Log::new(path, config.log_limit_bytes);
        store.spawn("store-writer", move |shared| writer::run(writer, log, shared))?;
        for _ in 0..config.heavy_readers.max(1) {
            store.spawn("store-reader", heavy::run)?;
        }
        Ok(Arc::new(store))
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce(&Arc<Shared>) + Send + 'static) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared));
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread.map_err(Error::unavailable)?);
        Ok(())
    }

    pub fn tally(&self) -> &Tally {
        &self.shared.tally
    }

    pub async fn fetch<S: Sink + 'static>(
        &self,
        asker: Asker,
        lane: Lane,
        statement: &Arc<Statement>,
        binds: Vec<Value>,
        mut sink: S,
    ) -> Result<S, Error> {
        if lane == Lane::Inline && !statement.is_slow() {
            count(&self.shared.tally.inline_reads);
            let shared = &self.shared;
            let fetched = inline::with_reader(shared, |link| fetch_into(link, shared, statement, &binds, &mut sink));
            return shared.note(fetched).map(|()| sink);
        }
        // Boxed, as the rare way: what runs inline need not be as large.
        Box::pin(self.fetch_long(asker, Arc::clone(statement), binds, sink)).await
    }

    /// Runs a statement on a thread of the heavy lane, for as long as somebody waits for it.
    async fn fetch_long<S: Sink + 'static>(
        &self,
        asker: Asker,
        statement: Arc<Statement>,
        binds: Vec<Value>,
        mut sink: S,
    ) -> Result<S, Error> {
        let turn = self.turn(asker).await?;
        let shared = Arc::clone(&self.shared);
        let limit = shared.statement_limit.map(|limit| Instant::now() + limit);
        // Dropped with this future, or with the answer.
        let (wanted, _waiter) = Wanted::until(asker.deadline.into_iter().chain(limit).min());
        let (sender, answer) = oneshot::channel();
        let query = Box::new(move |reader: Result<&mut LongReader, Error>| {
            let fetched = reader.and_then(|reader| {
                let started = Instant::now();
                let run = AssertUnwindSafe(|| reader.fetch(&shared.path, &wanted, (&statement, &binds), &mut sink));
                shared.note(catch_unwind(run).unwrap_or_else(|panic| Err(job::panicked(&*panic))))?;
                statement.ran_for(started.elapsed(), shared.inline_limit);
                Ok(sink)
            });
            drop(turn);
            // A caller that went away needs no answer.
            let _ = sender.send(fetched);
        });
        self.push_heavy(HeavyTask::Query(query))?;
        answered(answer.await)
    }

    pub async fn read<T, E, F>(&self, lane: Lane, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if lane == Lane::Heavy {
            let shared = Arc::clone(&self.shared);
            let job = erased(job);
            return told(Box::pin(self.heavy(move |link| run_read(link, &shared, &*job))).await);
        }
        count(&self.shared.tally.inline_reads);
        let shared = &self.shared;
        inline::with_reader(shared, |link| Ok(run_read(link, shared, &job)))?
    }

    pub async fn write<T, E, F>(&self, atomic: Atomic, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (promise, fails_late) = match atomic {
            Atomic::Statement => (Promise::Statement, false),
            Atomic::Locked => (Promise::Transaction, false),
            Atomic::Tentative | Atomic::Transaction => (Promise::Transaction, true),
        };
        let (reply, answer) = self.reply();
        self.enqueue(Box::new(Write { promise, fails_late, job, reply }))?;
        answered(answer.await)
    }

    pub async fn exclusive<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = self.reply();
        self.enqueue(Box::new(Alone { job: Some(job), reply }))?;
        answered(answer.await)
    }

    /// Runs a function on the writer's connection outside any transaction.
    pub async fn alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SqliteConnection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = self.reply();
        self.enqueue(Box::new(Plain { job: Some(job), reply }))?;
        answered(answer.await)
    }

    /// Writes the file anew.
    pub async fn compact(&self) -> Result<Compacted, Error> {
        let shared = Arc::clone(&self.shared);
        self.alone(move |link| compact::run(link, &shared.path, &shared)).await
    }

    /// Brings a service's own tables up to date.
    pub async fn migrate(&self, migrations: EmbeddedMigrations) -> Result<(), Error> {
        let path = self.shared.path.clone();
        self.alone(move |link| migrate::run(link, &migrations, |failure| classify::sqlite_migration(failure, &path)))
            .await
    }

    fn reply<T, E>(&self) -> (Reply<T, E>, oneshot::Receiver<Result<T, E>>) {
        let (sender, answer) = oneshot::channel();
        (Reply { result: None, sender, dispatcher: self.shared.dispatchers.here() }, answer)
    }

    fn enqueue(&self, task: Box<dyn Task>) -> Result<(), Error> {
        self.shared.writes.push(task).map_err(|refused| self.refuse(&refused, "too many writes are waiting"))
    }

    async fn heavy<T, E>(
        &self,
        read: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let turn = self.turn(Asker::default()).await?;
        let (sender, answer) = oneshot::channel();
        let job = Box::new(move |link: Result<&mut SqliteConnection, Error>| {
            if sender.is_closed() {
                return;
            }
            let result = link.map_err(E::from).and_then(|link| {
                let read = AssertUnwindSafe(|| read(link));
                catch_unwind(read).unwrap_or_else(|panic| Err(job::panicked(&*panic).into()))
            });
            drop(turn);
            // A caller that went away needs no answer.
            let _ = sender.send(result);
        });
        self.push_heavy(HeavyTask::Job(job))?;
        answered(answer.await)
    }

    /// Waits for a place among the long reads. It belongs to the query: it is free when that has ended.
    async fn turn(&self, asker: Asker) -> Result<Turn, Error> {
        count(&self.shared.tally.heavy_reads);
        let turn = self.shared.turns.take(asker).await;
        if matches!(turn, Err(Error::Overloaded(_))) {
            count(&self.shared.tally.refusals);
        }
        turn
    }

    fn push_heavy(&self, task: HeavyTask) -> Result<(), Error> {
        self.shared.heavy.push(task).map_err(|refused| self.refuse(&refused, "too many long reads are running"))
    }

    fn refuse<T>(&self, refused: &Refused<T>, why: &'static str) -> Error {
        match refused {
            Refused::Full(_) => {
                count(&self.shared.tally.refusals);
                Error::Overloaded(why)
            }
            Refused::Closed(_) => Error::unavailable("the store is closed"),
        }
    }

    pub fn refresh(&self) {
        self.shared.generation.advance();
    }

    /// Tries out what requests do: a read, and a write where none has shown lately that writes are stored.
    pub async fn ping(&self) -> Result<(), Error> {
        self.shared.place.check()?;
        self.read::<_, Error, _>(Lane::Inline, |conn| {
            Box::pin(async move { conn.batch("SELECT count(*) FROM sqlite_schema").await })
        })
        .await?;
        let (failing, writes) = (self.shared.condition.is_failing(), self.shared.commits.load(Ordering::Acquire));
        if failing || self.last_ping().is_due(writes) {
            let written = tokio::time::timeout(PATIENCE, self.write(Atomic::Statement, mark)).await;
            // A writer that is at something long stores it in the end.
            written.unwrap_or(Ok(()))?;
            self.last_ping().wrote(self.shared.commits.load(Ordering::Acquire));
        }
        self.shared.condition.check()
    }

    fn last_ping(&self) -> MutexGuard<'_, LastPing> {
        self.last_ping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn close(&self) {
        let threads = self.stop();
        let joined = tokio::task::spawn_blocking(move || join(threads)).await;
        if let Err(error) = joined {
            tracing::error!(%error, "a thread of the store did not end");
        }
        self.release();
    }

    /// Closes the queues; what is in them is still done.
    fn stop(&self) -> Vec<JoinHandle<()>> {
        self.shared.close();
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn release(&self) {
        self.shared.close_readers();
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        join(self.stop());
        self.release();
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A job may hold the last handle of its own store.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("a thread of the store panicked");
        }
    }
}

fn answered<T, E: From<Error>>(answer: Result<Result<T, E>, oneshot::error::RecvError>) -> Result<T, E> {
    answer.unwrap_or_else(|_| Err(Error::unavailable("the store was closed").into()))
}

/// Runs a job that reads.
fn run_read<T, E, F>(link: &mut SqliteConnection, shared: &Shared, job: &F) -> Result<T, E>
where
    F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + ?Sized,
    E: From<Error>,
{
    let (ran, result) = job::run(link, &shared.path, Promise::Read, job);
    if let Some(error) = ran.failed {
        shared.condition.failed(&error);
    }
    result
}

fn fetch_into<S: Sink>(
    link: &mut SqliteConnection,
    shared: &Shared,
    statement: &Statement,
    binds: &[Value],
    sink: &mut S,
) -> Result<(), Error> {
    let started = Instant::now();
    crate::conn::fetch_sqlite(link, &shared.path, statement, binds, sink)?;
    statement.ran_for(started.elapsed(), shared.inline_limit);
    Ok(())
}
