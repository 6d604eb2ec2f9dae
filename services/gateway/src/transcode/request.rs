//! Builds the request message of a REST call.

use std::borrow::Cow;

use mainstay_contract::UPDATE_MASK;
use mainstay_fault::{Fault, Reason};
use mainstay_wire::{JsonError, MessageId, Plans, frame};
use serde_json::value::RawValue;

use super::errors::{Defective, Gathered, Origin, given_elsewhere, given_twice, json_fault, unknown_parameter};
use super::query::{Parameter, parameters};
use super::raw::put_http_body;
use crate::route::{Segments, decode_path};
use crate::snapshot::{Binding, Body, Capture, EtagField};

/// The parts of an HTTP request that a message is made of.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'r> {
    pub path: &'r str,
    pub segments: &'r Segments,
    pub query: Option<&'r str>,
    pub body: &'r [u8],
    /// What the request says that its body is; empty where it says nothing.
    pub content_type: &'r str,
    pub precondition: Precondition<'r>,
}

/// What the headers of a request say of the record that it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Precondition<'r> {
    /// The etag that it must have.
    pub etag: Option<&'r str>,
    /// Whether it must be there, whatever the request says of missing ones.
    pub exists: bool,
}

/// A request message, and what the request says beside it.
#[derive(Debug, Default)]
pub struct Transcoded {
    /// The encoded request message.
    pub message: Vec<u8>,
    /// `$fields`: which fields of the answer are wanted (AIP-157).
    pub fields: Option<String>,
}

/// Builds the request message by the rules of `google/api/http.proto`: what the path captures, then the body, then one
/// field for each query parameter.
///
/// Fails with a fault that names each field and parameter that does not fit the request's type, and with what could be read of
/// the rest: a message of the request's type.
pub fn request(plans: &Plans, binding: &Binding, parts: RequestParts<'_>) -> Result<Transcoded, Defective> {
    let length = parts.path.len() + parts.query.map_or(0, str::len) + parts.body.len();
    let out = Transcoded { message: Vec::with_capacity(length + 16), fields: None };
    let mut built = Builder { plans, binding, parts, request: binding.method.input, out };
    match built.all() {
        Ok(()) => Ok(built.out),
        Err(fault) => Err(Defective { fault, legible: built.out.message.into() }),
    }
}

struct Builder<'r> {
    plans: &'r Plans,
    binding: &'r Binding,
    parts: RequestParts<'r>,
    request: MessageId,
    out: Transcoded,
}

impl Builder<'_> {
    /// Appends everything.
    fn all(&mut self) -> Result<(), Fault> {
        let mut wrong = Gathered::default();
        let (body, captures, query) = (self.body(), self.captures(), self.query());
        let mask = wrong.keep(body)?.flatten();
        wrong.keep(captures)?;
        let has_mask = wrong.keep(query)?.unwrap_or_default();
        let precondition = self.precondition();
        wrong.keep(precondition)?;
        wrong.finish()?;
        if let (Some(paths), Some(number), false) = (mask, self.binding.mask, has_mask) {
            put_mask(&paths, number, &mut self.out.message);
        }
        Ok(())
    }

    /// Appends something as a whole or not at all.
    fn append<T>(&mut self, what: impl FnOnce(&mut Vec<u8>) -> Result<T, Fault>) -> Result<T, Fault> {
        let before = self.out.message.len();
        let appended = what(&mut self.out.message);
        if appended.is_err() {
            self.out.message.truncate(before);
        }
        appended
    }

    /// Appends the body. Returns the paths that it names, where a mask is to be made of them.
    fn body(&mut self) -> Result<Option<Vec<String>>, Fault> {
        if let Body::Raw { name } = &self.binding.body {
            return self.raw_body(name.as_deref()).map(|()| None);
        }
        let body = trim(self.parts.body);
        match &self.binding.body {
            Body::None if body.is_empty() || body == b"{}" => Ok(None),
            Body::None => Err(Fault::new(Reason::MalformedRequest)
                .message("this method takes no body: give its fields as query parameters")),
            Body::Whole if body.is_empty() => Ok(None),
            Body::Whole => self.json(body),
            Body::Message { name, message } => self.message_body(body, name, *message),
            Body::Value { .. } if body.is_empty() => Ok(None),
            Body::Value { name } => {
                check_value(body, name)?;
                self.json(&[b"{\"", name.as_bytes(), b"\":", body, b"}"].concat())
            }
            Body::Raw { .. } => Ok(None),
        }
    }

    /// Appends a body that is no JSON, as it is. Nothing where there is none.
    fn raw_body(&mut self, name: Option<&str>) -> Result<(), Fault> {
        let RequestParts { body, content_type, .. } = self.parts;
        if body.is_empty() && content_type.is_empty() {
            return Ok(());
        }
        let Some(name) = name else {
            put_http_body(content_type, body, &mut self.out.message);
            return Ok(());
        };
        let mut inner = Vec::with_capacity(body.len() + content_type.len() + 16);
        put_http_body(content_type, body, &mut inner);
        let (plans, request) = (self.plans, self.request);
        self.append(|out| {
            let wrapped = plans.wrap(request, name, &inner, out);
            wrapped.map_err(|error| json_fault(error, Origin::Body { field: name }))
        })
    }

    /// Appends the request as JSON has it, as far as it can be read.
    fn json(&mut self, text: &[u8]) -> Result<Option<Vec<String>>, Fault> {
        let read = self.plans.from_json(self.request, text, &mut self.out.message, None);
        read.map(|()| None).map_err(|error| json_fault(error, Origin::Body { field: "" }))
    }

    /// Appends a body that is a field, together with what the path captures inside it, so that the field occurs once.
    fn message_body(&mut self, body: &[u8], name: &str, message: MessageId) -> Result<Option<Vec<String>>, Fault> {
        let mut inner = Vec::with_capacity(body.len() + 32);
        let mut keys = self.binding.mask.map(|_| Vec::new());
        let mut wrong = Ok(());
        if !body.is_empty() {
            let read = self.plans.from_json(message, body, &mut inner, keys.as_mut());
            wrong = read.map_err(|error| json_fault(error, Origin::Body { field: name }));
        }
        let mut inside = false;
        for capture in &self.binding.captures {
            if let Some(path) = &capture.inside_body {
                inside = true;
                let text = captured(&self.parts, capture)?;
                let set = set_captured(self.plans, message, (path, capture.text), &text, &mut inner);
                set.map_err(|error| json_fault(error, Origin::Body { field: name }))?;
                keys.iter_mut().for_each(|keys| keys.retain(|key| key != path.as_ref()));
            }
        }
        if let (Some(etag), Some(EtagField::Body(number)), true) =
            (self.parts.precondition.etag, self.binding.etag, wrong.is_ok())
        {
            wrong = put_etag(&format!("{name}.etag"), number, etag, &mut inner);
        }
        if inside || !body.is_empty() {
            let (plans, request) = (self.plans, self.request);
            self.append(|out| {
                let wrapped = plans.wrap(request, name, &inner, out);
                wrapped.map_err(|error| json_fault(error, Origin::Body { field: name }))
            })?;
        }
        wrong.map(|()| keys)
    }

    /// Says in the request what its headers say of the record that it changes.
    fn precondition(&mut self) -> Result<(), Fault> {
        let Precondition { etag, exists } = self.parts.precondition;
        if let (Some(etag), Some(EtagField::Request(number))) = (etag, self.binding.etag) {
            put_etag("etag", number, etag, &mut self.out.message)?;
        }
        if let (true, Some(number)) = (exists, self.binding.allow_missing) {
            frame::put_boolean(number, false, &mut self.out.message);
        }
        Ok(())
    }

    fn captures(&mut self) -> Result<(), Fault> {
        for capture in self.binding.captures.iter().filter(|capture| capture.inside_body.is_none()) {
            let text = captured(&self.parts, capture)?;
            let field = (capture.field.as_ref(), capture.text);
            let (plans, request) = (self.plans, self.request);
            self.append(|out| {
                let set = set_captured(plans, request, field, &text, out);
                set.map_err(|error| json_fault(error, Origin::Path))
            })?;
        }
        Ok(())
    }

    /// Appends the query parameters. Says whether one of them is the mask that would otherwise come from the body.
    fn query(&mut self) -> Result<bool, Fault> {
        let Some(query) = self.parts.query.filter(|query| !query.is_empty()) else { return Ok(false) };
        let mut seen: Vec<String> = Vec::new();
        let mut wrong = Gathered::default();
        for parameter in parameters(query) {
            let Parameter { name, value } = parameter?;
            if name.starts_with('$') {
                wrong.keep(self.system_parameter(&name, value.into_owned()))?;
            } else {
                seen.extend(wrong.keep(self.field_parameter(&name, &value, &seen))?);
            }
        }
        wrong.finish()?;
        Ok(seen.iter().any(|path| path == UPDATE_MASK))
    }

    fn system_parameter(&mut self, name: &str, value: String) -> Result<(), Fault> {
        match name {
            "$fields" if self.out.fields.is_some() => Err(given_twice(name)),
            "$fields" => {
                self.out.fields = Some(value);
                Ok(())
            }
            // JSON is what this server answers anyway.
            "$alt" if value == "json" => Ok(()),
            _ => Err(unknown_parameter(name)),
        }
    }

    /// Appends a field. Answers its path in the contract's names, which is the same for every spelling of it.
    fn field_parameter(&mut self, name: &str, value: &str, seen: &[String]) -> Result<String, Fault> {
        let taken = match &self.binding.body {
            Body::Whole => return Err(unknown_parameter(name)),
            Body::None => "",
            Body::Message { name, .. } | Body::Value { name } | Body::Raw { name: Some(name) } => name.as_ref(),
            Body::Raw { name: None } => return Err(unknown_parameter(name)),
        };
        let field = self.plans.field(self.request, name).map_err(|error| json_fault(error, Origin::Query))?;
        if self.binding.captures_field(&field.path) {
            return Err(given_elsewhere(&field.path, "path"));
        }
        if !taken.is_empty() && field.path.split('.').next() == Some(taken) {
            return Err(given_elsewhere(&field.path, "body"));
        }
        if !field.repeated && seen.contains(&field.path) {
            return Err(given_twice(&field.path));
        }
        let (plans, request) = (self.plans, self.request);
        self.append(|out| {
            let set = plans.set_text(request, name, value, out);
            set.map(|()| field.path).map_err(|error| json_fault(error, Origin::Query))
        })
    }
}

/// The text of a capture, decoded.
fn captured<'r>(parts: &RequestParts<'r>, capture: &Capture) -> Result<Cow<'r, str>, Fault> {
    let text = &parts.path[parts.segments.span(capture.segments.clone())];
    decode_path(text, capture.keep).map_err(|error| {
        Fault::new(Reason::MalformedRequest)
            .message(format!("the path could not be read at `{}`: {error}", capture.field))
    })
}

/// Appends the field that a capture is the value of: directly where it is a string, whose number is known.
fn set_captured(
    plans: &Plans,
    message: MessageId,
    (path, number): (&str, Option<u32>),
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), JsonError> {
    match number {
        Some(number) if !text.is_empty() => {
            frame::put_bytes(number, text.as_bytes(), out);
            Ok(())
        }
        _ => plans.set_text(message, path, text, out),
    }
}

/// Appends an etag that a header gives. The message may say it too, and nothing else.
fn put_etag(field: &str, number: u32, etag: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    match frame::string(out, number).ok().flatten() {
        Some(given) if !given.is_empty() && given != etag => Err(Fault::new(Reason::FieldViolation)
            .violation(field, "differs from what the header `if-match` says; leave one of them out")),
        Some(given) if given == etag => Ok(()),
        _ => {
            frame::put_bytes(number, etag.as_bytes(), out);
            Ok(())
        }
    }
}

/// Appends a `google.protobuf.FieldMask` (its paths are field 1). An empty one says nothing, so it is left out.
fn put_mask(paths: &[String], number: u32, out: &mut Vec<u8>) {
    let mut mask = Vec::with_capacity(paths.iter().map(|path| path.len() + 2).sum());
    for path in paths {
        frame::put_bytes(1, path.as_bytes(), &mut mask);
    }
    if !mask.is_empty() {
        frame::put_message(number, &mask, out);
    }
}

/// Checks that a body is one JSON value, before a name is written in front of it.
fn check_value(body: &[u8], name: &str) -> Result<(), Fault> {
    serde_json::from_slice::<&RawValue>(body).map(|_| ()).map_err(|error| {
        Fault::new(Reason::MalformedRequest).message(format!("the body could not be read at `{name}`: {error}"))
    })
}

/// The body without the white space of RFC 8259 around it.
fn trim(body: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = body.iter().position(|byte| !blank(byte)).unwrap_or(body.len());
    let end = body.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &body[start..end]
}
