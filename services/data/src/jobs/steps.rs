//! Runs the steps of a plan that a transaction could not hold, until they are done.

use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_runtime::{Failure, Work};
use tokio::sync::watch;

use crate::apply;
use crate::reconciler::Reconciler;

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
        let steps = apply::finish(self.reconciler.db(), Arc::clone(&contract)).await?;
        if steps > 0 {
            tracing::info!(steps, "the steps outside the transaction are done");
        }
        self.reconciler.finished(&contract);
        Ok(())
    }
}
