//! The gate before long reads: shut while the write-ahead log has to begin anew.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Counts the long reads that hold a snapshot, and keeps new ones from taking one while it is shut.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    shut: bool,
    inside: usize,
}

/// One read behind the gate; leaves when it is dropped.
pub(super) struct Inside<'g>(&'g Gate);

impl Gate {
    /// Waits until the gate is open, and goes in.
    pub fn enter(&self) -> Inside<'_> {
        let mut state = self.opened.wait_while(self.lock(), |state| state.shut).unwrap_or_else(PoisonError::into_inner);
        state.inside += 1;
        Inside(self)
    }

    /// Lets nobody in until [`open`](Gate::open).
    pub fn shut(&self) {
        self.lock().shut = true;
    }

    /// Lets everybody in.
    pub fn open(&self) {
        self.lock().shut = false;
        self.opened.notify_all();
    }

    /// How many are behind it.
    pub fn inside(&self) -> usize {
        self.lock().inside
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
    }
}
