//! Who may change a schema, and who has to wait for whom.
//!
//! Two advisory locks: a schema changes under both, and is built (an index, concurrently) under the second alone. A build may
//! wait for as long as somebody's transaction lasts, so nobody waits for a build: whoever changes the schema breaks it off, and
//! it begins again later, when the change is done: a build asks for its lock under the first. Services' own tables are migrated under the first alone, so that no start waits either.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::connect::Target;
use crate::error::{Error, classify};

/// The first pause between two attempts; each further one may be twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(128);

/// How long a build waits before it says what it waits for, and how often it says so.
const TOLD_AFTER: Duration = Duration::from_secs(5);
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// An advisory lock by its key.
pub(super) struct Lock(i64);

/// The lock under which a schema changes ("mainstay" in ASCII).
pub(super) const SCHEMA: Lock = Lock(0x6d61_696e_7374_6179);

/// The lock of who builds, or changes what is built ("msbuilds" in ASCII).
pub(super) const BUILD: Lock = Lock(0x6d73_6275_696c_6473);

impl Lock {
    /// Takes the lock for a connection: with the connection it ends in any case.
    ///
    /// It asks again and again instead of waiting inside PostgreSQL: a statement that waits holds a snapshot, which an
    /// index that the holder builds concurrently would wait for in turn, a deadlock.
    pub(super) async fn take(&self, link: &mut AsyncPgConnection) -> Result<(), Error> {
        let mut attempt = 1;
        while !self.try_take(link).await? {
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
        Ok(())
    }

    /// Takes the lock, and breaks off what somebody does under it.
    pub(super) async fn take_over(&self, link: &mut AsyncPgConnection) -> Result<(), Error> {
        let mut attempt = 1;
        while !self.try_take(link).await? {
            self.interrupt(link).await;
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
        Ok(())
    }

    /// Takes the lock, but never before somebody who has `first`: who was broken off may be back at once, and would come before
    /// the one who broke it off, again and again.
    pub(super) async fn take_after(&self, first: &Lock, link: &mut AsyncPgConnection) -> Result<(), Error> {
        let mut attempt = 1;
        loop {
            first.take(link).await?;
            let taken = self.try_take(link).await;
            first.give_back(link).await?;
            if taken? {
                return Ok(());
            }
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    async fn give_back(&self, link: &mut AsyncPgConnection) -> Result<(), Error> {
        let unlock = format!("SELECT pg_advisory_unlock({})", self.0);
        link.batch_execute(&unlock).await.map_err(classify::postgres)
    }

    async fn try_take(&self, link: &mut AsyncPgConnection) -> Result<bool, Error> {
        let lock = sql::<Bool>(&format!("pg_try_advisory_lock({})", self.0));
        RunQueryDsl::get_result(diesel::select(lock), link).await.map_err(classify::postgres)
    }

    /// Cancels the statement that the holder runs. It may be between two; then the next attempt meets one. A holder that is
    /// another user's cannot be cancelled, and is waited for.
    async fn interrupt(&self, link: &mut AsyncPgConnection) {
        let (high, low) = (self.0 >> 32, self.0 & 0xffff_ffff);
        let holder = format!(
            "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
             AND classid = {high} AND objid = {low} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        );
        if let Err(error) = link.batch_execute(&holder).await {
            tracing::debug!(%error, "a build cannot be broken off and is waited for");
        }
    }
}

/// Gives all locks back at once: the server notices a closed connection a little later.
pub(super) async fn unlock_all(link: &mut AsyncPgConnection) {
    if let Err(error) = link.batch_execute("ROLLBACK; SELECT pg_advisory_unlock_all()").await {
        tracing::debug!(%error, "the schema locks end with their connection");
    }
}

/// Logs now and then which transactions a connection waits for, until it is dropped.
pub(super) async fn tell_what_it_waits_for(target: &Arc<Target>, pid: i32) -> Infallible {
    let mut pause = TOLD_AFTER;
    loop {
        tokio::time::sleep(pause).await;
        pause = TOLD_EVERY;
        let Ok(mut link) = target.connect_unlimited().await else { continue };
        if let Ok(holders) = holders(&mut link, &format!("pid = ANY(pg_blocking_pids({pid}))")).await
            && !holders.is_empty()
        {
            let waits_for = holders.join("; ");
            tracing::warn!(waits_for, "an index waits for transactions of others to end; nobody waits for the index");
        }
    }
}

/// Who has been in a transaction for so long that a schema change did not wait for it.
pub(super) async fn in_transactions(link: &mut AsyncPgConnection) -> String {
    let others = "datname = current_database() AND pid <> pg_backend_pid() AND xact_start < clock_timestamp() - interval '400 ms' \
                  AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'relation' AND granted)";
    match holders(link, others).await {
        Ok(holders) if !holders.is_empty() => holders.join("; "),
        _ => "a transaction that has just ended".to_owned(),
    }
}

/// What is known of other connections that `are`: no text of theirs, which may hold anybody's data.
async fn holders(link: &mut AsyncPgConnection, are: &str) -> diesel::QueryResult<Vec<String>> {
    let known = format!(
        "COALESCE((SELECT array_agg(format('process %s (%s, %s, in a transaction since %s)', pid, \
         COALESCE(NULLIF(application_name, ''), 'no name'), COALESCE(state, 'unknown'), to_char(xact_start, \
         'YYYY-MM-DD HH24:MI:SS TZ')) ORDER BY xact_start) FROM pg_stat_activity WHERE {are}), ARRAY[]::text[])"
    );
    RunQueryDsl::get_result(diesel::select(sql::<Array<Text>>(&known)), link).await
}

/// Half to all of a pause that doubles with each attempt: two transactions that met once should not meet again.
pub(super) fn pause(attempt: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE);
    // The standard library seeds each `RandomState` anew.
    let random = RandomState::new().build_hasher().finish();
    let share = u16::try_from(random % 1_000).unwrap_or_default();
    longest / 2 + (longest / 2).mul_f64(f64::from(share) / 1_000.0)
}
