//! The connections of one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::connect::Target;
use super::pipeline::Pipelines;
use super::pool::Connections;

/// What reaches one database.
pub(super) struct Links {
    pub target: Arc<Target>,
    pub connections: Connections,
    pub pipelines: Pipelines,
    closed: AtomicBool,
}

impl Links {
    pub fn new(target: Arc<Target>, connections: Connections, pipelines: Pipelines) -> Links {
        Links { target, connections, pipelines, closed: AtomicBool::new(false) }
    }

    /// Replaces them; what is under way ends on the old ones.
    pub fn refresh(&self) {
        self.connections.refresh();
        self.pipelines.refresh();
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.connections.close();
        self.pipelines.close();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
