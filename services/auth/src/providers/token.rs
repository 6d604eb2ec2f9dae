//! ID tokens (OpenID Connect Core section 3.1.3.7): whose they are, for whom, and for how long. Keys and signatures are the
//! library's to judge.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm, JwsSigningAlgorithm as _};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::error::TokenError;

/// Longest ID token that is looked at.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// For how long an ID token is taken after it was made, seconds, whatever it says: it is known for longer that it was used.
pub(crate) const LONGEST: i64 = 24 * 60 * 60;

/// How far the provider's clock may be from ours, seconds.
pub(crate) const SKEW: i64 = 60;

/// What of the header of a token counts (RFC 7515 section 4.1). Nothing in it says where a key is.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    crit: Option<Value>,
}

/// An ID token that was taken apart, and of which nothing is believed yet.
pub(crate) struct Unverified<'t> {
    header: Header,
    claims: Map<String, Value>,
    signed: &'t str,
    signature: Vec<u8>,
}

/// What a token has to be.
pub(crate) struct Expected<'a> {
    /// All ways in which the provider writes its name.
    pub(crate) issuers: Vec<&'a str>,
    /// One of these it has to be for, and for nobody beside them.
    pub(crate) audiences: Vec<&'a str>,
    pub(crate) nonce: Nonce<'a>,
    /// Seconds since the Unix epoch.
    pub(crate) now: i64,
}

/// What the nonce of a token has to be.
pub(crate) enum Nonce<'a> {
    Same(&'a str),
    /// The SHA-256 of what only the client knows, in hexadecimal digits or base64url: who finds the token does not know it.
    HashOf(&'a str),
}

impl<'t> Unverified<'t> {
    /// Takes a token apart.
    pub(crate) fn read(token: &'t str) -> Result<Unverified<'t>, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) =
            signed.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or(TokenError::Malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        let claims: Map<String, Value> = serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Malformed)?;
        // A token for another use (`at+jwt`, `logout+jwt`), an encrypted one, or one that has to be understood in a way we do not.
        let is_id_token = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if !is_id_token || header.cty.is_some() || header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        Ok(Unverified { header, claims, signed, signature: decode(signature)? })
    }

    /// Gives the claims, where the signature is one of the provider's keys and the token is what is expected.
    pub(crate) fn verify(
        &self,
        keys: &CoreJsonWebKeySet,
        expected: &Expected<'_>,
    ) -> Result<&Map<String, Value>, TokenError> {
        self.check_signature(keys)?;
        self.check_claims(expected)?;
        Ok(&self.claims)
    }

    fn check_signature(&self, keys: &CoreJsonWebKeySet) -> Result<(), TokenError> {
        let algorithm = algorithm(&self.header.alg).ok_or(TokenError::Algorithm)?;
        let mut fitting = keys.keys().iter().filter(|key| self.fits(key, &algorithm)).peekable();
        if fitting.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        let is_signed =
            |key: &CoreJsonWebKey| key.verify_signature(&algorithm, self.signed.as_bytes(), &self.signature).is_ok();
        if fitting.any(is_signed) { Ok(()) } else { Err(TokenError::Signature) }
    }

    /// Whether a key is the one that the token names, and of its kind.
    fn fits(&self, key: &CoreJsonWebKey, algorithm: &CoreJwsSigningAlgorithm) -> bool {
        let is_named = match &self.header.kid {
            Some(kid) => key.key_id().is_some_and(|id| id.as_str() == kid),
            None => true,
        };
        let is_for_signing = key.key_use().is_none_or(|word| *word == CoreJsonWebKeyUse::Signature);
        let is_of_kind = algorithm.key_type().is_some_and(|kind| kind == *key.key_type());
        let is_of_algorithm = match key.signing_alg() {
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Algorithm(own) => own == algorithm,
            JsonWebKeyAlgorithm::Unsupported => false,
        };
        is_named && is_for_signing && is_of_kind && is_of_algorithm
    }

    fn check_claims(&self, expected: &Expected<'_>) -> Result<(), TokenError> {
        let issuer = self.text("iss").ok_or(TokenError::Claims)?;
        if !expected.issuers.contains(&issuer) {
            return Err(TokenError::Issuer);
        }
        self.check_audience(expected)?;
        let now = expected.now;
        if now.saturating_sub(SKEW) >= self.time("exp")?.ok_or(TokenError::Claims)? {
            return Err(TokenError::Expired);
        }
        let made = self.time("iat")?.ok_or(TokenError::Claims)?;
        if now.saturating_sub(LONGEST) > made {
            return Err(TokenError::Expired);
        }
        let begins = [made, self.time("nbf")?.unwrap_or(i64::MIN)];
        if begins.iter().any(|begin| *begin > now.saturating_add(SKEW)) {
            return Err(TokenError::Early);
        }
        if is_nonce(self.text("nonce").unwrap_or_default(), &expected.nonce) { Ok(()) } else { Err(TokenError::Nonce) }
    }

    /// For one of ours, for nobody else beside (step 3), and to be used by one of ours (steps 4 and 5).
    fn check_audience(&self, expected: &Expected<'_>) -> Result<(), TokenError> {
        let is_ours = |value: &Value| value.as_str().is_some_and(|audience| expected.audiences.contains(&audience));
        let is_for_us = match self.claims.get("aud") {
            Some(Value::Array(all)) => !all.is_empty() && all.iter().all(is_ours),
            Some(one) => is_ours(one),
            None => return Err(TokenError::Claims),
        };
        if !is_for_us {
            return Err(TokenError::Audience);
        }
        let are_several = self.claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
        match self.claims.get("azp") {
            Some(party) if is_ours(party) => Ok(()),
            None if !are_several => Ok(()),
            _ => Err(TokenError::Party),
        }
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// A time in whole seconds (RFC 7519 section 2, NumericDate).
    fn time(&self, claim: &str) -> Result<Option<i64>, TokenError> {
        self.claims.get(claim).map(|value| seconds(value).ok_or(TokenError::Claims)).transpose()
    }
}

/// Reads a NumericDate.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    const LAST: f64 = 253_402_300_799.0;
    #[expect(clippy::cast_possible_truncation, reason = "it lies before the year 10000")]
    let whole = |number: f64| (0.0..=LAST).contains(&number).then_some(number as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}

/// The ways to sign that are taken: all of them with a key that only the provider has.
fn algorithm(name: &str) -> Option<CoreJwsSigningAlgorithm> {
    Some(match name {
        "RS256" => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        "RS384" => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        "RS512" => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        "PS256" => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        "PS384" => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        "PS512" => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        "ES256" => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        "ES384" => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        "EdDSA" => CoreJwsSigningAlgorithm::EdDsa,
        _ => return None,
    })
}

fn is_nonce(nonce: &str, expected: &Nonce<'_>) -> bool {
    let same = |text: &str| bool::from(nonce.as_bytes().ct_eq(text.as_bytes()));
    match expected {
        Nonce::Same(text) => !text.is_empty() && same(text),
        Nonce::HashOf(secret) => {
            let hash = digest(&SHA256, secret.as_bytes());
            let hex = data_encoding::HEXLOWER.encode(hash.as_ref());
            !secret.is_empty() && (same(&hex) | same(&URL_SAFE_NO_PAD.encode(hash)))
        }
    }
}
