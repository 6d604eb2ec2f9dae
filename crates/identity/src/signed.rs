//! What others sign, and what we sign that is no access token: verified in the same way, for whoever knows what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

use crate::header::Header;
use crate::json::read_strictly;
use crate::terms::MAX_TOKEN_BYTES;
use crate::{KeySet, TokenError};

/// Verifies a JSON Web Signature in compact form by one of `keys`, and gives what it says, as JSON in which no name occurs twice.
/// Its type is one of `types`, in any case, or it says none. Whoever asks checks whom it is from, for whom, and until when.
pub fn verify_signed<T: DeserializeOwned>(token: &str, types: &[&str], keys: &KeySet) -> Result<T, TokenError> {
    let Signed { message, header, claims, signature } = taken_apart(token)?;
    let header = Header::read(&header)?;
    header.check_any_type(types)?;
    let key = header.key(keys)?;
    header.check_algorithm_of_others(key)?;
    if !key.verifies(message.as_bytes(), &signature) {
        return Err(TokenError::BadSignature);
    }
    read_strictly(&claims).map_err(|_| TokenError::Malformed("claims"))
}

/// Reads what a signature says that nobody has verified: to find out whose keys to verify it with, and for nothing else.
pub fn read_unverified<T: DeserializeOwned>(token: &str) -> Result<T, TokenError> {
    let Signed { claims, .. } = taken_apart(token)?;
    read_strictly(&claims).map_err(|_| TokenError::Malformed("claims"))
}

fn taken_apart(token: &str) -> Result<Signed<'_>, TokenError> {
    if token.len() > MAX_TOKEN_BYTES { Err(TokenError::TooLarge) } else { Signed::split(token) }
}

/// A JSON Web Signature in compact form (RFC 7515 §7.1), taken apart and not verified.
pub(crate) struct Signed<'a> {
    /// What the signature is over: the first two parts as they came.
    pub(crate) message: &'a str,
    pub(crate) header: Vec<u8>,
    pub(crate) claims: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Signed<'_> {
    /// Splits `header.claims.signature`. Five parts are an encrypted token, which we do not take.
    pub(crate) fn split(token: &str) -> Result<Signed<'_>, TokenError> {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed("number of parts"));
        };
        let message = &token[..header.len() + 1 + claims.len()];
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed("encoding"));
        let (header, claims) = (decode(header)?, decode(claims)?);
        // A signature that is no base64url is a wrong one, as every other.
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::BadSignature)?;
        Ok(Signed { message, header, claims, signature })
    }
}
