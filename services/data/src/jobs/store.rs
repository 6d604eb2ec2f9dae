//! Follows the store: another instance may have applied a contract.

use std::sync::Arc;
use std::time::Duration;

use mainstay_db::Engine;
use mainstay_runtime::{Failure, Work};
use tokio::time::sleep;

use crate::reconciler::Reconciler;

/// The store, looked at now and then, and at once where a call's statement is stale.
pub struct Store {
    reconciler: Arc<Reconciler>,
    every: Duration,
}

impl Store {
    pub fn new(reconciler: &Arc<Reconciler>, every: Duration) -> Store {
        Store { reconciler: Arc::clone(reconciler), every }
    }
}

impl Work for Store {
    async fn due(&mut self) {
        let alone = self.reconciler.db().engine() == Engine::Sqlite;
        tokio::select! {
            () = self.reconciler.served().suspected_stale() => {}
            () = sleep(self.every), if !alone => {}
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        Ok(self.reconciler.look().await?)
    }
}
