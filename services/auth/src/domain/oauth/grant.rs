//! One authorisation: first a code, of an answer or of a device, then the tokens that it was exchanged for. All that came of it ends
//! with it.

use std::time::Duration;

use uuid::Uuid;

use super::client::OAuthClientId;
use super::scope::{Scope, Scopes};
use super::secrets::CodeKind;
use crate::domain::account::AccountId;
use crate::domain::authentication::Authentication;
use crate::domain::client::Client;
use crate::domain::refresh_token::{Hash as TokenHash, RefreshToken};
use crate::domain::session::{Previous, Session, Timeouts, Verdict, micros};

/// How long the code of an answer is good (RFC 6749, section 4.1.2, has ten minutes at most).
pub const CODE_LASTS: Duration = Duration::from_secs(60);

/// How long the code of a device is good.
pub const DEVICE_LASTS: Duration = Duration::from_secs(10 * 60);

/// How long a device waits between two questions.
pub const DEVICE_INTERVAL: Duration = Duration::from_secs(5);

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Open,
    Allowed,
    Denied,
}

impl Decision {
    const ALL: [Decision; 3] = [Decision::Open, Decision::Allowed, Decision::Denied];

    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Decision::Open => "open",
            Decision::Allowed => "allowed",
            Decision::Denied => "denied",
        }
    }

    pub fn from_word(word: &str) -> Option<Decision> {
        Decision::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// The refresh tokens of an authorisation, in the form in which sessions have theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub family: TokenHash,
    pub current: TokenHash,
    pub previous: Option<Previous>,
}

/// An authorisation. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub id: Uuid,
    pub client: OAuthClientId,
    /// Nobody as long as nobody has decided about a device.
    pub account: Option<AccountId>,
    /// The session that it ends with.
    pub session: Option<Uuid>,
    pub kind: CodeKind,
    pub decision: Decision,
    pub secret_hash: Vec<u8>,
    pub user_code_hash: Option<Vec<u8>>,
    pub redirect_uri: String,
    pub scopes: Scopes,
    pub nonce: String,
    pub code_challenge: String,
    pub authentication: Authentication,
    pub create_time: i64,
    pub expire_time: i64,
    pub poll_time: Option<i64>,
    /// When the code was exchanged.
    pub use_time: Option<i64>,
    /// Nothing where it is not renewed.
    pub family: Option<Family>,
    pub refresh_time: i64,
    pub end_time: i64,
}

impl Grant {
    /// Whether it outlives the session that it was given in.
    pub fn is_offline(&self) -> bool {
        self.scopes.has(Scope::OfflineAccess)
    }

    /// Gives it as it is once its code was exchanged at `now`, and its first refresh token, where it has such.
    pub fn exchanged(
        &self,
        now: i64,
        access_seconds: u32,
        timeouts: &Timeouts,
    ) -> Result<(Grant, Option<RefreshToken>), mainstay_keys::Error> {
        let token = if self.is_offline() { Some(RefreshToken::first_of(self.id)?) } else { None };
        let family =
            token.as_ref().map(|token| Family { family: token.family_hash(), current: token.hash(), previous: None });
        let lasts = if token.is_some() { timeouts.absolute } else { Duration::from_secs(access_seconds.into()) };
        let end_time = now.saturating_add(micros(lasts));
        Ok((Grant { use_time: Some(now), family, refresh_time: now, end_time, ..self.clone() }, token))
    }

    /// The same authorisation as a session: refresh tokens follow one set of rules.
    fn as_session(&self) -> Option<Session> {
        let (family, account) = self.family.clone().zip(self.account)?;
        Some(Session {
            id: self.id,
            account,
            family: family.family,
            current: family.current,
            previous: family.previous,
            create_time: self.create_time,
            refresh_time: self.refresh_time,
            expire_time: self.end_time,
            client: Client::default(),
            authentication: self.authentication.clone(),
            organisation: None,
        })
    }

    /// Judges a refresh token that is presented at `now`.
    pub fn judge(&self, token: &RefreshToken, now: i64, timeouts: &Timeouts) -> Verdict {
        self.as_session().map_or(Verdict::Foreign, |session| session.judge(token, now, timeouts))
    }

    /// Gives it as it is after `token` was exchanged for `successor` at `now`.
    pub fn rotated(
        &self,
        token: &RefreshToken,
        successor: &RefreshToken,
        now: i64,
    ) -> Result<Grant, mainstay_keys::Error> {
        let previous = Previous { hash: token.hash(), sealed_successor: token.seal_successor(successor)? };
        let family =
            self.family.clone().map(|family| Family { current: successor.hash(), previous: Some(previous), ..family });
        Ok(Grant { family, refresh_time: now, ..self.clone() })
    }

    /// Whether its tokens are good at `now`: it was agreed to, exchanged, and is not over.
    pub fn is_live(&self, now: i64, timeouts: &Timeouts) -> bool {
        let is_idle = self.as_session().is_some_and(|session| session.is_over(now, timeouts));
        self.use_time.is_some() && self.decision == Decision::Allowed && now < self.end_time && !is_idle
    }
}
