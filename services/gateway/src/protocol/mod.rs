//! What the gateway speaks. Each protocol is one file: how a request is read, how an answer is written, how a fault is told.
//! Which one a caller speaks is decided once, by the head of the request, and nothing asks again.

mod body;
mod compressed;
mod conditions;
mod connect;
mod content;
mod envelope;
mod found;
mod grpc;
mod grpc_web;
mod gzip;
mod kept;
mod plain_json;
mod read_mask;
mod rest;
mod socket;
mod unread;
mod weight;

pub use body::read as read_body;
pub use compressed::{Coding, SMALLEST};
pub use conditions::{Conditions, Verdict};
pub use connect::{Connect, Manner, no_message};
pub use content::Content;
pub use envelope::with_status;
pub use found::{Found, Way};
pub use grpc::Grpc;
pub use grpc_web::{GrpcWeb, Writing};
pub use kept::tag;
pub use rest::{FIRST_MESSAGE_WAIT, HEARTBEAT, Rest, methods, wrong_method};
pub use socket::{Inside, KIND as SOCKET_KIND, Socket};
pub use unread::Unread;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, essence, has_any};
use mainstay_runtime::channel::{Input, Reply};

use crate::config::Config;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What a caller speaks, and how the answer is compressed if it is worth it, an error's too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    /// gRPC-Web, and how the answer is written.
    GrpcWeb(Writing),
    /// Connect, and how it is called.
    Connect(Manner, Option<Coding>),
    Rest(Option<Coding>),
    /// A call of a WebSocket.
    Socket,
    /// A protocol that is not served. Its callers are told so as REST is.
    Unserved(Option<Coding>),
}

/// How a protocol's requests become calls, and replies its answers.
pub trait Spoken {
    /// What the head of a request said of it.
    type Told: Copy + Send;

    /// What the answer has to know of its request.
    type Form: Send;

    /// Reads a request.
    fn decode(
        config: &Config,
        found: &Found,
        told: Self::Told,
        request: Request<Body>,
    ) -> impl Future<Output = Result<(Asked, Self::Form), Unread>> + Send;

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
        // What sends nothing, or JSON, is no call of gRPC's kinds.
        let sends = has_any(&head.headers, &[CONTENT_TYPE]);
        let kind = if sends { essence(&head.headers) } else { b"" };
        if !sends || kind == JSON {
            return match Manner::of(head, kind) {
                Some(manner) => Protocol::Connect(manner, manner.coding(&head.headers)),
                None => Protocol::Rest(Coding::of(&head.headers)),
            };
        }
        if mainstay_layers::is_grpc(&head.headers) {
            Protocol::Grpc
        } else if let Some(writing) = Writing::of(&head.headers) {
            Protocol::GrpcWeb(writing.wanted(&head.headers))
        } else if let Some(manner) = Manner::of(head, kind) {
            Protocol::Connect(manner, manner.coding(&head.headers))
        } else if Socket::is(head, kind) {
            Protocol::Socket
        } else if is_unserved(kind) {
            Protocol::Unserved(Coding::of(&head.headers))
        } else {
            Protocol::Rest(Coding::of(&head.headers))
        }
    }

    fn refuse(self, fault: Fault) -> Response<Body> {
        match self {
            Protocol::Grpc | Protocol::Socket => Grpc::fault(fault),
            Protocol::GrpcWeb(writing) => writing.fault(fault),
            Protocol::Connect(manner, coding) => manner.fault(fault, coding),
            Protocol::Rest(coding) | Protocol::Unserved(coding) => Rest::fault(fault, coding),
        }
    }

    fn break_off(self, fault: Fault) -> Option<Frame<Bytes>> {
        match self {
            Protocol::Connect(Manner::Unary(_) | Manner::Get, _) | Protocol::Rest(_) | Protocol::Unserved(_) => None,
            Protocol::Grpc | Protocol::GrpcWeb(_) | Protocol::Connect(Manner::Stream(_), _) | Protocol::Socket => {
                Some(mainstay_layers::trailers(fault))
            }
        }
    }

    fn end(self, trailers: HeaderMap) -> Frame<Bytes> {
        match self {
            Protocol::GrpcWeb(writing) => writing.end(&trailers),
            Protocol::Connect(..) => Manner::end(&trailers),
            Protocol::Grpc | Protocol::Socket | Protocol::Rest(_) | Protocol::Unserved(_) => Frame::trailers(trailers),
        }
    }

    fn ends_with_a_code(self) -> bool {
        match self {
            Protocol::Grpc | Protocol::GrpcWeb(_) | Protocol::Connect(Manner::Stream(_), _) | Protocol::Socket => true,
            Protocol::Connect(Manner::Unary(_) | Manner::Get, _) | Protocol::Rest(_) | Protocol::Unserved(_) => false,
        }
    }
}

/// The content type that most bodies come with.
const JSON: &[u8] = b"application/json";

/// Whether a content type belongs to a protocol that is not served: another kind of gRPC or Connect, or protobuf that says not
/// whose. A body that says so is no JSON, wherever it is sent.
fn is_unserved(kind: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 5] = [
        b"application/grpc",
        b"application/connect",
        b"application/proto",
        b"application/x-proto",
        b"application/vnd.google.proto",
    ];
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
