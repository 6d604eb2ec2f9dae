//! The signing keys of the database, opened, and their rotation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_db::{Atomic, Database, Lane};
use mainstay_identity::{Algorithm, KeySet, VerifyingKey};
use mainstay_keys::KeyEncryptionKey;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, Signature};
use zeroize::Zeroizing;

use crate::config::KEY_SETTING;
use crate::domain::signing::{Schedule, Term};
use crate::error::StartError;
use crate::store::signing_keys::{self as store, SEQUENCE_TAKEN, SigningKeyRow};

/// All keys of one moment, by sequence.
pub(crate) struct KeyRing {
    schedule: Schedule,
    terms: Vec<Term>,
    keys: Vec<SigningKey>,
}

/// A key pair and the id that tokens name it by.
pub(crate) struct SigningKey {
    pub(crate) public: VerifyingKey,
    pair: Pair,
}

/// A key pair, open.
enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl Pair {
    /// Makes a private key, as PKCS#8.
    fn generate(algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        };
        pkcs8.ok().map(|pkcs8| Zeroizing::new(pkcs8.as_ref().to_vec()))
    }

    /// Opens a private key. Nothing where it is none of the algorithm's.
    fn open(algorithm: Algorithm, pkcs8: &[u8]) -> Option<Pair> {
        match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Pair::EdDsa),
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new()).ok()?;
                Some(Pair::Es256(pair))
            }
        }
    }

    fn public(&self) -> &[u8] {
        match self {
            Pair::EdDsa(pair) => pair.public_key().as_ref(),
            Pair::Es256(pair) => pair.public_key().as_ref(),
        }
    }
}

impl SigningKey {
    /// Signs a message; 64 bytes. Fails where the machine has no randomness, which ECDSA needs.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, mainstay_keys::Error> {
        match &self.pair {
            Pair::EdDsa(pair) => Ok(pair.sign(message)),
            Pair::Es256(pair) => {
                pair.sign(&SystemRandom::new(), message).map_err(|_| mainstay_keys::Error::NoRandomness)
            }
        }
    }
}

impl KeyRing {
    /// Gives the key that signs at `now` (microseconds).
    pub(crate) fn signing(&self, now: i64) -> Option<&SigningKey> {
        Schedule::signing(&self.terms, now).and_then(|index| self.keys.get(index))
    }

    /// Gives the keys to publish at `now`: the one that signs first, then the others.
    pub(crate) fn published(&self, now: i64) -> Vec<&VerifyingKey> {
        let signing = Schedule::signing(&self.terms, now);
        let mut indexes: Vec<usize> =
            (0..self.keys.len()).filter(|&index| self.schedule.is_published(&self.terms, index, now)).collect();
        indexes.sort_by_key(|&index| Some(index) != signing);
        indexes.into_iter().map(|index| &self.keys[index].public).collect()
    }

    /// Gives the published keys as verifiers use them.
    pub(crate) fn key_set(&self, now: i64) -> Result<KeySet, mainstay_identity::KeySourceError> {
        KeySet::new(self.published(now).into_iter().cloned())
    }
}

/// Reads the keys, makes the next one when it is due, removes those that no valid token was signed with, and opens the
/// rest. Replicas that do so at once end with the same keys.
pub(crate) async fn load_and_rotate(
    database: &Database,
    kek: &KeyEncryptionKey,
    schedule: Schedule,
    now: i64,
) -> Result<KeyRing, StartError> {
    let mut rows = read(database).await?;
    if let Some(term) = schedule.next(&terms(&rows)?, now) {
        add(database, new_row(kek, term, now)?).await?;
        rows = read(database).await?;
    }
    let all = terms(&rows)?;
    let done = (0..rows.len()).take_while(|&index| !schedule.is_published(&all, index, now)).count();
    if done > 0 {
        let last = rows[done - 1].sequence;
        database.write(Atomic::Statement, move |conn| Box::pin(store::remove_up_to(conn, last))).await?;
        rows.drain(..done);
    }
    let keys = rows.iter().map(|row| open(kek, row)).collect::<Result<_, _>>()?;
    Ok(KeyRing { schedule, terms: terms(&rows)?, keys })
}

/// Says whether there is a key: every store that was used has one.
pub(crate) async fn any(database: &Database) -> Result<bool, StartError> {
    Ok(!read(database).await?.is_empty())
}

async fn read(database: &Database) -> Result<Vec<SigningKeyRow>, StartError> {
    database.read(Lane::Inline, |conn| Box::pin(store::all(conn))).await.map_err(StartError::Database)
}

/// Stores a new key. When another replica was faster, its key is the one.
async fn add(database: &Database, row: SigningKeyRow) -> Result<(), StartError> {
    let stored = database
        .write(Atomic::Statement, move |conn| {
            let row = row.clone();
            Box::pin(async move { store::insert(conn, &row).await })
        })
        .await;
    match stored {
        Err(error) if error.violates(SEQUENCE_TAKEN) => Ok(()),
        other => other.map_err(StartError::Database),
    }
}

fn terms(rows: &[SigningKeyRow]) -> Result<Vec<Term>, StartError> {
    let term = |row: &SigningKeyRow| {
        let SigningKeyRow { sequence, activate_time, .. } = *row;
        Ok(Term { sequence, activate_time, algorithm: algorithm(row)? })
    };
    rows.iter().map(term).collect()
}

fn algorithm(row: &SigningKeyRow) -> Result<Algorithm, StartError> {
    Algorithm::named(&row.algorithm).ok_or_else(|| StartError::DamagedSigningKey(row.key_id.clone()))
}

fn new_row(kek: &KeyEncryptionKey, term: Term, now: i64) -> Result<SigningKeyRow, StartError> {
    let no_randomness = || StartError::SigningKey(mainstay_keys::Error::NoRandomness);
    let pkcs8 = Pair::generate(term.algorithm).ok_or_else(no_randomness)?;
    let pair = Pair::open(term.algorithm, &pkcs8).ok_or_else(no_randomness)?;
    let public_key = pair.public().to_vec();
    let key_id = thumbprint(&VerifyingKey::new("", term.algorithm, &public_key).ok_or_else(no_randomness)?);
    let sealed_private_key = kek.seal(&purpose(&key_id), &pkcs8).map_err(StartError::SigningKey)?;
    Ok(SigningKeyRow {
        sequence: term.sequence,
        key_id,
        public_key,
        sealed_private_key,
        create_time: now,
        activate_time: term.activate_time,
        algorithm: term.algorithm.name().to_owned(),
    })
}

fn open(kek: &KeyEncryptionKey, row: &SigningKeyRow) -> Result<SigningKey, StartError> {
    let damaged = || StartError::DamagedSigningKey(row.key_id.clone());
    let algorithm = algorithm(row)?;
    let what = format!("the signing key {}", row.key_id);
    let opened = kek.open_stored(KEY_SETTING, what, &purpose(&row.key_id), &row.sealed_private_key)?;
    let pair = Pair::open(algorithm, &Zeroizing::new(opened)).ok_or_else(damaged)?;
    // The public half is stored in the clear; what is published must be what signs.
    if pair.public() != row.public_key {
        return Err(damaged());
    }
    let public = VerifyingKey::new(row.key_id.clone(), algorithm, &row.public_key).ok_or_else(damaged)?;
    Ok(SigningKey { public, pair })
}

/// Binds a sealed key to its row: it does not open under another id.
fn purpose(key_id: &str) -> Vec<u8> {
    format!("mainstay auth signing key {key_id}").into_bytes()
}

/// The JWK thumbprint of a public key: the required members of its kind in the order of the alphabet (RFC 7638 §3, RFC 8037
/// appendix A.3).
fn thumbprint(key: &VerifyingKey) -> String {
    let (kty, crv) = key.algorithm().kind();
    let second = match key.algorithm() {
        Algorithm::EdDsa => String::new(),
        Algorithm::Es256 => format!(r#","y":"{}""#, key.y()),
    };
    let canonical = format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{}"{second}}}"#, key.x());
    URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
}
