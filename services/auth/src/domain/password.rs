use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Longest password that is accepted, in bytes as sent. Hashing is costly: what is hashed must have a bound.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// The fewest characters that the configuration may ask for.
pub const LEAST_MIN_CHARACTERS: usize = 8;

/// A password, normalised so that the same characters typed on two keyboards are the same bytes (NFKC, as NIST SP 800-63B
/// §5.1.1.2 recommends). Wiped from memory when dropped; shown nowhere.
pub struct Password {
    normalised: Zeroizing<String>,
    typed: Zeroizing<String>,
}

/// Says what is wrong with a password, as a clause after the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("is required")]
    Empty,
    #[error("has fewer than {0} characters")]
    TooShort(usize),
    #[error("is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// What makes it so, and how to make it better.
    #[error("is too easy to guess: {0}")]
    TooGuessable(String),
    #[error("was found in a breach of another service, and is among the first that are tried; choose another one")]
    Breached,
}

impl Password {
    /// Takes a password that somebody chooses: at least `min_characters` long.
    pub fn choose(text: &str, min_characters: usize) -> Result<Password, PasswordError> {
        let password = Password::attempt(text)?;
        if password.normalised.chars().count() < min_characters {
            return Err(PasswordError::TooShort(min_characters));
        }
        Ok(password)
    }

    /// Takes a password that somebody claims to have. Whether it would be accepted today does not matter.
    pub fn attempt(text: &str) -> Result<Password, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let typed = Zeroizing::new(text.to_owned());
        Ok(Password { normalised: Zeroizing::new(text.nfkc().collect()), typed })
    }

    /// Gives the characters, to be judged.
    pub fn as_str(&self) -> &str {
        &self.normalised
    }

    /// Gives the characters as they came: other systems have hashed these.
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// Gives the bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.normalised.as_bytes()
    }
}
