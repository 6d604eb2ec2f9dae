#![doc = include_str!("../README.md")]

mod fault;
mod http_status;
mod json;
mod reason;
mod status;

pub use fault::{Fault, Violation};
pub use http_status::http_status_of;
pub use reason::Reason;
pub use status::{MAX_MESSAGE_BYTES, MAX_VIOLATION_BYTES, reply};

/// The domain of every `ErrorInfo` that Mainstay makes.
pub const DOMAIN: &str = "mainstay.dev";
