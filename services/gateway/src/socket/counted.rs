//! What sockets are counted by.

use std::sync::Arc;

use mainstay_telemetry::{ActiveGuard, Level, Metrics, Route};

use super::PATH;

/// Where the requests that open sockets are counted, and how many are open.
#[derive(Clone)]
pub struct Sockets {
    pub route: Arc<Route>,
    open: Level,
}

impl Sockets {
    pub fn counted_by(metrics: &Metrics) -> Sockets {
        let open = metrics.level("mainstay.gateway.sockets", "WebSockets that are open");
        Sockets { route: metrics.route(PATH), open }
    }

    /// Counts one until the guard is dropped.
    pub fn enter(&self) -> ActiveGuard {
        self.open.enter()
    }
}
