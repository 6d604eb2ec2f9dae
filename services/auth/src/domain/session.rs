use std::time::Duration;

use uuid::Uuid;

use super::account::AccountId;
use super::authentication::Authentication;
use super::client::Client;
use super::impersonation::ActedBy;
use super::organisation::OrganisationId;
use super::refresh_token::{Hash, RefreshToken};

/// How long the token that was used last may come again: two tabs at once, or an answer that got lost. So far the clocks of
/// two replicas may differ, too; a clock that is set back further does not make the time longer.
pub const REUSE_GRACE: Duration = Duration::from_secs(10);

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// A session that is not refreshed for this long is over.
    pub idle: Duration,
    /// A session is over after this long, used or not.
    pub absolute: Duration,
}

/// A signed-in account: one row, and all refresh tokens that follow from one sign-in. Times are microseconds since the Unix
/// epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: Uuid,
    pub account: AccountId,
    pub family: Hash,
    /// The one token that can be exchanged.
    pub current: Hash,
    /// The token that `current` was exchanged for, while it matters.
    pub previous: Option<Previous>,
    pub create_time: i64,
    pub refresh_time: i64,
    /// When the session is over although it is used.
    pub expire_time: i64,
    pub client: Client,
    pub authentication: Authentication,
    /// The organisation that it acts in, as long as its account is a member.
    pub organisation: Option<OrganisationId>,
    /// Who acts in it, where that is somebody else. Nobody has a refresh token of such a session.
    pub acted_by: Option<ActedBy>,
}

/// The token before the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct Previous {
    pub hash: Hash,
    /// The current token, sealed so that only the holder of this one can open it.
    pub sealed_successor: Vec<u8>,
}

/// What is to be done with a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the current one: exchange it, by a compare-and-swap on its hash.
    Rotate,
    /// It is the one before, and came again at once: answer with the same successor.
    Repeat,
    /// It is older: somebody has a copy. The session must end.
    Stolen,
    /// The session is over. It must end for good, so that no clock that goes back revives it.
    Over,
    /// It never was a token of this session. Nothing must happen to the session.
    Foreign,
}

impl Session {
    /// Begins a session of who has shown so much by `now`, and gives its first token.
    pub fn begin(
        account: AccountId,
        authentication: Authentication,
        now: i64,
        timeouts: &Timeouts,
    ) -> Result<(Session, RefreshToken), mainstay_keys::Error> {
        let id = Uuid::now_v7();
        let token = RefreshToken::first_of(id)?;
        let session = Session {
            id,
            account,
            family: token.family_hash(),
            current: token.hash(),
            previous: None,
            create_time: now,
            refresh_time: now,
            expire_time: now.saturating_add(micros(timeouts.absolute)),
            client: Client::default(),
            authentication,
            organisation: None,
            acted_by: None,
        };
        Ok((session, token))
    }

    /// Judges a refresh token that is presented at `now`.
    pub fn judge(&self, token: &RefreshToken, now: i64, timeouts: &Timeouts) -> Verdict {
        if token.family_hash() != self.family {
            return Verdict::Foreign;
        }
        if self.is_over(now, timeouts) {
            return Verdict::Over;
        }
        let hash = token.hash();
        if hash == self.current {
            return Verdict::Rotate;
        }
        let grace = micros(REUSE_GRACE);
        let came_again_at_once = (-grace..=grace).contains(&now.saturating_sub(self.refresh_time));
        match &self.previous {
            Some(previous) if previous.hash == hash && came_again_at_once => Verdict::Repeat,
            _ => Verdict::Stolen,
        }
    }

    /// Says whether the session is past its idle or its absolute end.
    pub fn is_over(&self, now: i64, timeouts: &Timeouts) -> bool {
        now >= self.expires(timeouts)
    }

    /// Gives when the session is over unless it is refreshed before.
    pub fn expires(&self, timeouts: &Timeouts) -> i64 {
        self.expire_time.min(self.refresh_time.saturating_add(micros(timeouts.idle)))
    }

    /// Gives the session as it is after `token` was exchanged for `successor` at `now`.
    pub fn rotated(
        &self,
        token: &RefreshToken,
        successor: &RefreshToken,
        now: i64,
    ) -> Result<Session, mainstay_keys::Error> {
        let previous = Previous { hash: token.hash(), sealed_successor: token.seal_successor(successor)? };
        Ok(Session { current: successor.hash(), previous: Some(previous), refresh_time: now, ..self.clone() })
    }
}

/// A second in microseconds.
pub const SECOND: i64 = 1_000_000;

/// Gives the whole seconds of a stored time.
pub fn seconds(micros: i64) -> i64 {
    micros.div_euclid(SECOND)
}

/// Gives a span in microseconds, the unit of all stored times.
pub fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
