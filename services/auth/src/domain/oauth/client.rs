//! Applications that sign people in with their accounts here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use mainstay_identity::{Jwk, KeySet, VerifyingKey};
use serde::Deserialize;
use uuid::Uuid;

use super::scope::Scopes;
use super::secrets::ClientSecret;
use crate::domain::account::Revision;

/// What the name of every client begins with.
pub const OAUTH_CLIENTS: &str = "oauthClients/";

/// Most clients of an installation.
pub const MAX_CLIENTS: i64 = 1_000;

/// Most keys that a client signs with, and most bytes of all.
pub const MAX_KEYS: usize = 8;
pub const MAX_JWKS_BYTES: usize = 8 * 1024;

/// For how long the secret that another takes the place of stays good, where nobody says, and at most.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The id of a client: a UUIDv7. It is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OAuthClientId(Uuid);

impl OAuthClientId {
    /// Makes an id that no client has had.
    pub fn generate() -> OAuthClientId {
        OAuthClientId(Uuid::now_v7())
    }

    pub fn name(self) -> String {
        format!("{OAUTH_CLIENTS}{self}")
    }
}

impl fmt::Display for OAuthClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(formatter)
    }
}

/// Says that a text is not a UUID in lower-case hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in lower-case hyphenated form")]
pub struct NotAClientId;

impl FromStr for OAuthClientId {
    type Err = NotAClientId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).map_err(|_| NotAClientId)?;
        if uuid.as_hyphenated().to_string() == text { Ok(OAuthClientId(uuid)) } else { Err(NotAClientId) }
    }
}

/// How a client shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    Secret,
    PrivateKey,
    None,
}

impl Authentication {
    const ALL: [Authentication; 3] = [Authentication::Secret, Authentication::PrivateKey, Authentication::None];

    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Authentication::Secret => "secret",
            Authentication::PrivateKey => "private_key_jwt",
            Authentication::None => "none",
        }
    }

    pub fn from_word(word: &str) -> Option<Authentication> {
        Authentication::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What a client exchanges for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantType {
    Code,
    Refresh,
    Device,
}

impl GrantType {
    const ALL: [GrantType; 3] = [GrantType::Code, GrantType::Refresh, GrantType::Device];

    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            GrantType::Code => "authorization_code",
            GrantType::Refresh => "refresh_token",
            GrantType::Device => "device_code",
        }
    }

    pub fn from_word(word: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// The hash of a secret that another took the place of, and until when it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    pub hash: Vec<u8>,
    pub expire_time: i64,
}

/// A client. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthClient {
    pub id: OAuthClientId,
    pub display_name: String,
    pub client_uri: String,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub scopes: Scopes,
    pub grants: Vec<GrantType>,
    pub authentication: Authentication,
    /// Empty where it signs nothing.
    pub jwks: String,
    /// Whether nobody is asked whether it may.
    pub trusted: bool,
    pub secret_hash: Option<Vec<u8>>,
    pub former: Option<Former>,
    pub create_time: i64,
    pub update_time: i64,
    pub revision: Revision,
}

impl OAuthClient {
    /// Whether it may exchange something.
    pub fn may(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    /// Whether a secret is the client's at `now`, or was not long ago.
    pub fn has_secret(&self, text: &str, now: i64) -> bool {
        let shown = ClientSecret::hash_of(text);
        let is_current = self.secret_hash.as_ref().is_some_and(|stored| shown.is(stored));
        let is_former = self.former.as_ref().is_some_and(|former| now < former.expire_time && shown.is(&former.hash));
        is_current || is_former
    }

    /// The keys that it signs with; none where it does not.
    pub fn keys(&self) -> KeySet {
        keys_of(&self.jwks).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    keys: Vec<&'a serde_json::value::RawValue>,
}

/// A JSON Web Key as others write it (RFC 7517, section 4).
#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    alg: String,
    #[serde(default, rename = "use")]
    usage: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    /// What no public key has.
    d: Option<serde_json::Value>,
}

/// Reads a JSON Web Key Set. Fails with what is wrong with it.
pub fn keys_of(jwks: &str) -> Result<KeySet, String> {
    if jwks.len() > MAX_JWKS_BYTES {
        return Err(format!("has more than {MAX_JWKS_BYTES} bytes"));
    }
    let set: Keys<'_> =
        serde_json::from_str(jwks).map_err(|_| "is no JSON Web Key Set (`{\"keys\": […]}`)".to_owned())?;
    if !(1..=MAX_KEYS).contains(&set.keys.len()) {
        return Err(format!("has 1 to {MAX_KEYS} keys"));
    }
    let keys = set.keys.iter().map(|text| key_of(text.get(), None)).collect::<Result<Vec<_>, _>>()?;
    KeySet::new(keys).map_err(|problem| problem.to_string())
}

/// Reads one JSON Web Key, which is known by `kid` where that is given.
pub fn key_of(text: &str, kid: Option<&str>) -> Result<VerifyingKey, String> {
    if text.len() > MAX_JWKS_BYTES {
        return Err(format!("has more than {MAX_JWKS_BYTES} bytes"));
    }
    let key: Key = serde_json::from_str(text).map_err(|_| "has a key that is no JSON Web Key".to_owned())?;
    if key.d.is_some() {
        return Err(
            "has the private half of a key (`d`), which nobody but its owner must have: make another one".to_owned()
        );
    }
    let usual = match (key.kty.as_str(), key.crv.as_str()) {
        ("OKP", "Ed25519") => "EdDSA",
        ("EC", "P-256") => "ES256",
        _ => return Err("has a key that is neither of Ed25519 nor of P-256".to_owned()),
    };
    let or = |given: &str, usual: &'static str| if given.is_empty() { usual.to_owned() } else { given.to_owned() };
    // RFC 9864 gives Ed25519 a name of its own.
    let alg = if key.alg == "Ed25519" { "EdDSA".to_owned() } else { or(&key.alg, usual) };
    let usage = or(&key.usage, "sig");
    let kid = kid.unwrap_or(&key.kid);
    let jwk = Jwk { kty: &key.kty, crv: &key.crv, alg: &alg, usage: &usage, kid, x: &key.x, y: &key.y };
    VerifyingKey::from_jwk(&jwk).map_err(|problem| problem.to_string())
}
