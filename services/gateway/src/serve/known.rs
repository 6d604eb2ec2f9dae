//! What is known of the application's contract beside what is served: whether there is one, and whether another one comes.

use std::time::Duration;

use bytes::Bytes;
use mainstay_fault::{Fault, Reason};
use mainstay_wire::frame;
use tokio::sync::watch;

use crate::watch::NONE_APPLIED;

/// The call that changes the contract, and the number of the revision in its answer.
const APPLY_CONTRACT: &str = "/mainstay.data.v1.ContractService/ApplyContract";
const REVISION_FIELD: u32 = 3;

/// How long a request waits for a contract that is on its way into service.
pub const LONGEST_SWAP: Duration = Duration::from_secs(5);

/// Follows the contract. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Known {
    /// The revision that is served; 0 where there is none.
    pub served: watch::Receiver<i64>,
    /// The revision that data announced last; nothing before it said anything.
    pub announced: watch::Receiver<Option<i64>>,
}

impl Known {
    /// What a path is told that is not served. Nothing can be said to be missing before the contract is known.
    pub fn missing(&self, reason: Reason, what: String) -> Fault {
        let (served, announced) = (*self.served.borrow(), *self.announced.borrow());
        match (served, announced) {
            (0, None) => Fault::new(Reason::Unavailable)
                .message("the data service has not said yet what the application's contract is; try again"),
            (0, Some(0)) => Fault::new(reason).message(format!("{what}: {NONE_APPLIED}")),
            _ => Fault::new(reason).message(what),
        }
    }

    /// Whether it is known for sure what is a path of the application's.
    pub fn is_settled(&self, on: i64) -> bool {
        let is_unheard = on == 0 && self.announced.borrow().is_none();
        !is_unheard && !self.is_changing(on)
    }

    /// Whether another contract than this one is served by now, or has come and is being loaded.
    pub fn is_changing(&self, from: i64) -> bool {
        let (served, announced) = (*self.served.borrow(), *self.announced.borrow());
        served != from || announced.is_some_and(|announced| announced != from)
    }

    /// Waits until it is served, or until it turned out that it cannot be.
    pub async fn settled(&self) {
        let mut known = self.clone();
        let settled = async {
            loop {
                let served = *known.served.borrow();
                if !known.is_changing(served) {
                    return;
                }
                tokio::select! {
                    changed = known.served.changed() => if changed.is_err() { return },
                    changed = known.announced.changed() => if changed.is_err() { return },
                }
            }
        };
        let _ = tokio::time::timeout(LONGEST_SWAP, settled).await;
    }

    /// Waits, where a call has just applied a contract, until it is served here: what its caller asks next finds it.
    pub async fn caught_up(&self, path: &str, answer: &Bytes) {
        if path != APPLY_CONTRACT {
            return;
        }
        let applied =
            frame::varint(answer, REVISION_FIELD).ok().flatten().and_then(|revision| i64::try_from(revision).ok());
        let mut served = self.served.clone();
        let serves = served.wait_for(|served| applied.is_none_or(|applied| *served >= applied));
        let _ = tokio::time::timeout(LONGEST_SWAP, serves).await;
    }
}
