//! The signing keys of the database, opened, and their rotation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mainstay_db::{Atomic, Database, Lane};
use mainstay_identity::{KeySet, VerifyingKey};
use mainstay_keys::KeyEncryptionKey;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
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

/// An Ed25519 key pair and the id that tokens name it by.
pub(crate) struct SigningKey {
    pub(crate) public: VerifyingKey,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Signs a message; 64 bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        self.pair.sign(message)
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
    if let Some(term) = schedule.next(&terms(&rows), now) {
        add(database, new_row(kek, term, now)?).await?;
        rows = read(database).await?;
    }
    let all = terms(&rows);
    let done = (0..rows.len()).take_while(|&index| !schedule.is_published(&all, index, now)).count();
    if done > 0 {
        let last = rows[done - 1].sequence;
        database.write(Atomic::Statement, move |conn| Box::pin(store::remove_up_to(conn, last))).await?;
        rows.drain(..done);
    }
    let keys = rows.iter().map(|row| open(kek, row)).collect::<Result<_, _>>()?;
    Ok(KeyRing { schedule, terms: terms(&rows), keys })
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

fn terms(rows: &[SigningKeyRow]) -> Vec<Term> {
    rows.iter().map(|row| Term { sequence: row.sequence, activate_time: row.activate_time }).collect()
}

fn new_row(kek: &KeyEncryptionKey, term: Term, now: i64) -> Result<SigningKeyRow, StartError> {
    let no_randomness = || StartError::SigningKey(mainstay_keys::Error::NoRandomness);
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| no_randomness())?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| no_randomness())?;
    let public_key = pair.public_key().as_ref().to_vec();
    let key_id = thumbprint(&public_key);
    let sealed_private_key = kek.seal(&purpose(&key_id), pkcs8.as_ref()).map_err(StartError::SigningKey)?;
    Ok(SigningKeyRow {
        sequence: term.sequence,
        key_id,
        public_key,
        sealed_private_key,
        create_time: now,
        activate_time: term.activate_time,
    })
}

fn open(kek: &KeyEncryptionKey, row: &SigningKeyRow) -> Result<SigningKey, StartError> {
    let damaged = || StartError::DamagedSigningKey(row.key_id.clone());
    let what = format!("the signing key {}", row.key_id);
    let opened = kek.open_stored(KEY_SETTING, what, &purpose(&row.key_id), &row.sealed_private_key)?;
    let pair = Ed25519KeyPair::from_pkcs8(&Zeroizing::new(opened)).map_err(|_| damaged())?;
    // The public half is stored in the clear; what is published must be what signs.
    if pair.public_key().as_ref() != row.public_key {
        return Err(damaged());
    }
    let public = <[u8; 32]>::try_from(row.public_key.as_slice()).map_err(|_| damaged())?;
    Ok(SigningKey { public: VerifyingKey::new(row.key_id.clone(), public), pair })
}

/// Binds a sealed key to its row: it does not open under another id.
fn purpose(key_id: &str) -> Vec<u8> {
    format!("mainstay auth signing key {key_id}").into_bytes()
}

/// The JWK thumbprint (RFC 7638 §3, RFC 8037 appendix A.3) of an Ed25519 public key.
fn thumbprint(public_key: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
}
