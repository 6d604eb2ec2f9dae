use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};

/// How a token is signed. That belongs to the key: a token's header can only agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// EdDSA over Ed25519 (RFC 8037).
    #[default]
    EdDsa,
    /// ECDSA over P-256 with SHA-256 (RFC 7518 section 3.4), for verifiers that know no other.
    Es256,
}

impl Algorithm {
    /// Gives the name in the spelling of `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Es256 => "ES256",
        }
    }

    /// Finds an algorithm by its name.
    pub fn named(name: &str) -> Option<Algorithm> {
        [Algorithm::EdDsa, Algorithm::Es256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Gives the kind of its keys (`kty`) and their curve (`crv`).
    pub fn kind(self) -> (&'static str, &'static str) {
        match self {
            Algorithm::EdDsa => ("OKP", "Ed25519"),
            Algorithm::Es256 => ("EC", "P-256"),
        }
    }
}

/// What the point of a P-256 key begins with when both coordinates follow (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// How long a coordinate is: of either curve, in bytes.
const COORDINATE: usize = 32;

/// A JSON Web Key (RFC 7517 section 4) as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Jwk<'a> {
    /// The kind of key.
    pub kty: &'a str,
    /// Its curve.
    pub crv: &'a str,
    /// The algorithm that it is for.
    pub alg: &'a str,
    /// What it is for (`use`).
    pub usage: &'a str,
    /// Its id.
    pub kid: &'a str,
    /// The first coordinate, or the only one.
    pub x: &'a str,
    /// The second coordinate; empty where the curve has none.
    pub y: &'a str,
}

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

/// One public key: a point, the algorithm that it is for, and the id that tokens name it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    key_id: String,
    algorithm: Algorithm,
    /// Of Ed25519 the 32 bytes of the point, of P-256 its 65 bytes in uncompressed form.
    public: Box<[u8]>,
}

impl VerifyingKey {
    /// Makes a key of its id and its public point: 32 bytes of Ed25519, 65 of P-256 in uncompressed form. Nothing where it is
    /// no such point.
    pub fn new(key_id: impl Into<String>, algorithm: Algorithm, public: &[u8]) -> Option<VerifyingKey> {
        let is_point = match algorithm {
            Algorithm::EdDsa => public.len() == COORDINATE,
            Algorithm::Es256 => public.len() == 1 + 2 * COORDINATE && public[0] == UNCOMPRESSED,
        };
        is_point.then(|| VerifyingKey { key_id: key_id.into(), algorithm, public: public.into() })
    }

    /// Reads a JSON Web Key (RFC 7517, RFC 8037, RFC 7518 section 6.2). Fails on every other kind of key than those of
    /// [`Algorithm`] for signatures.
    pub fn from_jwk(jwk: &Jwk<'_>) -> Result<Self, KeySourceError> {
        let unusable = |problem| KeySourceError::Unusable { kid: jwk.kid.to_owned(), problem };
        let algorithm = Algorithm::named(jwk.alg)
            .filter(|algorithm| algorithm.kind() == (jwk.kty, jwk.crv) && jwk.usage == "sig")
            .ok_or_else(|| unusable("only Ed25519 and P-256 signature keys are accepted"))?;
        if jwk.kid.is_empty() || jwk.kid.len() > MAX_KEY_ID_BYTES {
            return Err(unusable("its id is empty or too long"));
        }
        let coordinate = |text: &str, name| {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unusable(name))?;
            if bytes.len() == COORDINATE { Ok(bytes) } else { Err(unusable(name)) }
        };
        let mut public = coordinate(jwk.x, "x is not 32 bytes of base64url")?;
        if algorithm == Algorithm::Es256 {
            public.insert(0, UNCOMPRESSED);
            public.extend(coordinate(jwk.y, "y is not 32 bytes of base64url")?);
        }
        VerifyingKey::new(jwk.kid, algorithm, &public).ok_or_else(|| unusable("it is no point of its curve"))
    }

    /// Gives the id that tokens name the key by (`kid`).
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Gives the algorithm that the key is for, which a token's header cannot change.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Gives the first coordinate, or the only one, as base64url: the `x` of a JSON Web Key.
    pub fn x(&self) -> String {
        let first = match self.algorithm {
            Algorithm::EdDsa => &self.public[..],
            Algorithm::Es256 => &self.public[1..=COORDINATE],
        };
        URL_SAFE_NO_PAD.encode(first)
    }

    /// Gives the second coordinate as base64url, the `y` of a JSON Web Key; empty where the curve has none.
    pub fn y(&self) -> String {
        match self.algorithm {
            Algorithm::EdDsa => String::new(),
            Algorithm::Es256 => URL_SAFE_NO_PAD.encode(&self.public[1 + COORDINATE..]),
        }
    }

    /// Says whether `signature` is this key's over `message`. Of Ed25519 only the one form of RFC 8032 is accepted; of ECDSA, 64
    /// bytes `r || s` that are neither zero nor as large as the order (RFC 7518 section 3.4).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match self.algorithm {
            Algorithm::EdDsa => &ED25519,
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        };
        UnparsedPublicKey::new(algorithm, &self.public).verify(message, signature).is_ok()
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

    /// Gives the key of a set that has one.
    pub(crate) fn only(&self) -> Option<&VerifyingKey> {
        self.0.values().next().filter(|_| self.0.len() == 1)
    }

    /// Says whether every key of this set is also in `other`, unchanged.
    pub(crate) fn is_contained_in(&self, other: &KeySet) -> bool {
        self.0.iter().all(|(kid, key)| other.0.get(kid) == Some(key))
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
