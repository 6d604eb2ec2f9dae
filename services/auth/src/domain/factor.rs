//! What an owner shows beside the password, or in its place.

use std::time::Duration;

/// Most characters of what an owner calls a factor.
pub const MAX_NAME: usize = 64;

/// Most apps that an account has: each is one more code that is right.
pub const MOST_TOTP: usize = 5;

/// Most passkeys that an account has.
pub const MOST_PASSKEYS: usize = 20;

/// How long it takes at most to enrol one.
pub const ENROLMENT_LASTS: Duration = Duration::from_secs(15 * 60);

/// How long ago an owner may have shown who they are, where a factor is added or removed.
pub const RECENT: Duration = Duration::from_secs(5 * 60);

/// What a factor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Totp,
    Passkey,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Totp, Kind::Passkey];

    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Totp => "totp",
            Kind::Passkey => "passkey",
        }
    }

    /// Reads a stored word.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What a factor is called whose owner does not say.
    pub fn usual_name(self) -> &'static str {
        match self {
            Kind::Totp => "Authenticator",
            Kind::Passkey => "Passkey",
        }
    }
}

/// Says that a factor cannot be called that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_NAME} characters, none of them a control character")]
pub struct NameError;

/// Reads what an owner calls a factor.
pub fn name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let is_name = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if is_name { Ok(name.to_owned()) } else { Err(NameError) }
}
