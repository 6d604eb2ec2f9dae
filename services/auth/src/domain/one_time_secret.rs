//! Secrets that are good for one use: what a person is sent, and what is stored of it.
//!
//! ```text
//! link = "mot_" base64url( id of the row (16 bytes) | secret (32) )
//! code = eight digits, good only for the request that it was made for, which has the id of the row
//! ```
//!
//! Of a link the SHA-256 is stored: 256 bits are not guessed. Of a code, which would be, a hash with a key that is not in the
//! database; a request has five tries. Each is bound to a purpose, to an account and to the address that it was
//! sent to (of which a hash is stored with a key that is not in the database), and is used by one compare-and-swap on its row,
//! in the transaction of what it is good for.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_keys::random;
use ring::digest::{Context, SHA256};
use ring::hmac;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::account::AccountId;

/// What every link's secret begins with, so that secret scanners and people recognise it.
pub const PREFIX: &str = "mot_";

const ID: usize = 16;
const SECRET: usize = 32;

/// Longest text that is looked at.
pub const MAX_LINK_SECRET_BYTES: usize = 128;

/// How many codes may be tried for one request.
pub const MAX_TRIES: i64 = 5;

/// How many digits a code has: with five tries for each, and a bounded number of requests in an hour, guessing an account's
/// takes centuries.
pub const CODE_DIGITS: usize = 8;

/// How long a secret counts for how many are sent to one address.
pub const COUNTED_FOR: Duration = Duration::from_secs(60 * 60);

/// What a secret is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Shows that the account's address is its owner's.
    VerifyEmail,
    /// Shows that the address that an account shall have is its owner's.
    ChangeEmail,
    /// Shows that the owner of the account's address wants another one.
    ApproveEmailChange,
    /// Chooses a new password.
    ResetPassword,
    /// Signs in.
    SignIn,
    /// Makes an account with the address a member of an organisation. It is no account's.
    AcceptInvitation,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 6] = [
        Purpose::VerifyEmail,
        Purpose::ChangeEmail,
        Purpose::ApproveEmailChange,
        Purpose::ResetPassword,
        Purpose::SignIn,
        Purpose::AcceptInvitation,
    ];

    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::VerifyEmail => "verify_email",
            Purpose::ChangeEmail => "change_email",
            Purpose::ApproveEmailChange => "approve_email_change",
            Purpose::ResetPassword => "reset_password",
            Purpose::SignIn => "sign_in",
            Purpose::AcceptInvitation => "accept_invitation",
        }
    }

    /// Reads a stored word.
    pub fn from_word(word: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.word() == word)
    }

    /// For how long such a secret is good.
    pub fn lasts(self) -> Duration {
        match self {
            Purpose::VerifyEmail => Duration::from_secs(24 * 60 * 60),
            Purpose::ChangeEmail | Purpose::ApproveEmailChange | Purpose::ResetPassword => Duration::from_secs(60 * 60),
            Purpose::SignIn => Duration::from_secs(10 * 60),
            Purpose::AcceptInvitation => Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// The secret of a link. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct LinkSecret(Zeroizing<[u8; ID + SECRET]>);

impl LinkSecret {
    /// Makes the secret of the row with this id.
    pub fn of(id: Uuid) -> Result<LinkSecret, mainstay_keys::Error> {
        let mut bytes = Zeroizing::new([0; ID + SECRET]);
        bytes[..ID].copy_from_slice(id.as_bytes());
        bytes[ID..].copy_from_slice(Zeroizing::new(random::<SECRET>()?).as_slice());
        Ok(LinkSecret(bytes))
    }

    /// Reads a secret. `None` when the text is not one.
    pub fn parse(text: &str) -> Option<LinkSecret> {
        let encoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= MAX_LINK_SECRET_BYTES)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        Some(LinkSecret(Zeroizing::new(<[u8; ID + SECRET]>::try_from(bytes.as_slice()).ok()?)))
    }

    /// Writes it for the link.
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
        context.update(b"mainstay one-time link");
        context.update(self.0.as_slice());
        SecretHash::from_slice(context.finish().as_ref())
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkSecret(***)")
    }
}

/// A code that is typed. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct Code(Zeroizing<String>);

impl Code {
    /// Draws a code, each as likely as any other.
    pub fn generate() -> Result<Code, mainstay_keys::Error> {
        // The largest multiple of what there are that fits: what lies above would make some codes likelier.
        let count = (0..CODE_DIGITS).fold(1_u64, |count, _| count * 10);
        let bound = u64::MAX - u64::MAX % count;
        loop {
            let drawn = u64::from_be_bytes(random::<8>()?);
            if drawn < bound {
                return Ok(Code(Zeroizing::new(format!("{:0width$}", drawn % count, width = CODE_DIGITS))));
            }
        }
    }

    /// Reads a code as people type it: with spaces or a hyphen between its digits, too. `None` where it is none.
    pub fn parse(text: &str) -> Option<Code> {
        if text.len() > 4 * CODE_DIGITS {
            return None;
        }
        let digits: String = text.chars().filter(|sign| !sign.is_whitespace() && *sign != '-').collect();
        let is_code = digits.len() == CODE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| Code(Zeroizing::new(digits)))
    }

    /// Writes it as a mail shows it: in two halves.
    pub fn to_text(&self) -> String {
        let (first, second) = self.0.split_at(CODE_DIGITS / 2);
        format!("{first} {second}")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(***)")
    }
}

/// What is stored of a secret. Compared in a time that does not tell how much is the same.
#[derive(Clone, Copy, Debug)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    pub(super) fn from_slice(bytes: &[u8]) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(bytes);
        SecretHash(hash)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &SecretHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The key of hashes of what could be guessed, as addresses can.
pub struct HashKey(hmac::Key);

impl HashKey {
    /// Takes a key that the key-encryption key derives.
    pub fn new(bytes: &[u8]) -> HashKey {
        HashKey(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Hashes a code together with the request that it is for.
    pub fn code(&self, request: Uuid, code: &Code) -> SecretHash {
        self.hash(&[b"code", request.as_bytes(), code.0.as_bytes()])
    }

    /// Hashes the canonical form of an address.
    pub fn address(&self, key: &str) -> SecretHash {
        self.hash(&[b"address", key.as_bytes()])
    }

    /// Hashes what somebody types for a device.
    pub fn user_code(&self, code: &str) -> SecretHash {
        self.hash(&[b"user code", code.as_bytes()])
    }

    pub(super) fn hash(&self, parts: &[&[u8]]) -> SecretHash {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        SecretHash::from_slice(context.sign().as_ref())
    }
}

/// What somebody shows of a secret, by its hash.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    Link(SecretHash),
    Code(SecretHash),
}

/// A secret as it is known of: everything but itself. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub struct Issued {
    pub id: Uuid,
    pub purpose: Purpose,
    /// Nobody, where it was asked for with an address that no account has.
    pub account: Option<AccountId>,
    pub address: SecretHash,
    pub link: SecretHash,
    pub code: Option<SecretHash>,
    pub create_time: i64,
    pub expire_time: i64,
    pub use_time: Option<i64>,
}

impl Issued {
    /// Says whether what somebody has is this secret, for one of these purposes, and still good.
    pub fn admits(&self, shown: Shown, purposes: &[Purpose], now: i64) -> bool {
        let is_good = self.use_time.is_none() && now < self.expire_time;
        let is_it = match shown {
            Shown::Link(hash) => self.link == hash,
            Shown::Code(hash) => self.code == Some(hash),
        };
        is_it && purposes.contains(&self.purpose) && is_good
    }
}
