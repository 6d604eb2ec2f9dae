//! The form that addresses were compared in before, for accounts that have no other yet.

use unicode_normalization::UnicodeNormalization;

use super::{Email, EmailError};

/// What the key of an account begins with that is still found by the former form of its address. No address begins so.
pub const FORMER: &str = "former ";

/// An address that somebody says is theirs, as the keys that an account with it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    former: Option<String>,
    today: Option<String>,
}

impl Claimed {
    /// Reads an address. Where accounts are left that only the former form finds, an address that would not be accepted today
    /// may be one of theirs.
    pub fn read(text: &str, former_are_left: bool) -> Result<Claimed, EmailError> {
        let former = former_are_left.then(|| former_key(text));
        match (Email::parse(text), former) {
            (Ok(email), former) => Ok(Claimed { former, today: Some(email.key) }),
            (Err(problem @ (EmailError::Empty | EmailError::TooLong | EmailError::NoAt)), _) | (Err(problem), None) => {
                Err(problem)
            }
            (Err(_), former) => Ok(Claimed { former, today: None }),
        }
    }

    /// Gives the keys to look for, in this order: who is found by the former form has no other.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.former.iter().chain(&self.today).map(String::as_str)
    }

    /// Names the account, whether there is one or not.
    pub fn identity(&self) -> &str {
        self.today.as_deref().or(self.former.as_deref()).unwrap_or_default()
    }
}

/// Gives the key under which an account of earlier times with this address is stored until it gets a key of today. It folded
/// compatibility forms and turned every letter to lower case by itself.
pub fn former_key(text: &str) -> String {
    let folded: String = text.trim().nfkc().flat_map(char::to_lowercase).collect();
    FORMER.chars().chain(folded.nfkc()).collect()
}
