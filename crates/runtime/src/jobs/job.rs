//! What a job is called, when its rounds are, and who may run them.

use std::time::Duration;

use mainstay_db::Database;

/// The pauses of a continuous job after rounds that failed: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A job, described.
#[derive(Clone)]
pub struct Job {
    pub(super) name: &'static str,
    /// Between the end of a round that went well and the begin of the next.
    pub(super) interval: Duration,
    /// After the first of several rounds that failed in a row, and at most. It doubles between.
    pub(super) retry: (Duration, Duration),
    pub(super) begins_at_once: bool,
    pub(super) ends_when_done: bool,
    pub(super) is_quiet: bool,
    pub(super) lease: Option<Database>,
}

impl Job {
    /// A job with a round about every `interval`, the first after one interval. Each pause is shorter or longer by up to a
    /// tenth, so that what started together does not work together for ever.
    pub fn every(name: &'static str, interval: Duration) -> Job {
        Job {
            name,
            interval,
            retry: (interval, interval),
            begins_at_once: false,
            ends_when_done: false,
            is_quiet: false,
            lease: None,
        }
    }

    /// A job whose rounds follow one another: each waits by itself until there is something to do ([`Work::due`](super::Work)).
    pub fn continuous(name: &'static str) -> Job {
        Job { retry: RETRY, begins_at_once: true, ..Job::every(name, Duration::ZERO) }
    }

    /// A job that is over with the first round that goes well, and tried again about every `retry` until then.
    pub fn until_done(name: &'static str, retry: Duration) -> Job {
        Job { begins_at_once: true, ends_when_done: true, ..Job::every(name, retry) }
    }

    /// Does not wait for one interval before the first round.
    #[must_use]
    pub fn at_once(self) -> Job {
        Job { begins_at_once: true, ..self }
    }

    /// Waits so long after rounds that failed: the first time, and at most.
    #[must_use]
    pub fn retried(self, first: Duration, longest: Duration) -> Job {
        Job { retry: (first, longest), ..self }
    }

    /// Logs nothing of rounds that fail: the work says by itself what there is to say.
    #[must_use]
    pub fn quiet(self) -> Job {
        Job { is_quiet: true, ..self }
    }

    /// Runs on one of the replicas that share this store, and on another one where that is gone. The store has the table of
    /// leases ([`mainstay_db::leases`]).
    #[must_use]
    pub fn on_one_replica(self, of: &Database) -> Job {
        Job { lease: Some(of.clone()), ..self }
    }

    /// The pause after so many failures in a row.
    pub(super) fn pause_after(&self, failures: u32) -> Duration {
        let (first, longest) = self.retry;
        first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest)
    }
}
