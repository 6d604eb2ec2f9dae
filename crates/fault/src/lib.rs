#![doc = include_str!("../README.md")]

mod budget;
mod connect;
mod fault;
mod http_status;
mod json;
mod reason;
mod status;

pub use budget::MAX_STATUS_BYTES;
pub use fault::Fault;
pub use http_status::http_status_of;
pub use json::whole_seconds;
pub use reason::Reason;
pub use status::reply;

/// The domain of every `ErrorInfo` that Mainstay makes.
pub const DOMAIN: &str = "mainstay.dev";
