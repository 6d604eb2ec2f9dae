//! What a store's own work has shown to be wrong with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// What readiness says of a store beside what it tries out itself.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// Whether there is something to look up: reads and writes that go well look no further.
    ill: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// Some of what is stored is damaged. That does not go away by itself.
    damaged: Option<Error>,
    /// The last write could not be stored, and when that was.
    failing: Option<(Error, Instant)>,
}

impl Condition {
    /// Takes note of what a statement or a commit failed with, if that says something of the store itself.
    #[cold]
    pub fn failed(&self, error: &Error) {
        let mut found = self.lock();
        match error {
            Error::Corrupt { .. } if found.damaged.is_none() => {
                tracing::error!(%error, "the database is damaged: some of what it holds cannot be read any more");
                found.damaged = Some(error.clone());
            }
            Error::Unavailable(_) => found.failing = Some((error.clone(), Instant::now())),
            _ => return,
        }
        self.ill.store(true, Ordering::Release);
    }

    /// Takes note that a write was stored.
    pub fn stored(&self) {
        if self.ill.load(Ordering::Acquire) {
            let mut found = self.lock();
            found.failing = None;
            self.ill.store(found.damaged.is_some(), Ordering::Release);
        }
    }

    /// What is damaged, as far as anybody has met it.
    pub fn damage(&self) -> Option<Error> {
        if !self.ill.load(Ordering::Acquire) { None } else { self.lock().damaged.clone() }
    }

    /// Takes note that what was damaged is gone.
    pub fn mended(&self) {
        let mut found = self.lock();
        found.damaged = None;
        self.ill.store(found.failing.is_some(), Ordering::Release);
        tracing::info!("what was damaged in the database is there no more");
    }

    /// Says whether the last write could not be stored.
    pub fn is_failing(&self) -> bool {
        self.ill.load(Ordering::Acquire) && self.lock().failing.is_some()
    }

    /// Fails with what is known to be wrong.
    pub fn check(&self) -> Result<(), Error> {
        self.check_of_the_last(Duration::MAX)
    }

    /// The same, and of writes only with what one met lately.
    pub fn check_of_the_last(&self, time: Duration) -> Result<(), Error> {
        if !self.ill.load(Ordering::Acquire) {
            return Ok(());
        }
        let found = self.lock();
        let failing = found.failing.as_ref().filter(|(_, at)| at.elapsed() < time).map(|(error, _)| error);
        match found.damaged.as_ref().or(failing) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
