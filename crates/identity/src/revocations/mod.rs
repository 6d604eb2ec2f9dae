//! What ended before its time: sessions and tokens that are refused although nothing about a token says so.
//!
//! ```text
//! auth: a session is revoked ──▶ feed ──▶ Revocations of every process ──▶ each token that is shown is judged
//!                                                    └──▶ open streams of that account are woken, and judged
//! ```
//!
//! An entry is needed as long as a token that it concerns could be valid, and is forgotten then.

mod known;
mod watched;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::Waker;
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::sync::watch;

use crate::{Clock, Kind, MAX_ACCESS_TOKEN_SECONDS, Principal, SystemClock};
use known::Known;
pub use watched::Watched;

/// Most entries that are known at a time. Where there are more, the oldest are forgotten, and tokens that are older than those
/// are refused until they are refreshed: nobody whose session was revoked gets in because many others were.
pub const MAX_REVOCATIONS: usize = 100_000;

/// Something of an account that ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revocation {
    /// The account's uid.
    pub account: Box<str>,
    /// What of it.
    pub what: Revoked,
    /// When, in seconds since the Unix epoch.
    pub at: i64,
    /// When the last token that it concerns has expired, in seconds since the Unix epoch.
    pub forget_at: i64,
}

/// What of an account ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// One session.
    Session(Box<str>),
    /// Every session, or every one but the one that is named: all tokens of an epoch of the account's that is below this one.
    Sessions {
        /// The first epoch whose tokens are good.
        below: i64,
        /// The session that goes on.
        except: Option<Box<str>>,
    },
    /// What tokens say: those of an epoch below this one are to be refreshed. Sessions go on.
    Tokens {
        /// The first epoch whose tokens are good.
        below: i64,
    },
    /// The same of those tokens alone that act in one organisation.
    Acting {
        /// The organisation's uid.
        organisation: Box<str>,
        /// The first epoch whose tokens are good.
        below: i64,
    },
}

/// Why a token that is in order is refused all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its session has ended.
    Ended,
    /// It says what is not so any more, or is older than what is remembered: it has to be refreshed.
    Outdated,
    /// It cannot be told: what was revoked is not known, or not newly enough.
    Unknown,
}

/// What was revoked, as far as this process knows. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Revocations(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    /// How old knowledge may be; nothing where it may be of any age.
    max_age: Option<Duration>,
    state: RwLock<State>,
    /// Whether there is nothing to look up: nearly always.
    is_quiet: AtomicBool,
    /// For how many seconds a token may be valid; one that says more is from before that was lowered.
    max_token_seconds: AtomicI64,
    /// Whoever waits on behalf of an account, to be woken when something of it is revoked.
    waiting: Mutex<Waiting>,
    /// How many entries there ever were; tells whoever passes them on.
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    accounts: HashMap<Box<str>, Vec<Place>, RandomState>,
}

/// One wait, by its number, and whom to wake once it was asked.
type Place = (u64, Option<Waker>);

struct State {
    known: Known,
    /// When, by [`Clock::uptime`], everything that was revoked was known. Nothing until that was so once.
    complete_at: Option<Duration>,
}

impl Revocations {
    /// Knows that nothing is ever revoked: where there is no feed.
    pub fn none() -> Revocations {
        let revocations = Revocations::unheard(Arc::new(SystemClock), None);
        revocations.complete(Duration::ZERO);
        revocations
    }

    /// Has heard nothing so far: every token gets [`Verdict::Unknown`] until [`Revocations::complete`]. After that, knowledge that
    /// is older than `max_age` does the same; without it, what is known is gone by, however old it is.
    pub fn unheard(clock: Arc<dyn Clock>, max_age: Option<Duration>) -> Revocations {
        Revocations(Arc::new(Inner {
            clock,
            max_age,
            state: RwLock::new(State { known: Known::default(), complete_at: None }),
            is_quiet: AtomicBool::new(false),
            max_token_seconds: AtomicI64::new(MAX_ACCESS_TOKEN_SECONDS.into()),
            waiting: Mutex::default(),
            news: watch::Sender::new(0),
        }))
    }

    /// Judges the caller of a token that is in order. Whoever has shown no token cannot be revoked here.
    pub fn judge(&self, principal: &Principal) -> Result<(), Verdict> {
        let Some(account) = principal.uid().filter(|_| is_by_token(principal)) else { return Ok(()) };
        let lifetime =
            principal.expires_at().zip(principal.issued_at()).map(|(until, from)| until.saturating_sub(from));
        if lifetime.is_some_and(|lifetime| lifetime > self.0.max_token_seconds.load(Ordering::Relaxed)) {
            return Err(Verdict::Outdated);
        }
        if self.0.is_quiet.load(Ordering::Acquire) {
            return Ok(());
        }
        let state = self.read();
        let complete_at = state.complete_at.ok_or(Verdict::Unknown)?;
        if self.0.max_age.is_some_and(|max_age| self.0.clock.uptime().saturating_sub(complete_at) > max_age) {
            return Err(Verdict::Unknown);
        }
        state.known.judge(account, principal)
    }

    /// Takes note of entries; those that are known already change nothing. Streams that they concern are woken.
    pub fn add(&self, entries: impl IntoIterator<Item = Revocation>) {
        let now = self.0.clock.now_seconds();
        let mut new = Vec::new();
        let mut state = self.write();
        for entry in entries.into_iter().filter(|entry| entry.forget_at > now) {
            let account = entry.account.clone();
            if state.known.add(entry) {
                new.push(account);
            }
        }
        state.known.forget(now);
        let all_have_to_look = state.known.make_room();
        self.settle(state);
        if new.is_empty() {
            return;
        }
        if all_have_to_look {
            self.wake_all();
        } else {
            new.iter().for_each(|account| self.wake(account));
        }
    }

    /// Refuses tokens that were issued at or before this second until they are refreshed: somebody who passes entries on has
    /// forgotten some.
    pub fn outdate_until(&self, issued_at: i64) {
        let mut state = self.write();
        let is_news = state.known.outdate_until(issued_at);
        self.settle(state);
        if is_news {
            self.wake_all();
        }
    }

    /// Takes note of how long tokens are valid: those that say more than that are refused until they are refreshed.
    pub fn limit_lifetime(&self, seconds: i64) {
        self.0.max_token_seconds.store(seconds, Ordering::Relaxed);
    }

    /// Takes note that everything which was revoked until `age` ago is known.
    pub fn complete(&self, age: Duration) {
        let now = self.0.clock.now_seconds();
        let mut state = self.write();
        let at = self.0.clock.uptime().saturating_sub(age);
        state.complete_at = state.complete_at.max(Some(at));
        state.known.forget(now);
        self.settle(state);
    }

    /// How old what is known is; nothing where nothing is.
    pub fn age(&self) -> Option<Duration> {
        self.read().complete_at.map(|at| self.0.clock.uptime().saturating_sub(at))
    }

    /// Wakes every stream if knowledge has become too old to let anybody in by it.
    pub fn look_at_age(&self) {
        if self.0.max_age.zip(self.age()).is_some_and(|(max_age, age)| age > max_age) {
            self.wake_all();
        }
    }

    /// Gives what is known after the first `position` entries that there ever were, at most `limit`, and the position after
    /// them; for whoever passes it on.
    pub fn after(&self, position: u64, limit: usize) -> (Vec<Revocation>, u64) {
        self.read().known.after(position, limit)
    }

    /// Gives the second until which tokens are refused by their age, if entries were forgotten before their time.
    pub fn outdated_until(&self) -> Option<i64> {
        self.read().known.outdated_until()
    }

    /// Tells of new entries, by how many there ever were.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Says how many entries are known.
    pub fn len(&self) -> usize {
        self.read().known.len()
    }

    /// Says whether no entry is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets whoever reads without the lock know, and those who pass entries on.
    fn settle(&self, state: RwLockWriteGuard<'_, State>) {
        let is_quiet = state.known.is_empty() && state.complete_at.is_some() && self.0.max_age.is_none();
        self.0.is_quiet.store(is_quiet, Ordering::Release);
        let end = state.known.end();
        drop(state);
        self.0.news.send_if_modified(|known| std::mem::replace(known, end) != end);
    }

    fn wake(&self, account: &str) {
        let mut waiting = self.waiting();
        let Some(all) = waiting.accounts.get_mut(account) else { return };
        let wakers: Vec<Waker> = all.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        drop(waiting);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn wake_all(&self) {
        let mut waiting = self.waiting();
        let all = waiting.accounts.values_mut().flatten();
        let wakers: Vec<Waker> = all.filter_map(|(_, waker)| waker.take()).collect();
        drop(waiting);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody is who they are by a token: a service of the configuration is by its secret.
pub(crate) fn is_by_token(principal: &Principal) -> bool {
    match principal.kind() {
        Kind::User => true,
        Kind::Service => principal.issued_at().is_some(),
        Kind::Anonymous | Kind::System => false,
    }
}

impl std::fmt::Debug for Revocations {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Revocations").field("len", &self.len()).field("age", &self.age()).finish()
    }
}
