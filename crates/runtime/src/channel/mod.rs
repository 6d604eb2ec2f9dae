//! Calls between services, in memory or over the network, in messages that stay bytes.

mod grpc;
mod remote;

pub use grpc::GrpcChannel;
pub use remote::{RemoteConfig, RemoteError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_fault::Fault;
use mainstay_identity::Principal;
use mainstay_layers::Context;
use mainstay_telemetry::TraceContext;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// The metadata that asks for some of an answer's fields only (AIP-157). Several are one list (RFC 9110, section 5.3).
pub const FIELD_MASK: HeaderName = HeaderName::from_static("x-goog-fieldmask");

/// The revision of the application's contract under which a call's method was chosen. Whoever says it says only what they
/// mean by a name.
pub const CONTRACT_REVISION: HeaderName = HeaderName::from_static("contract-revision");

/// One call to a method of a service.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method, for example `/shop.v1.ProductService/GetProduct`.
    pub path: Arc<str>,
    /// Who is calling.
    pub principal: Principal,
    /// The request message, encoded.
    pub message: Bytes,
    /// Whether the method answers with a stream.
    pub streams: bool,
    /// The caller's own `authorization` header, which a remote service verifies again.
    pub token: Option<HeaderValue>,
    /// The address that the caller's request came from; nothing for work of the process's own.
    pub peer: Option<IpAddr>,
    /// The id under which the logs of both sides know the request.
    pub request_id: Option<HeaderValue>,
    /// The trace that the caller belongs to; used where this process records no span of its own.
    pub trace: TraceContext,
    /// When the caller stops waiting. Without one, a unary call gets [`DEFAULT_CALL_TIMEOUT`](grpc::DEFAULT_CALL_TIMEOUT).
    pub deadline: Option<Instant>,
    /// The revision of the application's contract under which the method was chosen: names may mean something else in
    /// another one.
    pub contract: Option<i64>,
    /// Metadata that the method reads. Nobody passes a client's headers on wholesale: whoever makes the call picks them.
    pub metadata: HeaderMap,
}

impl Call {
    /// Makes a unary call on behalf of `principal`, without a token, a deadline or metadata.
    pub fn new(path: impl Into<Arc<str>>, principal: Principal, message: Bytes) -> Call {
        Call {
            path: path.into(),
            principal,
            message,
            streams: false,
            token: None,
            peer: None,
            request_id: None,
            trace: TraceContext::default(),
            deadline: None,
            contract: None,
            metadata: HeaderMap::new(),
        }
    }

    /// Makes a unary call on behalf of the caller of a request that the stack let in.
    pub fn of(context: Context, path: Arc<str>, message: Bytes) -> Call {
        Call {
            path,
            principal: context.principal,
            message,
            streams: false,
            token: context.token,
            peer: context.peer,
            request_id: Some(context.request_id),
            trace: context.trace,
            deadline: context.deadline,
            contract: None,
            metadata: HeaderMap::new(),
        }
    }

    /// Says that the method answers with a stream.
    #[must_use]
    pub fn streaming(mut self) -> Call {
        self.streams = true;
        self
    }

    /// Says which revision of the application's contract the method's name is from.
    #[must_use]
    pub fn under(mut self, revision: i64) -> Call {
        self.contract = Some(revision);
        self
    }

    /// Says when the caller stops waiting.
    #[must_use]
    pub fn deadline(mut self, deadline: Instant) -> Call {
        self.deadline = Some(deadline);
        self
    }
}

/// The answer to a [`Call`].
pub enum Reply {
    /// One message, encoded.
    Unary(Bytes),
    /// Messages as they come; a fault ends the stream.
    Stream(BoxStream<'static, Result<Bytes, Fault>>),
}

impl Reply {
    /// Returns the one message of a unary answer; a stream is an error of the caller's.
    pub fn unary(self) -> Result<Bytes, Fault> {
        match self {
            Reply::Unary(message) => Ok(message),
            Reply::Stream(_) => Err(Fault::internal("a stream answered a unary call")),
        }
    }

    /// Returns the messages of a streamed answer; a unary answer is a stream of one.
    pub fn stream(self) -> BoxStream<'static, Result<Bytes, Fault>> {
        match self {
            Reply::Unary(message) => Box::pin(futures_util::stream::once(std::future::ready(Ok(message)))),
            Reply::Stream(stream) => stream,
        }
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reply::Unary(message) => f.debug_tuple("Unary").field(&message.len()).finish(),
            Reply::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// A way to a service. Whoever calls cannot tell whether it is in the same process.
pub trait Channel: Send + Sync + 'static {
    /// Makes one call. Never waits past the call's deadline.
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Fault>>;
}
