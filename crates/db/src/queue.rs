//! A bounded queue that refuses instead of growing.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between async callers and the threads that own connections.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// Why an item was not taken; it comes back.
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// What a wait ended with.
pub(crate) enum Waited {
    Some,
    TimedOut,
    Closed,
}

impl<T> Queue<T> {
    pub fn new(capacity: usize) -> Queue<T> {
        let state = State { items: VecDeque::new(), closed: false };
        Queue { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    pub fn push(&self, item: T) -> Result<(), Refused<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed(item));
        }
        if state.items.len() >= self.capacity {
            return Err(Refused::Full(item));
        }
        state.items.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Moves at most `limit` items into `into`, as long as `next` says so; waits only for the first of them.
    pub fn drain(
        &self,
        into: &mut Vec<T>,
        limit: usize,
        timeout: Option<Duration>,
        next: impl Fn(&[T], &T) -> bool,
    ) -> Waited {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.closed {
                return Waited::Closed;
            }
            state = match timeout {
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let (state, result) =
                        self.filled.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
                    if result.timed_out() && state.items.is_empty() {
                        return Waited::TimedOut;
                    }
                    state
                }
            };
        }
        while into.len() < limit && state.items.front().is_some_and(|item| next(into, item)) {
            into.extend(state.items.pop_front());
        }
        Waited::Some
    }

    /// Takes no more items; those inside are still handed out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
