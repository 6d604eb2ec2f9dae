//! The gateway's part of the configuration.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Largest JSON body or gRPC message that is accepted, unless configured otherwise.
pub const DEFAULT_MAX_REQUEST_BYTES: usize = 4 << 20;

/// Largest limit that can be configured: a message is held in memory as a whole.
pub const MAX_REQUEST_BYTES_LIMIT: usize = 64 << 20;

/// How the gateway treats requests.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://…` puts the gateway's own store on PostgreSQL; without it, an SQLite file in the data directory.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub database_url: Option<SecretString>,
    /// Largest JSON body, and largest gRPC message after decompression, in bytes.
    pub max_request_bytes: usize,
    /// Writes fields without presence into REST answers also where they are zero or empty.
    pub emit_defaults: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { database_url: None, max_request_bytes: DEFAULT_MAX_REQUEST_BYTES, emit_defaults: false }
    }
}

impl Config {
    /// Finds everything that is wrong with the values, each as its path below `gateway` and what it has to be.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !(1..=MAX_REQUEST_BYTES_LIMIT).contains(&self.max_request_bytes) {
            problems.push(("max_request_bytes", format!("must be 1 to {MAX_REQUEST_BYTES_LIMIT}")));
        }
        problems
    }
}
