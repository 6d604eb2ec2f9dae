//! Makes tokens, right and wrong ones, byte by byte.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_identity::{
    Algorithm, Clock, FetchFuture, KeySet, KeySource, KeySourceError, Verifier, VerifierConfig, VerifyingKey,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

/// The second at which the tests' clock starts.
pub const NOW: i64 = 1_800_000_000;

pub const ISSUER: &str = "https://auth.example.com";
pub const AUDIENCE: &str = "mainstay";

/// A key pair and the id that tokens name it by.
pub struct Key {
    pub id: String,
    pub pair: Ed25519KeyPair,
}

impl Key {
    pub fn new(id: &str, seed: u8) -> Key {
        Key { id: id.to_owned(), pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    pub fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap()
    }

    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey::new(self.id.clone(), Algorithm::EdDsa, &self.public()).unwrap()
    }

    pub fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.id})
    }

    /// A token that is right in every way.
    pub fn token(&self) -> String {
        self.sign(&self.header().to_string(), &claims().to_string())
    }

    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", encode(signature))
    }
}

/// A key pair of P-256 and the id that tokens name it by.
pub struct CurveKey {
    pub id: String,
    pub pair: EcdsaKeyPair,
}

impl CurveKey {
    pub fn new(id: &str) -> CurveKey {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        CurveKey { id: id.to_owned(), pair }
    }

    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey::new(self.id.clone(), Algorithm::Es256, self.pair.public_key().as_ref()).unwrap()
    }

    pub fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.id})
    }

    pub fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature))
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "0199a1c4-0000-7000-8000-000000000001",
        "sid": "0199a1c4-0000-7000-8000-000000000002", "roles": ["editor", "merchant"],
        "email": "ada@example.org", "email_verified": true,
        "iat": NOW - 10, "exp": NOW + 290, "jti": "1",
    })
}

/// `claims()` with some of them replaced; null takes a claim away.
pub fn claims_with(changes: &Value) -> String {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

/// A clock that stands until it is moved.
pub struct StoppedClock(AtomicI64);

impl StoppedClock {
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for StoppedClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub fn clock() -> Arc<StoppedClock> {
    Arc::new(StoppedClock(AtomicI64::new(NOW * 1_000_000)))
}

/// A source of keys that can be changed, taken away, and asked how often it was used.
#[derive(Default)]
pub struct Source {
    keys: Mutex<Option<Vec<VerifyingKey>>>,
    pub fetches: AtomicUsize,
}

impl Source {
    pub fn of(keys: &[&Key]) -> Arc<Source> {
        let source = Source::default();
        source.set(keys);
        Arc::new(source)
    }

    pub fn set(&self, keys: &[&Key]) {
        self.set_all(keys.iter().map(|key| key.verifying()).collect());
    }

    pub fn set_all(&self, keys: Vec<VerifyingKey>) {
        *self.keys.lock().unwrap() = Some(keys);
    }

    pub fn take_away(&self) {
        *self.keys.lock().unwrap() = None;
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl KeySource for Source {
    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            match self.keys.lock().unwrap().clone() {
                Some(keys) => KeySet::new(keys),
                None => Err(KeySourceError::Unreachable("the auth service is stopped".into())),
            }
        })
    }
}

pub fn config() -> VerifierConfig {
    VerifierConfig { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned() }
}

pub fn verifier(source: &Arc<Source>, clock: &Arc<StoppedClock>) -> Verifier {
    Verifier::with_clock(config(), Arc::clone(source) as Arc<dyn KeySource>, Arc::clone(clock) as Arc<dyn Clock>)
}
