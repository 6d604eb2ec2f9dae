//! What both forms of table are built with.

use mainstay_record::{Kind as ColumnKind, WellKnown};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{FieldPlan, Form, Leaf, MapPlan, Shape, Special};
use crate::{
    PlanError,
    json::text::put_string,
    writer::{Tag, WireType},
};

/// Turns a type that refers to a message or an enum into its index.
pub(super) trait Types {
    fn message(&mut self, message: &MessageDescriptor) -> Result<u32, PlanError>;
    fn enumeration(&mut self, name: &str) -> Leaf;
}

/// Compiles one field; `key` is its JSON key.
pub(super) fn field_plan(
    field: &FieldDescriptor,
    key: &str,
    aliases: Vec<Box<str>>,
    types: &mut dyn Types,
) -> Result<FieldPlan, PlanError> {
    let number = field.number();
    let (leaf, shape) = match field.kind() {
        Kind::Message(entry) if field.is_map() => map_shape(&entry, types)?,
        kind => {
            let leaf = leaf(&kind, field.is_group(), types)?;
            (leaf, shape_of(field))
        }
    };
    let mut key_text = Vec::new();
    put_string(key, &mut key_text);
    key_text.push(b':');
    let wire_type = if matches!(shape, Shape::Map(_)) { WireType::Bytes } else { leaf.wire_type() };
    Ok(FieldPlan {
        number,
        name: field.name().into(),
        json_name: field.json_name().into(),
        written_name: key.into(),
        aliases,
        key: key_text.into(),
        leaf,
        shape,
        tag: Tag::new(number, wire_type),
        oneof: real_oneof(field),
        mask_of: None,
        unsaid: false,
    })
}

/// The oneof that a field belongs to, unless it is the one that `optional` makes.
pub(crate) fn real_oneof(field: &FieldDescriptor) -> Option<u16> {
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
    let position = field.parent_message().oneofs().position(|other| other == oneof)?;
    u16::try_from(position).ok()
}

fn shape_of(field: &FieldDescriptor) -> Shape {
    if field.is_list() {
        Shape::Repeated { packed: field.is_packed().then(|| Tag::new(field.number(), WireType::Bytes)) }
    } else if field.supports_presence() {
        Shape::Explicit
    } else {
        Shape::Implicit
    }
}

fn map_shape(entry: &MessageDescriptor, types: &mut dyn Types) -> Result<(Leaf, Shape), PlanError> {
    let key = leaf(&entry.map_entry_key_field().kind(), false, types)?;
    let value = leaf(&entry.map_entry_value_field().kind(), false, types)?;
    let map = MapPlan { key, key_tag: Tag::new(1, key.wire_type()), value_tag: Tag::new(2, value.wire_type()) };
    Ok((value, Shape::Map(Box::new(map))))
}

fn leaf(kind: &Kind, group: bool, types: &mut dyn Types) -> Result<Leaf, PlanError> {
    Ok(match kind {
        Kind::Message(message) if group => Leaf::Group(types.message(message)?),
        Kind::Message(message) => Leaf::Message(types.message(message)?),
        Kind::Enum(enumeration) => types.enumeration(enumeration.full_name()),
        scalar => scalar_leaf(scalar),
    })
}

/// The leaf of a scalar; an enum counts as the int32 that it is on the wire.
pub(crate) fn scalar_leaf(kind: &Kind) -> Leaf {
    match kind {
        Kind::Double => Leaf::Double,
        Kind::Float => Leaf::Float,
        Kind::Int32 | Kind::Enum(_) => Leaf::Int32,
        Kind::Int64 => Leaf::Int64,
        Kind::Uint32 => Leaf::Uint32,
        Kind::Uint64 => Leaf::Uint64,
        Kind::Sint32 => Leaf::Sint32,
        Kind::Sint64 => Leaf::Sint64,
        Kind::Fixed32 => Leaf::Fixed32,
        Kind::Fixed64 => Leaf::Fixed64,
        Kind::Sfixed32 => Leaf::Sfixed32,
        Kind::Sfixed64 => Leaf::Sfixed64,
        Kind::Bool => Leaf::Bool,
        Kind::String => Leaf::String,
        Kind::Bytes | Kind::Message(_) => Leaf::Bytes,
    }
}

/// The kind of column that holds a scalar.
pub(crate) fn column_kind(leaf: Leaf) -> ColumnKind {
    match leaf {
        Leaf::Bool => ColumnKind::Bool,
        Leaf::Float | Leaf::Double => ColumnKind::Double,
        Leaf::String => ColumnKind::Text,
        Leaf::Bytes | Leaf::Message(_) | Leaf::Group(_) => ColumnKind::Bytes,
        _ => ColumnKind::Int,
    }
}

/// How a message's JSON looks, by its full name.
pub(crate) fn special(full_name: &str, form: Form) -> Special {
    match WellKnown::of(full_name) {
        Some(known) if form == Form::Proto && known.is_object_in_json() => Special::None,
        Some(WellKnown::Timestamp) => Special::Timestamp,
        Some(WellKnown::Duration) => Special::Duration,
        Some(WellKnown::Date) => Special::Date,
        Some(WellKnown::TimeOfDay) => Special::TimeOfDay,
        Some(WellKnown::Decimal) => Special::Decimal,
        Some(WellKnown::Wrapper(_)) => Special::Wrapper,
        Some(WellKnown::Struct) => Special::Struct,
        Some(WellKnown::Value) => Special::Value,
        Some(WellKnown::ListValue) => Special::ListValue,
        Some(WellKnown::Any) => Special::Any,
        Some(WellKnown::FieldMask) => Special::FieldMask,
        None if full_name == "google.protobuf.Empty" => Special::Empty,
        None => Special::None,
    }
}
