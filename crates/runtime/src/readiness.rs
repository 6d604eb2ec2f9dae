//! Whether this process should get requests: one named check for each thing that it cannot do without.

use crate::health::Health;
use crate::{Shutdown, health};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a check is not ready before it said anything.
const STARTING: &str = "starting";

/// The checks of this process. Cheap to clone; all clones are one. Ready means: every check is, and no
/// shutdown is announced.
#[derive(Debug, Clone)]
pub struct Readiness {
    checks: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    health: Health,
    shutdown: Shutdown,
}

impl Readiness {
    /// Makes the registry; the health service's answer for the whole server follows it.
    pub fn new(health: Health, shutdown: Shutdown) -> Readiness {
        let readiness = Readiness { checks: Arc::default(), health, shutdown };
        readiness.publish();
        readiness
    }

    /// Adds a check, which is not ready until it says so.
    pub fn check(&self, name: &str) -> Check {
        let check = Check { name: name.to_owned(), readiness: self.clone() };
        check.not_ready(STARTING);
        check
    }

    /// Tells whether this process should get requests.
    pub fn is_ready(&self) -> bool {
        !self.shutdown.is_announced() && self.lock().values().all(Option::is_none)
    }

    /// Lists every check, with the reason where it is not ready.
    pub fn report(&self) -> Vec<(String, Option<String>)> {
        let checks = self.lock();
        let mut report: Vec<_> = checks.iter().map(|(name, reason)| (name.clone(), reason.clone())).collect();
        if self.shutdown.is_announced() {
            report.push(("shutdown".to_owned(), Some("shutting down".to_owned())));
        }
        report
    }

    fn publish(&self) {
        self.health.set(health::WHOLE_SERVER, self.is_ready());
    }

    fn set(&self, name: &str, reason: Option<&str>) {
        let before = self.lock().insert(name.to_owned(), reason.map(str::to_owned));
        match (before, reason) {
            // What has never been ready is still starting: no news.
            (Some(None), Some(reason)) => tracing::warn!(check = name, reason, "not ready any more"),
            (Some(Some(before)), None) if before != STARTING => tracing::info!(check = name, "ready again"),
            _ => tracing::debug!(check = name, reason, "readiness"),
        }
        self.publish();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thing that this process cannot do without.
#[derive(Debug, Clone)]
pub struct Check {
    name: String,
    readiness: Readiness,
}

impl Check {
    /// Says that it works.
    pub fn ready(&self) {
        self.readiness.set(&self.name, None);
    }

    /// Says that it does not, and why. Operators read the reason.
    pub fn not_ready(&self, reason: &str) {
        self.readiness.set(&self.name, Some(reason));
    }
}
