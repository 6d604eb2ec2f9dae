//! What has to happen without a call: keys rotate, sessions that are over are ended.

use std::sync::Arc;
use std::time::Duration;

use mainstay_db::{Atomic, Lane};
use tokio::task::JoinHandle;

use crate::core::Core;
use crate::domain::signing::Schedule;
use crate::error::StartError;
use crate::signing_keys::load_and_rotate;
use crate::store::sessions;

/// How often the database is looked at. Well below the time that a key is published before it signs, so that every replica
/// has it by then.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// Most sessions that one statement ends, so that it does not hold up other writes.
const ENDED_AT_ONCE: i64 = 500;

/// Looks after keys and sessions.
pub(crate) struct Maintenance {
    pub(crate) core: Arc<Core>,
    pub(crate) schedule: Schedule,
}

impl Maintenance {
    /// Does one round. Fails when the database cannot be used; what was in use before stays.
    pub(crate) async fn run_once(&self) -> Result<(), StartError> {
        let now = self.core.clock.now_micros();
        let ring = load_and_rotate(&self.core.database, &self.core.key_encryption_key, self.schedule, now).await?;
        self.core.signer.replace_keys(ring);
        self.core.limits.forget_the_rested();
        self.end_sessions(now).await
    }

    /// Ends the sessions that are over, a bounded number at a time.
    async fn end_sessions(&self, now: i64) -> Result<(), StartError> {
        let timeouts = self.core.timeouts;
        loop {
            let uids = self
                .core
                .database
                .read(Lane::Heavy, move |conn| Box::pin(sessions::over(conn, now, timeouts, ENDED_AT_ONCE)))
                .await?;
            if uids.is_empty() {
                return Ok(());
            }
            self.core
                .database
                .write(Atomic::Statement, move |conn| {
                    let uids = uids.clone();
                    Box::pin(async move { sessions::end_over(conn, &uids, now, timeouts).await })
                })
                .await?;
        }
    }
}

/// Runs rounds until it is dropped. What a round has handed to the database is finished there.
pub(crate) struct Rounds(JoinHandle<()>);

impl Rounds {
    pub(crate) fn start(maintenance: Arc<Maintenance>) -> Rounds {
        Rounds(tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if let Err(error) = maintenance.run_once().await {
                    let error = &error as &(dyn std::error::Error + 'static);
                    tracing::warn!(error, "keys and sessions could not be looked after; trying again in a minute");
                }
            }
        }))
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.0.abort();
    }
}
