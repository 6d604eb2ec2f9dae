//! Who follows the contract over a stream, and how far each has heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long whoever applies a contract waits until all who follow have been told of it. One that reads nothing holds up nobody
/// for longer.
pub const TOLD_WITHIN: Duration = Duration::from_millis(500);

/// The streams that are open, each with the last revision that it carried. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Followers(Arc<watch::Sender<Told>>);

#[derive(Debug, Default)]
struct Told {
    next: u64,
    revisions: BTreeMap<u64, i64>,
}

impl Default for Followers {
    fn default() -> Followers {
        Followers(Arc::new(watch::Sender::default()))
    }
}

impl Followers {
    /// Another stream is open, as long as the returned value lives.
    pub fn join(&self) -> Follower {
        let mut id = 0;
        self.0.send_modify(|told| {
            id = told.next;
            told.next += 1;
            told.revisions.insert(id, 0);
        });
        Follower { id, all: self.clone() }
    }

    /// Waits until all streams have carried a revision, at most [`TOLD_WITHIN`].
    pub async fn told(&self, revision: i64) {
        let mut told = self.0.subscribe();
        let all = told.wait_for(|told| told.revisions.values().all(|carried| *carried >= revision));
        let _ = tokio::time::timeout(TOLD_WITHIN, all).await;
    }
}

/// One open stream.
#[derive(Debug)]
pub struct Follower {
    id: u64,
    all: Followers,
}

impl Follower {
    /// Takes note that the stream carries a revision.
    pub fn carries(&self, revision: i64) {
        self.all.0.send_modify(|told| {
            told.revisions.insert(self.id, revision);
        });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.all.0.send_modify(|told| {
            told.revisions.remove(&self.id);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    async fn waits(followers: &Followers, revision: i64) -> Duration {
        let begun = Instant::now();
        followers.told(revision).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn an_apply_waits_for_those_who_follow_and_not_for_ever() {
        let followers = Followers::default();
        assert_eq!(waits(&followers, 7).await, Duration::ZERO, "nobody follows");
        let (one, other) = (followers.join(), followers.join());
        one.carries(7);
        let late = tokio::spawn(async move {
            sleep(TOLD_WITHIN / 5).await;
            other.carries(8);
            other
        });
        assert_eq!(waits(&followers, 7).await, TOLD_WITHIN / 5);
        let other = late.await.unwrap();
        assert_eq!(waits(&followers, 8).await, TOLD_WITHIN, "one of them reads nothing");
        drop(one);
        assert_eq!(waits(&followers, 8).await, Duration::ZERO, "and is gone");
        drop(other);
    }
}
