//! How the data service is configured.

use std::path::PathBuf;

use mainstay_ledger::Stage;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The `[data]` section.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://…`, or absent for SQLite in the data directory.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub database_url: Option<SecretString>,
    /// Pools, queues and limits of the store.
    pub store: mainstay_db::Config,
    /// Seals the keys in the database: 32 bytes in base64. Production does not start without it; in development it is made
    /// in the data directory.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub key_encryption_key: Option<SecretString>,
    /// How often the store is asked whether another instance has applied a contract, in milliseconds.
    pub contract_poll_ms: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            database_url: None,
            store: mainstay_db::Config::default(),
            key_encryption_key: None,
            contract_poll_ms: 1_000,
        }
    }
}

/// What the process tells the service beside its section.
#[derive(Debug, Clone)]
pub struct Options {
    pub data_dir: PathBuf,
    /// Whether it may begin anew where a store that was used before has nothing in it.
    pub accept_empty: bool,
    /// The folder with the application's contract.
    pub contracts: Option<PathBuf>,
    /// Whether safe steps of a plan are applied at start and when a file changes, and missing keys are made. Production
    /// never does either.
    pub development: bool,
}

impl Options {
    /// Where plans run.
    pub fn stage(&self) -> Stage {
        if self.development { Stage::Development } else { Stage::Production }
    }
}
