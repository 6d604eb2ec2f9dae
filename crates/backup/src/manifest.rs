//! What a backup holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path};

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What a backup holds. It stands before the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// In the order in which they were copied.
    pub stores: Vec<Store>,
    /// In the order in which they follow.
    pub files: Vec<File>,
}

/// The copy of one service's store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    /// `auth`, `data` or `gateway`.
    pub service: String,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// Its file.
    pub file: String,
    /// The schema that it is in; of PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The last of the service's own migrations.
    pub migration: Option<String>,
    /// The application's contract that it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractRevision>,
    /// How many rows each table has.
    pub tables: BTreeMap<String, u64>,
}

/// A revision of the application's contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractRevision {
    pub revision: i64,
    pub hash: String,
}

/// A file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Below the data directory, with `/`.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Store {
    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.tables.values().sum()
    }
}

impl File {
    /// Describes the file at `path` below `folder`.
    pub fn of(folder: &Path, path: &str) -> Result<File, Error> {
        let place = folder.join(path);
        let mut file = fs::File::open(&place).map_err(Error::file("read", &place))?;
        let (mut context, mut bytes, mut buffer) = (Context::new(&SHA256), 0, vec![0; 256 << 10]);
        loop {
            let read = file.read(&mut buffer).map_err(Error::file("read", &place))?;
            if read == 0 {
                break;
            }
            context.update(&buffer[..read]);
            bytes += read as u64;
        }
        Ok(File { path: path.to_owned(), bytes, sha256: HEXLOWER.encode(context.finish().as_ref()) })
    }
}

impl Manifest {
    /// How many bytes the files have.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The store of a service.
    pub fn store(&self, service: &str) -> Option<&Store> {
        self.stores.iter().find(|store| store.service == service)
    }

    /// Finds a path that leads out of a folder, or that stands twice: whoever knows the passphrase may have written it.
    pub(crate) fn bad_path(&self) -> Option<&str> {
        let mut seen = BTreeSet::new();
        let is_good = |path: &str| {
            let within = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
            within && !path.is_empty() && !path.contains(['\\', '\0']) && !path.starts_with(".mainstay")
        };
        self.files.iter().map(|file| file.path.as_str()).find(|path| !is_good(path) || !seen.insert(*path))
    }
}
