//! Answers that were made and have not left: how much of them a port holds, and who gives way when that is too much.
//!
//! An answer stays in memory until its client has taken it, and a client may take its time. What all clients together leave
//! unread has a limit, and one connection gets at most as much of it as is left for others, of which a quarter is for those that
//! hold nothing yet: many that hoard leave room for one that comes. Where there is no room, connections that take their answers
//! slowest are closed.

use crate::Body;
use http::Response;
use http_body::Body as _;
use mainstay_fault::{Fault, Reason};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// What all answers of a port that have not left may take, in bytes, unless configured.
pub const DEFAULT_MAX_UNSENT_BYTES: usize = 128 << 20;

/// An answer up to this size has room wherever it comes from; a larger one is refused where there is none.
pub const SMALL_ANSWER_BYTES: usize = 8 << 10;

/// How long a connection may take its answers as slowly as it likes, before it may have to give way.
pub const UNSENT_GRACE: Duration = Duration::from_secs(1);

/// The part of the room that is for connections that hold nothing yet: one of so many.
const KEPT_FOR_OTHERS: usize = 4;

/// The size of an answer whose body does not know it: a message that is put into its frame as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Held(pub usize);

/// What an answer is written from as it is sent: it is there until the last of the answer was written, beside what was written.
#[derive(Debug, Clone, Copy)]
pub struct Source(pub usize);

/// The answers of one port that have not left. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Unsent(Arc<Port>);

#[derive(Debug)]
struct Port {
    limit: usize,
    bytes: AtomicUsize,
    began: Instant,
    opened: AtomicU64,
    connections: Mutex<BTreeMap<u64, Arc<Connection>>>,
}

/// The answers of one connection. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Answers(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    port: Arc<Port>,
    bytes: AtomicUsize,
    /// What has left since there was last nothing unsent.
    left: AtomicU64,
    /// When the first large one of these was made, or somebody first looked, in milliseconds of the port; 0 where neither is.
    since: AtomicU64,
    is_closing: AtomicBool,
    close: Notify,
}

/// An open connection: its port knows of its answers until this is dropped.
#[derive(Debug)]
pub struct Open {
    number: u64,
    answers: Answers,
}

impl Unsent {
    /// Lets all answers together take `limit` bytes.
    pub fn new(limit: usize) -> Unsent {
        Unsent::since(limit, Instant::now())
    }

    fn since(limit: usize, began: Instant) -> Unsent {
        Unsent(Arc::new(Port {
            limit,
            bytes: AtomicUsize::new(0),
            began,
            opened: AtomicU64::new(0),
            connections: Mutex::default(),
        }))
    }

    /// Opens a connection.
    pub fn open(&self) -> Open {
        let answers = Answers(Arc::new(Connection {
            port: self.0.clone(),
            bytes: AtomicUsize::new(0),
            left: AtomicU64::new(0),
            since: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            close: Notify::new(),
        }));
        let number = self.0.opened.fetch_add(1, Ordering::Relaxed);
        self.0.connections().insert(number, answers.0.clone());
        Open { number, answers }
    }

    /// How much has not left.
    pub fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

impl Open {
    /// Its answers.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Waits until it has to be closed, since others need the room that its answers take.
    pub async fn must_close(&self) {
        self.answers.0.close.notified().await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.answers.0.port.connections().remove(&self.number);
    }
}

impl Answers {
    /// Counts bytes of an answer until what is returned is dropped.
    pub fn count(&self, bytes: usize) -> Counted {
        let mut counted = Counted { answers: self.clone(), bytes: 0 };
        counted.add(bytes);
        counted
    }

    /// Lets a large answer through where there is room for it. Where there is none, connections that are slower than this one
    /// give way first.
    ///
    /// Fails otherwise: the answer is let go of. It was made, so what was asked may have been done.
    pub fn admit(&self, response: &Response<Body>) -> Result<(), Fault> {
        let size = answer_size(response) + source_size(response);
        if size <= SMALL_ANSWER_BYTES {
            return Ok(());
        }
        self.0.seen(self.0.port.now());
        let fits = self.has_room(size, 0) || self.make_room(size);
        if fits { Ok(()) } else { Err(Fault::new(Reason::AnswersUnread)) }
    }

    /// Whether so many more bytes fit, where `freed` are about to go.
    fn has_room(&self, size: usize, freed: usize) -> bool {
        let Connection { port, bytes, .. } = &*self.0;
        let all = port.bytes.load(Ordering::Relaxed).saturating_sub(freed);
        let own = bytes.load(Ordering::Relaxed);
        let kept = if own == 0 { 0 } else { port.limit / KEPT_FOR_OTHERS };
        own.saturating_add(size) <= port.limit.saturating_sub(all).saturating_sub(kept)
    }

    /// Closes connections, the slowest first, until there is room; this one is closed by nobody's leave but others'.
    #[cold]
    fn make_room(&self, size: usize) -> bool {
        let connections = self.0.port.connections();
        let now = self.0.port.now();
        let (closing, open): (Vec<_>, Vec<_>) =
            connections.values().partition(|one| one.is_closing.load(Ordering::Relaxed));
        let bytes = |one: &Connection| one.bytes.load(Ordering::Relaxed);
        let mut freed = closing.into_iter().map(|one| bytes(one)).sum::<usize>();
        let mut slow: Vec<(u64, usize, &Arc<Connection>)> =
            open.into_iter().filter_map(|one| Some((one.bytes_per_second(now)?, bytes(one), one))).collect();
        slow.sort_by_key(|(speed, bytes, _)| (*speed, Reverse(*bytes)));
        for (_, bytes, one) in slow {
            if self.has_room(size, freed) || Arc::ptr_eq(one, &self.0) {
                break;
            }
            one.is_closing.store(true, Ordering::Relaxed);
            one.close.notify_one();
            tracing::debug!(bytes, "a connection is closed that does not take its answers: others need the room");
            freed += bytes;
        }
        self.has_room(size, freed)
    }
}

impl Connection {
    /// How quickly it takes its answers; nothing where there are none, or have not been for long.
    fn bytes_per_second(&self, now: u64) -> Option<u64> {
        if self.bytes.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let age = now.saturating_sub(self.seen(now));
        (u128::from(age) >= UNSENT_GRACE.as_millis())
            .then(|| self.left.load(Ordering::Relaxed).saturating_mul(1_000) / age)
    }

    /// Says since when there are answers to take. What time it is, is not asked for small ones: most leave before anybody looks.
    fn seen(&self, now: u64) -> u64 {
        match self.since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => now,
            Err(since) => since,
        }
    }
}

impl Port {
    fn connections(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never 0.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

/// What an answer takes in memory, as far as it is known.
pub fn answer_size(response: &Response<Body>) -> usize {
    let known = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    response.extensions().get::<Held>().map_or(known, |held| known.max(held.0))
}

/// What an answer is written from takes in memory.
pub fn source_size(response: &Response<Body>) -> usize {
    response.extensions().get::<Source>().map_or(0, |source| source.0)
}

/// Bytes of an answer that have not left. When this is dropped they have.
#[derive(Debug)]
pub struct Counted {
    answers: Answers,
    bytes: usize,
}

impl Counted {
    /// Counts more of the same answer.
    pub fn add(&mut self, bytes: usize) {
        let Connection { port, bytes: own, .. } = &*self.answers.0;
        self.bytes += bytes;
        own.fetch_add(bytes, Ordering::Relaxed);
        if port.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > port.limit {
            self.answers.make_room(0);
        }
    }

    /// Takes a part out, which leaves by itself; what was not counted yet of it is.
    #[must_use]
    pub fn part(&mut self, bytes: usize) -> Counted {
        let taken = self.bytes.min(bytes);
        self.bytes -= taken;
        let mut part = Counted { answers: self.answers.clone(), bytes: taken };
        if taken < bytes {
            part.add(bytes - taken);
        }
        part
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Connection { port, bytes, left, since, .. } = &*self.answers.0;
        port.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        left.fetch_add(self.bytes as u64, Ordering::Relaxed);
        if bytes.fetch_sub(self.bytes, Ordering::Relaxed) == self.bytes {
            left.store(0, Ordering::Relaxed);
            since.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;

    fn answer(bytes: usize) -> Response<Body> {
        Response::new(Body::new(Full::new(Bytes::from(vec![0; bytes]))))
    }

    /// Makes a connection one that has been looked at before the grace.
    fn aged(open: &Open, by: u64) {
        let now = open.answers.0.port.now();
        open.answers.0.since.store(now.saturating_sub(by).max(1), Ordering::Relaxed);
    }

    fn is_closed(open: &Open) -> bool {
        open.answers.0.is_closing.load(Ordering::Relaxed)
    }

    const MIB: usize = 1 << 20;

    /// A port that has been open for long.
    fn old(limit: usize) -> Unsent {
        Unsent::since(
            limit,
            Instant::now().checked_sub(Duration::from_secs(3_600)).expect("the machine runs for longer"),
        )
    }

    #[test]
    fn bytes_count_until_they_have_left() {
        let unsent = old(MIB);
        let open = unsent.open();
        let mut counted = open.answers().count(100);
        let part = counted.part(60);
        let more = counted.part(50);
        assert_eq!(unsent.bytes(), 110, "what was not counted is");
        drop(counted);
        assert_eq!(unsent.bytes(), 110);
        drop(part);
        assert_eq!(unsent.bytes(), 50);
        drop((more, open));
        assert_eq!(unsent.bytes(), 0);
        assert!(unsent.0.connections().is_empty());
    }

    #[test]
    fn one_connection_gets_as_much_as_is_left_for_others() {
        let unsent = old(16 * MIB);
        let (one, other) = (unsent.open(), unsent.open());
        let mut held = Vec::new();
        while one.answers().admit(&answer(MIB)).is_ok() {
            held.push(one.answers().count(MIB));
        }
        assert_eq!(held.len(), 6);
        let fault = one.answers().admit(&answer(MIB)).unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::AnswersUnread));
        assert!(one.answers().admit(&answer(SMALL_ANSWER_BYTES)).is_ok(), "what is small has room anywhere");
        let mut others = 0;
        while other.answers().admit(&answer(MIB)).is_ok() {
            held.push(other.answers().count(MIB));
            others += 1;
        }
        assert_eq!(others, 3);
        held.clear();
        assert!(one.answers().admit(&answer(8 * MIB)).is_ok());
    }

    #[test]
    fn many_that_hoard_leave_room_for_one_that_comes() {
        let unsent = old(128 * MIB);
        let hoarders: Vec<Open> = (0..30).map(|_| unsent.open()).collect();
        let mut held = Vec::new();
        for _ in 0..250 {
            for hoarder in &hoarders {
                if hoarder.answers().admit(&answer(334 << 10)).is_ok() {
                    held.push(hoarder.answers().count(334 << 10));
                }
            }
        }
        assert!(unsent.bytes() <= 96 * MIB);
        assert!(unsent.open().answers().admit(&answer(30 * MIB)).is_ok(), "{}", unsent.bytes());
    }

    #[test]
    fn who_takes_its_answers_slowest_gives_way() {
        let unsent = old(16 * MIB);
        let (stalled, slow, quick) = (unsent.open(), unsent.open(), unsent.open());
        let held = [&stalled, &slow, &quick].map(|open| open.answers().count(5 * MIB));
        let newcomer = unsent.open();
        assert!(newcomer.answers().admit(&answer(4 * MIB)).is_err(), "nobody was seen to be slow yet");
        for (open, left) in [(&stalled, 0), (&slow, 20_000), (&quick, 50_000_000)] {
            aged(open, 5_000);
            open.answers.0.left.store(left, Ordering::Relaxed);
        }
        // The first counts as nothing in that what it holds is about to go.
        assert!(newcomer.answers().admit(&answer(4 * MIB)).is_ok());
        assert_eq!([&stalled, &slow, &quick].map(is_closed), [true, false, false]);
        assert!(newcomer.answers().admit(&answer(8 * MIB)).is_ok());
        assert_eq!([&stalled, &slow, &quick].map(is_closed), [true, true, false]);
        drop(held);
    }

    #[test]
    fn who_is_slowest_itself_is_refused_and_nobody_gives_way() {
        let unsent = old(16 * MIB);
        let (hoarder, quick) = (unsent.open(), unsent.open());
        let held = [hoarder.answers().count(10 * MIB), quick.answers().count(2 * MIB)];
        for (open, left) in [(&hoarder, 0), (&quick, 50_000_000)] {
            aged(open, 5_000);
            open.answers.0.left.store(left, Ordering::Relaxed);
        }
        assert!(hoarder.answers().admit(&answer(MIB)).is_err());
        assert!(!is_closed(&hoarder) && !is_closed(&quick));
        drop(held);
    }

    #[tokio::test]
    async fn small_answers_above_the_limit_close_the_slowest_too() {
        let unsent = old(MIB);
        let (stalled, busy) = (unsent.open(), unsent.open());
        let held = stalled.answers().count(MIB);
        let first = busy.answers().count(1_000);
        aged(&stalled, 5_000);
        let second = busy.answers().count(1_000);
        assert!(is_closed(&stalled));
        tokio::time::timeout(Duration::from_secs(5), stalled.must_close()).await.expect("it is told so");
        assert!(!is_closed(&busy));
        drop((held, first, second));
    }

    #[test]
    fn the_size_of_an_answer_is_what_its_body_knows_or_what_is_said_of_it() {
        assert_eq!(answer_size(&answer(7)), 7);
        let mut said = Response::new(Body::empty());
        said.extensions_mut().insert(Held(9));
        said.extensions_mut().insert(Source(11));
        assert_eq!((answer_size(&said), source_size(&said)), (9, 11));
    }
}
