//! What a field's type is stored as.

use std::collections::HashMap;
use std::sync::Arc;

use mainstay_expr::{EnumType, MapKey, Type};
use mainstay_record::{Kind, WellKnown};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind as ProtoKind, MessageDescriptor};

use crate::capabilities::{self, Support};

/// What one value of a field is.
#[derive(Debug, Clone)]
pub(crate) enum Stored {
    /// One column, or one JSON scalar. `wrapped`: a message on the wire, so that it can be unset.
    Scalar { kind: Kind, ty: Type, wrapped: bool },
    /// A message with fields of its own.
    Message(MessageDescriptor),
    /// A message that is stored as JSON of its own.
    Document(Type),
}

/// A type that is not stored: the row of the capability table, or the type's name where the table has none.
#[derive(Debug, Clone)]
pub(crate) struct Refused(pub String);

/// Remembers what is worked out once for each type.
#[derive(Debug, Default)]
pub(crate) struct Types {
    enums: HashMap<String, Arc<EnumType>>,
    recursive: HashMap<String, bool>,
}

impl Types {
    pub(crate) fn enumeration(&mut self, descriptor: &EnumDescriptor) -> Arc<EnumType> {
        let make = || EnumType {
            name: descriptor.full_name().to_owned(),
            values: descriptor.values().map(|value| (value.name().to_owned(), value.number())).collect(),
        };
        Arc::clone(self.enums.entry(descriptor.full_name().to_owned()).or_insert_with(|| Arc::new(make())))
    }

    /// All enums that were met, for rules to name.
    pub(crate) fn enums(&self) -> Vec<Arc<EnumType>> {
        let mut all: Vec<_> = self.enums.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// What one value (an element, where the field is repeated; a value, where it is a map) is stored as.
    pub(crate) fn stored(&mut self, field: &FieldDescriptor) -> Result<Stored, Refused> {
        let kind = if field.is_map() { map_value(field).kind() } else { field.kind() };
        let scalar = |kind, ty| Ok(Stored::Scalar { kind, ty, wrapped: false });
        match kind {
            ProtoKind::Bool => scalar(Kind::Bool, Type::Bool),
            ProtoKind::Double => scalar(Kind::Double, Type::Double),
            ProtoKind::Float => scalar(Kind::Double, Type::Float),
            ProtoKind::String => scalar(Kind::Text, Type::Text),
            ProtoKind::Bytes => scalar(Kind::Bytes, Type::Bytes),
            ProtoKind::Enum(descriptor) => match descriptor.full_name() {
                name @ "google.protobuf.NullValue" => Err(Refused(name.to_owned())),
                _ => scalar(Kind::Int, Type::Enum(self.enumeration(&descriptor))),
            },
            ProtoKind::Message(message) => match well_known(message)? {
                // A list of lists is nothing that expressions look into.
                Stored::Document(Type::List(_)) if field.is_list() || field.is_map() => {
                    Ok(Stored::Document(Type::Opaque("google.protobuf.FieldMask")))
                }
                stored => Ok(stored),
            },
            _ => scalar(Kind::Int, Type::Int),
        }
    }

    /// Whether a message contains itself, at whatever depth.
    pub(crate) fn is_recursive(&mut self, message: &MessageDescriptor) -> bool {
        if let Some(known) = self.recursive.get(message.full_name()) {
            return *known;
        }
        let mut pending: Vec<MessageDescriptor> = inner_messages(message).collect();
        let mut seen = std::collections::HashSet::new();
        let mut recursive = false;
        while let Some(inner) = pending.pop() {
            recursive |= inner == *message;
            if seen.insert(inner.full_name().to_owned()) {
                pending.extend(inner_messages(&inner));
            }
        }
        self.recursive.insert(message.full_name().to_owned(), recursive);
        recursive
    }
}

/// The field of a map's entries that holds the value.
pub(crate) fn map_value(field: &FieldDescriptor) -> FieldDescriptor {
    match field.kind() {
        ProtoKind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field(),
        _ => field.clone(),
    }
}

/// What the values of a map are found by.
pub(crate) fn map_type(field: &FieldDescriptor, value: Type) -> Type {
    let value = Box::new(value);
    let key = match field.kind() {
        ProtoKind::Message(entry) if entry.is_map_entry() => entry.map_entry_key_field().kind(),
        kind => kind,
    };
    match key {
        ProtoKind::String => Type::Map(value),
        ProtoKind::Bool => Type::MapOther { key: MapKey::Bool, value },
        _ => Type::MapOther { key: MapKey::Int, value },
    }
}

fn inner_messages(message: &MessageDescriptor) -> impl Iterator<Item = MessageDescriptor> + use<> {
    let fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.into_iter().filter_map(|field| match map_value(&field).kind() {
        ProtoKind::Message(inner) if matches!(well_known(inner.clone()), Ok(Stored::Message(_))) => Some(inner),
        _ => None,
    })
}

/// What a message is stored as; which form each type of protobuf's and google's own has is said by [`WellKnown`].
fn well_known(message: MessageDescriptor) -> Result<Stored, Refused> {
    let name = message.full_name();
    let Some(known) = WellKnown::of(name) else {
        let is_refused = capabilities::find(name).is_some_and(|row| row.support == Support::NotYet);
        let is_plain = name == "google.protobuf.Empty" || !name.starts_with("google.protobuf.");
        return if is_plain && !is_refused { Ok(Stored::Message(message)) } else { Err(Refused(name.to_owned())) };
    };
    let ty = match known {
        WellKnown::Timestamp => Type::Timestamp,
        WellKnown::Duration => Type::Duration,
        WellKnown::Date => Type::Date,
        WellKnown::TimeOfDay => Type::TimeOfDay,
        WellKnown::Decimal => Type::Decimal,
        WellKnown::Wrapper(kind) => wrapped(name, kind),
        WellKnown::Struct => Type::Struct,
        WellKnown::Value => Type::Opaque("google.protobuf.Value"),
        WellKnown::ListValue => Type::Opaque("google.protobuf.ListValue"),
        WellKnown::Any => Type::Opaque("google.protobuf.Any"),
        WellKnown::FieldMask => Type::List(Box::new(Type::Text)),
    };
    Ok(match known.kind() {
        Kind::Json => Stored::Document(ty),
        kind => Stored::Scalar { kind, ty, wrapped: true },
    })
}

fn wrapped(name: &str, kind: Kind) -> Type {
    match kind {
        Kind::Bool => Type::Bool,
        Kind::Int => Type::Int,
        Kind::Double if name.ends_with("FloatValue") => Type::Float,
        Kind::Double => Type::Double,
        Kind::Bytes => Type::Bytes,
        _ => Type::Text,
    }
}
