//! One method, called by one of its HTTP rules.

use http::Method as HttpMethod;
use prost_reflect::{FieldDescriptor, MethodDescriptor};

use super::comments::{Comments, summary};
use super::errors;
use super::json::{Json, Object};
use super::names::{Path, Services};
use super::parameters::{self, shared};
use super::schema::{Behaviors, Examples, Schemas, Side, described};
use super::security;
use crate::snapshot::{Binding, Body};

const JSON: &str = "application/json";

/// What operations are made of.
pub struct Operations<'d> {
    pub comments: &'d Comments,
    pub services: &'d Services,
    pub examples: &'d Examples,
    /// The methods that somebody may call who is nobody.
    pub open: &'d dyn Fn(&str) -> bool,
}

/// A method as one of its rules serves it.
pub struct Served<'d> {
    pub binding: &'d Binding,
    pub descriptor: &'d MethodDescriptor,
    pub path: &'d Path,
    /// Which of the method's rules it is, from 0.
    pub which: usize,
}

impl Operations<'_> {
    pub fn operation(&self, served: &Served<'_>, schemas: &mut Schemas<'_>) -> Object {
        let Served { binding, descriptor, which, .. } = *served;
        let service = self.services.name(descriptor.parent_service());
        let comment = self.comments.about(descriptor);
        let id = format!("{service}_{}", descriptor.name());
        let id = if which == 0 { id } else { format!("{id}_{}", which + 1) };
        let short = summary(comment);
        let short = if short.is_empty() { descriptor.name().to_owned() } else { short };
        let deprecated =
            descriptor.method_descriptor_proto().options.as_ref().is_some_and(|options| options.deprecated());
        let parameters = self.parameters(served, schemas);
        let is_open = (self.open)(&binding.method.path);
        Object::new()
            .with("operationId", id)
            .with("tags", vec![service])
            .with("summary", short)
            .with("description", about(binding, comment))
            .with_some("deprecated", deprecated.then_some(true))
            .with("security", security::of(&binding.method, is_open))
            .with_some("parameters", (!parameters.is_empty()).then_some(parameters))
            .with_some("requestBody", self.body(served, schemas))
            .with("responses", self.responses(served, schemas))
            .with("x-grpc-method", binding.method.path.trim_start_matches('/').to_owned())
    }

    fn parameters(&self, served: &Served<'_>, schemas: &mut Schemas<'_>) -> Vec<Object> {
        let Served { binding, descriptor, path, .. } = *served;
        let request = descriptor.input();
        let mut all = parameters::path(path, binding, &request, schemas);
        all.extend(parameters::query(binding, &request, schemas, self.examples));
        all.push(shared("Fields"));
        let reads = is_read(binding);
        if !reads && binding.etag.is_some() {
            all.push(shared("IfMatch"));
        }
        if reads && binding.method.etag.is_some() {
            all.push(shared("IfNoneMatch"));
        }
        all
    }

    fn body(&self, served: &Served<'_>, schemas: &mut Schemas<'_>) -> Option<Object> {
        let Served { binding, descriptor, .. } = *served;
        let request = descriptor.input();
        let (schema, example, required) = match &binding.body {
            Body::None => return None,
            Body::Raw { .. } => return Some(Object::new().with("content", bytes("The bytes, as they are."))),
            Body::Whole => {
                let captured = |field: &FieldDescriptor| {
                    binding.captures_field(field.name()) || parameters::is_refused(binding, field)
                };
                let example = self.examples.object(&request, Side::Request, &captured).map(Json::from);
                let required = request.fields().any(|field| !captured(&field) && Behaviors::of(&field).required);
                let given: Vec<&str> = binding.captures.iter().map(|capture| &*capture.field).collect();
                (schemas.body(&request, Side::Request, &captured, &given), example, required)
            }
            Body::Message { name, .. } => {
                let field = request.get_field_by_name(name)?;
                let message = field.kind().as_message()?.clone();
                // What changes a resource says what it changes, and nothing else.
                let side = if binding.http_method == Some(HttpMethod::PATCH) { Side::Answer } else { Side::Request };
                let given: Vec<&str> =
                    binding.captures.iter().filter_map(|capture| capture.inside_body.as_deref()).collect();
                let schema = schemas.body(&message, side, &|_| false, &given);
                (schema, self.examples.of(&message, Side::Request), Behaviors::of(&field).required)
            }
            Body::Value { name } => {
                let field = request.get_field_by_name(name)?;
                let required = Behaviors::of(&field).required;
                (schemas.property(&field, Side::Request), self.examples.value(&field), required)
            }
        };
        let media = Object::new().with("schema", schema).with_some("example", example);
        Some(
            Object::new()
                .with_some("required", required.then_some(true))
                .with("content", Object::new().with(JSON, media)),
        )
    }

    fn responses(&self, served: &Served<'_>, schemas: &mut Schemas<'_>) -> Object {
        let Served { binding, descriptor, .. } = *served;
        let method = &binding.method;
        let mut good = Object::new().with("description", described_answer(descriptor, self.comments));
        let etag = Object::new()
            .with("description", "The resource's `etag`, in quotes.")
            .with("schema", Object::new().with("type", "string"));
        let mut headers = if method.limits.is_some() { errors::allowance() } else { Object::new() };
        if method.etag.is_some() && !method.server_streaming {
            headers.set("ETag", etag.clone());
        }
        if !headers.is_empty() {
            good.set("headers", headers);
        }
        good.set("content", content(binding, descriptor, schemas));
        let mut all = Object::new().with("200", good);
        if is_read(binding) && method.etag.is_some() {
            let unchanged = Object::new()
                .with("description", "The caller has it already (`If-None-Match`).")
                .with("headers", Object::new().with("ETag", etag));
            all.set("304", unchanged);
        }
        let reasons = errors::reasons(binding, descriptor, self.comments.about(descriptor));
        for (status, answer) in errors::answers(binding, &reasons) {
            all.set(status.to_string(), answer);
        }
        if method.limits.is_some() {
            all.set("429", errors::limited());
        }
        all
    }
}

fn is_read(binding: &Binding) -> bool {
    binding.http_method == Some(HttpMethod::GET)
}

/// What is said of an operation: something in any case.
fn about(binding: &Binding, comment: &str) -> String {
    let said = described(comment, &notes(binding));
    said.unwrap_or_else(|| format!("Calls `{}`.", binding.method.path.trim_start_matches('/')))
}

fn notes(binding: &Binding) -> Vec<String> {
    let mut notes = Vec::new();
    if binding.http_method.is_none() {
        notes.push("This path takes every HTTP method that it has no other operation for.".to_owned());
    }
    if binding.mask.is_some() {
        notes.push("Without `updateMask`, the fields that the body names are changed.".to_owned());
    }
    if binding.method.server_streaming {
        notes.push("The answer is a stream of messages, written as `Accept` wants it.".to_owned());
    }
    if let Some(limits) = &binding.method.limits {
        let policies: Vec<String> = limits.policies().collect();
        notes.push(format!("How often it may be called is limited: {}.", policies.join("; ")));
    }
    notes
}

fn described_answer(descriptor: &MethodDescriptor, comments: &Comments) -> String {
    let output = descriptor.output();
    if output.full_name() == "google.protobuf.Empty" {
        return "Done.".to_owned();
    }
    let said = summary(comments.about(&output));
    if said.is_empty() { format!("`{}`", output.full_name()) } else { format!("{said}.") }
}

fn content(binding: &Binding, descriptor: &MethodDescriptor, schemas: &mut Schemas<'_>) -> Object {
    if binding.raw_answer.is_some() {
        return bytes("Bytes, of the type that the answer's `content-type` says.");
    }
    let message = answer(binding, descriptor, schemas);
    let media = |schema: Object| Object::new().with("schema", schema);
    if !binding.method.server_streaming {
        return Object::new().with(JSON, media(message));
    }
    let failed = Object::new().with("$ref", "#/components/schemas/mainstay.Error");
    let list = Object::new()
        .with("type", "array")
        .with("description", "What goes wrong after the first message is told by the last element.")
        .with("items", Object::new().with("anyOf", vec![message.clone(), failed]));
    let text = |about: &'static str| {
        let schema = Object::new().with("type", "string").with("description", about);
        media(schema.with("contentMediaType", JSON).with("contentSchema", message.clone()))
    };
    Object::new()
        .with(JSON, media(list))
        .with("application/x-ndjson", text("A message on each line; what goes wrong is told by the last one."))
        .with(
            "text/event-stream",
            text("Server-sent events, each with a message as its data. What goes wrong is the last event, `error`."),
        )
}

/// A body that is no JSON.
fn bytes(about: &'static str) -> Object {
    let media = Object::new().with("schema", Object::new().with("description", about));
    Object::new().with("*/*", media)
}

/// One message of the answer.
fn answer(binding: &Binding, descriptor: &MethodDescriptor, schemas: &mut Schemas<'_>) -> Object {
    let output = descriptor.output();
    let part = binding.response_field.as_ref().and_then(|part| output.get_field_by_json_name(&part.json_name));
    if let Some(field) = part {
        return schemas.property(&field, Side::Answer);
    }
    let message = schemas.message(&output, Side::Answer);
    let expands = binding.method.ruled
        && descriptor.input().get_field_by_name("expand").is_some()
        && output.get_field_by_name(mainstay_contract::EXPANDED).is_none();
    if !expands {
        return message;
    }
    let any = output.parent_pool().get_message_by_name("google.protobuf.Any");
    let any = any.map(|any| schemas.message(&any, Side::Answer)).unwrap_or_default();
    let expanded = Object::new()
        .with("type", "object")
        .with("description", "What `expand` led to, by resource names.")
        .with("additionalProperties", any);
    let beside = Object::new()
        .with("type", "object")
        .with("properties", Object::new().with(mainstay_contract::EXPANDED, expanded));
    Object::new().with("allOf", vec![message, beside])
}
