#![doc = include_str!("../README.md")]

mod address;
mod client;
mod config;
mod error;
mod networks;
mod tls;

pub use address::{Never, never};
pub use client::{Answer, Client, IsJson, MAX_HEADER_BYTES};
pub use config::{MAX_TIMEOUT_SECONDS, OutboundConfig};
pub use error::{Error, TlsError};
pub use networks::{Networks, NotANetwork};
