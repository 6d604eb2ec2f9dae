//! What a call is made of, and what is answered to it.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderValue, Response};
use mainstay_fault::Fault;
use mainstay_identity::Principal;
use mainstay_layers::{Body, Context};
use mainstay_telemetry::TraceContext;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// Encoded messages as they come; a fault ends them.
pub type Messages = BoxStream<'static, Result<Bytes, Fault>>;

/// One call to a method of a service.
#[derive(Debug)]
pub struct Call {
    /// What the request resolved to.
    pub target: Target,
    /// Who is calling.
    pub principal: Principal,
    /// What the method is called with.
    pub input: Input,
    /// What was found wrong with the request on its way here. Whoever decides whether the caller may make it raises this after
    /// that decision, and does nothing of what is asked; `input` then holds what could be read.
    pub defects: Option<Fault>,
    /// The caller's own `authorization` header, which a remote service verifies again.
    pub token: Option<HeaderValue>,
    /// The address that the caller's request came from; nothing for work of the process's own.
    pub peer: Option<IpAddr>,
    /// What the client of that request says of itself (`user-agent`), where the method wants to know.
    pub agent: Option<HeaderValue>,
    /// The id under which the logs of both sides know the request.
    pub request_id: Option<HeaderValue>,
    /// The trace that the caller belongs to; used where this process records no span of its own.
    pub trace: TraceContext,
    /// When the caller stops waiting. Without one, a unary call gets [`DEFAULT_CALL_TIMEOUT`](super::DEFAULT_CALL_TIMEOUT).
    pub deadline: Option<Instant>,
    /// Metadata that the method reads. Nobody passes a client's headers on wholesale: whoever makes the call picks them.
    pub metadata: HeaderMap,
}

/// What a request resolved to, once, where it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The method, for example `/shop.v1.ProductService/GetProduct`.
    pub method: Arc<str>,
    /// The revision of the application's contract under which it was chosen: names may mean something else in another one.
    pub contract: Option<i64>,
    /// Whether it answers with a stream.
    pub streams: bool,
    /// Whether a call may be made twice: it changes nothing, or the same again (`idempotency_level`).
    pub repeatable: bool,
}

impl Target {
    /// A method that answers with one message, under its name of whichever contract is served.
    pub fn new(method: impl Into<Arc<str>>) -> Target {
        Target { method: method.into(), contract: None, streams: false, repeatable: false }
    }

    /// Says that the method answers with a stream.
    #[must_use]
    pub fn streaming(self) -> Target {
        Target { streams: true, ..self }
    }

    /// Says which revision of the application's contract the method's name is from.
    #[must_use]
    pub fn under(self, revision: i64) -> Target {
        Target { contract: Some(revision), ..self }
    }
}

impl From<&str> for Target {
    fn from(method: &str) -> Target {
        Target::new(method)
    }
}

impl From<Arc<str>> for Target {
    fn from(method: Arc<str>) -> Target {
        Target::new(method)
    }
}

/// What a method is called with.
pub enum Input {
    /// One message, encoded.
    Message(Bytes),
    /// Messages as the caller sends them.
    Stream(Messages),
}

impl Input {
    /// Returns the one message; a stream is an error of whoever resolved the method.
    pub fn message(self) -> Result<Bytes, Fault> {
        match self {
            Input::Message(message) => Ok(message),
            Input::Stream(_) => Err(Fault::internal("a stream was sent to a method that takes one message")),
        }
    }
}

impl From<Bytes> for Input {
    fn from(message: Bytes) -> Input {
        Input::Message(message)
    }
}

impl Call {
    /// Makes a call on behalf of `principal`, without a token, a deadline or metadata.
    pub fn new(target: impl Into<Target>, principal: Principal, input: impl Into<Input>) -> Call {
        Call {
            target: target.into(),
            principal,
            input: input.into(),
            defects: None,
            token: None,
            peer: None,
            agent: None,
            request_id: None,
            trace: TraceContext::default(),
            deadline: None,
            metadata: HeaderMap::new(),
        }
    }

    /// Makes a call on behalf of the caller of a request that the stack let in.
    pub fn of(context: Context, target: impl Into<Target>, input: impl Into<Input>) -> Call {
        Call {
            target: target.into(),
            principal: context.principal,
            input: input.into(),
            defects: None,
            token: context.token,
            peer: context.peer,
            agent: None,
            request_id: Some(context.request_id),
            trace: context.trace,
            deadline: context.deadline,
            metadata: HeaderMap::new(),
        }
    }

    /// Whether it is one message for one: such a call does not go on for ever.
    pub(super) fn is_unary(&self) -> bool {
        !self.target.streams && matches!(self.input, Input::Message(_))
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
    Message(Bytes),
    /// Messages as they come.
    Stream(Messages),
    /// A body with its own head, for a caller who speaks HTTP: a file, an image.
    Http(Box<Response<Body>>),
}

impl Reply {
    /// Returns the one message of an answer; anything else is an error of whoever resolved the method.
    pub fn message(self) -> Result<Bytes, Fault> {
        match self {
            Reply::Message(message) => Ok(message),
            Reply::Stream(_) => Err(Fault::internal("a stream answered a unary call")),
            Reply::Http(_) => Err(Fault::internal("an HTTP body answered a call that wants a message")),
        }
    }

    /// Returns the messages of an answer; one message is a stream of one.
    pub fn stream(self) -> Result<Messages, Fault> {
        match self {
            Reply::Stream(stream) => Ok(stream),
            one => {
                let message = one.message()?;
                Ok(Box::pin(futures_util::stream::once(std::future::ready(Ok(message)))))
            }
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Message(message) => f.debug_tuple("Message").field(&message.len()).finish(),
            Input::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Message(message) => f.debug_tuple("Message").field(&message.len()).finish(),
            Reply::Stream(_) => f.write_str("Stream"),
            Reply::Http(response) => f.debug_tuple("Http").field(&response.status()).finish(),
        }
    }
}
