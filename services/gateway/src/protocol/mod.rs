//! What the gateway speaks. Each protocol is one file: how a request is read, how an answer is written, how a fault is told.
//! Which one a caller speaks is decided once, by the head of the request, and nothing asks again.

mod body;
mod compressed;
mod connect;
mod envelope;
mod found;
mod grpc;
mod grpc_web;
mod gzip;
mod read_mask;
mod rest;
mod weight;

pub use compressed::SMALLEST;
pub use connect::{Connect, Manner};
pub use found::{Found, Way};
pub use grpc::Grpc;
pub use grpc_web::{Coding, GrpcWeb};
pub use rest::{FIRST_MESSAGE_WAIT, HEARTBEAT, Rest, methods, wrong_method};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, essence};
use mainstay_runtime::channel::{Input, Reply};

use crate::config::Config;
use crate::transcode::Defective;

/// An answer belongs to its caller: no shared cache keeps it, and a private one asks again.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What an answer that belongs to its caller depends on.
const BY_CALLER: HeaderValue = HeaderValue::from_static("authorization, accept-encoding, x-goog-fieldmask");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    /// gRPC-Web, and how the answer is written.
    GrpcWeb(Coding),
    /// Connect, and how it is called.
    Connect(Manner),
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
    fn encode(
        config: &Config,
        found: &Found,
        form: Self::Form,
        reply: Reply,
    ) -> impl Future<Output = Result<Response<Body>, Fault>> + Send;

    /// Says of a fault of the method what its request makes of it.
    fn failed(_: &Self::Form, fault: Fault) -> Fault {
        fault
    }
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
        } else if let Some(coding) = Coding::of(&head.headers) {
            Protocol::GrpcWeb(coding.wanted(&head.headers))
        } else if let Some(manner) = Manner::of(head) {
            Protocol::Connect(manner)
        } else if is_unserved(head) {
            Protocol::Unserved
        } else {
            Protocol::Rest
        }
    }

    fn refuse(self, fault: Fault) -> Response<Body> {
        match self {
            Protocol::Grpc => Grpc::fault(fault),
            Protocol::GrpcWeb(coding) => coding.fault(fault),
            Protocol::Connect(manner) => manner.fault(fault),
            Protocol::Rest | Protocol::Unserved => Rest::fault(fault),
        }
    }

    fn break_off(self, fault: Fault) -> Option<Frame<Bytes>> {
        match self {
            Protocol::Connect(Manner::Unary(_) | Manner::Get) | Protocol::Rest | Protocol::Unserved => None,
            Protocol::Grpc | Protocol::GrpcWeb(_) | Protocol::Connect(Manner::Stream(_)) => {
                Some(mainstay_layers::trailers(fault))
            }
        }
    }

    fn end(self, trailers: HeaderMap) -> Frame<Bytes> {
        match self {
            Protocol::GrpcWeb(coding) => coding.end(&trailers),
            Protocol::Connect(_) => Manner::end(&trailers),
            Protocol::Grpc | Protocol::Rest | Protocol::Unserved => Frame::trailers(trailers),
        }
    }

    fn ends_with_a_code(self) -> bool {
        match self {
            Protocol::Grpc | Protocol::GrpcWeb(_) | Protocol::Connect(Manner::Stream(_)) => true,
            Protocol::Connect(Manner::Unary(_) | Manner::Get) | Protocol::Rest | Protocol::Unserved => false,
        }
    }
}

/// Whether a content type belongs to a protocol that is not served: another kind of gRPC or Connect, or protobuf that says not
/// whose. A body that says so is no JSON, wherever it is sent.
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

/// The content types that are served.
const SERVED: [&str; 8] = [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc-web+proto",
    "application/grpc-web-text+proto",
    "application/connect+json",
    "application/connect+proto",
    "application/proto",
    "application/json",
];

/// Answers 415, naming what is served.
pub fn unsupported(head: &Parts) -> Fault {
    let kind = shown(std::str::from_utf8(essence(&head.headers)).unwrap_or_default());
    let sent = if kind.is_empty() { "a request without a content type".to_owned() } else { format!("`{kind}`") };
    let taken = "RPCs take gRPC, gRPC-Web and Connect, REST paths take `application/json`";
    Fault::new(Reason::UnsupportedMediaType)
        .message(format!("{sent} is not served at `{}`; {taken}", shown(head.uri.path())))
        .meta("accept", SERVED.join(", "))
}

/// A path as a message shows it.
pub fn shown(path: &str) -> &str {
    const SHOWN: usize = 200;
    path.get(..SHOWN).unwrap_or(path)
}
