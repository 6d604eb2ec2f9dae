//! Which of several replicas runs a job.

use std::time::Duration;

use mainstay_db::{Database, Error, leases};

/// How long a lease lasts at least. Where its holder is gone without a word, another replica takes over after that long.
pub const LASTS: Duration = Duration::from_secs(30);

/// The right to run a job, while it is ours.
pub(super) struct Lease {
    database: Database,
    job: &'static str,
    holder: String,
    lasts: Duration,
}

impl Lease {
    /// Between two rounds a lease is kept, so that one replica does all of them: it lasts for longer than a pause.
    pub(super) fn new(database: Database, job: &'static str, holder: &str, interval: Duration) -> Lease {
        Lease { database, job, holder: holder.to_owned(), lasts: LASTS.max(interval * 2) }
    }

    /// Takes the lease, or keeps it. False where another replica has it.
    pub(super) async fn take(&self) -> Result<bool, Error> {
        leases::take(&self.database, self.job, &self.holder, self.lasts).await
    }

    /// How often it has to be taken again while a round runs.
    pub(super) fn renewed_every(&self) -> Duration {
        self.lasts / 4
    }

    /// Leaves the job to whoever asks next. What fails here ends with time.
    pub(super) async fn release(&self) {
        if let Err(error) = leases::release(&self.database, self.job, &self.holder).await {
            tracing::debug!(job = self.job, cause = %error, "a lease could not be given back");
        }
    }
}
