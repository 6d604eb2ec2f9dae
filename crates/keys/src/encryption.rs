//! The key that seals a service's other keys, and what to say of a database that was sealed with another one.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{Error, KEY_BYTES, SealingKey};

/// The key that seals the other keys of a service in its database. It knows where it comes from: whoever uses a database with
/// the key of another one is told which is wanted.
#[derive(Debug)]
pub struct KeyEncryptionKey {
    key: SealingKey,
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Configuration,
    File(PathBuf),
}

/// Where a service's key is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySetting {
    /// The setting, `auth.key_encryption_key`.
    pub setting: &'static str,
    /// Where its database is configured, `auth.database_url`.
    pub database: &'static str,
}

/// Says that a key in the database was sealed with another key than the one at hand, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SealedWithAnotherKey {
    what: String,
    source_of_key: Source,
    place: KeySetting,
}

impl fmt::Display for SealedWithAnotherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, KeySetting { setting, database }) = (&self.what, self.place);
        match &self.source_of_key {
            Source::Configuration => write!(
                f,
                "{what} in the database was sealed with another key than {setting} has: set {setting} to the one that this \
                 database was used with"
            ),
            Source::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                write!(
                    f,
                    "{what} in the database was sealed with another key than the one in {}: start with the data directory that \
                     this database was used with, or set {setting} to what its file `{name}` holds, or set {database} to a \
                     database of this directory's own",
                    path.display()
                )
            }
        }
    }
}

impl KeyEncryptionKey {
    /// Takes the 32 bytes of a configured key.
    pub fn from_bytes(bytes: &[u8]) -> Result<KeyEncryptionKey, Error> {
        Ok(KeyEncryptionKey { key: SealingKey::from_bytes(bytes)?, source: Source::Configuration })
    }

    /// Takes a key as the configuration writes it: 32 bytes in standard base64.
    pub fn from_base64(text: &str) -> Result<KeyEncryptionKey, Error> {
        Ok(KeyEncryptionKey { key: SealingKey::from_base64(text)?, source: Source::Configuration })
    }

    /// Reads the key in `path`, or makes one there, as [`SealingKey::load_or_create`] does.
    pub fn load_or_create(path: &Path) -> Result<KeyEncryptionKey, Error> {
        Ok(KeyEncryptionKey { key: SealingKey::load_or_create(path)?, source: Source::File(path.to_owned()) })
    }

    /// Seals `plain` for `purpose`.
    pub fn seal(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.key.seal(purpose, plain)
    }

    /// Opens what [`KeyEncryptionKey::seal`] made for the same purpose.
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        self.key.open(purpose, sealed)
    }

    /// Makes another key for a purpose, as [`SealingKey::derive`] does.
    pub fn derive(&self, purpose: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        self.key.derive(purpose)
    }

    /// Opens what the database holds. `what` names it for whoever is told that another key is wanted.
    pub fn open_stored(
        &self,
        place: KeySetting,
        what: impl Into<String>,
        purpose: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealedWithAnotherKey> {
        self.open(purpose, sealed).map_err(|_not_sealed_with_it| SealedWithAnotherKey {
            what: what.into(),
            source_of_key: self.source.clone(),
            place,
        })
    }
}
