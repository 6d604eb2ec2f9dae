//! What the service does without being asked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mainstay_db::{self as db, Atomic, Conn, Lane};
use mainstay_runtime::{Job, Jobs};

use crate::audit::{Places, give_places, note_the_end, remove_old, store_failures};
use crate::core::Core;
use crate::deliver::{Deliver, RETRY};
use crate::domain::factor::ENROLMENT_LASTS;
use crate::domain::one_time_secret::COUNTED_FOR;
use crate::domain::session::micros;
use crate::domain::signing::Schedule;
use crate::error::StartError;
use crate::handlers::importing::follow_foreign;
use crate::hashing::KEPT_IDLE;
use crate::removing::purge_anonymous;
use crate::signing_keys::load_and_rotate;
use crate::store::oauth::{assertions, grants};
use crate::store::{challenges, factors, invitations, mails, one_time_secrets, revocations, sessions, sign_ups};
use crate::telling::{LASTS, Tell};

/// How often the database is looked at. Well below the time that a key is published before it signs, so that every replica
/// has it by then.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often it is read what other replicas have revoked: well below the five seconds in which it takes effect everywhere.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// How often wrong passwords are stored in the audit log.
const FAILURES_INTERVAL: Duration = Duration::from_secs(1);

/// How often old events are removed, and the process's log is told where the chain ends.
const AUDIT_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Most rows that one statement removes.
const ENDED_AT_ONCE: i64 = 500;

/// Starts all jobs of the service.
pub(crate) fn start(jobs: &Jobs, core: &Arc<Core>, schedule: Schedule) {
    let each = |work: fn(&Core)| {
        let core = Arc::clone(core);
        move || {
            work(&core);
            std::future::ready(Ok::<_, StartError>(()))
        }
    };
    let keys = Arc::clone(core);
    let keys = move || {
        let core = Arc::clone(&keys);
        async move { rotate_keys(&core, schedule).await }
    };
    let sessions = Arc::clone(core);
    let sessions = move || {
        let core = Arc::clone(&sessions);
        async move { end_sessions(&core).await }
    };
    let revocations = Arc::clone(core);
    let revocations = move || {
        let core = Arc::clone(&revocations);
        async move { core.read_revocations().await }
    };
    let forgotten = Arc::clone(core);
    let forgotten = move || {
        let core = Arc::clone(&forgotten);
        async move { forget_revocations(&core).await }
    };
    let failures = Arc::clone(core);
    let failures = move || {
        let core = Arc::clone(&failures);
        async move { store_failures(&core).await.map_err(StartError::Audit) }
    };
    jobs.start(Job::every("wrong passwords", FAILURES_INTERVAL), failures);
    start_of_accounts(jobs, core);
    let audit = Arc::clone(core);
    let audit = move || {
        let core = Arc::clone(&audit);
        async move { tend_audit_log(&core).await }
    };
    jobs.start(Job::continuous("audit places").on_one_replica(&core.database), Places(Arc::clone(core)));
    jobs.start(Job::every("audit log", AUDIT_INTERVAL).on_one_replica(&core.database), audit);
    jobs.start(Job::every("stored revocations", READ_INTERVAL), revocations);
    jobs.start(Job::every("old revocations", INTERVAL).on_one_replica(&core.database), forgotten);
    jobs.start(Job::every("signing keys", INTERVAL), keys);
    jobs.start(Job::every("sessions", INTERVAL).on_one_replica(&core.database), sessions);
    let secrets = Arc::clone(core);
    let secrets = move || {
        let core = Arc::clone(&secrets);
        async move { sweep_secrets(&core).await }
    };
    jobs.start(Job::every("one-time secrets", INTERVAL).on_one_replica(&core.database), secrets);
    if core.mail.is_some() {
        let (first, longest) = RETRY;
        let job = Job::continuous("mail").retried(first, longest).on_one_replica(&core.database);
        jobs.start(job, Deliver::new(core, jobs));
    }
    jobs.start(Job::every("limits", INTERVAL), each(|core| core.limits.forget_the_rested()));
    jobs.start(Job::every("hashing memory", KEPT_IDLE), each(|core| core.hasher.end_idle()));
}

/// Starts the jobs that tend accounts.
fn start_of_accounts(jobs: &Jobs, core: &Arc<Core>) {
    let anonymous = Arc::clone(core);
    let anonymous = move || {
        let core = Arc::clone(&anonymous);
        async move { purge_anonymous(&core).await }
    };
    jobs.start(Job::every("anonymous accounts", INTERVAL).on_one_replica(&core.database), anonymous);
    if core.hooks.tells_after_sign_up() {
        jobs.start(Job::continuous("sign-ups").on_one_replica(&core.database), Tell(Arc::clone(core)));
    }
    let foreign = Arc::clone(core);
    let foreign = move || {
        let core = Arc::clone(&foreign);
        async move { follow_foreign(&core).await }
    };
    jobs.start(Job::every("imported hashes", INTERVAL), foreign);
}

/// Makes the next key where it is due and forgets those that are done; every replica has to know them. What was in use stays
/// where that fails.
pub(crate) async fn rotate_keys(core: &Core, schedule: Schedule) -> Result<(), StartError> {
    let now = core.clock.now_micros();
    let ring = load_and_rotate(&core.database, &core.key_encryption_key, schedule, now).await?;
    core.signer.replace_keys(ring);
    Ok(())
}

/// Ends the sessions that are over.
pub(crate) async fn end_sessions(core: &Core) -> Result<(), StartError> {
    let (now, timeouts) = (core.clock.now_micros(), core.timeouts);
    sweep(
        core,
        move |conn| Box::pin(sessions::over(conn, now, timeouts, ENDED_AT_ONCE)),
        move |conn, over| Box::pin(async move { sessions::end_over(conn, &over, now, timeouts).await }),
    )
    .await
}

/// Removes the events of the audit log whose time is over, and notes where it ends.
pub(crate) async fn tend_audit_log(core: &Core) -> Result<(), StartError> {
    store_failures(core).await.map_err(StartError::Audit)?;
    give_places(core).await.map_err(StartError::Audit)?;
    if let Some(kept) = core.audit_kept {
        let kept = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
        remove_old(core, core.clock.now_micros().saturating_sub(kept)).await.map_err(StartError::Audit)?;
    }
    note_the_end(core).await.map_err(StartError::Audit)
}

/// Removes the revocations that concern no token any more.
pub(crate) async fn forget_revocations(core: &Core) -> Result<(), StartError> {
    let now = core.clock.now_micros();
    sweep(
        core,
        move |conn| Box::pin(revocations::forgotten(conn, now, ENDED_AT_ONCE)),
        |conn, forgotten| Box::pin(async move { revocations::remove(conn, &forgotten).await }),
    )
    .await
}

/// Removes one-time secrets, challenges and enrolments that are over, mails that lay in the mailbox long enough, and accounts that
/// nobody is told of any more. Secrets stay until they do not count any more for how many were sent to an address.
pub(crate) async fn sweep_secrets(core: &Core) -> Result<(), StartError> {
    let now = core.clock.now_micros();
    let then = now.saturating_sub(micros(COUNTED_FOR));
    sweep(
        core,
        move |conn| Box::pin(one_time_secrets::over(conn, then, ENDED_AT_ONCE)),
        |conn, over| Box::pin(async move { one_time_secrets::remove(conn, &over).await }),
    )
    .await?;
    core.database.write(Atomic::Statement, move |conn| Box::pin(mails::remove_expired(conn, now))).await?;
    sweep(
        core,
        move |conn| Box::pin(challenges::over(conn, now, ENDED_AT_ONCE)),
        |conn, over| Box::pin(async move { challenges::remove(conn, &over).await }),
    )
    .await?;
    sweep_oauth(core, now).await?;
    let begun = now.saturating_sub(micros(ENROLMENT_LASTS));
    core.database.write(Atomic::Statement, move |conn| Box::pin(factors::sweep(conn, begun))).await?;
    core.database.write(Atomic::Statement, move |conn| Box::pin(invitations::remove_expired(conn, now))).await?;
    // Later than the job gives them up, and also where no hook is configured any more.
    let made = now.saturating_sub(micros(2 * LASTS));
    core.database.write(Atomic::Statement, move |conn| Box::pin(sign_ups::sweep(conn, made))).await?;
    Ok(())
}

/// Removes authorisations of other applications that are over, and proofs that nobody would take any more.
async fn sweep_oauth(core: &Core, now: i64) -> Result<(), StartError> {
    core.database.write(Atomic::Statement, move |conn| Box::pin(assertions::sweep(conn, now))).await?;
    sweep(
        core,
        move |conn| Box::pin(grants::over(conn, now, ENDED_AT_ONCE)),
        |conn, over| Box::pin(async move { grants::sweep(conn, &over).await }),
    )
    .await
}

/// Reads which rows are over and removes those, until there are none: a bounded number at a time, so that other writes are not held
/// up.
async fn sweep<K, O, R>(core: &Core, over: O, remove: R) -> Result<(), StartError>
where
    K: Clone + Send + Sync + 'static,
    O: for<'a, 'c> Fn(&'a mut Conn<'c>) -> BoxFuture<'a, Result<Vec<K>, db::Error>> + Clone + Send + Sync + 'static,
    R: for<'a, 'c> Fn(&'a mut Conn<'c>, Arc<[K]>) -> BoxFuture<'a, Result<usize, db::Error>>
        + Clone
        + Send
        + Sync
        + 'static,
{
    loop {
        let rows: Arc<[K]> = core.database.read(Lane::Heavy, over.clone()).await?.into();
        if rows.is_empty() {
            return Ok(());
        }
        let remove = remove.clone();
        core.database.write(Atomic::Statement, move |conn| remove(conn, Arc::clone(&rows))).await?;
    }
}
