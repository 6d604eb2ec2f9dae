//! Connections that are kept, and who waits for them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::Target;
use crate::config::Config;
use crate::error::Error;

/// A pool with a limit to waiting.
pub(super) struct Connections {
    pool: Pool<AsyncPgConnection>,
    wait: Duration,
    /// One for each connection. Waiting here has its own limit, apart from the time that a new connection may take.
    places: Arc<Semaphore>,
    /// Connections made before this moment are replaced.
    refreshed: Mutex<Instant>,
}

/// A lent connection.
pub(super) struct Lease {
    // Given back before the place, so that who gets the place finds it.
    object: Object<AsyncPgConnection>,
    _place: OwnedSemaphorePermit,
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
        Ok(Connections { pool, wait: config.pool_wait(), places: Arc::new(Semaphore::new(size)), refreshed })
    }

    /// Lends a connection. `Overloaded` where all are in use for too long, `Unavailable` where none can be made.
    pub async fn lend(&self) -> Result<Lease, Error> {
        let place = match tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(place) => place.map_err(|_| Error::unavailable("the store is closed"))?,
            Err(_) => return Err(Error::Overloaded("all connections are in use")),
        };
        loop {
            let object = self.pool.get().await.map_err(Error::unavailable)?;
            if Object::metrics(&object).created < *self.refreshed.lock().unwrap_or_else(PoisonError::into_inner) {
                drop(Object::take(object));
                continue;
            }
            return Ok(Lease { object, _place: place });
        }
    }

    pub fn refresh(&self) {
        *self.refreshed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.pool.retain(|_, _| false);
    }

    pub fn close(&self) {
        self.places.close();
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
