use serde::Deserialize;

use crate::json::{Refused, read_strictly};
use crate::keys::MAX_KEY_ID_BYTES;
use crate::{Algorithm, KeySet, TokenError, VerifyingKey};

/// The JOSE header of a token that has not been verified. Only what decides how to verify is read; `jku`, `x5u`, `x5c` and
/// `jwk` name keys of the sender's own choosing and are not even looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    /// Extensions that a reader must understand (RFC 7515 §4.1.11). We understand none.
    #[serde(default, rename = "crit")]
    _critical: Option<Refused>,
    /// Present in encrypted tokens (RFC 7516), which we do not take.
    #[serde(default, rename = "enc")]
    _encryption: Option<Refused>,
}

impl Header {
    /// Reads a header. Fails when it is not an object, repeats a name, or asks for something that is not supported.
    pub(crate) fn read(json: &[u8]) -> Result<Header, TokenError> {
        read_strictly(json).map_err(|_| TokenError::Malformed("header"))
    }

    /// Fails unless the token says that it is an access token (RFC 9068 §2.1), so that no other token of the same issuer
    /// passes for one.
    pub(crate) fn check_type(&self, wanted: &str) -> Result<(), TokenError> {
        let typ = self.typ.as_deref().unwrap_or_default();
        let subtype = match typ.get(..12) {
            Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ[12..],
            _ => typ,
        };
        if subtype.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(TokenError::WrongType) }
    }

    /// Gives the id of the key, which is only ever compared with ids that are known: never a path, never part of a query.
    pub(crate) fn key_id(&self) -> Result<&str, TokenError> {
        match self.kid.as_deref() {
            Some(kid) if !kid.is_empty() && kid.len() <= MAX_KEY_ID_BYTES => Ok(kid),
            _ => Err(TokenError::UnknownKey),
        }
    }

    /// The same, where a signature says nothing of its type, or one of `wanted`.
    pub(crate) fn check_any_type(&self, wanted: &[&str]) -> Result<(), TokenError> {
        let is_wanted = |typ: &&str| self.check_type(typ).is_ok();
        if self.typ.is_none() || wanted.iter().any(is_wanted) { Ok(()) } else { Err(TokenError::WrongType) }
    }

    /// Finds the key that the header names among `keys`; where it names none, the only one.
    pub(crate) fn key<'k>(&self, keys: &'k KeySet) -> Result<&'k VerifyingKey, TokenError> {
        let key = if self.kid.is_none() { keys.only() } else { keys.get(self.key_id()?) };
        key.ok_or(TokenError::UnknownKey)
    }

    /// Fails unless the header says the key's algorithm. The key decides; the header may only agree.
    pub(crate) fn check_algorithm(&self, key: &VerifyingKey) -> Result<(), TokenError> {
        if self.alg == key.algorithm().name() { Ok(()) } else { Err(TokenError::WrongAlgorithm) }
    }

    /// The same of what others sign: RFC 9864 gives `EdDSA` with Ed25519, which is the only one here, a name of its own.
    pub(crate) fn check_algorithm_of_others(&self, key: &VerifyingKey) -> Result<(), TokenError> {
        let is_renamed = self.alg == "Ed25519" && key.algorithm() == Algorithm::EdDsa;
        if is_renamed { Ok(()) } else { self.check_algorithm(key) }
    }
}
