//! The global limit: what is too much is refused at once, never queued.

use mainstay_fault::{Fault, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// When a caller that was turned away should come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Counts the requests that are being worked on, over all connections. Cheap to clone; all clones are one limit.
#[derive(Debug, Clone)]
pub struct Shed {
    limit: usize,
    inside: Arc<AtomicUsize>,
}

impl Shed {
    /// Lets at most `limit` requests in at a time. An answer that is still being streamed does not count.
    pub fn new(limit: usize) -> Shed {
        Shed { limit, inside: Arc::default() }
    }

    /// Lets a request in until the permit is dropped, or refuses it.
    pub(crate) fn enter(&self) -> Result<Permit, Fault> {
        let permit = Permit(self.inside.clone());
        if self.inside.fetch_add(1, Ordering::Relaxed) < self.limit {
            Ok(permit)
        } else {
            Err(Fault::new(Reason::Overloaded).retry_after(RETRY_AFTER))
        }
    }
}

/// A request that is being worked on.
#[derive(Debug)]
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
