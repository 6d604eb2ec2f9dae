use std::time::Duration;

use mainstay_keys::KeyEncryptionKey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Kind;

/// How long a mail that only tells something is tried.
pub const NOTICE_LASTS: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long the mailbox of development keeps a mail.
pub const MAILBOX_LASTS: Duration = Duration::from_secs(24 * 60 * 60);

/// A mail as it waits, sealed: what is to be told, not yet in which words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) kind: Kind,
    /// Where it goes. Nothing where nobody is to get it: it takes the same way up to the door.
    pub(crate) to: Option<String>,
    /// The language of who gets it, as the account says; it may be none that there are texts in.
    pub(crate) locale: String,
    pub(crate) told: Told,
}

/// What stands in a mail beside its texts. Wiped from memory when dropped; its `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Told {
    /// The address that it is about, which may be another one than it goes to.
    pub(crate) email: String,
    /// The page that takes the secret. Empty where there is none.
    pub(crate) link: String,
    /// The code to be typed. Empty where there is none.
    #[serde(default)]
    pub(crate) code: String,
    /// For how long the secret is good.
    pub(crate) minutes: u64,
    /// What the organisation is called that invites. Empty where none does.
    #[serde(default)]
    pub(crate) organisation: String,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Told(***)")
    }
}

/// Says why a letter cannot be put away, or be read again.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error("a mail cannot be written for the store")]
    Encoding(#[from] serde_json::Error),
    #[error(transparent)]
    Sealing(#[from] mainstay_keys::Error),
}

impl Letter {
    /// Seals it as the row with this id stores it.
    pub(crate) fn seal(&self, key: &KeyEncryptionKey, uid: &str) -> Result<Vec<u8>, LetterError> {
        let plain = Zeroizing::new(serde_json::to_vec(self)?);
        Ok(key.seal(&purpose(uid), &plain)?)
    }

    /// Opens what [`Letter::seal`] made for the same row.
    pub(crate) fn open(key: &KeyEncryptionKey, uid: &str, sealed: &[u8]) -> Result<Letter, LetterError> {
        let plain = Zeroizing::new(key.open(&purpose(uid), sealed)?);
        Ok(serde_json::from_slice(&plain)?)
    }
}

fn purpose(uid: &str) -> Vec<u8> {
    format!("mainstay auth mail {uid}").into_bytes()
}
