//! Apple's client secret: a token that the client signs (its "Creating a client secret").

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use zeroize::Zeroizing;

/// For how long a secret is good, seconds. Apple takes up to six months; each is used once.
const LASTS: i64 = 5 * 60;

/// The key of a team.
pub(crate) struct AppleKey(EcdsaKeyPair);

/// Says that a text is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key of P-256 in PKCS #8 as PEM")]
pub(crate) struct NotAKey;

/// Says that the system's random number generator failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client secret cannot be signed")]
pub struct NotSigned;

/// Who signs, and for whom.
pub(crate) struct Signing<'a> {
    pub(crate) team: &'a str,
    pub(crate) key: &'a str,
    pub(crate) client: &'a str,
    pub(crate) audience: &'a str,
}

impl AppleKey {
    /// Reads PEM. A variable of the environment may have its ends of lines as `\n`.
    pub(crate) fn read(pem: &str) -> Result<AppleKey, NotAKey> {
        let pem = Zeroizing::new(pem.replace("\\n", "\n"));
        let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----").ok_or(NotAKey)?;
        let (body, _) = rest.split_once("-----END PRIVATE KEY-----").ok_or(NotAKey)?;
        let body: Zeroizing<String> = Zeroizing::new(body.chars().filter(|sign| !sign.is_whitespace()).collect());
        let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| NotAKey)?);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new());
        pair.map(AppleKey).map_err(|_| NotAKey)
    }

    /// Makes a secret that is good from `now` on, in seconds.
    pub(crate) fn secret(&self, signing: &Signing<'_>, now: i64) -> Result<String, NotSigned> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"alg": "ES256", "kid": signing.key, "typ": "JWT"}));
        let claims = part(json!({
            "iss": signing.team, "iat": now, "exp": now + LASTS, "aud": signing.audience, "sub": signing.client,
        }));
        let signed = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| NotSigned)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
