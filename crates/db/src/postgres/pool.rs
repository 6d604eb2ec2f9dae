//! Connections that are kept, and who waits for them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::Target;
use super::link::{Link, Settled};
use crate::config::Config;
use crate::error::Error;
use crate::turns::Turn;

/// A connection that nobody has used for so long is asked whether it still lives before somebody depends on it.
const UNUSED: Duration = Duration::from_secs(3);

/// How long it may take to answer that.
const PING: Duration = Duration::from_secs(1);

/// How long an answer that nobody waits for may take before its query is cancelled.
const GRACE: Duration = Duration::from_millis(20);

/// How long a cancelled query may take to end before it is cancelled again, and how often that is tried.
const CANCELLED: Duration = Duration::from_secs(1);
const CANCELS: u32 = 3;

/// A pool with a limit to waiting.
pub(super) struct Connections {
    shelf: Arc<Shelf>,
    wait: Duration,
    /// One for each connection. Waiting here has its own limit, apart from the time that a new connection may take.
    places: Arc<Semaphore>,
}

/// Where connections lie that nobody uses.
struct Shelf {
    target: Arc<Target>,
    kept: Mutex<Kept>,
}

struct Kept {
    idle: Vec<Idle>,
    /// Connections made before this moment are replaced.
    refreshed: Instant,
    closed: bool,
}

struct Idle {
    link: Link,
    made: Instant,
    since: Instant,
}

/// A lent connection. Whoever is done gives it [back](Lease::give_back). Where that does not happen, its query runs on and
/// nobody waits for it: it is cancelled, and its places are free only when it has ended.
pub(super) struct Lease {
    link: Option<Link>,
    made: Instant,
    shelf: Arc<Shelf>,
    places: Places,
}

/// What a lent connection takes up: its own place, and that among the long reads where it runs such.
type Places = (Option<OwnedSemaphorePermit>, Option<Turn>);

impl Connections {
    /// Makes a pool of the connections that are left when `taken` are used otherwise.
    pub fn new(target: Arc<Target>, config: &Config, taken: usize) -> Connections {
        let size = config.pool_size.saturating_sub(taken).max(1);
        let kept = Kept { idle: Vec::new(), refreshed: Instant::now(), closed: false };
        let shelf = Arc::new(Shelf { target, kept: Mutex::new(kept) });
        Connections { shelf, wait: config.pool_wait(), places: Arc::new(Semaphore::new(size)) }
    }

    /// Lends a connection. `Overloaded` where all are in use for too long, `Unavailable` where none can be made.
    pub async fn lend(&self, long: Option<Turn>) -> Result<Lease, Error> {
        let place = match tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(place) => place.map_err(|_| Error::unavailable("the store is closed"))?,
            Err(_) => return Err(Error::Overloaded("all connections are in use")),
        };
        let (link, made) = self.shelf.take().await?;
        Ok(Lease { link: Some(link), made, shelf: Arc::clone(&self.shelf), places: (Some(place), long) })
    }

    /// Makes a connection for one long piece of work, beside the pool and without a limit for its statements.
    pub async fn lend_apart(&self) -> Result<Lease, Error> {
        let link = self.shelf.target.connect_unlimited().await?;
        // As if it were old: it is not kept.
        let (made, shelf) = (self.shelf.lock().refreshed, Arc::clone(&self.shelf));
        Ok(Lease { link: Some(link), made, shelf, places: Places::default() })
    }

    pub fn refresh(&self) {
        self.shelf.refresh();
    }

    pub fn close(&self) {
        self.places.close();
        self.shelf.lock().closed = true;
        self.shelf.refresh();
    }
}

impl Shelf {
    async fn take(&self) -> Result<(Link, Instant), Error> {
        while let Some(Idle { mut link, made, since }) = self.pop() {
            if link.is_spent() {
                continue;
            }
            if since.elapsed() < UNUSED {
                return Ok((link, made));
            }
            match link.settles(PING).await {
                Settled::Quiet => return Ok((link, made)),
                Settled::Lost => {}
                Settled::Silent => {
                    tracing::warn!("a connection to PostgreSQL is silent: all that are not in use are made anew");
                    self.refresh();
                }
            }
        }
        let made = Instant::now();
        Ok((self.target.connect().await.map_err(Error::unavailable)?, made))
    }

    /// The one that was used last, so that few are used where few are needed.
    fn pop(&self) -> Option<Idle> {
        self.lock().idle.pop()
    }

    fn put(&self, mut link: Link, made: Instant) {
        if link.is_spent() {
            return;
        }
        let mut kept = self.lock();
        if !kept.closed && made > kept.refreshed {
            kept.idle.push(Idle { link, made, since: Instant::now() });
        }
    }

    /// Forgets the connections that were made until now.
    fn refresh(&self) {
        let mut kept = self.lock();
        kept.refreshed = Instant::now();
        let old = std::mem::take(&mut kept.idle);
        drop(kept);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Gives the connection back: everything that it was asked is answered.
    pub fn give_back(mut self) {
        if let Some(link) = self.link.take() {
            self.shelf.put(link, self.made);
        }
    }

    /// Closes a connection that is lost, and hands out the place among the long reads for another one.
    pub fn give_up(mut self) -> Option<Turn> {
        drop(self.link.take());
        self.places.1.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let places = std::mem::take(&mut self.places);
        // Without a runtime the connection is closed, and the server notices that.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(end(link, self.made, Arc::clone(&self.shelf), places));
        }
    }
}

/// Sees to it that a query that nobody waits for ends. A connection that was sent a cancel request is not used again: the
/// request may come late, and would meet somebody else's query.
async fn end(link: Link, made: Instant, shelf: Arc<Shelf>, places: Places) {
    match link.settles(GRACE).await {
        Settled::Quiet => return shelf.put(link, made),
        Settled::Lost => return,
        Settled::Silent => {}
    }
    for _ in 0..CANCELS {
        if let Err(error) = shelf.target.cancel(&link.cancel_token()).await {
            tracing::debug!(error, "a query that nobody waits for cannot be cancelled yet");
        }
        if link.settles(CANCELLED).await != Settled::Silent {
            return;
        }
    }
    tracing::warn!("a query that nobody waits for does not end: its connection is given up");
    drop((link, places));
}

impl Deref for Lease {
    type Target = Link;

    fn deref(&self) -> &Link {
        self.link.as_ref().expect("a lease has its connection until it ends")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Link {
        self.link.as_mut().expect("a lease has its connection until it ends")
    }
}
