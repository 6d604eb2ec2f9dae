//! Who of the long reads comes next.
//!
//! There are only so many places for reads that take long, and a bounded number of callers may wait for one. Callers take
//! turns: whoever asks for much waits behind himself and not before others, and where too many wait, the one who asks for
//! most is refused. Reads that are known to be costly get half of the places at most: the others wait behind none of them. A
//! place belongs to the query that has it: it is free when the query has ended, whatever became of its caller.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::terms::Asker;

/// The places of a store for long reads.
pub(crate) struct Turns {
    state: Mutex<State>,
    /// How many may wait.
    room: usize,
}

struct State {
    free: usize,
    /// How many costly reads may still begin.
    free_for_costly: usize,
    waiting: usize,
    /// Callers who wait, the next one first. What has no caller is one among them: the process itself.
    queues: VecDeque<(Option<u64>, VecDeque<Waiting>)>,
    closed: bool,
}

struct Waiting {
    costly: bool,
    sender: oneshot::Sender<Result<Turn, Error>>,
}

/// A place among the long reads.
pub(crate) struct Turn {
    turns: Option<Arc<Turns>>,
    costly: bool,
}

impl Turns {
    pub fn new(places: usize, room: usize) -> Arc<Turns> {
        let free = places.max(1);
        let free_for_costly = (free / 2).max(1);
        let state = State { free, free_for_costly, waiting: 0, queues: VecDeque::new(), closed: false };
        Arc::new(Turns { state: Mutex::new(state), room: room.max(1) })
    }

    /// Waits for a place. Fails with [`Error::Overloaded`] where too many wait already.
    pub async fn take(self: &Arc<Turns>, asker: Asker) -> Result<Turn, Error> {
        let Asker { caller, costly, .. } = asker;
        let waiting = {
            let mut state = self.lock();
            if state.closed {
                return Err(closed());
            }
            if state.takes(costly) {
                return Ok(self.turn(costly));
            }
            if state.waiting >= self.room && !state.make_room(caller) {
                return Err(too_many());
            }
            state.push(caller, costly)
        };
        // Whoever goes away meanwhile drops the place with the answer that it came in.
        waiting.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Gives nobody a place any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.queues);
        drop(state);
        drop(waiting);
    }

    fn turn(self: &Arc<Turns>, costly: bool) -> Turn {
        Turn { turns: Some(Arc::clone(self)), costly }
    }

    fn release(self: &Arc<Turns>, costly: bool) {
        let mut state = self.lock();
        state.gets_back(costly);
        while let Some(Waiting { costly, sender }) = state.next() {
            if let Err(refused) = sender.send(Ok(self.turn(costly))) {
                // Nobody waits there any more.
                refused.into_iter().for_each(|mut turn| drop(turn.turns.take()));
                state.gets_back(costly);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place, if one is free for such a read.
    fn takes(&mut self, costly: bool) -> bool {
        if !self.has_room_for(costly) {
            return false;
        }
        self.free -= 1;
        self.free_for_costly -= usize::from(costly);
        true
    }

    fn has_room_for(&self, costly: bool) -> bool {
        self.free > 0 && (!costly || self.free_for_costly > 0)
    }

    fn gets_back(&mut self, costly: bool) {
        self.free += 1;
        self.free_for_costly += usize::from(costly);
    }

    /// Takes a place for the one who has waited longest of the caller whose turn it is, if one is free. That caller comes
    /// again after all others.
    fn next(&mut self) -> Option<Waiting> {
        let (at, place) = self.queues.iter().enumerate().find_map(|(at, (_, queue))| {
            Some((at, queue.iter().position(|waiting| self.has_room_for(waiting.costly))?))
        })?;
        let (caller, mut queue) = self.queues.remove(at)?;
        let next = queue.remove(place)?;
        self.waiting -= 1;
        if !queue.is_empty() {
            self.queues.push_back((caller, queue));
        }
        self.takes(next.costly);
        Some(next)
    }

    fn push(&mut self, caller: Option<u64>, costly: bool) -> oneshot::Receiver<Result<Turn, Error>> {
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting { costly, sender };
        self.waiting += 1;
        match self.queues.iter_mut().find(|(known, _)| *known == caller) {
            Some((_, queue)) => queue.push_back(waiting),
            None => self.queues.push_back((caller, VecDeque::from([waiting]))),
        }
        receiver
    }

    /// Makes room for a caller: forgets who has gone away, else refuses the latest of the caller who waits for most, if that
    /// is somebody else who waits for more.
    fn make_room(&mut self, caller: Option<u64>) -> bool {
        for (_, queue) in &mut self.queues {
            queue.retain(|waiting| !waiting.sender.is_closed());
        }
        self.queues.retain(|(_, queue)| !queue.is_empty());
        let before = std::mem::replace(&mut self.waiting, self.queues.iter().map(|(_, queue)| queue.len()).sum());
        if self.waiting < before {
            return true;
        }
        let mine = self.queues.iter().find(|(known, _)| *known == caller).map_or(0, |(_, queue)| queue.len());
        let Some((_, most)) = self.queues.iter_mut().max_by_key(|(_, queue)| queue.len()) else { return true };
        if most.len() <= mine + 1 {
            return false;
        }
        if let Some(refused) = most.pop_back() {
            self.waiting -= 1;
            let _ = refused.sender.send(Err(too_many()));
        }
        true
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.turns.take() {
            turns.release(self.costly);
        }
    }
}

fn too_many() -> Error {
    Error::Overloaded("too many long reads are waiting")
}

fn closed() -> Error {
    Error::unavailable("the store is closed")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const ONE: Asker = Asker { deadline: None, caller: Some(1), costly: false };
    const TWO: Asker = Asker { deadline: None, caller: Some(2), costly: false };
    const COSTLY: Asker = Asker { costly: true, ..ONE };

    /// Asks for a place and waits for it.
    fn ask(turns: &Arc<Turns>, asker: Asker) -> tokio::task::JoinHandle<Result<Turn, Error>> {
        let turns = Arc::clone(turns);
        tokio::spawn(async move { turns.take(asker).await })
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn callers_take_turns_however_much_one_of_them_asks_for() {
        let turns = Turns::new(1, 10);
        let running = turns.take(ONE).await.unwrap();
        let many = [ask(&turns, ONE), ask(&turns, ONE), ask(&turns, ONE)];
        settle().await;
        let one = ask(&turns, TWO);
        settle().await;
        drop(running);
        settle().await;
        let [first, ..] = many;
        drop(first.await.unwrap().unwrap());
        settle().await;
        assert!(one.is_finished(), "the other caller comes second, not last");
    }

    #[tokio::test]
    async fn where_too_many_wait_who_asks_for_most_is_refused() {
        let turns = Turns::new(1, 2);
        let _running = turns.take(ONE).await.unwrap();
        let many = [ask(&turns, ONE), ask(&turns, ONE)];
        settle().await;
        assert!(matches!(turns.take(ONE).await, Err(Error::Overloaded(_))), "of himself he displaces nobody");
        let one = ask(&turns, TWO);
        settle().await;
        let [first, second] = many;
        assert!(matches!(second.await.unwrap(), Err(Error::Overloaded(_))));
        assert!(!first.is_finished() && !one.is_finished());
        assert!(
            matches!(turns.take(TWO).await, Err(Error::Overloaded(_))),
            "who waits for as much as others displaces nobody"
        );
    }

    #[tokio::test]
    async fn who_goes_away_gives_the_place_on() {
        let turns = Turns::new(1, 2);
        let running = turns.take(ONE).await.unwrap();
        let mut gone = Box::pin(turns.take(ONE));
        assert!(gone.as_mut().now_or_never().is_none());
        let late = ask(&turns, TWO);
        settle().await;
        drop(gone);
        drop(running);
        drop(late.await.unwrap().unwrap());
        // Also where it had been given already.
        let running = turns.take(ONE).await.unwrap();
        let mut given = Box::pin(turns.take(TWO));
        assert!(given.as_mut().now_or_never().is_none());
        drop(running);
        drop(given);
        assert!(turns.take(ONE).now_or_never().is_some_and(|turn| turn.is_ok()));
    }

    #[tokio::test]
    async fn who_has_gone_away_takes_up_no_room() {
        let turns = Turns::new(1, 1);
        let _running = turns.take(ONE).await.unwrap();
        let mut gone = Box::pin(turns.take(ONE));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        let waiting = ask(&turns, ONE);
        settle().await;
        assert!(!waiting.is_finished());
    }

    #[tokio::test]
    async fn costly_reads_leave_half_of_the_places_to_others() {
        let turns = Turns::new(4, 10);
        let (first, _second) = (turns.take(COSTLY).await.unwrap(), turns.take(COSTLY).await.unwrap());
        let third = ask(&turns, COSTLY);
        settle().await;
        assert!(!third.is_finished());
        // Also of the same caller, who waits with a costly one.
        let others = [turns.take(ONE).await.unwrap(), turns.take(TWO).await.unwrap()];
        let next = ask(&turns, ONE);
        settle().await;
        assert!(!next.is_finished());
        drop(others);
        next.await.unwrap().unwrap();
        assert!(!third.is_finished());
        drop(first);
        third.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_what_is_closed() {
        let turns = Turns::new(1, 2);
        let _running = turns.take(ONE).await.unwrap();
        let waiting = ask(&turns, ONE);
        settle().await;
        turns.close();
        assert!(matches!(waiting.await.unwrap(), Err(Error::Unavailable(_))));
        assert!(matches!(turns.take(ONE).await, Err(Error::Unavailable(_))));
    }
}
