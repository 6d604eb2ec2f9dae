//! What a caller speaks: told once, by the head of its request. Everything after goes by what was told.

use crate::Body;
use crate::framing::refuse_grpc;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use std::error::Error as _;
use tonic::Status;

/// The content types of a gRPC call: its messages are protobuf.
pub const GRPC_TYPES: [&str; 2] = ["application/grpc", "application/grpc+proto"];

/// A protocol that a port speaks, as far as the stack has to know it: how it is told, and how it says what went wrong.
pub trait Protocol: Copy + Send + Sync + Unpin + 'static {
    /// Tells what a caller speaks by the head of its request.
    fn of(head: &Parts) -> Self;

    /// Ends a request with a fault.
    fn refuse(self, fault: Fault) -> Response<Body>;

    /// The last frame of an answer that began well and cannot be finished; nothing where all that can be done is to break it
    /// off.
    fn break_off(self, fault: Fault) -> Option<Frame<Bytes>>;

    /// The last frame of an answer that ends with gRPC's trailers, for callers who may not be able to read those.
    fn end(self, trailers: HeaderMap) -> Frame<Bytes> {
        Frame::trailers(trailers)
    }

    /// Whether a call ends with one of gRPC's codes, under which it is counted.
    fn ends_with_a_code(self) -> bool;
}

/// What is spoken on the port of one service: gRPC. Whoever speaks anything else is told so over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Native {
    /// gRPC: the status travels in trailers.
    Grpc,
    /// Plain HTTP: the status is the HTTP status, the body is JSON.
    Http,
}

impl Native {
    /// Refuses a call that is not gRPC where nothing else is served: 415, naming what is.
    pub fn only_grpc(self) -> Result<(), Fault> {
        match self {
            Native::Grpc => Ok(()),
            Native::Http => Err(Fault::new(Reason::UnsupportedMediaType)
                .message("this is a gRPC method; call it with `content-type: application/grpc`")
                .meta("accept", GRPC_TYPES.join(", "))),
        }
    }
}

impl Protocol for Native {
    fn of(head: &Parts) -> Native {
        if is_grpc(&head.headers) { Native::Grpc } else { Native::Http }
    }

    fn refuse(self, fault: Fault) -> Response<Body> {
        match self {
            Native::Grpc => refuse_grpc(fault),
            Native::Http => fault.into_http().map(|json| Body::new(Full::new(json))),
        }
    }

    fn break_off(self, fault: Fault) -> Option<Frame<Bytes>> {
        match self {
            Native::Grpc => Some(trailers(fault)),
            Native::Http => None,
        }
    }

    fn ends_with_a_code(self) -> bool {
        self == Native::Grpc
    }
}

/// Tells a gRPC request from others by its content type, in capitals or not, with parameters or without; `application/grpc-web`
/// is another protocol, and `application/grpc+json` has messages that nobody here reads.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = essence(headers);
    GRPC_TYPES.iter().any(|grpc| kind.eq_ignore_ascii_case(grpc.as_bytes()))
}

/// The content type of a request without its parameters, as it is written; empty where there is none.
pub fn essence(headers: &HeaderMap) -> &[u8] {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// The trailers with which gRPC ends an answer that went wrong.
pub fn trailers(fault: Fault) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    let _ = Status::from(fault).add_header(&mut trailers);
    Frame::trailers(trailers)
}

/// Ends a request with a fault. What it leaves in the log can be found by the request id, which is then in the answer too.
pub(crate) fn refuse(mut fault: Fault, protocol: impl Protocol, request_id: &HeaderValue) -> Response<Body> {
    if fault.source().is_some() {
        fault = fault.request_id(request_id.to_str().unwrap_or_default());
    }
    let headers = fault.take_headers();
    let mut response = protocol.refuse(fault);
    response.headers_mut().extend(headers);
    response
}
