//! Codes that an app makes every thirty seconds (RFC 6238), as all apps can: six digits, SHA-1, which HMAC does not mind.

use std::fmt;

use mainstay_keys::{KeyEncryptionKey, random};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// How many digits a code has.
pub const DIGITS: u8 = 6;

/// For how long an app shows one code, seconds.
pub const STEP_SECONDS: u64 = 30;

/// How many steps the clock of a telephone may be off (RFC 6238 section 5.2).
const SKEW: u16 = 1;

/// How long a secret is: as RFC 4226 section 4 recommends.
const SECRET: usize = 20;

/// The secret that an app shares with us. Wiped from memory when dropped; its `Debug` shows nothing of it.
pub struct TotpSecret(Zeroizing<[u8; SECRET]>);

/// Says that no app could read the name of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no otpauth address can be written for this account")]
pub struct NoUri;

impl TotpSecret {
    /// Draws a secret.
    pub fn generate() -> Result<TotpSecret, mainstay_keys::Error> {
        Ok(TotpSecret(Zeroizing::new(random::<SECRET>()?)))
    }

    /// Seals it as the factor with this uid stores it.
    pub fn seal(&self, key: &KeyEncryptionKey, uid: &str) -> Result<Vec<u8>, mainstay_keys::Error> {
        key.seal(&purpose(uid), self.0.as_slice())
    }

    /// Opens what [`TotpSecret::seal`] made for the same factor.
    pub fn open(key: &KeyEncryptionKey, uid: &str, sealed: &[u8]) -> Result<TotpSecret, mainstay_keys::Error> {
        let opened = Zeroizing::new(key.open(&purpose(uid), sealed)?);
        let bytes = opened.as_slice().try_into().map_err(|_| mainstay_keys::Error::NotSealedHere)?;
        Ok(TotpSecret(Zeroizing::new(bytes)))
    }

    /// Writes it in Base32, to be typed.
    pub fn to_text(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(self.0.as_slice())
    }

    /// Writes the address that apps read. `application` and `account` are what they show it by.
    pub fn uri(&self, application: &str, account: &str) -> Result<String, NoUri> {
        // A colon parts the two.
        let plain = |text: &str| text.replace(':', " ");
        let named = self.builder().with_issuer(Some(plain(application))).with_account_name(plain(account));
        named.build().map_err(|_| NoUri)?.to_url().map_err(|_| NoUri)
    }

    /// Gives the step whose code this is, counted from the Unix epoch; nothing where it is that of no step that is near. A code
    /// may have spaces or hyphens in it. Whether the step was used before is for the store to say.
    pub fn step_of(&self, code: &str, now_seconds: i64) -> Option<i64> {
        if code.len() > 4 * usize::from(DIGITS) {
            return None;
        }
        let digits: String = code.chars().filter(|sign| !sign.is_whitespace() && *sign != '-').collect();
        let is_code = digits.len() == usize::from(DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let now = u64::try_from(now_seconds).ok().filter(|_| is_code)?;
        self.codes().check(&digits, now).and_then(|step| i64::try_from(step).ok())
    }

    fn builder(&self) -> Builder {
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS);
        builder.with_skew(SKEW).with_step_duration(STEP_SECONDS).with_secret(self.0.to_vec())
    }

    /// What the library would check of it is fixed here.
    fn codes(&self) -> Totp {
        self.builder().build_noncompliant()
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TotpSecret(***)")
    }
}

/// Binds a sealed secret to its row.
fn purpose(uid: &str) -> Vec<u8> {
    format!("mainstay auth factor {uid}").into_bytes()
}
