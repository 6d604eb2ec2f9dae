//! Calls between services, in memory or over the network, in messages that stay bytes.

pub mod balance;
mod call;
mod credential;
mod grpc;
mod identity;
mod outgoing;
mod remote;
mod sending;

pub use call::{Call, Input, Messages, Reply, Target};
pub use grpc::{DEFAULT_CALL_TIMEOUT, GrpcChannel};
pub use remote::{RemoteConfig, RemoteError};

use futures_util::future::BoxFuture;
use http::HeaderName;
use mainstay_fault::Fault;

/// The metadata that asks for some of an answer's fields only (AIP-157). Several are one list (RFC 9110, section 5.3).
pub const FIELD_MASK: HeaderName = HeaderName::from_static("x-goog-fieldmask");

/// The revision of the application's contract under which a call's method was chosen. Whoever says it says only what they
/// mean by a name.
pub const CONTRACT_REVISION: HeaderName = HeaderName::from_static("contract-revision");

/// A way to a service. Whoever calls cannot tell whether it is in the same process.
pub trait Channel: Send + Sync + 'static {
    /// Makes one call. Never waits past the call's deadline.
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Fault>>;
}
