//! REST: JSON by the HTTP rules of the contracts.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Method as HttpMethod, Request, Response};
use http_body_util::Full;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use mainstay_runtime::channel::{Input, Reply};
use mainstay_wire::{JsonOptions, Selection};

use super::read_mask::ReadMask;
use super::{AUTHORIZATION, Asked, Found, NO_STORE, NOSNIFF, PRIVATE, Spoken, body};
use crate::config::Config;
use crate::snapshot::Binding;
use crate::transcode::{self, Defective, RequestParts, Transcoded, Wanted};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The protocol of `google.api.http`.
pub struct Rest;

/// What an answer has to know of its request.
#[derive(Debug)]
pub struct Form {
    /// The wanted fields; nothing wants all.
    fields: Option<Selection>,
}

impl Spoken for Rest {
    type Form = Form;

    async fn decode(config: &Config, found: &Found, request: Request<Body>) -> Result<(Asked, Form), Defective> {
        let (parts, body) = request.into_parts();
        let body = body::read(body, config.max_request_bytes).await?;
        let Transcoded { message, fields } = transcoded(found, &parts, &body)?;
        let legible = Bytes::from(message);
        match ReadMask::of(found, fields.as_deref(), &parts.headers) {
            Ok(ReadMask { cut, forwarded }) => {
                let asked = Asked { input: Input::Message(legible), fields: forwarded };
                Ok((asked, Form { fields: cut.map(|cut| cut.fields) }))
            }
            Err(fault) => Err(Defective { fault, legible }),
        }
    }

    fn encode(config: &Config, found: &Found, form: Form, reply: Reply) -> Result<Response<Body>, Fault> {
        let (binding, _) = found.rule().ok_or_else(no_rule)?;
        let message = match reply {
            Reply::Http(response) => return Ok(passed(*response)),
            one => one.message()?,
        };
        let options = JsonOptions { emit_defaults: config.emit_defaults };
        let wanted = Wanted { options, fields: form.fields };
        let json = transcode::answer(&found.snapshot.plans, binding, &wanted, &message)?;
        Ok(ok(binding, json))
    }
}

impl Rest {
    /// Tells a fault.
    pub fn fault(fault: Fault) -> Response<Body> {
        fault.into_http().map(|json| Body::new(Full::new(json)))
    }
}

/// The message of a request. A body that may not be read as JSON is one that says nothing.
fn transcoded(found: &Found, parts: &Parts, body: &Bytes) -> Result<Transcoded, Defective> {
    let (binding, segments) = found.rule().ok_or_else(no_rule)?;
    let of = |body| {
        let parts = RequestParts { path: parts.uri.path(), segments, query: parts.uri.query(), body };
        transcode::request(&found.snapshot.plans, binding, parts)
    };
    let refused = if body.is_empty() { None } else { body::check_json(parts).err() };
    match refused {
        None => of(body),
        Some(fault) => {
            let legible = of(b"").map_or_else(|defective| defective.legible, |read| read.message.into());
            Err(Defective { fault, legible })
        }
    }
}

fn ok(binding: &Binding, json: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(json)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if binding.http_method == Some(HttpMethod::GET) && binding.method.ruled {
        headers.insert(CACHE_CONTROL, PRIVATE);
        headers.insert(VARY, AUTHORIZATION);
    } else {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
    response
}

/// A body with a head of its own. What it is, is what its head says.
fn passed(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

/// REST requests resolve by rules alone.
fn no_rule() -> Fault {
    Fault::internal("a REST request resolved to a method without a rule")
}

/// Answers 405, naming what the path takes (RFC 9110, section 15.5.6).
pub fn wrong_method(allow: &[HttpMethod], request: &Request<Body>) -> Fault {
    let allow: Vec<&str> = allow.iter().map(HttpMethod::as_str).collect();
    let allow = allow.join(", ");
    Fault::new(Reason::MethodNotAllowed)
        .message(format!("this path does not take {}, only {allow}", request.method()))
        .meta("allow", allow)
}
