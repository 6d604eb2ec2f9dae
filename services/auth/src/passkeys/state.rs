//! What of passkeys lies in the store, sealed with the key-encryption key.

use mainstay_keys::KeyEncryptionKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use webauthn_rs::prelude::{
    Credential, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
};

use super::PasskeyError;

/// What has to be known again of what a browser was asked.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ceremony {
    /// A passkey that is to be enrolled.
    Registration(PasskeyRegistration),
    /// One of whoever shows it.
    Discoverable(DiscoverableAuthentication),
    /// One of an account that is known.
    Known(PasskeyAuthentication),
}

/// What a challenge has to know again.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) ceremony: Ceremony,
    /// The challenge of the sign-in that waits for it, which goes with it.
    pub(crate) waiting: Option<Uuid>,
}

impl State {
    /// Seals it as the challenge with this id stores it.
    pub(crate) fn seal(&self, key: &KeyEncryptionKey, id: Uuid) -> Result<Vec<u8>, PasskeyError> {
        Ok(key.seal(&purpose("challenge", &id.to_string()), &serde_json::to_vec(self)?)?)
    }

    /// Opens what [`State::seal`] made for the same challenge.
    pub(crate) fn open(key: &KeyEncryptionKey, id: Uuid, sealed: &[u8]) -> Result<State, PasskeyError> {
        Ok(serde_json::from_slice(&key.open(&purpose("challenge", &id.to_string()), sealed)?)?)
    }
}

fn purpose(what: &str, uid: &str) -> Vec<u8> {
    format!("mainstay auth passkey {what} {uid}").into_bytes()
}

/// Seals a passkey as the factor with this uid stores it.
pub(crate) fn seal(passkey: &Passkey, key: &KeyEncryptionKey, uid: &str) -> Result<Vec<u8>, PasskeyError> {
    Ok(key.seal(&purpose("factor", uid), &serde_json::to_vec(passkey)?)?)
}

/// Opens what [`seal`] made for the same factor.
pub(crate) fn open(key: &KeyEncryptionKey, uid: &str, sealed: &[u8]) -> Result<Passkey, PasskeyError> {
    Ok(serde_json::from_slice(&key.open(&purpose("factor", uid), sealed)?)?)
}

/// How often a new passkey has signed, and whether its owner's devices share it.
pub(crate) fn facts(passkey: &Passkey) -> (i64, bool) {
    let credential = Credential::from(passkey.clone());
    (credential.counter.into(), credential.backup_eligible)
}
