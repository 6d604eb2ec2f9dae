//! Forgets remembered answers that have expired: away from the writes, a bounded number at a time.

use std::sync::Arc;
use std::time::Duration;

use mainstay_db::{Atomic, Database, Error};
use mainstay_identity::Clock;
use tokio_util::sync::CancellationToken;

use crate::store::answers;

/// How often expired answers are looked for.
pub const INTERVAL: Duration = Duration::from_secs(60);

/// Most answers that one statement forgets, so that it does not hold up other writes.
pub const BATCH: usize = 500;

/// Forgets everything that has expired at `now`, batch after batch. Returns how many answers that were.
pub async fn purge(db: &Database, now: i64) -> Result<usize, Error> {
    let mut forgotten = 0;
    loop {
        let batch =
            db.write(Atomic::Statement, move |conn| Box::pin(async move { answers::purge(conn, now, BATCH).await }));
        let batch: usize = batch.await?;
        forgotten += batch;
        if batch < BATCH {
            return Ok(forgotten);
        }
    }
}

/// Purges again and again until the server stops. A round that fails is tried again in the next.
pub async fn rounds(db: Database, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        match purge(&db, clock.now_micros()).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "remembered answers that have expired are forgotten"),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, "expired answers could not be forgotten; trying again in a minute");
            }
        }
    }
}
