use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};

/// The only signature algorithm, in the spelling of `alg` (RFC 8037).
pub const ALGORITHM: &str = "EdDSA";

/// Most keys that a [`KeySet`] may hold; a source that gives more is broken.
pub const MAX_KEYS: usize = 64;

/// Longest `kid` that is looked up.
pub const MAX_KEY_ID_BYTES: usize = 64;

/// What a [`KeySource::fetch`] gives back.
pub type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<KeySet, KeySourceError>> + Send + 'a>>;

/// Fetches the public keys that access tokens are signed with: from the auth service in memory, or over the network.
pub trait KeySource: Send + Sync + 'static {
    /// Gives every key that a valid token may be signed with now, and those about to be used.
    fn fetch(&self) -> FetchFuture<'_>;
}

/// Says why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The source did not answer.
    #[error("the key source is not reachable")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The source did not answer within [`crate::FETCH_TIMEOUT`].
    #[error("the key source did not answer in time")]
    TimedOut,
    /// The source answered with something that is not a key set.
    #[error("the key source gave an unusable key {kid:?}: {problem}")]
    Unusable {
        /// The key's id.
        kid: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// One public key: 32 bytes of an Ed25519 point and the id that tokens name it by.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    key_id: String,
    public: [u8; 32],
}

impl VerifyingKey {
    /// Makes a key of its id and the 32 bytes of its public point.
    pub fn new(key_id: impl Into<String>, public: [u8; 32]) -> VerifyingKey {
        VerifyingKey { key_id: key_id.into(), public }
    }

    /// Reads a JSON Web Key (RFC 7517, RFC 8037). Fails on any other kind of key than an Ed25519 one for signatures.
    pub fn from_jwk(kty: &str, crv: &str, alg: &str, usage: &str, kid: &str, x: &str) -> Result<Self, KeySourceError> {
        let unusable = |problem| KeySourceError::Unusable { kid: kid.to_owned(), problem };
        if kty != "OKP" || crv != "Ed25519" || alg != ALGORITHM || usage != "sig" {
            return Err(unusable("only Ed25519 signature keys are accepted"));
        }
        if kid.is_empty() || kid.len() > MAX_KEY_ID_BYTES {
            return Err(unusable("its id is empty or too long"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(x).map_err(|_| unusable("x is not base64url"))?;
        let public = <[u8; 32]>::try_from(bytes).map_err(|_| unusable("x is not 32 bytes long"))?;
        Ok(VerifyingKey::new(kid, public))
    }

    /// Gives the id that tokens name the key by (`kid`).
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Gives the algorithm that the key is for, which a token's header cannot change.
    pub fn algorithm(&self) -> &'static str {
        ALGORITHM
    }

    /// Gives the public point as base64url, the `x` of a JSON Web Key.
    pub fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public)
    }

    /// Says whether `signature` is this key's over `message` (RFC 8032, which refuses what is not in its one form).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(message, signature).is_ok()
    }
}

/// The public keys of one moment, by id.
#[derive(Clone, Debug, Default)]
pub struct KeySet(HashMap<String, VerifyingKey>);

impl KeySet {
    /// Collects keys. Fails when there are more than [`MAX_KEYS`] or two have the same id.
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<KeySet, KeySourceError> {
        let mut set = HashMap::new();
        for key in keys {
            let kid = key.key_id.clone();
            if set.len() == MAX_KEYS {
                return Err(KeySourceError::Unusable { kid, problem: "there are too many keys" });
            }
            if set.insert(kid.clone(), key).is_some() {
                return Err(KeySourceError::Unusable { kid, problem: "two keys have this id" });
            }
        }
        Ok(KeySet(set))
    }

    /// Finds the key with this id.
    pub fn get(&self, key_id: &str) -> Option<&VerifyingKey> {
        self.0.get(key_id)
    }

    /// Says whether every key of this set is also in `other`, unchanged.
    pub(crate) fn is_contained_in(&self, other: &KeySet) -> bool {
        self.0.iter().all(|(kid, key)| other.0.get(kid).is_some_and(|theirs| theirs.public == key.public))
    }

    /// Gives the number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
