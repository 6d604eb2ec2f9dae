//! How a service says where it stores.

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Where and how one service stores. Every field has a default: an empty section means SQLite in the data directory.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`, or absent for SQLite. Options that PostgreSQL's
    /// URLs know work here, also `options=-c%20search_path%3Dname`.
    /// It is told by the service that stores, and no setting of the store.
    #[serde(skip)]
    pub database_url: Option<SecretString>,
    /// Connections to PostgreSQL.
    pub pool_size: usize,
    /// How long a call waits for a connection before it is refused, milliseconds.
    pub pool_wait_ms: u64,
    /// How long making a connection may take, milliseconds.
    pub connect_timeout_ms: u64,
    /// How long one statement may run, on SQLite one of a long read, milliseconds; 0 means no limit. A caller's deadline may
    /// end it sooner.
    pub statement_timeout_ms: u64,
    /// Threads for long reads on SQLite: how many run at a time. On PostgreSQL half of the connections may.
    pub heavy_readers: usize,
    /// How long a short read on SQLite may take on average, microseconds. One that takes longer counts as a long read.
    pub inline_limit_us: u64,
    /// Long reads that may wait before more are refused. Callers take turns, and who waits for most is refused first.
    pub heavy_queue: usize,
    /// Writes that may wait for the SQLite writer before more are refused.
    pub write_queue: usize,
    /// How large SQLite's write-ahead log may become before long reads have to let it begin anew, bytes.
    pub log_limit_bytes: u64,
}

/// The write-ahead log's size where nothing else is configured: 64 MiB.
pub const DEFAULT_LOG_LIMIT_BYTES: u64 = 64 << 20;

impl Default for Config {
    fn default() -> Config {
        Config {
            database_url: None,
            pool_size: 16,
            pool_wait_ms: 2_000,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 15_000,
            heavy_readers: 2,
            inline_limit_us: 250,
            heavy_queue: 64,
            write_queue: 4_096,
            log_limit_bytes: DEFAULT_LOG_LIMIT_BYTES,
        }
    }
}

impl Config {
    pub(crate) fn pool_wait(&self) -> Duration {
        Duration::from_millis(self.pool_wait_ms)
    }

    pub(crate) fn statement_limit(&self) -> Option<Duration> {
        (self.statement_timeout_ms > 0).then(|| Duration::from_millis(self.statement_timeout_ms))
    }

    pub(crate) fn inline_limit(&self) -> Duration {
        Duration::from_micros(self.inline_limit_us)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }
}
