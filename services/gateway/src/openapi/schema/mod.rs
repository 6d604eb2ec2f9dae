//! Messages, enums and fields as JSON schemas (draft 2020-12, which OpenAPI 3.1 takes): what they look like in ProtoJSON.
//!
//! A message is described once for answers, which leave out what is unset or hidden, and where requests demand something in it
//! once more as they have it (`shop.v1.Product-input`). What the path gives is no part of a body's schema.

mod behaviors;
mod example;
mod known;
mod rules;
mod sample;

use std::collections::{BTreeMap, HashMap, HashSet};

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

pub use behaviors::Behaviors;
pub use example::{Examples, ID};
pub use known::{has_text_form, known};
pub use rules::Rules;

use super::comments::Comments;
use super::json::{Json, Object};

/// Whose view of a message a schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Of who reads an answer, or changes some fields.
    Answer,
    /// Of who sends a whole request.
    Request,
}

/// The schemas of a document, gathered while operations speak of them.
pub struct Schemas<'c> {
    comments: &'c Comments,
    /// The requests of methods, which no answer has.
    requests: HashSet<String>,
    /// What the application's own services are sent, and answer. What is in it nobody has looked at.
    unchecked: HashSet<String>,
    demanding: HashMap<String, bool>,
    made: BTreeMap<String, Json>,
    /// Spoken of, and not made yet.
    pending: Vec<Named>,
}

enum Named {
    Message(MessageDescriptor, Side),
    Enum(EnumDescriptor),
}

impl<'c> Schemas<'c> {
    /// Nothing yet. `upstream` tells which methods the application's own services answer.
    pub fn new(
        pool: &DescriptorPool,
        comments: &'c Comments,
        upstream: &dyn Fn(&MethodDescriptor) -> bool,
    ) -> Schemas<'c> {
        let methods: Vec<MethodDescriptor> =
            pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
        let mut answers = HashSet::new();
        methods.iter().for_each(|method| reach(&method.output(), &mut answers));
        let requests = methods.iter().map(|method| method.input().full_name().to_owned());
        let requests = requests.filter(|name| !answers.contains(name)).collect();
        let mut unchecked = HashSet::new();
        for method in methods.iter().filter(|method| upstream(method)) {
            reach(&method.input(), &mut unchecked);
            reach(&method.output(), &mut unchecked);
        }
        Schemas { comments, requests, unchecked, demanding: HashMap::new(), made: BTreeMap::new(), pending: Vec::new() }
    }

    /// Makes what was spoken of, and gives everything, by name.
    pub fn finish(mut self, examples: &Examples) -> BTreeMap<String, Json> {
        while let Some(named) = self.pending.pop() {
            match named {
                Named::Message(message, side) => {
                    let name = self.message_name(&message, side);
                    if !self.made.contains_key(&name) {
                        let schema = self.object(&message, side, &|_| false);
                        let schema = schema.with_some("examples", examples.of(&message, side).map(|one| vec![one]));
                        self.made.insert(name, schema.into());
                    }
                }
                Named::Enum(item) => {
                    if !self.made.contains_key(item.full_name()) {
                        let schema = self.enumeration(&item);
                        self.made.insert(item.full_name().to_owned(), schema.into());
                    }
                }
            }
        }
        self.made
    }

    /// What the contract says of a field.
    pub fn about(&self, field: &FieldDescriptor) -> &str {
        self.comments.about(field)
    }

    /// Speaks of a message: its own form where it is a well-known type.
    pub fn message(&mut self, message: &MessageDescriptor, side: Side) -> Object {
        if let Some(schema) = known(message) {
            return schema;
        }
        let name = self.message_name(message, side);
        self.pending.push(Named::Message(message.clone(), side));
        Object::new().with("$ref", format!("#/components/schemas/{name}"))
    }

    /// A message as a body, less the fields of which `left_out` says so. It need not have the fields that are given elsewhere, told
    /// by their paths.
    pub fn body(
        &mut self,
        message: &MessageDescriptor,
        side: Side,
        left_out: &dyn Fn(&FieldDescriptor) -> bool,
        given: &[&str],
    ) -> Object {
        let waived: Vec<&str> =
            given.iter().copied().filter(|path| side == Side::Request && is_demanded(message, path)).collect();
        if waived.is_empty() && !message.fields().any(|field| left_out(&field)) {
            return self.message(message, side);
        }
        let mut schema = self.object(message, side, left_out);
        waived.into_iter().for_each(|path| self.waive(&mut schema, message, path));
        schema
    }

    /// Demands a field no more, nor what it lies in.
    fn waive(&mut self, schema: &mut Object, message: &MessageDescriptor, path: &str) {
        let (name, inner) = path.split_once('.').map_or((path, None), |(name, inner)| (name, Some(inner)));
        let Some(field) = message.get_field_by_name(name) else { return };
        if let Some(Json::List(mut required)) = schema.take("required") {
            required.retain(|name| !matches!(name, Json::Text(name) if name == field.json_name()));
            if !required.is_empty() {
                schema.set("required", required);
            }
        }
        if let (Some(inner), Kind::Message(message)) = (inner, field.kind()) {
            let property = schema.object_at("properties").object_at(field.json_name());
            if property.take("$ref").is_some() {
                // What is said of the field stays before what is said of its type.
                property.fill(self.object(&message, Side::Request, &|_| false));
            }
            self.waive(property, &message, inner);
        }
    }

    /// A message as an object, less the fields of which `left_out` says so.
    pub fn object(
        &mut self,
        message: &MessageDescriptor,
        side: Side,
        left_out: &dyn Fn(&FieldDescriptor) -> bool,
    ) -> Object {
        let (mut properties, mut required) = (Object::new(), Vec::new());
        for field in message.fields().filter(|field| !left_out(field)) {
            properties.set(field.json_name().to_owned(), self.property(&field, side));
            if side == Side::Request && Behaviors::of(&field).required {
                required.push(field.json_name().to_owned());
            }
        }
        let options = message.descriptor_proto().options.as_ref();
        let deprecated = options.is_some_and(|options| options.deprecated()).then_some(true);
        let (choices, mut notes) = choices(message, side, left_out);
        notes.extend(rules::of_message(message));
        Object::new()
            .with("type", "object")
            .with_some("description", described(self.comments.about(message), &notes))
            .with_some("deprecated", deprecated)
            .with_some("required", (!required.is_empty()).then_some(required))
            .with("properties", properties)
            .with_some("allOf", (!choices.is_empty()).then_some(choices))
    }

    /// A field's schema with all that is said of it.
    pub fn property(&mut self, field: &FieldDescriptor, side: Side) -> Object {
        let rules = Rules::of(field);
        let behaviors = Behaviors::of(field);
        let mut notes = Vec::new();
        let mut schema = self.whole(field, side, &rules, &mut notes);
        notes.extend(behaviors.notes());
        notes.extend(rules.conditions());
        if let Some(description) = described(self.comments.about(field), &notes) {
            schema.set("description", description);
        }
        if behaviors.output_only {
            schema.set("readOnly", true);
        }
        if behaviors.input_only {
            schema.set("writeOnly", true);
        }
        if field.field_descriptor_proto().options.as_ref().is_some_and(|options| options.deprecated()) {
            schema.set("deprecated", true);
        }
        schema
    }

    fn whole(&mut self, field: &FieldDescriptor, side: Side, rules: &Rules, notes: &mut Vec<String>) -> Object {
        let kind = field.kind();
        if field.is_map() {
            let Some(entry) = kind.as_message() else { return Object::new() };
            let (keys, values) = rules.entries();
            let value = entry.map_entry_value_field();
            let mut each = self.single(&value.kind(), side);
            values.apply(&value.kind(), &mut each, notes);
            let each = self.with_infinities(each, field, &values);
            let mut names = known::key(&entry.map_entry_key_field().kind());
            keys.apply(&entry.map_entry_key_field().kind(), &mut names, notes);
            let mut schema = Object::new().with("type", "object").with("additionalProperties", each);
            names.take("type");
            if !names.is_empty() {
                schema.set("propertyNames", names);
            }
            rules.of_map(&mut schema);
            return schema;
        }
        let mut schema = self.single(&kind, side);
        if !field.is_list() {
            rules.apply(&kind, &mut schema, notes);
            return self.with_infinities(schema, field, rules);
        }
        let items = rules.items();
        items.apply(&kind, &mut schema, notes);
        let schema = self.with_infinities(schema, field, &items);
        let mut list = Object::new().with("type", "array").with("items", schema);
        rules.of_list(&mut list);
        list
    }

    /// The schema of a field's numbers, with the texts that ProtoJSON has for those that JSON has not, as far as there may be such
    /// ones: NaN is never stored, but an upstream may answer it.
    fn with_infinities(&self, schema: Object, field: &FieldDescriptor, rules: &Rules) -> Object {
        let message = field.parent_message();
        // Numbers of google.type lie between bounds, which its comments tell.
        if !known::is_real(&schema) || message.package_name() == "google.type" {
            return schema;
        }
        let may_be = |number: f64| !number.is_nan() || self.unchecked.contains(message.full_name());
        let texts = [("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY), ("NaN", f64::NAN)];
        let texts = texts.into_iter().filter(|(_, number)| may_be(*number) && rules.take(*number));
        known::or_texts(schema, texts.map(|(text, _)| text).collect())
    }

    /// One value of a kind.
    fn single(&mut self, kind: &Kind, side: Side) -> Object {
        match kind {
            Kind::Message(message) => self.message(message, side),
            Kind::Enum(item) if item.full_name() == "google.protobuf.NullValue" => Object::new().with("type", "null"),
            Kind::Enum(item) => {
                self.pending.push(Named::Enum(item.clone()));
                Object::new().with("$ref", format!("#/components/schemas/{}", item.full_name()))
            }
            scalar => known::scalar(scalar),
        }
    }

    fn enumeration(&self, item: &EnumDescriptor) -> Object {
        let mut said = String::new();
        for value in item.values() {
            let comment = self.comments.about(&value);
            if !comment.is_empty() {
                said.push_str(&format!("- `{}`: {}\n", value.name(), comment.replace('\n', " ")));
            }
        }
        let notes = if said.is_empty() { Vec::new() } else { vec![said.trim_end().to_owned()] };
        let names: Vec<String> = item.values().map(|value| value.name().to_owned()).collect();
        Object::new()
            .with("type", "string")
            .with_some("description", described(self.comments.about(item), &notes))
            .with("enum", names)
    }

    fn message_name(&mut self, message: &MessageDescriptor, side: Side) -> String {
        let name = message.full_name();
        if side == Side::Answer || self.requests.contains(name) || !self.demands(message) {
            return name.to_owned();
        }
        format!("{name}-input")
    }

    /// Whether a request has to have something in the message, or in one that lies in it.
    fn demands(&mut self, message: &MessageDescriptor) -> bool {
        if let Some(known) = self.demanding.get(message.full_name()) {
            return *known;
        }
        let mut reached = HashSet::new();
        reach(message, &mut reached);
        let pool = message.parent_pool();
        let mut all = reached.iter().filter_map(|name| pool.get_message_by_name(name));
        let demands = all.any(|message| {
            message.fields().any(|field| Behaviors::of(&field).required)
                || message.oneofs().any(|oneof| rules::is_needed(&oneof))
        });
        self.demanding.insert(message.full_name().to_owned(), demands);
        demands
    }
}

/// Enters a message and all that lie in it.
fn reach(message: &MessageDescriptor, reached: &mut HashSet<String>) {
    let mut pending = vec![message.clone()];
    while let Some(message) = pending.pop() {
        if reached.insert(message.full_name().to_owned()) {
            pending.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
        }
    }
}

/// Whether a request has to have a field, or something that it lies in.
fn is_demanded(message: &MessageDescriptor, path: &str) -> bool {
    let mut message = Some(message.clone());
    path.split('.').any(|name| {
        let field = message.as_ref().and_then(|message| message.get_field_by_name(name));
        message = field.as_ref().and_then(|field| field.kind().as_message().cloned());
        field.is_some_and(|field| Behaviors::of(&field).required)
    })
}

/// What of a message excludes each other: a schema for each oneof, and words for people.
fn choices(
    message: &MessageDescriptor,
    side: Side,
    left_out: &dyn Fn(&FieldDescriptor) -> bool,
) -> (Vec<Object>, Vec<String>) {
    let (mut schemas, mut notes) = (Vec::new(), Vec::new());
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let members: Vec<String> =
            oneof.fields().filter(|field| !left_out(field)).map(|field| field.json_name().to_owned()).collect();
        if members.len() < 2 {
            continue;
        }
        let needed = rules::is_needed(&oneof);
        let listed = members.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        notes.push(format!("{} of {listed}.", if needed { "Exactly one" } else { "At most one" }));
        let set = |name: &String| {
            let properties = Object::new().with(name.clone(), Object::new());
            let needed = Object::new().with("required", vec![name.clone()]).with("properties", properties);
            // Said for readers who take what a schema does not name for a mistake.
            needed.with("additionalProperties", true)
        };
        let none: Object = members.iter().map(|name| (name.clone(), false)).collect();
        let mut all: Vec<Object> = members.iter().map(set).collect();
        if side == Side::Answer || !needed {
            // An answer leaves out the one that is needed where its reader may not see it.
            all.push(Object::new().with("properties", none).with("additionalProperties", true));
        }
        schemas.push(Object::new().with("oneOf", all));
    }
    (schemas, notes)
}

/// A comment and what is said behind it; nothing where both are empty.
pub fn described(comment: &str, notes: &[String]) -> Option<String> {
    let mut text = comment.to_owned();
    for note in notes {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(note);
    }
    (!text.is_empty()).then_some(text)
}
