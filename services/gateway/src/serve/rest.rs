//! Answers REST requests.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Method as HttpMethod, Request, Response};
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, Context};
use mainstay_wire::{JsonOptions, frame};
use tonic::Code;

use super::body;
use super::endpoint::Edge;
use super::read_mask::ReadMask;
use crate::route::Segments;
use crate::snapshot::{Backend, Binding, Snapshot};
use crate::transcode::{self, RequestParts, Wanted};

/// Field 0 of a wire type that does not exist: the start of no message.
const UNREADABLE: &[u8] = &[0x07];

/// No field's name and no row's etag.
const IMPOSSIBLE: &str = "?";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// An answer belongs to its caller: no shared cache keeps it, and a private one asks again.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const AUTHORIZATION: HeaderValue = HeaderValue::from_static("authorization");

/// A request whose route is known.
#[derive(Debug)]
pub struct RestRequest {
    pub snapshot: Arc<Snapshot>,
    /// Position in the snapshot's bindings.
    pub binding: usize,
    pub segments: Segments,
}

/// Transcodes a request, calls its method, transcodes the answer.
pub async fn serve(
    edge: &Edge,
    rest: RestRequest,
    request: Request<Body>,
    context: Context,
) -> Result<Response<Body>, Fault> {
    let binding = &rest.snapshot.bindings()[rest.binding];
    let (parts, body) = request.into_parts();
    let read = body::read(body, edge.config.max_request_bytes).await;
    let (message, mask) = match read.and_then(|body| message(&rest, binding, &parts, &body)) {
        Ok(read) => read,
        // Boxed, as the rare way: a future is as large as the largest thing in it.
        Err(fault) => return Err(Box::pin(permission_first(edge, &rest, parts.uri.path(), context, fault)).await),
    };
    drop(parts);
    let mut call = rest.snapshot.call(&binding.method, context, message);
    if let Some(mask) = &mask {
        mask.hand_on(&mut call);
    }
    let reply = edge.channel(binding.method.backend).call(call).await?.unary()?;
    edge.known.caught_up(&binding.method.path, &reply).await;
    let options = JsonOptions { emit_defaults: edge.config.emit_defaults };
    let wanted = Wanted { options, fields: mask.map(|mask| mask.selection) };
    let json = transcode::answer(&rest.snapshot.plans, binding, &wanted, &reply)?;
    Ok(ok(binding, json))
}

/// The message of a request, and what it wants of the answer.
fn message(
    rest: &RestRequest,
    binding: &Binding,
    parts: &Parts,
    body: &Bytes,
) -> Result<(Bytes, Option<ReadMask>), Fault> {
    if !body.is_empty() {
        body::check_json(parts)?;
    }
    let plans = &rest.snapshot.plans;
    let (path, query) = (parts.uri.path(), parts.uri.query());
    let transcoded = transcode::request(plans, binding, RequestParts { path, segments: &rest.segments, query, body })?;
    let mask = ReadMask::of(&rest.snapshot, &binding.method, transcoded.fields.as_deref(), &parts.headers)?;
    Ok((Bytes::from(transcoded.message), mask))
}

/// What is wrong with a request is told only to who may make it (AIP-211). Where the data service decides who may, it is
/// asked with a request for the same row that can do nothing: it refuses the caller, or that request.
async fn permission_first(edge: &Edge, rest: &RestRequest, path: &str, context: Context, fault: Fault) -> Fault {
    let binding = &rest.snapshot.bindings()[rest.binding];
    if !binding.method.ruled || fault.code() != Code::InvalidArgument {
        return fault;
    }
    let probe = probe(rest, binding, path).unwrap_or_else(|| Bytes::from_static(UNREADABLE));
    let call = rest.snapshot.call(&binding.method, context, probe);
    match edge.channel(binding.method.backend).call(call).await {
        Err(refused) if matches!(refused.code(), Code::Unauthenticated | Code::PermissionDenied | Code::NotFound) => {
            refused
        }
        _ => fault,
    }
}

/// A request for the row that the path names which fails after the caller's rights were checked, whatever they are: an
/// update of a field that no message has, or a deletion with an etag that no row has. Nothing for methods without a row.
fn probe(rest: &RestRequest, binding: &Binding, path: &str) -> Option<Bytes> {
    let parts = RequestParts { path, segments: &rest.segments, query: None, body: b"" };
    let mut message = transcode::request(&rest.snapshot.plans, binding, parts).ok()?.message;
    match binding.mask {
        Some(number) => frame::put_field_mask(number, &[IMPOSSIBLE], &mut message),
        None if binding.http_method == Some(HttpMethod::DELETE) => {
            rest.snapshot.plans.set_text(binding.method.input, "etag", IMPOSSIBLE, &mut message).ok()?;
        }
        None => return None,
    }
    Some(Bytes::from(message))
}

fn ok(binding: &Binding, json: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(json)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if binding.http_method == Some(HttpMethod::GET) && binding.method.backend == Backend::Data {
        headers.insert(CACHE_CONTROL, PRIVATE);
        headers.insert(VARY, AUTHORIZATION);
    } else {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    response
}

/// Answers 405, naming what the path takes (RFC 9110, section 15.5.6).
pub fn wrong_method(allow: &[HttpMethod], request: &Request<Body>) -> Fault {
    let allow: Vec<&str> = allow.iter().map(HttpMethod::as_str).collect();
    let allow = allow.join(", ");
    Fault::new(Reason::MethodNotAllowed)
        .message(format!("this path does not take {}, only {allow}", request.method()))
        .meta("allow", allow)
}
