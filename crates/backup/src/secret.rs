//! What seals a backup.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mainstay_keys::KEY_BYTES;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::error::{Error, MIN_PASSPHRASE};

/// What seals a backup, and opens it again.
pub enum Secret {
    Passphrase(SecretString),
    Key(Zeroizing<[u8; KEY_BYTES]>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// What stretching a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

/// What new backups cost.
pub(crate) const COST: Cost = Cost { memory_kib: 64 << 10, passes: 3 };

/// What a file may ask for at most: its first lines are read before anything vouches for them.
const MOST: Cost = Cost { memory_kib: 1 << 20, passes: 16 };

impl Secret {
    /// Takes a passphrase for a new backup.
    pub fn passphrase(text: String) -> Result<Secret, Error> {
        let text = SecretString::from(text);
        if text.expose_secret().chars().count() < MIN_PASSPHRASE {
            return Err(Error::ShortPassphrase);
        }
        Ok(Secret::Passphrase(text))
    }

    /// Reads a key file: 32 bytes in base64, which only its owner can read.
    pub fn key_file(path: &Path) -> Result<Secret, Error> {
        let text = Zeroizing::new(mainstay_keys::read_secret(path)?);
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| mainstay_keys::Error::Malformed)?);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(mainstay_keys::Error::Malformed.into());
        }
        key.copy_from_slice(&bytes);
        Ok(Secret::Key(key))
    }

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Secret::Passphrase(_) => "passphrase",
            Secret::Key(_) => "key file",
        }
    }

    /// The bytes that a key is made of. A passphrase takes a moment.
    pub(crate) fn material(&self, salt: &[u8], cost: Option<Cost>) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        match (self, cost) {
            (Secret::Key(key), _) => Ok(key.clone()),
            (Secret::Passphrase(text), cost) => {
                let cost = cost.unwrap_or(COST);
                let params = Params::new(cost.memory_kib, cost.passes, 1, Some(KEY_BYTES)).map_err(Error::Stretch)?;
                let mut out = Zeroizing::new([0; KEY_BYTES]);
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                argon2
                    .hash_password_into(text.expose_secret().as_bytes(), salt, out.as_mut_slice())
                    .map_err(Error::Stretch)?;
                Ok(out)
            }
        }
    }
}

impl Cost {
    /// Whether it is one that a backup of ours may have.
    pub fn is_bearable(self) -> bool {
        self.memory_kib <= MOST.memory_kib && self.passes <= MOST.passes
    }
}
