//! What stands in a request's path, query and headers.

use mainstay_contract::{ID_EXPRESSION, SEARCH};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::json::{Json, Object};
use super::names::{Chosen, Path};
use super::schema::{Behaviors, Examples, ID, Schemas, Side, described, has_text_form};
use crate::snapshot::{Binding, Body};

/// How deep the fields of messages are listed as parameters; deeper ones are taken all the same.
const DEPTH: usize = 3;
/// How many parameters are listed of one request's fields; more are taken all the same.
const MOST: usize = 200;

/// The field that names what rows lie below.
const PARENT: &str = "parent";

/// The parameters of an operation that several have.
pub const SHARED: [&str; 3] = ["Fields", "IfMatch", "IfNoneMatch"];

/// Where a parameter is described that several operations have.
pub fn shared(name: &str) -> Object {
    Object::new().with("$ref", format!("#/components/parameters/{name}"))
}

/// What it is.
pub fn shared_parameter(name: &str) -> Object {
    let text = Object::new().with("type", "string");
    let header = |name: &'static str, about: &'static str, pattern: &'static str| {
        let schema = Object::new().with("type", "string").with("pattern", pattern);
        Object::new().with("name", name).with("in", "header").with("description", about).with("schema", schema)
    };
    match name {
        "IfMatch" => header(
            "If-Match",
            "The `ETag` that the resource must have, in quotes, or `*`: it must be there. Else the answer is 412.",
            r#"^(\*|(W\/)?"[!#-~]+")$"#,
        ),
        "IfNoneMatch" => header(
            "If-None-Match",
            "The `ETag` of what the caller has already: where it is still so, the answer is 304.",
            r#"^(\*|(W\/)?"[!#-~]*"(, ?(W\/)?"[!#-~]*")*)$"#,
        ),
        _ => Object::new()
            .with("name", "$fields")
            .with("in", "query")
            .with(
                "description",
                "The fields of the answer that are wanted, separated by commas: `name,price.units`. Left out: all of them.",
            )
            .with("schema", text)
            .with("x-field-mask", true),
    }
}

/// What a path has in its open segments.
pub fn path(path: &Path, binding: &Binding, request: &MessageDescriptor, schemas: &mut Schemas<'_>) -> Vec<Object> {
    path.chosen.iter().map(|chosen| segment(chosen, binding, request, schemas)).collect()
}

fn segment(chosen: &Chosen, binding: &Binding, request: &MessageDescriptor, schemas: &mut Schemas<'_>) -> Object {
    let variable = chosen.variable.and_then(|position| binding.template.variables.get(position));
    let field = variable.and_then(|variable| field_at(request, &variable.field));
    let whole = variable.is_some_and(|variable| binding.template.is_single(variable));
    let mut notes = Vec::new();
    let mut schema = match &field {
        Some(field) if whole && field.kind() != Kind::String => schemas.property(field, Side::Request),
        _ => Object::new()
            .with("type", "string")
            .with("minLength", 1_i64)
            .with("pattern", expression(binding, field.as_ref())),
    };
    schema.take("description");
    if takes_any(binding, field.as_ref()) {
        notes.push("`-` stands for any.".to_owned());
    }
    if chosen.many {
        schema = Object::new().with("type", "string");
        notes.push("It may have slashes, which are not encoded, and may be empty.".to_owned());
    }
    let about = match (&field, whole) {
        (Some(field), true) => schemas.about(field).to_owned(),
        (Some(field), false) => format!("A part of `{}`.", field.json_name()),
        (None, _) => String::new(),
    };
    let example = match (schema.get("type"), chosen.many) {
        (Some(Json::Text(kind)), false) if kind == "string" && schema.get("format").is_none() => Some(ID),
        _ => None,
    };
    Object::new()
        .with("name", chosen.name.clone())
        .with("in", "path")
        .with("required", true)
        .with_some("description", described(&about, &notes))
        .with("schema", schema)
        .with_some("example", example)
        .with_some("x-multi-segment", chosen.many.then_some(true))
}

/// Whether `-` stands for any resource that rows lie below (AIP-159): where they are read.
fn takes_any(binding: &Binding, field: Option<&FieldDescriptor>) -> bool {
    binding.method.ruled && !binding.method.side_effects && field.is_some_and(|field| field.name() == PARENT)
}

/// What a segment may be: a part of a resource's name, or whatever a segment can.
fn expression(binding: &Binding, field: Option<&FieldDescriptor>) -> String {
    match field.filter(|_| binding.method.ruled).map(FieldDescriptor::name) {
        Some("name" | PARENT) if !takes_any(binding, field) => ID_EXPRESSION.to_owned(),
        Some(PARENT) => format!("^-$|{ID_EXPRESSION}"),
        _ => "^[^/]+$".to_owned(),
    }
}

/// The field at the end of a path of names.
fn field_at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let mut message = message.clone();
    let mut found = None;
    for name in path.split('.') {
        let field = message.get_field_by_name(name)?;
        if let Kind::Message(inner) = field.kind() {
            message = inner;
        }
        found = Some(field);
    }
    found
}

/// The fields of a request that are given in the query: those that neither the path nor the body gives, as far as they have a text
/// form.
pub fn query(
    binding: &Binding,
    request: &MessageDescriptor,
    schemas: &mut Schemas<'_>,
    examples: &Examples,
) -> Vec<Object> {
    let body = match &binding.body {
        Body::Whole | Body::Raw { name: None } => return Vec::new(),
        Body::None => None,
        Body::Message { name, .. } | Body::Value { name } | Body::Raw { name: Some(name) } => Some(&**name),
    };
    let mut query = Query { binding, schemas, examples, found: Vec::new(), within: Vec::new() };
    for field in request.fields().filter(|field| Some(field.name()) != body && !is_refused(binding, field)) {
        query.field(&field, "", "");
    }
    query.found
}

/// Whether a field of the request would be refused whatever it says: the place of what is not there yet, and the parent of what
/// lies below nothing.
pub fn is_refused(binding: &Binding, field: &FieldDescriptor) -> bool {
    let is_parentless = || field.name() == PARENT && !binding.captures_field(PARENT) && !Behaviors::of(field).required;
    binding.method.ruled && (field.name() == SEARCH || is_parentless())
}

struct Query<'q, 'c> {
    binding: &'q Binding,
    schemas: &'q mut Schemas<'c>,
    examples: &'q Examples,
    found: Vec<Object>,
    /// The messages that the walk is in, so that it ends.
    within: Vec<String>,
}

impl Query<'_, '_> {
    /// Enters a field below these names: as JSON has them, and as the contract does.
    fn field(&mut self, field: &FieldDescriptor, json: &str, own: &str) {
        let (json, own) = (joined(json, field.json_name()), joined(own, field.name()));
        if field.is_map() || self.binding.captures_field(&own) || self.found.len() >= MOST {
            return;
        }
        match field.kind() {
            Kind::Message(message) if !has_text_form(&message) => {
                let recurs = self.within.iter().any(|name| name == message.full_name());
                let is_object = super::schema::known(&message).is_none();
                if field.is_list() || recurs || !is_object || self.within.len() + 1 >= DEPTH {
                    return;
                }
                self.within.push(message.full_name().to_owned());
                message.fields().for_each(|inner| self.field(&inner, &json, &own));
                self.within.pop();
            }
            _ => self.parameter(field, json),
        }
    }

    fn parameter(&mut self, field: &FieldDescriptor, name: String) {
        let mut schema = self.schemas.property(field, Side::Request);
        let description = schema.take("description");
        let deprecated = schema.take("deprecated");
        schema.take("writeOnly");
        if schema.take("readOnly").is_some() {
            return;
        }
        let behaviors = Behaviors::of(field);
        let required = self.within.is_empty() && behaviors.required;
        let example = required.then(|| self.examples.value(field)).flatten();
        self.found.push(
            Object::new()
                .with("name", name)
                .with("in", "query")
                .with_some("required", required.then_some(true))
                .with_some("description", description)
                .with_some("deprecated", deprecated)
                .with("schema", schema)
                .with_some("example", example),
        );
    }
}

fn joined(before: &str, name: &str) -> String {
    if before.is_empty() { name.to_owned() } else { format!("{before}.{name}") }
}
