//! The store as its callers see it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use diesel::sqlite::SqliteConnection;
use diesel_migrations::EmbeddedMigrations;
use futures_util::future::BoxFuture;
use mainstay_record::Value;
use tokio::sync::oneshot;

use super::job::{self, Alone, HeavyTask, Plain, Reply, Task, Write};
use super::log::Log;
use super::open::{self, Role};
use super::shared::Shared;
use super::{heavy, inline, writer};
use crate::config::Config;
use crate::conn::{Conn, Promise};
use crate::counters::{Tally, count};
use crate::data_dir::{self, Lock};
use crate::error::{Error, classify};
use crate::migrate;
use crate::queue::Refused;
use crate::row::{Rows, Sink};
use crate::statement::Statement;
use crate::terms::{Atomic, Lane};

/// One SQLite file.
pub(crate) struct SqliteStore {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<Lock>>,
}

impl SqliteStore {
    pub fn open(path: &Path, config: &Config) -> Result<Arc<SqliteStore>, Error> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        data_dir::make_directory(directory).map_err(|error| data_dir::unusable(directory, &error))?;
        let mut lock_name = path.as_os_str().to_owned();
        lock_name.push(".lock");
        let lock = data_dir::lock_file(Path::new(&lock_name), directory)?;
        data_dir::touch_private(path).map_err(|error| data_dir::unusable(path, &error))?;
        let writer = open::connect(path, Role::Writer { log_limit_bytes: config.log_limit_bytes })?;
        let shared = Arc::new(Shared::new(path, config));
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
        self.shared.generation.advance();
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
