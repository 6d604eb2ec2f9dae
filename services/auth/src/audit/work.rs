use std::sync::Arc;
use std::time::Duration;

use mainstay_db::Lane;
use mainstay_runtime::{Failure, Work};

use super::places::give_places;
use crate::core::Core;
use crate::error::Error;
use crate::store::audit;

/// How often it is looked whether an event has no place.
const INTERVAL: Duration = Duration::from_secs(1);

/// Gives events their places as they come.
pub(crate) struct Places(pub(crate) Arc<Core>);

impl Work for Places {
    /// Nothing is written as long as nothing is due, the lease neither.
    async fn due(&mut self) {
        // Those of a second together. What fails here fails again in the round, where it is told.
        tokio::time::sleep(INTERVAL).await;
        while let Ok(false) = are_waiting(&self.0).await {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        Ok(give_places(&self.0).await?)
    }
}

async fn are_waiting(core: &Core) -> Result<bool, Error> {
    let waiting = core
        .database
        .read(Lane::Inline, |conn| Box::pin(async move { Ok::<_, Error>(!audit::waiting(conn, 1).await?.is_empty()) }));
    waiting.await
}
