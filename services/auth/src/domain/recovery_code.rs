//! Codes that are good in the place of a factor that was lost, each once.
//!
//! A code has 60 bits: it is tried as seldom as a factor, and its hash has a key that is not in the database, so nothing slow
//! is needed.

use std::fmt;

use mainstay_keys::random;
use zeroize::Zeroizing;

use super::account::AccountId;
use super::one_time_secret::{HashKey, SecretHash};

/// How many an account has.
pub const MANY: usize = 10;

/// How many signs a code has, in groups of four.
const SIGNS: usize = 12;
const GROUP: usize = 4;

/// Digits and letters without those that look like others (as Crockford's Base32 has them).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A code. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// Draws a code, each as likely as any other.
    pub fn generate() -> Result<RecoveryCode, mainstay_keys::Error> {
        let drawn = Zeroizing::new(random::<SIGNS>()?);
        let sign = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
        Ok(RecoveryCode(Zeroizing::new(drawn.iter().map(sign).collect())))
    }

    /// Draws all that an account has.
    pub fn generate_all() -> Result<Vec<RecoveryCode>, mainstay_keys::Error> {
        (0..MANY).map(|_| RecoveryCode::generate()).collect()
    }

    /// Reads a code as people type it: in any case, with spaces or hyphens or without, and with the letters that look like
    /// digits. `None` where it is none.
    pub fn parse(text: &str) -> Option<RecoveryCode> {
        if text.len() > 4 * SIGNS {
            return None;
        }
        let meant = |sign: char| match sign.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let signs: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|sign| !sign.is_whitespace() && *sign != '-').map(meant).collect());
        let is_code = signs.len() == SIGNS && signs.bytes().all(|byte| ALPHABET.contains(&byte));
        is_code.then_some(RecoveryCode(signs))
    }

    /// Writes it for its owner: `7f3k-9mxq-2c0v`.
    pub fn to_text(&self) -> String {
        [0, 1, 2].map(|group| &self.0[group * GROUP..(group + 1) * GROUP]).join("-")
    }

    /// Gives what is stored of it.
    pub fn hash(&self, key: &HashKey, account: AccountId) -> SecretHash {
        key.hash(&[b"recovery code", account.to_string().as_bytes(), self.0.as_bytes()])
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecoveryCode(***)")
    }
}
