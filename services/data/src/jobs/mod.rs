//! What the service does without being asked.

mod clock;
mod folder;
mod places;
mod steps;
mod store;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mainstay_runtime::{Job, Jobs};

use crate::purge;
use crate::reconciler::Reconciler;
use crate::service::Resources;
use crate::store::answers::Answers;
use clock::Clock;
use folder::Folder;
use places::Places;
use steps::Steps;
use store::Store;

/// How often what has expired is looked for.
const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// How long to wait before a step outside the transaction that failed is tried again.
const STEP_RETRY: Duration = Duration::from_secs(10);

/// Starts all jobs of the service. It looks at the store every `poll`, and at the folder when that changes.
pub fn start(
    jobs: &Jobs,
    reconciler: &Arc<Reconciler>,
    resources: &Arc<Resources>,
    poll: Duration,
    folder: Option<&Path>,
) {
    let db = reconciler.db();
    let answers = Arc::clone(resources);
    let answers = move || {
        let resources = Arc::clone(&answers);
        async move { forget_answers(&resources).await }
    };
    let rows = Arc::clone(resources);
    let rows = move || {
        let resources = Arc::clone(&rows);
        async move { purge_rows(&resources).await }
    };
    jobs.start(Job::every("answers", PURGE_INTERVAL).on_one_replica(db), answers);
    jobs.start(Job::every("deleted rows", PURGE_INTERVAL).on_one_replica(db), rows);
    jobs.start(Job::every("clock", clock::INTERVAL).on_one_replica(db), Clock::new(resources));
    if let Answers::Sqlite(_) = &*resources.context.answers {
        jobs.start(Job::continuous("places of answers"), Places::new(resources));
    }
    jobs.start(Job::continuous("contract steps").retried(STEP_RETRY, STEP_RETRY), Steps::new(reconciler));
    jobs.start(Job::continuous("contract store"), Store::new(reconciler, poll));
    if let Some(folder) = folder {
        match Folder::watch(folder, reconciler) {
            Ok(work) => jobs.start(Job::continuous("contract folder"), work),
            Err(error) => {
                tracing::warn!(cause = %error, "the contract folder cannot be watched; restart after a change");
            }
        }
    }
}

async fn forget_answers(resources: &Resources) -> Result<(), mainstay_db::Error> {
    let forgotten = purge::answers(&resources.context, resources.clock.now_micros()).await?;
    if forgotten > 0 {
        tracing::debug!(forgotten, "remembered answers that have expired are forgotten");
    }
    Ok(())
}

async fn purge_rows(resources: &Resources) -> crate::error::Result<()> {
    let gone = purge::rows(resources).await?;
    if gone > 0 {
        tracing::info!(gone, "rows that were deleted long enough ago are gone");
    }
    Ok(())
}
