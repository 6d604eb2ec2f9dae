//! What was begun and waits for a factor: it is bound to an account and to what was shown so far, good for one use and a few
//! minutes, and for nothing else than to finish that.
//!
//! ```text
//! token = "mch_" base64url( id of the row (16 bytes) | secret (32) )
//! ```
//!
//! Of it the SHA-256 is stored, as of links.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_keys::random;
use ring::digest::{Context, SHA256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::account::AccountId;
use super::authentication::Authentication;
use super::one_time_secret::SecretHash;

/// What every token begins with, so that secret scanners and people recognise it.
pub const PREFIX: &str = "mch_";

const ID: usize = 16;
const SECRET: usize = 32;

/// Longest text that is looked at.
pub const MAX_TOKEN_BYTES: usize = 128;

/// How long there is to finish.
pub const LASTS: Duration = Duration::from_secs(5 * 60);

/// How many codes may be tried for one.
pub const MAX_TRIES: i64 = 5;

/// What a challenge is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Finishes a sign-in whose first secret was right.
    SignIn,
    /// Enrols a passkey.
    Enrol,
    /// Takes a passkey.
    Passkey,
}

impl Purpose {
    const ALL: [Purpose; 3] = [Purpose::SignIn, Purpose::Enrol, Purpose::Passkey];

    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::SignIn => "sign_in",
            Purpose::Enrol => "enrol",
            Purpose::Passkey => "passkey",
        }
    }

    /// Reads a stored word.
    pub fn from_word(word: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.word() == word)
    }
}

/// What a client holds of a challenge. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct ChallengeToken(Zeroizing<[u8; ID + SECRET]>);

impl ChallengeToken {
    /// Makes the token of the row with this id.
    pub fn of(id: Uuid) -> Result<ChallengeToken, mainstay_keys::Error> {
        let mut bytes = Zeroizing::new([0; ID + SECRET]);
        bytes[..ID].copy_from_slice(id.as_bytes());
        bytes[ID..].copy_from_slice(Zeroizing::new(random::<SECRET>()?).as_slice());
        Ok(ChallengeToken(bytes))
    }

    /// Reads a token. `None` when the text is not one.
    pub fn parse(text: &str) -> Option<ChallengeToken> {
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_TOKEN_BYTES)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        Some(ChallengeToken(Zeroizing::new(<[u8; ID + SECRET]>::try_from(bytes.as_slice()).ok()?)))
    }

    /// Writes it for the client.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// Gives the id of the row that it says it belongs to.
    pub fn id(&self) -> Uuid {
        let mut id = [0; ID];
        id.copy_from_slice(&self.0[..ID]);
        Uuid::from_bytes(id)
    }

    /// Gives what is stored of it.
    pub fn hash(&self) -> SecretHash {
        let mut context = Context::new(&SHA256);
        context.update(b"mainstay challenge");
        context.update(self.0.as_slice());
        SecretHash::from_slice(context.finish().as_ref())
    }
}

impl fmt::Debug for ChallengeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ChallengeToken(***)")
    }
}

/// A challenge as it is known of. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub struct Challenge {
    pub id: Uuid,
    pub purpose: Purpose,
    pub account: Option<AccountId>,
    pub hash: SecretHash,
    /// What was shown so far, and when; nothing where that was nothing.
    pub shown: Option<Authentication>,
    /// What the protocol has to know again, sealed.
    pub sealed_state: Option<Vec<u8>>,
    pub create_time: i64,
    pub expire_time: i64,
    pub use_time: Option<i64>,
}

impl Challenge {
    /// Says whether a token with this hash is this challenge's, for this purpose, and still good.
    pub fn admits(&self, hash: SecretHash, purpose: Purpose, now: i64) -> bool {
        self.hash == hash && self.purpose == purpose && self.use_time.is_none() && now < self.expire_time
    }
}
