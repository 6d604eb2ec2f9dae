//! A caller's work on its way to a thread that owns a connection, and the answer on its way back.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::task::{Context, Poll, Waker};

use diesel::sqlite::SqliteConnection;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::answers::{Answered, Dispatcher};
use super::long::LongReader;
use crate::conn::{Conn, Promise};
use crate::error::Error;

/// A read with its way back to the caller. It gets a connection, or the reason why there is none.
pub(super) enum HeavyTask {
    /// A job, in a fresh snapshot.
    Job(On<SqliteConnection>),
    /// One statement, which may be broken off.
    Query(On<LongReader>),
}

type On<C> = Box<dyn FnOnce(Result<&mut C, Error>) + Send>;

/// One write in the queue, whatever it returns.
pub(super) trait Task: Answered {
    fn promise(&self) -> Promise;
    /// Says whether the job may well fail after it has changed something.
    fn fails_late(&self) -> bool {
        false
    }
    /// Says whether the caller has gone away.
    fn abandoned(&self) -> bool;
    /// Runs the job and keeps its result.
    fn run(&mut self, link: &mut SqliteConnection, path: &Path) -> Ran;
    /// Replaces the result.
    fn fail(&mut self, error: Error);
}

/// How a job ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub ok: bool,
    /// Some statement may have changed rows.
    pub changed: bool,
    /// With what some statement failed, after which SQLite may have rolled everything back.
    pub failed: Option<Error>,
}

/// A job that may run several times.
pub(super) struct Write<T, E, F> {
    pub promise: Promise,
    pub fails_late: bool,
    pub job: F,
    pub reply: Reply<T, E>,
}

/// A job that runs once, outside any transaction.
pub(super) struct Alone<T, E, F> {
    pub job: Option<F>,
    pub reply: Reply<T, E>,
}

/// A plain function instead of a job, also outside any transaction.
pub(super) struct Plain<T, F> {
    pub job: Option<F>,
    pub reply: Reply<T, Error>,
}

/// The way back to the caller.
pub(super) struct Reply<T, E> {
    pub result: Option<Result<T, E>>,
    pub sender: oneshot::Sender<Result<T, E>>,
    pub dispatcher: Option<Dispatcher>,
}

impl<T, E: From<Error>> Reply<T, E> {
    fn send(self) {
        let result = self.result.unwrap_or_else(|| Err(Error::internal("the job was not run").into()));
        // A caller that went away needs no answer.
        let _ = self.sender.send(result);
    }
}

impl<T: Send, E: From<Error> + Send, F: Send> Answered for Write<T, E, F> {
    fn answer(self: Box<Self>) {
        self.reply.send();
    }

    fn dispatcher(&self) -> Option<&Dispatcher> {
        self.reply.dispatcher.as_ref()
    }
}

impl<T: Send, E: From<Error> + Send, F: Send> Answered for Alone<T, E, F> {
    fn answer(self: Box<Self>) {
        self.reply.send();
    }
}

impl<T: Send, F: Send> Answered for Plain<T, F> {
    fn answer(self: Box<Self>) {
        self.reply.send();
    }
}

impl<T, E, F> Task for Write<T, E, F>
where
    F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
    T: Send,
    E: From<Error> + Send,
{
    fn promise(&self) -> Promise {
        self.promise
    }

    fn fails_late(&self) -> bool {
        self.fails_late
    }

    fn abandoned(&self) -> bool {
        self.reply.sender.is_closed()
    }

    fn run(&mut self, link: &mut SqliteConnection, path: &Path) -> Ran {
        let (ran, result) = run(link, path, self.promise, &self.job);
        self.reply.result = Some(result);
        ran
    }

    fn fail(&mut self, error: Error) {
        self.reply.result = Some(Err(error.into()));
    }
}

impl<T, E, F> Task for Alone<T, E, F>
where
    F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn promise(&self) -> Promise {
        Promise::Exclusive
    }

    fn abandoned(&self) -> bool {
        self.reply.sender.is_closed()
    }

    fn run(&mut self, link: &mut SqliteConnection, path: &Path) -> Ran {
        let Some(job) = self.job.take() else { return NOT_RUN };
        let (ran, result) = run(link, path, Promise::Exclusive, job);
        self.reply.result = Some(result);
        ran
    }

    fn fail(&mut self, error: Error) {
        self.reply.result = Some(Err(error.into()));
    }
}

impl<T, F> Task for Plain<T, F>
where
    F: FnOnce(&mut SqliteConnection) -> Result<T, Error> + Send,
    T: Send,
{
    fn promise(&self) -> Promise {
        Promise::Exclusive
    }

    fn abandoned(&self) -> bool {
        self.reply.sender.is_closed()
    }

    fn run(&mut self, link: &mut SqliteConnection, _: &Path) -> Ran {
        let Some(job) = self.job.take() else { return NOT_RUN };
        let result = catch_unwind(AssertUnwindSafe(|| job(link))).unwrap_or_else(|panic| Err(panicked(&*panic)));
        let ran = Ran { ok: result.is_ok(), ..NOT_RUN };
        self.reply.result = Some(result);
        ran
    }

    fn fail(&mut self, error: Error) {
        self.reply.result = Some(Err(error));
    }
}

const NOT_RUN: Ran = Ran { ok: false, changed: false, failed: None };

/// Polls a job once: on SQLite every await inside is ready, so that is all it needs.
pub(super) fn run<T, E, F>(link: &mut SqliteConnection, path: &Path, promise: Promise, job: F) -> (Ran, Result<T, E>)
where
    F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>>,
    E: From<Error>,
{
    let mut conn = Conn::sqlite(link, path, promise);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut future = job(&mut conn);
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }));
    let mut result = match outcome {
        Ok(Poll::Ready(result)) => result,
        Ok(Poll::Pending) => Err(Error::internal("a job waited for something else than its connection").into()),
        Err(panic) => Err(panicked(&*panic).into()),
    };
    if let Some(broken) = conn.broken_promise(&result) {
        result = Err(broken.into());
    }
    let failed = conn.failed.take();
    if let (Promise::Transaction, true, Some(failed)) = (promise, result.is_ok(), &failed) {
        result = Err(failed.clone().into());
    }
    (Ran { ok: result.is_ok(), changed: conn.changed, failed }, result)
}

pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("a job panicked: {}", text.unwrap_or("without a message")))
}
