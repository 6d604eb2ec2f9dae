//! What a process is, and how careful.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A section that belongs to another service: it is there, and not read.
pub type Other = Option<IgnoredAny>;

/// How careful a process is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Missing keys are made in the data directory; safe steps of a plan are applied; the contract folder is watched.
    #[default]
    Development,
    /// Nothing is made up: every key must be configured, and contracts are applied by hand.
    Production,
}

/// What a process is: it decides its name and its usual ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All three services.
    All,
    Auth,
    Data,
    Gateway,
}

impl Role {
    /// The name in telemetry.
    pub fn service_name(self) -> &'static str {
        match self {
            Role::All => "mainstay",
            Role::Auth => "mainstay-auth",
            Role::Data => "mainstay-data",
            Role::Gateway => "mainstay-gateway",
        }
    }

    /// Whether clients from outside come to it. The others are called by the platform's own services.
    pub fn faces_clients(self) -> bool {
        matches!(self, Role::All | Role::Gateway)
    }

    /// Where the process listens unless told otherwise.
    pub fn usual_listen(self) -> SocketAddr {
        let port = match self {
            Role::All | Role::Gateway => 8080,
            Role::Auth => 8081,
            Role::Data => 8082,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// Where operators find it unless told otherwise.
    pub fn usual_operations(self) -> SocketAddr {
        let port = match self {
            Role::All | Role::Gateway => 9464,
            Role::Auth => 9465,
            Role::Data => 9466,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// The setting by which other processes know where this one is.
    pub fn known_by(self) -> Option<&'static str> {
        match self {
            Role::Auth => Some("services.auth.url"),
            Role::Data => Some("services.data.url"),
            Role::All | Role::Gateway => None,
        }
    }

    /// The folder of `run.json` and its lock: one for each process that shares the data directory.
    pub fn run_folder(self, data_dir: &std::path::Path) -> PathBuf {
        match self {
            Role::All => data_dir.to_owned(),
            Role::Auth => data_dir.join("auth"),
            Role::Data => data_dir.join("data"),
            Role::Gateway => data_dir.join("gateway"),
        }
    }
}
