//! Page tokens of lists: opaque, sealed, and good for the caller who got them (AIP-158).

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_keys::KeyEncryptionKey;

/// How long a token can be used, in seconds: three days, as AIP-158 suggests.
pub const LIFETIME_SECONDS: i64 = 3 * 24 * 60 * 60;

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 1024;

/// Says why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageTokenError {
    #[error("the page token is not one that this method gave to this caller")]
    Invalid,
    #[error("the page token has expired; start the list again")]
    Expired,
}

/// Seals where a page ends, for the one who reads the list; `reader` names both.
pub fn seal(
    key: &KeyEncryptionKey,
    reader: &str,
    last: impl Display,
    now_seconds: i64,
) -> Result<String, mainstay_keys::Error> {
    let plain = format!("{} {last}", now_seconds.saturating_add(LIFETIME_SECONDS));
    Ok(URL_SAFE_NO_PAD.encode(key.seal(&purpose(reader), plain.as_bytes())?))
}

/// Opens a token that [`seal`] made for the same reader.
pub fn open<T: FromStr>(
    key: &KeyEncryptionKey,
    reader: &str,
    token: &str,
    now_seconds: i64,
) -> Result<T, PageTokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(PageTokenError::Invalid);
    }
    let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| PageTokenError::Invalid)?;
    let plain = key.open(&purpose(reader), &sealed).map_err(|_| PageTokenError::Invalid)?;
    let (expiry, last) = std::str::from_utf8(&plain).ok().and_then(read).ok_or(PageTokenError::Invalid)?;
    if expiry < now_seconds { Err(PageTokenError::Expired) } else { Ok(last) }
}

fn read<T: FromStr>(plain: &str) -> Option<(i64, T)> {
    let (expiry, last) = plain.split_once(' ')?;
    Some((expiry.parse().ok()?, last.parse().ok()?))
}

fn purpose(reader: &str) -> Vec<u8> {
    format!("mainstay auth accounts page token of {reader}").into_bytes()
}
