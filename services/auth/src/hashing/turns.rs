//! Who hashes next.
//!
//! A hash takes long, so callers wait. Each network of callers waits in a queue of its own, and the queues take turns: one
//! that is long keeps nobody else waiting. It is bounded, and so are all of them together; where these are full, a place is
//! taken from the longest and given to whoever has fewer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{HashingError, RETRY_AFTER};
use crate::limits::{Exceeded, Limit, Origin};

/// Most callers of one network that wait for their turn; one more is refused at once.
pub const MAX_WAITING_OF_ONE: usize = 64;

/// Most callers that wait for their turn.
pub const MAX_WAITING: usize = 512;

/// The turns that there are, and those who wait for one.
#[derive(Debug)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    waiting: usize,
    next_ticket: u64,
    queues: HashMap<Origin, VecDeque<Waiting>>,
    /// Those who have a queue, the one whose turn comes next first.
    order: VecDeque<Origin>,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    called: oneshot::Sender<()>,
}

/// The right to hash. When it ends, the next one gets it.
#[derive(Debug)]
pub(super) struct Turn(Arc<Turns>);

/// What becomes of somebody who comes.
enum Come {
    Go,
    Wait(u64, oneshot::Receiver<()>),
}

impl Turns {
    pub fn new(at_once: usize) -> Arc<Turns> {
        let (queues, order) = (HashMap::new(), VecDeque::new());
        Arc::new(Turns(Mutex::new(State { free: at_once, waiting: 0, next_ticket: 0, queues, order })))
    }

    /// Waits for a turn. Fails at once where too many wait, and later where the place is given to somebody else.
    pub async fn take(self: &Arc<Turns>, origin: Origin) -> Result<Turn, HashingError> {
        let come = self.state().come(origin)?;
        if let Come::Wait(ticket, called) = come {
            Place { turns: self, origin, ticket, called, is_over: false }.wait().await?;
        }
        Ok(Turn(Arc::clone(self)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn come(&mut self, origin: Origin) -> Result<Come, HashingError> {
        if self.free > 0 {
            self.free -= 1;
            return Ok(Come::Go);
        }
        let own = self.queues.get(&origin).map_or(0, VecDeque::len);
        if own >= MAX_WAITING_OF_ONE {
            return Err(Exceeded { limit: Limit::AtOnce, wait: RETRY_AFTER }.into());
        }
        if self.waiting >= MAX_WAITING && !self.shorten_one_above(own + 1) {
            return Err(HashingError::Busy);
        }
        let (caller, called) = oneshot::channel();
        let ticket = self.next_ticket;
        self.next_ticket = ticket.wrapping_add(1);
        let queue = self.queues.entry(origin).or_default();
        if queue.is_empty() {
            self.order.push_back(origin);
        }
        queue.push_back(Waiting { ticket, called: caller });
        self.waiting += 1;
        Ok(Come::Wait(ticket, called))
    }

    /// Takes the last place of the longest queue away, if it has more than `fewest`.
    fn shorten_one_above(&mut self, fewest: usize) -> bool {
        let longest = self.queues.iter().max_by_key(|(_, queue)| queue.len());
        let Some((&origin, queue)) = longest.filter(|(_, queue)| queue.len() > fewest) else { return false };
        // Dropping it tells whoever waits.
        let last = queue.back().map(|waiting| waiting.ticket);
        last.is_some_and(|ticket| self.leave(origin, ticket))
    }

    /// Calls the next one, or keeps the turn for whoever comes.
    fn pass_on(&mut self) {
        while let Some(origin) = self.order.pop_front() {
            let Some(queue) = self.queues.get_mut(&origin) else { continue };
            let next = queue.pop_front();
            if queue.is_empty() {
                self.queues.remove(&origin);
            } else {
                self.order.push_back(origin);
            }
            let Some(next) = next else { continue };
            self.waiting -= 1;
            if next.called.send(()).is_ok() {
                return;
            }
        }
        self.free += 1;
    }

    /// Gives a place up. Says whether it was still there.
    fn leave(&mut self, origin: Origin, ticket: u64) -> bool {
        let Some(queue) = self.queues.get_mut(&origin) else { return false };
        let Some(index) = queue.iter().position(|waiting| waiting.ticket == ticket) else { return false };
        queue.remove(index);
        self.waiting -= 1;
        if queue.is_empty() {
            self.queues.remove(&origin);
            self.order.retain(|other| *other != origin);
        }
        true
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state().pass_on();
    }
}

/// A place among those who wait. Given up when dropped, so also when the caller goes away.
struct Place<'a> {
    turns: &'a Turns,
    origin: Origin,
    ticket: u64,
    called: oneshot::Receiver<()>,
    is_over: bool,
}

impl Place<'_> {
    async fn wait(mut self) -> Result<(), HashingError> {
        let called = (&mut self.called).await;
        self.is_over = true;
        called.map_err(|_taken_away| HashingError::Busy)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.turns.state();
        // Who was called and went away before hearing it passes the turn on.
        if !state.leave(self.origin, self.ticket) && self.called.try_recv().is_ok() {
            state.pass_on();
        }
    }
}
