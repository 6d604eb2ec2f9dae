//! The global limit: what is too much is refused at once, never queued.

use mainstay_fault::{Fault, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

/// When a caller that was turned away should come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The part of all places that one peer does not get: one of so many.
const KEPT_FOR_OTHERS: usize = 4;

/// Counts the requests that are being worked on, over all connections. Cheap to clone; all clones are one limit.
///
/// A request whose body has not come yet is not worked on: a few connections that send slowly cannot keep others out. Nor can
/// one peer that asks for much at once, over however many connections: a part of the places is for others.
#[derive(Debug, Clone)]
pub struct Shed {
    limit: usize,
    inside: Arc<AtomicUsize>,
}

/// The requests of one peer that are being worked on. Cheap to clone; all clones are one. By default nobody counts them: work
/// of the process's own, or of a proxy behind which there are others.
#[derive(Debug, Clone, Default)]
pub struct Requests(Option<Arc<AtomicUsize>>);

impl Requests {
    /// Counts those of a peer.
    pub fn counted() -> Requests {
        Requests(Some(Arc::default()))
    }
}

impl Shed {
    /// Lets at most `limit` requests in at a time. An answer that is still being streamed does not count.
    pub fn new(limit: usize) -> Shed {
        Shed { limit, inside: Arc::default() }
    }

    /// Lets a request of a peer in until the permit is dropped, or refuses it.
    pub(crate) fn enter(&self, of: &Requests) -> Result<Permit, Fault> {
        let counts = Counts { inside: self.inside.clone(), limit: self.limit, of: of.clone() };
        let admitted = counts.enter();
        let permit = Permit { counts, lent: None };
        if admitted { Ok(permit) } else { Err(overloaded()) }
    }
}

/// Where one request counts.
#[derive(Debug, Clone)]
struct Counts {
    inside: Arc<AtomicUsize>,
    limit: usize,
    of: Requests,
}

impl Counts {
    /// Counts the request, and says whether there was a place for it.
    fn enter(&self) -> bool {
        let any = self.inside.fetch_add(1, Ordering::Relaxed) < self.limit;
        let most = self.limit - self.limit / KEPT_FOR_OTHERS;
        let own = self.of.0.as_ref().is_none_or(|own| own.fetch_add(1, Ordering::Relaxed) < most);
        any && own
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::Relaxed);
        if let Some(own) = &self.of.0 {
            own.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a request is told for which there is no place.
pub(crate) fn overloaded() -> Fault {
    Fault::new(Reason::Overloaded).retry_after(RETRY_AFTER)
}

/// The place of a request that is being worked on.
#[derive(Debug)]
pub(crate) struct Permit {
    counts: Counts,
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
        Lending { counts: self.counts.clone(), state: state.clone() }
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
            self.counts.leave();
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
    counts: Counts,
    state: Arc<AtomicU8>,
}

impl Lending {
    /// Gives the place away, until [`Lending::take_back`].
    pub(crate) fn lend(&self) {
        if self.state.compare_exchange(HELD, LENT, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.counts.leave();
        }
    }

    /// Takes a place again, if one was given away. Says whether there was one; the request counts in either case, until
    /// its permit is dropped.
    pub(crate) fn take_back(&self) -> bool {
        let was_lent = self.state.compare_exchange(LENT, HELD, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        !was_lent || self.counts.enter()
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
        let mut permit = shed.enter(&Requests::default()).unwrap();
        let lending = permit.lending();
        assert!(shed.enter(&Requests::default()).is_err());
        lending.lend();
        lending.lend();
        let other = shed.enter(&Requests::default()).unwrap();
        assert!(!lending.take_back(), "somebody else has it");
        assert!(lending.take_back(), "nothing is lent any more");
        drop((other, permit));
        assert_eq!(inside(&shed), 0);
    }

    #[test]
    fn the_count_is_right_again_after_a_request_that_was_given_up_while_it_waited() {
        let shed = Shed::new(1);
        let mut permit = shed.enter(&Requests::default()).unwrap();
        permit.lending().lend();
        drop(permit);
        assert_eq!(inside(&shed), 0);
    }

    #[test]
    fn a_place_that_was_left_is_free_at_once_and_only_once() {
        let shed = Shed::new(1);
        let mut permit = shed.enter(&Requests::default()).unwrap();
        permit.place().leave();
        let other = shed.enter(&Requests::default()).unwrap();
        drop(permit);
        assert_eq!(inside(&shed), 1, "the other's");
        drop(other);
        let mut permit = shed.enter(&Requests::default()).unwrap();
        drop(permit.place());
        assert!(shed.enter(&Requests::default()).is_err(), "it was not left");
    }

    #[test]
    fn one_peer_leaves_places_for_others_and_what_it_lends_is_its_own_again() {
        let shed = Shed::new(8);
        let (one, other, anybody) = (Requests::counted(), Requests::counted(), Requests::default());
        let mut held: Vec<Permit> = (0..6).map(|_| shed.enter(&one).unwrap()).collect();
        assert!(shed.enter(&one).is_err(), "three of four");
        let lending = held[0].lending();
        lending.lend();
        let again = shed.enter(&one).unwrap();
        assert!(!lending.take_back(), "it has given its place to itself");
        drop((again, held.pop()));
        drop(held);
        let count = |of: &Requests| of.0.as_ref().unwrap().load(Ordering::Relaxed);
        assert_eq!((inside(&shed), count(&one)), (0, 0));
        let all: Vec<Permit> = [&one, &other].iter().cycle().take(8).map(|of| shed.enter(of).unwrap()).collect();
        assert!(shed.enter(&other).is_err() && shed.enter(&anybody).is_err(), "there is no place at all");
        drop(all);
        let all: Vec<Permit> = (0..8).map(|_| shed.enter(&anybody).unwrap()).collect();
        assert_eq!(all.len(), 8, "whom nobody counts gets all of them");
        assert_eq!((count(&one), count(&other)), (0, 0));
    }

    #[test]
    fn a_body_that_is_read_on_after_the_answer_lends_nothing() {
        let shed = Shed::new(1);
        let mut permit = shed.enter(&Requests::default()).unwrap();
        let lending = permit.lending();
        drop(permit);
        lending.lend();
        assert!(lending.take_back());
        assert_eq!(inside(&shed), 0);
    }
}
