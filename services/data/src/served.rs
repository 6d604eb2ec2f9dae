//! The snapshot that is served now, and whoever waits for the next.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use crate::plans::Snapshot;

/// How long a call waits for the next snapshot when the schema has changed under its statement.
pub const SWAP_WAIT: Duration = Duration::from_secs(5);

/// Holds the snapshot that new calls use. Calls in flight keep the one that they began with.
#[derive(Debug)]
pub struct Served {
    current: ArcSwap<Snapshot>,
    revision: watch::Sender<i64>,
    stale: Notify,
}

impl Served {
    /// Starts with a snapshot.
    pub fn new(snapshot: Snapshot) -> Served {
        let (revision, _) = watch::channel(snapshot.revision);
        Served { current: ArcSwap::from_pointee(snapshot), revision, stale: Notify::new() }
    }

    /// The snapshot to use for a new call.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Serves another snapshot from now on, unless a newer one is served already. Says whether it did.
    pub fn swap(&self, snapshot: Snapshot) -> bool {
        let revision = snapshot.revision;
        self.revision.send_if_modified(|served| {
            let newer = revision > *served;
            if newer {
                self.current.store(Arc::new(snapshot));
                *served = revision;
            }
            newer
        })
    }

    /// Follows the revisions: the present one at once, then each new one.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.revision.subscribe()
    }

    /// Waits until a newer snapshot than this revision is served, at most [`SWAP_WAIT`]; asks for a look at the store
    /// first, where another process may have applied it. Says whether it came.
    pub async fn newer_than(&self, revision: i64) -> bool {
        let mut revisions = self.subscribe();
        self.stale.notify_one();
        let newer = revisions.wait_for(|served| *served > revision);
        tokio::time::timeout(SWAP_WAIT, newer).await.is_ok_and(|found| found.is_ok())
    }

    /// Waits until a call has found its statement stale.
    pub async fn suspected_stale(&self) {
        self.stale.notified().await;
    }
}
