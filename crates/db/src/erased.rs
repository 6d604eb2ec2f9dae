//! Jobs whose results nobody in between has to know the type of.
//!
//! What PostgreSQL does around a job (leases, attempts, transactions) is made once, and not once more for every job that there is:
//! there are hundreds, and all of it would be in the program as often. Beside a trip over a network two boxes are nothing.

use std::any::Any;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::conn::Conn;
use crate::error::Error;

/// What a job gave.
pub(crate) type Given = Box<dyn Any + Send>;

/// Why it gave nothing.
pub(crate) enum Failing {
    /// An error of its own.
    Own(Box<dyn Any + Send>),
    /// An error of the store's.
    Store(Error),
}

impl From<Error> for Failing {
    fn from(error: Error) -> Failing {
        Failing::Store(error)
    }
}

/// A job that may run several times.
pub(crate) type Job = dyn for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<Given, Failing>> + Send + Sync;

/// Takes a job's types away.
pub(crate) fn erased<T, E, F>(job: F) -> Arc<Job>
where
    F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    /// Has the compiler see a closure for what it is.
    fn of_any<F>(job: F) -> F
    where
        F: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<Given, Failing>>,
    {
        job
    }
    Arc::new(of_any(move |conn| kept(job(conn))))
}

fn kept<'a, T, E>(running: BoxFuture<'a, Result<T, E>>) -> BoxFuture<'a, Result<Given, Failing>>
where
    T: Send + 'static,
    E: Send + 'static,
{
    Box::pin(async move {
        match running.await {
            Ok(value) => Ok(Box::new(value) as Given),
            Err(error) => Err(Failing::Own(Box::new(error))),
        }
    })
}

/// Gives a result its types back.
pub(crate) fn told<T, E>(result: Result<Given, Failing>) -> Result<T, E>
where
    T: 'static,
    E: From<Error> + 'static,
{
    let other = || Error::internal("a job gave something of another type than it has");
    match result {
        Ok(value) => value.downcast().map(|value| *value).map_err(|_| other().into()),
        Err(Failing::Own(error)) => Err(error.downcast().map_or_else(|_| other().into(), |error| *error)),
        Err(Failing::Store(error)) => Err(error.into()),
    }
}
