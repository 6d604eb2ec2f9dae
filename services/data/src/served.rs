//! The snapshot that is served now, and whoever waits for the next.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mainstay_contract::Shape;
use tokio::sync::{Notify, watch};

use crate::followers::Followers;
use crate::plans::{FormerNames, Snapshot};

/// How long a call waits for the next snapshot when the schema has changed under its statement.
pub const SWAP_WAIT: Duration = Duration::from_secs(5);

/// How long a call waits for a snapshot that its caller has heard of and this process has not: about a look at the store.
pub const AHEAD_WAIT: Duration = Duration::from_secs(1);

/// Of how many earlier revisions the names are kept.
pub const FORMER_REVISIONS: usize = 8;

/// Holds the snapshot that new calls use. Calls in flight keep the one that they began with.
#[derive(Debug)]
pub struct Served {
    current: ArcSwap<Snapshot>,
    /// What methods were called in earlier revisions, those that were asked for last at the end.
    former: ArcSwap<Vec<Arc<FormerNames>>>,
    revision: watch::Sender<i64>,
    stale: Notify,
    followers: Followers,
}

impl Served {
    /// Starts with a snapshot.
    pub fn new(snapshot: Snapshot) -> Served {
        let (revision, _) = watch::channel(snapshot.revision);
        let (current, former) = (ArcSwap::from_pointee(snapshot), ArcSwap::default());
        Served { current, former, revision, stale: Notify::new(), followers: Followers::default() }
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
                let before = self.current.load();
                self.remember(FormerNames::of(&before.contract, before.revision));
                self.current.store(Arc::new(snapshot));
                *served = revision;
            }
            newer
        })
    }

    /// Keeps the names of an earlier revision.
    pub fn remember(&self, names: FormerNames) {
        let names = Arc::new(names);
        self.former.rcu(|former| {
            let others = former.iter().filter(|other| other.revision != names.revision);
            let mut kept: Vec<_> = others.cloned().collect();
            kept.drain(..kept.len().saturating_sub(FORMER_REVISIONS - 1));
            kept.push(Arc::clone(&names));
            kept
        });
    }

    /// Says whether the names of a revision are known, so that what a path means under it can be told.
    pub fn knows(&self, snapshot: &Snapshot, revision: i64) -> bool {
        revision == snapshot.revision || self.former.load().iter().any(|former| former.revision == revision)
    }

    /// Finds what a path means, under the revision that it is from, in a snapshot. Where that revision is not known it means
    /// what it means in the snapshot.
    pub fn method(&self, snapshot: &Snapshot, revision: i64, path: &str) -> Option<Shape> {
        if revision >= snapshot.revision {
            return snapshot.method(path);
        }
        match self.former.load().iter().find(|former| former.revision == revision) {
            Some(former) => former.method(path, snapshot),
            None => snapshot.method(path),
        }
    }

    /// Follows the revisions: the present one at once, then each new one.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.revision.subscribe()
    }

    /// Who follows what is served over a stream.
    pub fn followers(&self) -> &Followers {
        &self.followers
    }

    /// Waits until a newer snapshot than this revision is served, at most [`SWAP_WAIT`]; asks for a look at the store
    /// first, where another process may have applied it. Says whether it came.
    pub async fn newer_than(&self, revision: i64) -> bool {
        self.within(SWAP_WAIT, |served| served > revision).await
    }

    /// Waits until this revision or a newer one is served, at most [`AHEAD_WAIT`]: a caller has heard of it, so that it is
    /// in the store.
    pub async fn at_least(&self, revision: i64) -> bool {
        self.within(AHEAD_WAIT, |served| served >= revision).await
    }

    async fn within(&self, wait: Duration, is_wanted: impl Fn(i64) -> bool) -> bool {
        let mut revisions = self.subscribe();
        self.stale.notify_one();
        let newer = revisions.wait_for(|served| is_wanted(*served));
        tokio::time::timeout(wait, newer).await.is_ok_and(|found| found.is_ok())
    }

    /// Waits until a call has found its statement stale.
    pub async fn suspected_stale(&self) {
        self.stale.notified().await;
    }
}
