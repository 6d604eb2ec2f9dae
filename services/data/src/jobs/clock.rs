//! Takes rows along whose moment has come.

use std::sync::Arc;
use std::time::Duration;

use mainstay_runtime::{Failure, Work};
use tokio::time::sleep;

use crate::clock::{self, Passed, Patience};
use crate::service::Resources;

/// How often it is looked for them.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// The clock of transitions.
pub struct Clock {
    resources: Arc<Resources>,
    /// What was told last of rows that stay.
    told: usize,
    patience: Patience,
}

impl Clock {
    pub fn new(resources: &Arc<Resources>) -> Clock {
        Clock { resources: Arc::clone(resources), told: 0, patience: Patience::default() }
    }
}

impl Work for Clock {
    /// Nothing is written as long as nothing is due, the lease neither.
    async fn due(&mut self) {
        // What fails here fails again in the round, where it is told.
        while let Ok(false) = clock::is_due(&self.resources, &self.patience).await {
            sleep(INTERVAL).await;
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let Passed { moved, waiting } = clock::transitions(&self.resources, &mut self.patience).await?;
        if moved > 0 {
            tracing::debug!(moved, "transitions happened by the clock");
        }
        if waiting != self.told {
            self.told = waiting;
            if waiting > 0 {
                tracing::warn!(waiting, "rows stay where they are though their moment has come; they are tried again");
            }
        }
        Ok(())
    }
}
