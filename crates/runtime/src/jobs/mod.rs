//! What a process does without being asked: named jobs, each in rounds.
//!
//! A job is supervised: a round that fails or panics is counted and logged, and the next one is tried after a pause that grows.
//! It ends when the shutdown begins, or with the last clone of [`Jobs`]: between two rounds at once, within one where the round
//! waits next (what it has handed to a store is finished there).

mod chance;
mod job;
mod lease;
mod supervise;
mod work;

pub use job::Job;
pub use lease::LASTS;
pub use work::Work;

use std::sync::Arc;

use data_encoding::HEXLOWER;
use mainstay_telemetry::Metrics;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use lease::Lease;
use supervise::Supervised;

/// The background work of a process. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    /// What tells this process from other replicas in a lease.
    holder: String,
    running: TaskTracker,
    stop: CancellationToken,
    _stops_with_the_last_clone: DropGuard,
}

impl Jobs {
    /// Makes a place for jobs, which end when `stop` is cancelled.
    pub fn new(metrics: &Metrics, stop: &CancellationToken) -> Jobs {
        let stop = stop.child_token();
        // Without randomness nobody could serve either; the process id still tells replicas of one machine apart.
        let random = mainstay_keys::random::<8>().unwrap_or_default();
        let holder = format!("{}-{}", std::process::id(), HEXLOWER.encode(&random));
        Jobs(Arc::new(Inner {
            metrics: metrics.clone(),
            holder,
            running: TaskTracker::new(),
            _stops_with_the_last_clone: stop.clone().drop_guard(),
            stop,
        }))
    }

    /// Starts a job. Must be called inside a runtime.
    pub fn start(&self, job: Job, work: impl Work) {
        let meter = self.0.metrics.job(job.name);
        let lease = job.lease.clone().map(|database| Lease::new(database, job.name, &self.0.holder, job.interval));
        let supervised = Supervised { job, meter, lease };
        self.0.running.spawn(supervised.until(self.0.stop.clone(), work));
    }

    /// Gives the counters of the process, for what a job counts of its own.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Says when jobs end.
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Ends all jobs and waits until they are gone: after that, stores can be closed.
    pub async fn end(&self) {
        self.0.stop.cancel();
        self.0.running.close();
        self.0.running.wait().await;
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("holder", &self.0.holder).field("running", &self.0.running.len()).finish()
    }
}
