//! Wrong passwords, noted a moment later.
//!
//! They are noted only of accounts that exist, and whoever tries them must not learn by the time of the answer which do.

use std::sync::{Mutex, PoisonError};

use crate::store::audit::EventRow;

/// Most events that wait to be stored. Limits let far fewer come in the second until they are.
const MOST: usize = 10_000;

/// Events that are to be stored.
#[derive(Default)]
pub(crate) struct Failures(Mutex<Vec<EventRow>>);

impl Failures {
    pub(crate) fn add(&self, event: EventRow) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push(event);
        } else {
            tracing::warn!("more wrong passwords than the audit log can take; this one is not in it");
        }
    }

    pub(super) fn take(&self) -> Vec<EventRow> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn put_back(&self, mut events: Vec<EventRow>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.append(&mut waiting);
        events.truncate(MOST);
        *waiting = events;
    }
}
