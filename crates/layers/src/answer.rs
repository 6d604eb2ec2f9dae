//! Faults as answers, in the protocol that the caller speaks.

use crate::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use std::error::Error as _;
use tonic::Status;

/// The content types of a gRPC call: its messages are protobuf.
pub const GRPC_TYPES: [&str; 2] = ["application/grpc", "application/grpc+proto"];

/// What a caller speaks, as far as errors are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC: the status travels in trailers.
    Grpc,
    /// Plain HTTP: the status is the HTTP status, the body is JSON.
    Http,
}

impl Protocol {
    /// Tells a gRPC request from others by its content type, in capitals or not, with parameters or without;
    /// `application/grpc-web` is another protocol, and `application/grpc+json` has messages that nobody here reads.
    pub fn of(headers: &HeaderMap) -> Protocol {
        let kind = essence(headers);
        if GRPC_TYPES.iter().any(|grpc| kind.eq_ignore_ascii_case(grpc.as_bytes())) {
            Protocol::Grpc
        } else {
            Protocol::Http
        }
    }
}

/// The content type of a request without its parameters, as it is written; empty where there is none.
pub fn essence(headers: &HeaderMap) -> &[u8] {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Refuses a call that is not gRPC where nothing else is served: 415, naming what is.
pub fn grpc_only(headers: &HeaderMap) -> Result<(), Fault> {
    match Protocol::of(headers) {
        Protocol::Grpc => Ok(()),
        Protocol::Http => Err(Fault::new(Reason::UnsupportedMediaType)
            .message("this is a gRPC method; call it with `content-type: application/grpc`")
            .meta("accept", GRPC_TYPES.join(", "))),
    }
}

/// Ends a request with a fault. What it leaves in the log can be found by the request id, which is then in the answer too.
pub fn answer(mut fault: Fault, protocol: Protocol, request_id: &HeaderValue) -> Response<Body> {
    if fault.source().is_some() {
        fault = fault.request_id(request_id.to_str().unwrap_or_default());
    }
    match protocol {
        Protocol::Grpc => Status::from(fault).into_http(),
        Protocol::Http => fault.into_http().map(|json| Body::new(Full::new(json))),
    }
}
