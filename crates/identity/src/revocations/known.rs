//! The entries themselves: in the order in which they came, and by account.

use std::collections::{HashMap, HashSet, VecDeque};

use foldhash::fast::RandomState;

use super::{MAX_REVOCATIONS, Revocation, Revoked, Verdict};
use crate::{MAX_ACCESS_TOKEN_SECONDS, MAX_CLOCK_SKEW, Principal};

/// What share of the entries is forgotten at once where there are too many.
const FORGOTTEN: usize = MAX_REVOCATIONS / 4;

#[derive(Default)]
pub(super) struct Known {
    /// As they came. What is forgotten goes from the front.
    entries: VecDeque<Revocation>,
    /// How many went.
    gone: u64,
    accounts: HashMap<Box<str>, Account, RandomState>,
    /// Tokens that were issued at or before this second are refused until they are refreshed.
    outdated_until: Option<i64>,
}

/// What of an account was revoked.
#[derive(Default)]
struct Account {
    sessions: HashSet<Box<str>, RandomState>,
    /// Each the first epoch whose tokens are good, and the session that it does not concern.
    all_sessions: HashMap<Option<Box<str>>, i64, RandomState>,
    /// The first epoch whose tokens are good.
    tokens: Option<i64>,
    /// The same of tokens that act in an organisation.
    acting: HashMap<Box<str>, i64, RandomState>,
}

impl Known {
    /// Finds out whether something of the caller's was revoked.
    pub(super) fn judge(&self, account: &str, principal: &Principal) -> Result<(), Verdict> {
        if let Some(account) = self.accounts.get(account) {
            account.judge(principal.session_id(), principal.epoch(), principal.organisation())?;
        }
        // Who acts as somebody does so as long as they are signed in as themselves.
        if let Some(actor) = principal.actor()
            && let Some(account) = self.accounts.get(actor.uid.as_str())
        {
            account.judge(Some(&actor.session_id), actor.epoch, None)?;
        }
        match (self.outdated_until, principal.issued_at()) {
            (Some(until), Some(issued_at)) if issued_at <= until => Err(Verdict::Outdated),
            _ => Ok(()),
        }
    }

    /// Adds an entry. Says whether it is new: more is refused now than before.
    pub(super) fn add(&mut self, entry: Revocation) -> bool {
        let is_new = self.accounts.entry(entry.account.clone()).or_default().add(&entry.what);
        if is_new {
            self.entries.push_back(entry);
        }
        is_new
    }

    /// Forgets the entries whose tokens have all expired. They come nearly in the order of their times, and one that is
    /// behind another is forgotten with that.
    pub(super) fn forget(&mut self, now: i64) {
        while self.entries.front().is_some_and(|entry| entry.forget_at <= now) {
            self.forget_first();
        }
        // The longest that a token which is that old can be valid.
        let longest = i64::from(MAX_ACCESS_TOKEN_SECONDS) + MAX_CLOCK_SKEW.as_secs().cast_signed();
        self.outdated_until = self.outdated_until.filter(|until| *until >= now.saturating_sub(longest));
    }

    /// Forgets the oldest entries where there are too many, and refuses the tokens that are as old as those instead. Says
    /// whether it did.
    pub(super) fn make_room(&mut self) -> bool {
        if self.entries.len() <= MAX_REVOCATIONS {
            return false;
        }
        let newest = self.entries.iter().take(FORGOTTEN).map(|entry| entry.at).max();
        (0..FORGOTTEN).for_each(|_| self.forget_first());
        let skew = MAX_CLOCK_SKEW.as_secs().cast_signed();
        newest.is_some_and(|newest| self.outdate_until(newest.saturating_add(skew)))
    }

    /// Refuses tokens by their age. Says whether more are refused than before.
    pub(super) fn outdate_until(&mut self, issued_at: i64) -> bool {
        let is_news = self.outdated_until.is_none_or(|until| until < issued_at);
        self.outdated_until = self.outdated_until.max(Some(issued_at));
        is_news
    }

    pub(super) fn outdated_until(&self) -> Option<i64> {
        self.outdated_until
    }

    /// Gives what came after the first `position` entries.
    pub(super) fn after(&self, position: u64, limit: usize) -> (Vec<Revocation>, u64) {
        let skipped = usize::try_from(position.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        let entries: Vec<Revocation> = self.entries.iter().skip(skipped).take(limit).cloned().collect();
        let end = position.max(self.gone) + entries.len() as u64;
        (entries, end)
    }

    /// How many entries there ever were.
    pub(super) fn end(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether nothing is refused.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outdated_until.is_none()
    }

    fn forget_first(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        self.gone += 1;
        if let Some(account) = self.accounts.get_mut(&entry.account) {
            account.forget(&entry.what);
            if account.is_empty() {
                self.accounts.remove(&entry.account);
            }
        }
    }
}

impl Account {
    fn judge(&self, session: Option<&str>, epoch: i64, organisation: Option<&str>) -> Result<(), Verdict> {
        if session.is_some_and(|session| self.sessions.contains(session)) {
            return Err(Verdict::Ended);
        }
        let ends = |(except, below): (&Option<Box<str>>, &i64)| {
            epoch < *below && (except.is_none() || except.as_deref() != session)
        };
        if self.all_sessions.iter().any(ends) {
            return Err(Verdict::Ended);
        }
        let acting = organisation.and_then(|organisation| self.acting.get(organisation).copied());
        if self.tokens.max(acting).is_some_and(|below| epoch < below) { Err(Verdict::Outdated) } else { Ok(()) }
    }

    fn add(&mut self, what: &Revoked) -> bool {
        match what {
            Revoked::Session(session) => self.sessions.insert(session.clone()),
            Revoked::Sessions { below, except } => {
                let known = self.all_sessions.get(except).copied();
                let is_new = known.is_none_or(|known| known < *below);
                if is_new {
                    self.all_sessions.insert(except.clone(), *below);
                }
                is_new
            }
            Revoked::Tokens { below } => {
                let is_new = self.tokens.is_none_or(|known| known < *below);
                self.tokens = self.tokens.max(Some(*below));
                is_new
            }
            Revoked::Acting { organisation, below } => {
                let known = self.acting.get(organisation).copied();
                let is_new = known.is_none_or(|known| known < *below);
                if is_new {
                    self.acting.insert(organisation.clone(), *below);
                }
                is_new
            }
        }
    }

    /// Forgets what an entry said, unless a later one has taken its place.
    fn forget(&mut self, what: &Revoked) {
        match what {
            Revoked::Session(session) => drop(self.sessions.remove(session)),
            Revoked::Sessions { below, except } => {
                if self.all_sessions.get(except) == Some(below) {
                    self.all_sessions.remove(except);
                }
            }
            Revoked::Tokens { below } => self.tokens = self.tokens.filter(|known| known != below),
            Revoked::Acting { organisation, below } => {
                if self.acting.get(organisation) == Some(below) {
                    self.acting.remove(organisation);
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.all_sessions.is_empty() && self.tokens.is_none() && self.acting.is_empty()
    }
}
