//! The store as its callers see it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::connection::{CacheSize, Connection};
use diesel::sqlite::SqliteConnection;
use diesel_migrations::EmbeddedMigrations;
use futures_util::future::BoxFuture;
use mainstay_record::Value;
use tokio::sync::oneshot;

use super::answers::Dispatchers;
use super::gate::Gate;
use super::heavy::{self, HeavyTask};
use super::inline::{self, Reader};
use super::job::{self, Alone, Plain, Reply, Task, Write};
use super::log::Log;
use super::open::{self, Role};
use super::writer;
use crate::config::Config;
use crate::conn::{Conn, Promise};
use crate::counters::{Tally, count};
use crate::data_dir::{self, Lock};
use crate::database::{Atomic, Lane};
use crate::error::{Error, classify};
use crate::migrate;
use crate::queue::{Queue, Refused};
use crate::row::{Rows, Sink};
use crate::statement::Statement;

/// One SQLite file.
pub(crate) struct SqliteStore {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<Lock>>,
}

/// What the store's threads share.
pub(super) struct Shared {
    pub path: PathBuf,
    pub id: u64,
    /// Counts commits; a snapshot taken at an older count is old.
    pub commits: AtomicU64,
    /// Counts calls of `refresh`.
    generation: AtomicU64,
    /// Above this a statement is too slow to run inline.
    inline_limit: Duration,
    pub tally: Tally,
    pub writes: Queue<Box<dyn Task>>,
    pub heavy: Queue<HeavyTask>,
    /// Before the heavy lane.
    pub gate: Gate,
    readers: Mutex<Vec<Weak<Mutex<Reader>>>>,
    dispatchers: Dispatchers,
    closed: AtomicBool,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl SqliteStore {
    pub fn open(path: &Path, config: &Config) -> Result<Arc<SqliteStore>, Error> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        data_dir::make_directory(directory).map_err(|error| data_dir::unusable(directory, &error))?;
        let mut lock_name = path.as_os_str().to_owned();
        lock_name.push(".lock");
        let lock = data_dir::lock_file(Path::new(&lock_name), directory)?;
        data_dir::touch_private(path).map_err(|error| data_dir::unusable(path, &error))?;
        let writer = open::connect(path, Role::Writer { log_limit_bytes: config.log_limit_bytes })?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            commits: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            inline_limit: config.inline_limit(),
            tally: Tally::default(),
            writes: Queue::new(config.write_queue.max(1)),
            heavy: Queue::new(config.heavy_queue.max(1)),
            gate: Gate::default(),
            readers: Mutex::default(),
            dispatchers: Dispatchers::default(),
            closed: AtomicBool::new(false),
        });
        let mut store =
            SqliteStore { shared: Arc::clone(&shared), threads: Mutex::default(), lock: Mutex::new(Some(lock)) };
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
        lane: Lane,
        statement: &Arc<Statement>,
        binds: Vec<Value>,
        mut sink: S,
    ) -> Result<S, Error> {
        if lane == Lane::Inline && !statement.is_slow() {
            count(&self.shared.tally.inline_reads);
            let shared = &self.shared;
            inline::with_reader(shared, |link| fetch_into(link, shared, statement, &binds, &mut sink))?;
            return Ok(sink);
        }
        let statement = Arc::clone(statement);
        // Boxed, as the rare way: what runs inline need not be as large.
        let shared = Arc::clone(&self.shared);
        Box::pin(self.heavy(move |link, _| {
            fetch_into(link, &shared, &statement, &binds, &mut sink)?;
            Ok(sink)
        }))
        .await
    }

    pub async fn read<T, E, F>(&self, lane: Lane, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if lane == Lane::Heavy {
            return self.heavy(move |link, path| job::run(link, path, Promise::Read, &job).1).await;
        }
        count(&self.shared.tally.inline_reads);
        let path = &self.shared.path;
        inline::with_reader(&self.shared, |link| Ok(job::run(link, path, Promise::Read, &job).1))?
    }

    pub async fn write<T, E, F>(&self, atomic: Atomic, job: F) -> Result<T, E>
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let promise = match atomic {
            Atomic::Statement => Promise::Statement,
            Atomic::Transaction => Promise::Transaction,
        };
        let (reply, answer) = self.reply();
        self.enqueue(Box::new(Write { promise, job, reply }))?;
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
        read: impl FnOnce(&mut SqliteConnection, &Path) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let path = self.shared.path.clone();
        let task: HeavyTask = Box::new(move |link| {
            if sender.is_closed() {
                return;
            }
            let result = link.map_err(E::from).and_then(|link| {
                let read = std::panic::AssertUnwindSafe(|| read(link, &path));
                std::panic::catch_unwind(read).unwrap_or_else(|panic| Err(job::panicked(&*panic).into()))
            });
            // A caller that went away needs no answer.
            let _ = sender.send(result);
        });
        count(&self.shared.tally.heavy_reads);
        self.shared.heavy.push(task).map_err(|refused| self.refuse(&refused, "too many long reads are waiting"))?;
        answered(answer.await)
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
        self.shared.generation.fetch_add(1, Ordering::Release);
    }

    pub fn ping(&self) -> Result<(), Error> {
        inline::with_reader(&self.shared, |link| {
            let statement = Statement::text("SELECT count(*) FROM sqlite_schema");
            fetch_into(link, &self.shared, &statement, &[], &mut Rows::default())
        })
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
        self.shared.closed.store(true, Ordering::Release);
        self.shared.writes.close();
        self.shared.heavy.close();
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

impl Shared {
    /// Drops a connection's prepared statements where `refresh` was called since. Returns the generation now.
    pub fn forget_statements(&self, link: &mut SqliteConnection, generation: u64) -> u64 {
        let now = self.generation.load(Ordering::Acquire);
        if now != generation {
            link.set_prepared_statement_cache_size(CacheSize::Disabled);
            link.set_prepared_statement_cache_size(CacheSize::Unbounded);
        }
        now
    }

    pub fn register(&self, reader: &Arc<Mutex<Reader>>) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.strong_count() > 0);
        readers.push(Arc::downgrade(reader));
        if self.closed.load(Ordering::Acquire) {
            inline::close(reader);
        }
    }

    /// Ends the snapshots that a commit has made old. False where some reader was at work.
    pub fn end_stale_snapshots(&self) -> bool {
        let commits = self.commits.load(Ordering::Acquire);
        let mut all = true;
        for reader in self.alive_readers() {
            all &= inline::end_if_stale(&reader, commits);
        }
        all
    }

    /// Ends the snapshots that nobody reads from now, old or not.
    pub fn end_idle_snapshots(&self) {
        for reader in self.alive_readers() {
            inline::end_if_idle(&reader);
        }
    }

    fn close_readers(&self) {
        for reader in self.alive_readers() {
            inline::close(&reader);
        }
    }

    fn alive_readers(&self) -> Vec<Arc<Mutex<Reader>>> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.iter().filter_map(Weak::upgrade).collect()
    }
}
