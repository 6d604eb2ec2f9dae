#![doc = include_str!("../README.md")]

mod assertions;
mod backends;
mod browser;
mod config;
pub mod copy;
mod docs;
mod gateway;
mod jobs;
mod keys;
mod limits;
mod oauth;
mod openapi;
mod pages;
pub mod process;
mod protocol;
mod readiness;
mod restore;
pub mod route;
mod schema;
mod serve;
mod site;
pub mod snapshot;
pub mod socket;
mod store;
pub mod transcode;
mod upstreams;
mod watch;

pub use backends::{Backend, Backends};
pub use config::{Config, DEFAULT_MAX_REQUEST_BYTES, MAX_REQUEST_BYTES_LIMIT};
pub use docs::Doc;
pub use gateway::{Dependencies, FIRST_CONTRACT_WAIT, Gateway, StartError};
pub use keys::Keys;
pub use limits::{
    By, DEFAULT_TIMEOUT_MS, Limits, LimitsConfig, MAX_KEYS, MOST_FOR_A_PAGE, PolicyConfig, ROWS, RedisConfig,
};
pub use pages::{CaptchaConfig, CaptchaProvider, MAX_FORM_BYTES, Page, PagesConfig, PagesError};
pub use protocol::{FIRST_MESSAGE_WAIT, HEARTBEAT, SMALLEST};
pub use readiness::{PROBE_INTERVAL, PROBE_TIMEOUT};
pub use serve::Edge;
pub use site::SiteConfig;
pub use store::StoredContract;
pub use watch::{LONGEST_WAIT, SERVICE_ACCOUNT, SHORTEST_WAIT};
