//! Runs the steps of a plan that a transaction could not hold, until they are done.

use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_db::Error;
use mainstay_runtime::{Failure, Work};
use tokio::sync::watch;

use crate::apply::{self, ApplyError};
use crate::reconciler::Reconciler;
use crate::store::contracts::ReadError;

/// The steps that are left of the contract that was applied last.
pub struct Steps {
    reconciler: Arc<Reconciler>,
    unfinished: watch::Receiver<Option<Arc<Contract>>>,
}

impl Steps {
    pub fn new(reconciler: &Arc<Reconciler>) -> Steps {
        Steps { unfinished: reconciler.unfinished(), reconciler: Arc::clone(reconciler) }
    }
}

impl Work for Steps {
    async fn due(&mut self) {
        // The sender is the reconciler's, which is held here.
        let _ = self.unfinished.wait_for(Option::is_some).await;
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let Some(contract) = self.unfinished.borrow().clone() else { return Ok(()) };
        let steps = match apply::finish(self.reconciler.db(), Arc::clone(&contract)).await {
            // They begin again when that is done.
            Err(ApplyError::Read(ReadError::Storage(Error::BrokenOff(_)))) => {
                tracing::debug!("steps outside the transaction gave way to a contract that is applied");
                return Ok(());
            }
            steps => steps?,
        };
        if steps > 0 {
            tracing::info!(steps, "the steps outside the transaction are done");
        }
        self.reconciler.finished(&contract);
        Ok(())
    }
}
