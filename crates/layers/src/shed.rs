//! The global limit: what is too much is refused at once, never queued.

use mainstay_fault::{Fault, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

/// When a caller that was turned away should come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Counts the requests that are being worked on, over all connections. Cheap to clone; all clones are one limit.
///
/// A request whose body has not come yet is not worked on: a few connections that send slowly cannot keep others out.
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
        let permit = Permit { inside: self.inside.clone(), limit: self.limit, lent: None };
        if self.inside.fetch_add(1, Ordering::Relaxed) < self.limit { Ok(permit) } else { Err(overloaded()) }
    }
}

/// What a request is told for which there is no place.
pub(crate) fn overloaded() -> Fault {
    Fault::new(Reason::Overloaded).retry_after(RETRY_AFTER)
}

/// The place of a request that is being worked on.
#[derive(Debug)]
pub(crate) struct Permit {
    inside: Arc<AtomicUsize>,
    limit: usize,
    /// Whether it is lent, where it may be: one of the three states below.
    lent: Option<Arc<AtomicU8>>,
}

const HELD: u8 = 0;
const LENT: u8 = 1;
/// The request was answered: there is nothing to lend.
const OVER: u8 = 2;

impl Permit {
    /// Lets somebody else give the place away for a while.
    pub(crate) fn lending(&mut self) -> Lending {
        let state = self.lent.get_or_insert_with(|| Arc::new(AtomicU8::new(HELD)));
        Lending { inside: self.inside.clone(), limit: self.limit, state: state.clone() }
    }

    /// Lets whoever answers leave the place before the answer is there.
    pub(crate) fn place(&mut self) -> Place {
        Place(self.lending())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let is_lent = self.lent.as_ref().is_some_and(|state| state.swap(OVER, Ordering::Relaxed) == LENT);
        if !is_lent {
            self.inside.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The place of a request whose answer is a stream: nothing is worked on while its messages are waited for, so that whoever has
/// the stream leaves the place to others.
#[derive(Debug)]
pub struct Place(Lending);

impl Place {
    /// Leaves it, for good.
    pub fn leave(self) {
        self.0.lend();
    }
}

/// The place of a request whose body is waited for: nothing is worked on meanwhile, so others may have it.
#[derive(Debug)]
pub(crate) struct Lending {
    inside: Arc<AtomicUsize>,
    limit: usize,
    state: Arc<AtomicU8>,
}

impl Lending {
    /// Gives the place away, until [`Lending::take_back`].
    pub(crate) fn lend(&self) {
        if self.state.compare_exchange(HELD, LENT, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.inside.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Takes a place again, if one was given away. Says whether there was one; the request counts in either case, until
    /// its permit is dropped.
    pub(crate) fn take_back(&self) -> bool {
        let was_lent = self.state.compare_exchange(LENT, HELD, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        !was_lent || self.inside.fetch_add(1, Ordering::Relaxed) < self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(shed: &Shed) -> usize {
        shed.inside.load(Ordering::Relaxed)
    }

    #[test]
    fn a_place_that_was_lent_is_free_until_it_is_taken_back() {
        let shed = Shed::new(1);
        let mut permit = shed.enter().unwrap();
        let lending = permit.lending();
        assert!(shed.enter().is_err());
        lending.lend();
        lending.lend();
        let other = shed.enter().unwrap();
        assert!(!lending.take_back(), "somebody else has it");
        assert!(lending.take_back(), "nothing is lent any more");
        drop((other, permit));
        assert_eq!(inside(&shed), 0);
    }

    #[test]
    fn the_count_is_right_again_after_a_request_that_was_given_up_while_it_waited() {
        let shed = Shed::new(1);
        let mut permit = shed.enter().unwrap();
        permit.lending().lend();
        drop(permit);
        assert_eq!(inside(&shed), 0);
    }

    #[test]
    fn a_place_that_was_left_is_free_at_once_and_only_once() {
        let shed = Shed::new(1);
        let mut permit = shed.enter().unwrap();
        permit.place().leave();
        let other = shed.enter().unwrap();
        drop(permit);
        assert_eq!(inside(&shed), 1, "the other's");
        drop(other);
        let mut permit = shed.enter().unwrap();
        drop(permit.place());
        assert!(shed.enter().is_err(), "it was not left");
    }

    #[test]
    fn a_body_that_is_read_on_after_the_answer_lends_nothing() {
        let shed = Shed::new(1);
        let mut permit = shed.enter().unwrap();
        let lending = permit.lending();
        drop(permit);
        lending.lend();
        assert!(lending.take_back());
        assert_eq!(inside(&shed), 0);
    }
}
