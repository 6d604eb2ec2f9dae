//! REST: JSON by the HTTP rules of the contracts.

mod format;
mod raw;
mod streamed;

pub use streamed::{FIRST_MESSAGE_WAIT, HEARTBEAT};

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method as HttpMethod, Request, Response, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use mainstay_runtime::channel::{Input, Messages, Reply};
use mainstay_wire::{JsonOptions, Selection};

use self::format::Format;
use self::streamed::{Streamed, Writer};
use super::compressed::{Coder, Coding, told};
use super::conditions::{Conditions, Verdict, is_read};
use super::content::Content;
use super::kept::{etag, keeping, tag, unchanged};
use super::read_mask::ReadMask;
use super::unread::no_client_streams;
use super::{Asked, Found, NO_STORE, NOSNIFF, Spoken, Unread, body};
use crate::config::Config;
use crate::snapshot::{Binding, Body as Sent};
use crate::transcode::{self, Defective, Precondition, RequestParts, Transcoded, Wanted};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// A stream is passed on as it comes, by proxies that know this and by those (nginx) that ask for a header of their own.
const UNTOUCHED: HeaderValue = HeaderValue::from_static("no-store, no-transform");
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");
const BY_ACCEPT: HeaderValue = HeaderValue::from_static("accept, authorization, accept-encoding");
/// The `id` of the last event that a client has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The protocol of `google.api.http`.
pub struct Rest;

/// What an answer has to know of its request.
#[derive(Debug)]
pub struct Form {
    /// The wanted fields; nothing wants all.
    fields: Option<Selection>,
    /// How a stream is written.
    format: Format,
    /// How the answer is compressed, if it is worth it.
    coding: Option<Coding>,
    conditions: Conditions,
}

impl Spoken for Rest {
    type Told = Option<Coding>;
    type Form = Form;

    async fn decode(
        config: &Config,
        found: &Found,
        coding: Option<Coding>,
        request: Request<Body>,
    ) -> Result<(Asked, Form), Unread> {
        if found.method().client_streaming {
            return Err(no_client_streams(found.method()).into());
        }
        let (parts, body) = request.into_parts();
        let body = body::read(body, config.max_request_bytes).await?;
        if !body.is_empty() {
            let is_raw = found.rule().is_some_and(|(binding, _)| matches!(binding.body, Sent::Raw { .. }));
            if is_raw { body::check_coding(&parts)? } else { body::check_json(&parts)? }
        }
        let conditions = Conditions::of(&parts.headers);
        let Transcoded { mut message, fields } = transcoded(found, &parts, &body, conditions.as_ref().ok())?;
        let format = if found.method().server_streaming { Format::of(&parts.headers) } else { Format::Array };
        let resumed = if format == Format::Events { resume(found, &parts.headers, &mut message) } else { Ok(()) };
        let legible = Bytes::from(message);
        let mask = ReadMask::of(found, fields.as_deref(), &parts.headers);
        match resumed.and(conditions).and_then(|conditions| Ok((conditions, mask?))) {
            Ok((conditions, ReadMask { cut, forwarded })) => {
                let asked = Asked { input: Input::Message(legible), fields: forwarded };
                Ok((asked, Form { fields: cut.map(|cut| cut.fields), format, coding, conditions }))
            }
            Err(fault) => Err(Defective { fault, legible }.into()),
        }
    }

    async fn encode(config: &Config, found: &Found, form: Form, reply: Reply) -> Result<Response<Body>, Fault> {
        let (binding, _) = found.rule().ok_or_else(no_rule)?;
        let options = JsonOptions { emit_defaults: config.emit_defaults };
        let Form { fields, format, coding, conditions } = form;
        let wanted = Wanted { options, fields };
        let as_bytes = binding.raw_answer.map(|answer| (binding, answer, is_read(binding)));
        let message = match (reply, as_bytes) {
            (Reply::Message(message), Some(raw)) => return raw::answer(raw, coding, &message).await,
            (Reply::Stream(messages), Some(raw)) => return raw::stream(raw, messages).await,
            (Reply::Message(message), None) => message,
            (Reply::Stream(messages), None) => {
                let writer = Writer { found: found.clone(), wanted, format, first: true };
                return Box::pin(stream(writer, messages, (conditions, coding))).await;
            }
            (Reply::Http(response), _) => return Ok(passed(*response)),
        };
        let etag = etag(&binding.method, &message);
        if let Some(instead) = instead(binding, &conditions, etag)? {
            return Ok(instead);
        }
        let text = transcode::answer(&found.snapshot.plans, binding, &wanted, message.clone())?;
        Ok(ok(binding, etag, Content::of(coding, text).await?))
    }

    fn failed(form: &Form, fault: Fault) -> Fault {
        form.conditions.told(fault)
    }
}

impl Rest {
    /// Tells a fault.
    pub fn fault(fault: Fault, coding: Option<Coding>) -> Response<Body> {
        told(coding, fault.into_http())
    }
}

/// What is answered to a read instead of what was read, where a condition says so.
fn instead(binding: &Binding, conditions: &Conditions, etag: Option<&str>) -> Result<Option<Response<Body>>, Fault> {
    match if is_read(binding) { conditions.of_read(etag) } else { Verdict::Kept } {
        Verdict::Kept => Ok(None),
        Verdict::Unchanged { weak } => Ok(Some(unchanged(&binding.method, etag, weak))),
        Verdict::Failed => Err(conditions.told(Fault::new(Reason::EtagMismatch))),
    }
}

/// The message of a request. Nothing is asked where conditions cannot be read, or kept.
fn transcoded(
    found: &Found,
    parts: &Parts,
    body: &Bytes,
    conditions: Option<&Conditions>,
) -> Result<Transcoded, Unread> {
    let (binding, segments) = found.rule().ok_or_else(no_rule)?;
    let kept = conditions.map_or(Ok(Precondition::default()), |conditions| conditions.for_write(binding));
    let precondition = kept.as_ref().copied().unwrap_or_default();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let (path, query) = (parts.uri.path(), parts.uri.query());
    let parts = RequestParts { path, segments, query, body, content_type, precondition };
    let read = transcode::request(&found.snapshot.plans, binding, parts);
    match kept {
        Ok(_) => Ok(read?),
        Err(fault) => {
            let legible = read.map_or_else(|defective| defective.legible, |read| Bytes::from(read.message));
            Err(Defective { fault, legible }.into())
        }
    }
}

/// Answers with a body, as it is or compressed.
fn ok(binding: &Binding, etag: Option<&str>, content: Content) -> Response<Body> {
    let coding = content.coding;
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, coding.name());
    }
    keeping(&binding.method, is_read(binding), headers);
    // Another form of the same state is another representation, which HTTP has weak tags for.
    if let Some(tag) = etag.and_then(|etag| tag(etag, coding.is_some())) {
        headers.insert(ETAG, tag);
    }
    response
}

/// Begins a streamed answer. What goes wrong before its first message is an answer of its own, and so is what a condition makes
/// of it: it has no etag.
async fn stream(
    writer: Writer,
    mut messages: Messages,
    (conditions, coding): (Conditions, Option<Coding>),
) -> Result<Response<Body>, Fault> {
    let first = streamed::first(&mut messages).await?;
    let (binding, _) = writer.found.rule().ok_or_else(no_rule)?;
    if let Some(instead) = instead(binding, &conditions, None)? {
        return Ok(instead);
    }
    let kind = writer.format.kind();
    let coder = coding.map(Coder::new).transpose()?;
    let mut response = Response::new(Body::new(Streamed::new(writer, messages, first, coder)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(CACHE_CONTROL, UNTOUCHED);
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    headers.insert(VARY, BY_ACCEPT);
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, coding.name());
    }
    Ok(response)
}

/// Takes a stream up where its client says that it broke off: a browser says it by itself when it comes again.
fn resume(found: &Found, headers: &HeaderMap, message: &mut Vec<u8>) -> Result<(), Fault> {
    let (method, last) = (found.method(), headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty()));
    let (Some(cursor), Some(last)) = (&method.cursor, last) else { return Ok(()) };
    let refused = || {
        Fault::new(Reason::FieldViolation).violation(
            &*cursor.request,
            "`last-event-id` is no `id` of an event of this stream; leave it out to begin anew",
        )
    };
    let before = message.len();
    let set =
        found.snapshot.plans.set_text(method.input, &cursor.request, last.to_str().map_err(|_| refused())?, message);
    set.map_err(|_| {
        message.truncate(before);
        refused()
    })
}

/// REST requests resolve by rules alone.
fn no_rule() -> Fault {
    Fault::internal("a REST request resolved to a method without a rule")
}

/// A body with a head of its own. What it is, is what its head says.
fn passed(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

/// Answers OPTIONS: what a path takes (RFC 9110, section 9.3.7).
pub fn methods(allow: &[HttpMethod]) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.extend(HeaderValue::try_from(listed(allow)).ok().map(|allow| (ALLOW, allow)));
    response
}

/// What a path takes, as a list. Each may be asked for it.
fn listed(allow: &[HttpMethod]) -> String {
    let options = (!allow.contains(&HttpMethod::OPTIONS)).then_some(&HttpMethod::OPTIONS);
    let allow: Vec<&str> = allow.iter().chain(options).map(HttpMethod::as_str).collect();
    allow.join(", ")
}

/// Answers 405, naming what the path takes (RFC 9110, section 15.5.6).
pub fn wrong_method(allow: &[HttpMethod], request: &Request<Body>) -> Fault {
    let allow = listed(allow);
    Fault::new(Reason::MethodNotAllowed)
        .message(format!("this path does not take {}, only {allow}", request.method()))
        .meta("allow", allow)
}
