//! A layout for a message, as a contract would make one.

use mainstay_record::{
    Column, JsonField, JsonMessage, JsonShape, Kind, Layout, NumberPath, Role, Template, TemplatePart,
};
use prost_reflect::{FieldDescriptor, Kind as ProtoKind, MessageDescriptor};

/// `products/{0}`.
pub fn template(collection: &str) -> Template {
    Template { parts: vec![TemplatePart::Literal(format!("{collection}/")), TemplatePart::Variable(0)] }
}

/// `stores/{0}/shelves/{1}`.
pub fn nested_template() -> Template {
    let literal = |text: &str| TemplatePart::Literal(text.to_owned());
    let parts = vec![literal("stores/"), TemplatePart::Variable(0), literal("/shelves/"), TemplatePart::Variable(1)];
    Template { parts }
}

/// Lays out `test.v1.Item`: storage keys inside JSON are upper case, so that a mix-up with names shows.
pub fn of(message: &MessageDescriptor) -> Layout {
    let mut layout = Layout::default();
    push(&mut layout, "_id", "", &NumberPath::default(), Role::Key { variable: "item".into() }, Kind::Text, false);
    push(&mut layout, "_revision", "", &NumberPath::default(), Role::Revision, Kind::Int, false);
    fields(&mut layout, message, "", &NumberPath::default());
    layout
}

fn push(layout: &mut Layout, name: &str, field: &str, path: &NumberPath, role: Role, kind: Kind, nullable: bool) {
    let (name, field, path) = (name.to_owned(), field.to_owned(), path.clone());
    layout.columns.push(Column { name, field, path, role, kind, nullable });
}

fn fields(layout: &mut Layout, message: &MessageDescriptor, prefix: &str, parent: &NumberPath) {
    let mut descriptors: Vec<FieldDescriptor> = message.fields().collect();
    descriptors.sort_by_key(FieldDescriptor::number);
    for field in descriptors {
        let name = format!("{prefix}{}", field.name());
        if !(prefix.is_empty() && matches!(field.name(), "name" | "etag")) {
            one(layout, &field, &name, &parent.child(field.number()));
        }
    }
}

fn one(layout: &mut Layout, field: &FieldDescriptor, name: &str, path: &NumberPath) {
    let column = name.replace('.', "__");
    let references = match field.name() {
        "product" => vec![template("products")],
        "shelf" => vec![nested_template(), nested_template()],
        _ => Vec::new(),
    };
    for (position, template) in references.iter().cloned().enumerate() {
        let role = Role::Reference { target: "t".into(), template, position };
        push(layout, &format!("{column}_{position}"), name, path, role, Kind::Text, true);
    }
    if !references.is_empty() {
        return;
    }
    if field.is_list() || field.is_map() {
        return push(layout, &column, name, path, Role::Json(shape(field)), Kind::Json, true);
    }
    let kind = match field.kind() {
        ProtoKind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => Kind::Timestamp,
            "google.protobuf.Duration" | "google.type.Date" | "google.type.TimeOfDay" => Kind::Int,
            "google.type.Decimal" => Kind::Text,
            "google.protobuf.Int64Value" | "google.protobuf.UInt64Value" => Kind::Int,
            "google.protobuf.BoolValue" => Kind::Bool,
            "google.protobuf.DoubleValue" => Kind::Double,
            "google.protobuf.StringValue" => Kind::Text,
            "google.protobuf.BytesValue" => Kind::Bytes,
            "test.v1.Inner"
            | "test.v1.Innermost"
            | "test.v1.Rich"
            | "test.legacy.Legacy.Box"
            | "test.legacy.Legacy.Box.Inside" => {
                push(layout, &format!("_has_{column}"), name, path, Role::Presence, Kind::Bool, false);
                return fields(layout, &message, &format!("{name}."), path);
            }
            _ => return push(layout, &column, name, path, Role::Json(shape(field)), Kind::Json, true),
        },
        ProtoKind::Bool => Kind::Bool,
        ProtoKind::Float | ProtoKind::Double => Kind::Double,
        ProtoKind::String => Kind::Text,
        ProtoKind::Bytes => Kind::Bytes,
        _ => Kind::Int,
    };
    let nullable = field.supports_presence();
    push(layout, &column, name, path, Role::Field, kind, nullable);
}

/// The storage keys of everything inside a field.
pub fn shape(field: &FieldDescriptor) -> JsonShape {
    let mut shape = JsonShape::default();
    let mut known = Vec::new();
    entry(&element(field), &mut shape, &mut known);
    shape
}

fn element(field: &FieldDescriptor) -> ProtoKind {
    match field.kind() {
        ProtoKind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

fn entry(kind: &ProtoKind, shape: &mut JsonShape, known: &mut Vec<String>) -> Option<usize> {
    let ProtoKind::Message(message) = kind else { return None };
    if message.full_name().starts_with("google.") {
        return None;
    }
    if let Some(at) = known.iter().position(|name| name == message.full_name()) {
        return Some(at);
    }
    let at = known.len();
    known.push(message.full_name().to_owned());
    shape.messages.push(JsonMessage::default());
    for field in message.fields() {
        let message = entry(&element(&field), shape, known);
        shape.messages[at].fields.push(JsonField { number: field.number(), key: field.name().to_uppercase(), message });
    }
    Some(at)
}
