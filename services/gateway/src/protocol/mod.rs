//! What the gateway speaks. Each protocol is one file: how a request is read, how an answer is written, how a fault is told.
//! Which one a caller speaks is decided once, by the head of the request, and nothing asks again.

mod body;
mod found;
mod grpc;
mod read_mask;
mod rest;

pub use found::{Found, Way};
pub use grpc::Grpc;
pub use rest::{Rest, wrong_method};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body::Frame;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, GRPC_TYPES, essence};
use mainstay_runtime::channel::{Input, Reply};

use crate::config::Config;
use crate::transcode::Defective;

/// What a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    Rest,
    /// A protocol that is not served. Its callers are told so as REST is.
    Unserved,
}

/// How a protocol's requests become calls, and replies its answers.
pub trait Spoken {
    /// What the answer has to know of its request.
    type Form: Send;

    /// Reads a request. What is wrong with it comes with what could be read all the same: the caller is told after it is
    /// decided whether it may be made at all.
    fn decode(
        config: &Config,
        found: &Found,
        request: Request<Body>,
    ) -> impl Future<Output = Result<(Asked, Self::Form), Defective>> + Send;

    /// Writes an answer.
    fn encode(config: &Config, found: &Found, form: Self::Form, reply: Reply) -> Result<Response<Body>, Fault>;

    /// Tells a fault.
    fn fault(fault: Fault) -> Response<Body>;
}

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    pub input: Input,
    /// The wanted fields, where the service behind picks them.
    pub fields: Option<HeaderValue>,
}

impl mainstay_layers::Protocol for Protocol {
    fn of(head: &Parts) -> Protocol {
        if mainstay_layers::is_grpc(&head.headers) {
            Protocol::Grpc
        } else if is_unserved(head) {
            Protocol::Unserved
        } else {
            Protocol::Rest
        }
    }

    fn refuse(self, fault: Fault) -> Response<Body> {
        match self {
            Protocol::Grpc => Grpc::fault(fault),
            Protocol::Rest | Protocol::Unserved => Rest::fault(fault),
        }
    }

    fn break_off(self, fault: Fault) -> Option<Frame<Bytes>> {
        match self {
            Protocol::Grpc => Some(mainstay_layers::trailers(fault)),
            Protocol::Rest | Protocol::Unserved => None,
        }
    }

    fn ends_with_a_code(self) -> bool {
        self == Protocol::Grpc
    }
}

/// Whether a content type belongs to a protocol that is not served: gRPC-Web, Connect, or protobuf without a frame. A body
/// that says so is no JSON, wherever it is sent.
fn is_unserved(head: &Parts) -> bool {
    const BEGINNINGS: [&[u8]; 5] = [
        b"application/grpc",
        b"application/connect",
        b"application/proto",
        b"application/x-proto",
        b"application/vnd.google.proto",
    ];
    let kind = essence(&head.headers);
    BEGINNINGS.iter().any(|begin| kind.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)))
}

/// Answers 415, naming what is served.
pub fn unsupported(head: &Parts) -> Fault {
    let kind = shown(std::str::from_utf8(essence(&head.headers)).unwrap_or_default());
    let sent = if kind.is_empty() { "a request without a content type".to_owned() } else { format!("`{kind}`") };
    let taken = "gRPC methods take `application/grpc`, REST paths take `application/json`";
    Fault::new(Reason::UnsupportedMediaType)
        .message(format!("{sent} is not served at `{}`; {taken}", shown(head.uri.path())))
        .meta("accept", format!("{}, application/json", GRPC_TYPES.join(", ")))
}

/// A path as a message shows it.
pub fn shown(path: &str) -> &str {
    const SHOWN: usize = 200;
    path.get(..SHOWN).unwrap_or(path)
}
