//! One HTTP binding of a method, checked and ready to be followed.

use std::ops::Range;
use std::sync::Arc;

use http::Method as HttpMethod;
use mainstay_contract::UPDATE_MASK;
use mainstay_contract::http::{Route, Template, TemplateError, Variable};
use mainstay_wire::{MessageId, Plans};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::method::Method;
use crate::route::Keep;

/// The field that holds a resource's revision (AIP-154).
pub const ETAG: &str = "etag";

/// How a request of one HTTP route becomes a request message.
#[derive(Debug)]
pub struct Binding {
    pub method: Arc<Method>,
    pub template: Template,
    /// Nothing takes every method.
    pub http_method: Option<HttpMethod>,
    pub captures: Box<[Capture]>,
    pub body: Body,
    /// The field that is the answer's body, where it is not the whole message.
    pub response_field: Option<ResponseField>,
    /// Where the answer's body is, if it is no JSON.
    pub raw_answer: Option<RawAnswer>,
    /// The number of the request's field mask that is derived from a PATCH body's keys where the request has none.
    pub mask: Option<u32>,
    /// Where the request says which etag the record must have (AIP-154).
    pub etag: Option<EtagField>,
    /// The number of the request's field that lets the record be missing.
    pub allow_missing: Option<u32>,
}

/// The field that says which etag a record must have, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtagField {
    /// It is the request's.
    Request(u32),
    /// It is that of the resource which is the body.
    Body(u32),
}

/// A part of the path that is the value of a field.
#[derive(Debug)]
pub struct Capture {
    /// Which segments; open ends at `usize::MAX`.
    pub segments: Range<usize>,
    pub keep: Keep,
    /// Dotted path of proto names from the request.
    pub field: Box<str>,
    /// The same path from the body's message, where the field lies in it (`name` of `{product.name=…}`, body `product`).
    pub inside_body: Option<Box<str>>,
    /// The field's number where it is a string directly in its message (the request, or the body's): its text is its
    /// value, and nothing has to be looked up.
    pub text: Option<u32>,
}

/// What a body is that is no JSON.
const HTTP_BODY: &str = "google.api.HttpBody";

/// A field of the answer that is the answer's body (`response_body`).
#[derive(Debug)]
pub struct ResponseField {
    pub json_name: Box<str>,
    /// The body where the field is unset, since JSON leaves such fields out.
    pub when_unset: &'static str,
}

/// Where an answer has its `google.api.HttpBody`, whose bytes are the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawAnswer {
    /// It is the answer.
    Whole,
    /// It is this field of the answer.
    Field(u32),
}

/// Where the body goes.
#[derive(Debug)]
pub enum Body {
    /// There is none: what the path does not name are query parameters.
    None,
    /// It is the request, less what the path names; there are no query parameters.
    Whole,
    /// It is this field, a message.
    Message { name: Box<str>, message: MessageId },
    /// It is this field, which is a list, a map or a scalar.
    Value { name: Box<str> },
    /// It is no JSON, but the bytes of the request, which is a `google.api.HttpBody`, or of this field.
    Raw { name: Option<Box<str>> },
}

/// Why a binding is not served. Its method stays reachable by gRPC and by its other bindings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("`{{{field}}}` names no field of `{message}`")]
    NoField { field: String, message: String },
    #[error("`{{{field}}}` must be a singular scalar field, so that a part of a path can be its value")]
    NotScalar { field: String },
    #[error("body: `{name}` is no field of `{message}`")]
    NoBodyField { name: String, message: String },
    #[error("response_body: `{name}` is no field of `{message}`")]
    NoResponseField { name: String, message: String },
    #[error("`{path}` lies under `/{root}`, which is reserved for the platform")]
    Reserved { path: String, root: String },
    #[error("`{path}` must start with a literal segment, so that it cannot take the platform's requests")]
    Rootless { path: String },
    #[error("`{path}` matches the same requests as a route of `{with}`")]
    Ambiguous { path: String, with: String },
    #[error("a method that takes a stream of messages has no REST route")]
    Streaming,
}

impl Binding {
    /// Checks a route against the method's messages.
    pub fn new(
        route: Route,
        method: &Arc<Method>,
        (request, response): (&MessageDescriptor, &MessageDescriptor),
        plans: &Plans,
    ) -> Result<Binding, BindingError> {
        let Route { method: http_method, template, body: body_name, response_body } = route;
        let body = body(&body_name, request, plans)?;
        let captures = captures(&template, request, &body)?;
        let mask = mask(http_method.as_ref(), request, &body);
        let etag = etag(http_method.as_ref(), request, &body);
        let allow_missing = allow_missing(request);
        let (response_field, raw_answer) = answer(&response_body, response)?;
        Ok(Binding {
            method: method.clone(),
            template,
            http_method,
            captures,
            body,
            response_field,
            raw_answer,
            mask,
            etag,
            allow_missing,
        })
    }

    /// Whether a field is given by the path, so that neither a query parameter nor a mask may name it.
    pub fn captures_field(&self, path: &str) -> bool {
        self.captures.iter().any(|capture| capture.field.as_ref() == path)
    }
}

fn body(name: &str, request: &MessageDescriptor, plans: &Plans) -> Result<Body, BindingError> {
    match name {
        "" => return Ok(Body::None),
        "*" if is_http_body(request) => return Ok(Body::Raw { name: None }),
        "*" => return Ok(Body::Whole),
        _ => {}
    }
    let missing = || BindingError::NoBodyField { name: name.to_owned(), message: request.full_name().to_owned() };
    let field = request.get_field_by_name(name).ok_or_else(missing)?;
    let message = match field.kind() {
        Kind::Message(message) if !field.is_list() && is_http_body(&message) => {
            return Ok(Body::Raw { name: Some(name.into()) });
        }
        Kind::Message(message) if !field.is_list() && !field.is_map() => plans.message(message.full_name()),
        _ => None,
    };
    Ok(match message {
        Some(message) => Body::Message { name: name.into(), message },
        None => Body::Value { name: name.into() },
    })
}

fn captures(template: &Template, request: &MessageDescriptor, body: &Body) -> Result<Box<[Capture]>, BindingError> {
    let capture = |variable: &Variable| {
        scalar(request, &variable.field)?;
        let inside = match body {
            Body::Message { name, .. } => {
                variable.field.strip_prefix(name.as_ref()).and_then(|rest| rest.strip_prefix('.'))
            }
            _ => None,
        };
        let container = match (body, inside) {
            (Body::Message { name, .. }, Some(_)) => {
                request.get_field_by_name(name).and_then(|field| field.kind().as_message().cloned())
            }
            _ => Some(request.clone()),
        };
        Ok(Capture {
            text: container.and_then(|message| text_field(&message, inside.unwrap_or(&variable.field))),
            segments: template.covered_by(variable),
            keep: if template.is_single(variable) { Keep::Nothing } else { Keep::Slash },
            field: variable.field.as_str().into(),
            inside_body: inside.map(Box::from),
        })
    };
    template.variables.iter().map(capture).collect()
}

/// Checks that a dotted path leads through singular messages to a singular scalar.
fn scalar(request: &MessageDescriptor, path: &str) -> Result<(), BindingError> {
    let missing = || BindingError::NoField { field: path.to_owned(), message: request.full_name().to_owned() };
    let mut message = Some(request.clone());
    for name in path.split('.') {
        let field = message.as_ref().and_then(|message| message.get_field_by_name(name)).ok_or_else(missing)?;
        if field.is_list() || field.is_map() {
            return Err(BindingError::NotScalar { field: path.to_owned() });
        }
        message = field.kind().as_message().cloned();
    }
    if message.is_some() { Err(BindingError::NotScalar { field: path.to_owned() }) } else { Ok(()) }
}

/// The number of a string field of the message itself.
pub fn text_field(message: &MessageDescriptor, name: &str) -> Option<u32> {
    let is_text = |field: &FieldDescriptor| field.kind() == Kind::String && !field.is_list();
    message.get_field_by_name(name).filter(is_text).map(|field| field.number())
}

/// AIP-134: a PATCH whose body is a field takes its mask from the keys that the body has.
fn mask(method: Option<&HttpMethod>, request: &MessageDescriptor, body: &Body) -> Option<u32> {
    if method != Some(&HttpMethod::PATCH) || !matches!(body, Body::Message { .. }) {
        return None;
    }
    let field = request.get_field_by_name(UPDATE_MASK)?;
    let is_mask = field.kind().as_message()?.full_name() == "google.protobuf.FieldMask" && !field.is_list();
    is_mask.then(|| field.number())
}

/// AIP-154: what changes a resource has its etag beside it, or in it where the whole of it is the body. What makes one has none.
fn etag(method: Option<&HttpMethod>, request: &MessageDescriptor, body: &Body) -> Option<EtagField> {
    match body {
        Body::Message { name, .. } => {
            let changes = matches!(method, Some(&HttpMethod::PATCH | &HttpMethod::PUT));
            let field = request.get_field_by_name(name).filter(|_| changes)?;
            text_field(field.kind().as_message()?, ETAG).map(EtagField::Body)
        }
        Body::None | Body::Whole | Body::Value { .. } | Body::Raw { .. } => {
            text_field(request, ETAG).map(EtagField::Request)
        }
    }
}

fn allow_missing(request: &MessageDescriptor) -> Option<u32> {
    let field = request.get_field_by_name("allow_missing")?;
    (field.kind() == Kind::Bool && !field.is_list()).then(|| field.number())
}

/// What of the answer is the body, and whether it is JSON.
fn answer(
    name: &str,
    response: &MessageDescriptor,
) -> Result<(Option<ResponseField>, Option<RawAnswer>), BindingError> {
    if name.is_empty() {
        return Ok((None, is_http_body(response).then_some(RawAnswer::Whole)));
    }
    let missing = || BindingError::NoResponseField { name: name.to_owned(), message: response.full_name().to_owned() };
    let field = response.get_field_by_name(name).ok_or_else(missing)?;
    let when_unset = match field.kind() {
        _ if field.is_list() => "[]",
        Kind::Message(message) if is_http_body(&message) => return Ok((None, Some(RawAnswer::Field(field.number())))),
        Kind::Message(_) => "{}",
        _ => "null",
    };
    Ok((Some(ResponseField { json_name: field.json_name().into(), when_unset }), None))
}

fn is_http_body(message: &MessageDescriptor) -> bool {
    message.full_name() == HTTP_BODY
}
