//! Faults as answers, in the protocol that the caller speaks.

use crate::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::Full;
use mainstay_fault::Fault;
use std::error::Error as _;
use tonic::Status;

/// What a caller speaks, as far as errors are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC: the status travels in trailers.
    Grpc,
    /// Plain HTTP: the status is the HTTP status, the body is JSON.
    Http,
}

impl Protocol {
    /// Tells a gRPC request from others by its content type; `application/grpc-web` is another protocol.
    pub fn of(headers: &HeaderMap) -> Protocol {
        let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        match kind.strip_prefix(b"application/grpc") {
            Some([] | [b'+' | b';' | b' ', ..]) => Protocol::Grpc,
            _ => Protocol::Http,
        }
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
