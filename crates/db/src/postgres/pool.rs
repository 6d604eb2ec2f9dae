//! Connections that are kept, and who waits for them.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt;

use super::connect::Target;
use crate::config::Config;
use crate::error::Error;

/// A pool with a limit to waiting.
pub(super) struct Connections {
    pool: Pool<AsyncPgConnection>,
    wait: Duration,
    size: usize,
    lent: Arc<AtomicUsize>,
    /// Connections made before this moment are replaced.
    refreshed: Mutex<Instant>,
}

/// A lent connection.
pub(super) struct Lease {
    object: Object<AsyncPgConnection>,
    lent: Arc<AtomicUsize>,
}

impl Connections {
    /// Makes a pool of the connections that are left when `taken` are used otherwise.
    pub fn new(target: Arc<Target>, config: &Config, taken: usize) -> Result<Connections, Error> {
        let mut manager = ManagerConfig::default();
        // A query at each check-out would double the cost of a key lookup. A closed connection is noticed without.
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let target = Arc::clone(&target);
            async move { target.connect().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
        let size = config.pool_size.saturating_sub(taken).max(1);
        let pool = Pool::builder(manager).max_size(size).build().map_err(Error::internal)?;
        let refreshed = Mutex::new(Instant::now());
        Ok(Connections { pool, wait: config.pool_wait(), size, lent: Arc::default(), refreshed })
    }

    /// Lends a connection. `Overloaded` where all are in use for too long, `Unavailable` where none can be made.
    pub async fn lend(&self) -> Result<Lease, Error> {
        let deadline = tokio::time::Instant::now() + self.wait;
        loop {
            let object = match tokio::time::timeout_at(deadline, self.pool.get()).await {
                Ok(Ok(object)) => object,
                Ok(Err(error)) => return Err(Error::unavailable(error)),
                Err(_) if self.lent.load(Ordering::Relaxed) >= self.size => {
                    return Err(Error::Overloaded("all connections are in use"));
                }
                Err(_) => return Err(Error::unavailable("PostgreSQL did not answer in time")),
            };
            if Object::metrics(&object).created < *self.refreshed.lock().unwrap_or_else(PoisonError::into_inner) {
                drop(Object::take(object));
                continue;
            }
            self.lent.fetch_add(1, Ordering::Relaxed);
            return Ok(Lease { object, lent: Arc::clone(&self.lent) });
        }
    }

    pub fn refresh(&self) {
        *self.refreshed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.pool.retain(|_, _| false);
    }

    pub fn close(&self) {
        self.pool.close();
    }
}

impl Deref for Lease {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.object
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.object
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.lent.fetch_sub(1, Ordering::Relaxed);
    }
}
