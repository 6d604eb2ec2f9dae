//! Runs the rounds of one job, whatever becomes of them.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use mainstay_telemetry::{Failing, JobMeter};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::chance::about;
use super::job::Job;
use super::lease::Lease;
use super::work::Work;
use crate::Failure;

/// How long the end of a process waits for a lease to be given back.
const RELEASED_WITHIN: Duration = Duration::from_secs(1);

/// A job that runs.
pub(super) struct Supervised {
    pub(super) job: Job,
    pub(super) meter: JobMeter,
    pub(super) lease: Option<Lease>,
}

/// A round is broken off because its lease ran out: this process was halted, or could not reach the store.
#[derive(Debug, thiserror::Error)]
#[error("another replica has taken the job over")]
struct Lost;

/// How a round ended.
enum Ended {
    Well,
    /// Another replica runs the job.
    Elsewhere,
    Failed(Failure),
    Panicked,
}

impl Supervised {
    /// Runs round after round until `stop`, or until the job is done.
    pub(super) async fn until(self, stop: CancellationToken, work: impl Work) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = self.rounds(work) => {}
        }
        if let Some(lease) = &self.lease {
            let _ = timeout(RELEASED_WITHIN, lease.release()).await;
        }
    }

    async fn rounds(&self, mut work: impl Work) {
        let mut failures = 0;
        let mut pause = if self.job.begins_at_once { Duration::ZERO } else { self.job.interval };
        loop {
            sleep(about(pause)).await;
            let ended = self.next(&mut work).await;
            if self.job.ends_when_done && matches!(ended, Ended::Well) {
                return;
            }
            let before = failures;
            failures = if matches!(ended, Ended::Well | Ended::Elsewhere) { 0 } else { before + 1 };
            pause = if failures == 0 { self.job.interval } else { self.job.pause_after(failures) };
            self.tell(&ended, before, pause);
            if let (Some(lease), true) = (&self.lease, failures > 0) {
                // Perhaps another replica fares better.
                lease.release().await;
            }
        }
    }

    /// Waits for the next round and runs it, if it is ours to run.
    async fn next(&self, work: &mut impl Work) -> Ended {
        if AssertUnwindSafe(work.due()).catch_unwind().await.is_err() {
            self.meter.failed(Failing::Panicked, Duration::ZERO);
            return Ended::Panicked;
        }
        match &self.lease {
            None => self.measured(work).await,
            Some(lease) => match lease.take().await {
                Ok(true) => self.leased(lease, work).await,
                Ok(false) => Ended::Elsewhere,
                Err(error) => {
                    self.meter.failed(Failing::Failed, Duration::ZERO);
                    Ended::Failed(error.into())
                }
            },
        }
    }

    /// Runs a round for as long as the lease is ours.
    async fn leased(&self, lease: &Lease, work: &mut impl Work) -> Ended {
        let mut round = pin!(self.measured(work));
        loop {
            tokio::select! {
                ended = &mut round => return ended,
                () = sleep(lease.renewed_every()) => {}
            }
            // A store that does not answer now may do so before the lease is over.
            if let Ok(false) = lease.take().await {
                self.meter.failed(Failing::Failed, lease.renewed_every());
                return Ended::Failed(Box::new(Lost));
            }
        }
    }

    async fn measured(&self, work: &mut impl Work) -> Ended {
        let begun = Instant::now();
        let outcome = AssertUnwindSafe(work.round()).catch_unwind().await;
        let took = begun.elapsed();
        match outcome {
            Ok(Ok(())) => {
                self.meter.ran(took);
                Ended::Well
            }
            Ok(Err(error)) => {
                self.meter.failed(Failing::Failed, took);
                Ended::Failed(error)
            }
            Err(_) => {
                self.meter.failed(Failing::Panicked, took);
                Ended::Panicked
            }
        }
    }

    /// The first failure of several is news, and so is the end of them.
    fn tell(&self, ended: &Ended, failures_before: u32, pause: Duration) {
        let job = self.job.name;
        match ended {
            Ended::Panicked => tracing::error!(job, again_in = ?pause, "a background job panicked; it goes on"),
            _ if self.job.is_quiet => {}
            Ended::Failed(error) => {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                if failures_before == 0 {
                    tracing::warn!(job, error, again_in = ?pause, "a background job failed and is tried again");
                } else {
                    tracing::debug!(job, error, again_in = ?pause, "a background job failed again");
                }
            }
            Ended::Well if failures_before > 0 => tracing::info!(job, failures_before, "a background job works again"),
            Ended::Well | Ended::Elsewhere => {}
        }
    }
}
