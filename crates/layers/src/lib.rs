//! Layers.
mod access;
mod context;
mod endpoint;

pub use access::Access;
pub use context::{Context, Exchange, Peer};
pub use endpoint::{Endpoint, Resolved};

/// The body of every request and answer inside the process.
pub type Body = tonic::body::Body;

/// The header under which a request's id travels.
pub const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");
