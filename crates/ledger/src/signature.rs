//! What a field's number means: its type and how it may be unset. A name is no part of it.

use mainstay_record::Role;
use mainstay_sql::Conversion;
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use serde::{Deserialize, Serialize};

use crate::moves::Moves;

/// The meaning of a field number, and with which others it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// `string`, `int32`, `enum`, `message`, or the full name of a message of google's own.
    #[serde(rename = "type")]
    pub ty: String,
    pub label: Label,
    /// The full name of the enum or message, which may be renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The type of the resource that the field refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Stored as JSON rather than in columns of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_json: bool,
    /// The oneof that the field is in. Its name is no client's; it says which fields go together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oneof: Option<String>,
}

/// How often a field stands in a message, and how it may be unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Unset is the type's zero.
    Implicit,
    /// Unset is told from zero: `optional`, and every singular message.
    Optional,
    Oneof,
    Repeated,
    Map,
}

/// How the signature of one field number compares with what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    Same,
    /// The enum or message has another name; what is stored stays.
    TypeRenamed,
    /// The new type holds every stored value as it is.
    Widened,
    /// The new type holds what is stored as it is, but not below `least` or above `most`.
    Narrowed {
        least: Option<i64>,
        most: Option<i64>,
    },
    /// What is stored becomes something else.
    Converted(Conversion),
    /// The names of rows become texts, or texts the names of rows.
    Referring(Referring),
    /// It could be converted, but this version does not.
    NotYet(String),
    /// The number would mean something else.
    Incompatible(String),
}

/// What becomes of a single reference, or of what becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referring {
    /// A text begins to name a row.
    Gained,
    /// It names none any more.
    Lost,
    /// The name is the only one of a list.
    Listed,
}

impl Signature {
    /// The signature of a field; `role` is that of its column where it has one.
    pub(crate) fn of(field: &FieldDescriptor, role: Option<&Role>) -> Signature {
        let kind = if field.is_map() { map_value(field).unwrap_or_else(|| field.kind()) } else { field.kind() };
        let (mut ty, type_name) = type_of(&kind);
        if field.is_map() {
            ty = format!("map<{}, {ty}>", map_key(field));
        }
        let reference = match role {
            Some(Role::Reference { target, .. }) => Some(target.clone()),
            // Inside lists names are stored as a whole, see `plan/linked.rs`.
            _ => None,
        };
        let as_json = matches!(role, Some(Role::Json(_)));
        let label = Label::of(field);
        let oneof = field.containing_oneof().filter(|_| label == Label::Oneof).map(|oneof| oneof.name().to_owned());
        Signature { ty, label, type_name, reference, as_json, oneof }
    }

    /// Compares what the number was with what it is in the contract. `same_inside` says whether the message or enum that
    /// the field holds now is, by its fields or values, the one that it held: asked where names alone do not tell.
    pub(crate) fn compare(&self, now: &Signature, moves: &Moves<'_>, same_inside: &dyn Fn() -> bool) -> Comparison {
        if self.reference != now.reference {
            return self.compare_references(now);
        }
        if let Some(how) = self.conversion(now, moves) {
            return Comparison::Converted(how);
        }
        if self.label.stored() != now.label.stored() && !self.is_name_of_row(now) {
            let stays = self.ty == now.ty;
            let what = format!("{} became {}", self.describe(), now.describe());
            return if stays { Comparison::NotYet(what) } else { Comparison::Incompatible(what) };
        }
        if self.ty != now.ty {
            return self.compare_types(now);
        }
        let known = self.type_name.as_deref().map(|was| moves.name_now(was));
        // A type that is gone was renamed; one that is still there was left for another, unless the two changed names.
        let left = known != now.type_name && known.is_some_and(|known| moves.exists(&known));
        if left && !same_inside() {
            return Comparison::Incompatible(format!("{} became {}", self.describe(), now.describe()));
        }
        if self.as_json != now.as_json {
            let form = |json: bool| if json { "JSON" } else { "columns" };
            let (was, is) = (form(self.as_json), form(now.as_json));
            return Comparison::NotYet(format!("{} was stored as {was} and now has to be {is}", self.describe()));
        }
        // A type that moved with its package or its outer message is nothing that a reader of the plan would miss.
        if short(&self.type_name) == short(&now.type_name) { Comparison::Same } else { Comparison::TypeRenamed }
    }

    /// How what is stored becomes what the field is now, where that is a scalar that is all the same on the wire.
    fn conversion(&self, now: &Signature, moves: &Moves<'_>) -> Option<Conversion> {
        let scalar = self.ty != "message" && !self.ty.starts_with("google.") && self.reference.is_none();
        let same =
            self.ty == now.ty && self.type_name.as_deref().map(|was| moves.name_now(was)) == now.type_name && scalar;
        match (self.label.stored(), now.label.stored()) {
            (Label::Implicit, Label::Optional) if same => Some(Conversion::ZeroToUnset),
            (Label::Optional, Label::Implicit) if same => Some(Conversion::UnsetToZero),
            // What is repeated is in JSON, where bytes are a text.
            (Label::Implicit | Label::Optional, Label::Repeated) if same && self.ty != "bytes" && now.as_json => {
                Some(Conversion::ToList)
            }
            (was, is) if was == is && !self.as_json && self.ty == "string" && now.ty == "bytes" => {
                Some(Conversion::ToBytes).filter(|_| scalar)
            }
            _ => None,
        }
    }

    /// Says whether both are references: what is unset is NULL, whatever else is said of it.
    fn is_name_of_row(&self, now: &Signature) -> bool {
        let is_single = |label: Label| label.stored() == Label::Optional || label == Label::Implicit;
        self.reference.is_some() && is_single(self.label) && is_single(now.label)
    }

    fn compare_references(&self, now: &Signature) -> Comparison {
        let is_single = |label: Label| label.stored() == Label::Optional || label == Label::Implicit;
        let referring = match (&self.reference, &now.reference) {
            _ if self.ty != now.ty || !is_single(self.label) => None,
            (None, Some(_)) => Some(Referring::Gained),
            (Some(_), None) if is_single(now.label) => Some(Referring::Lost),
            (Some(_), None) if now.label == Label::Repeated => Some(Referring::Listed),
            _ => None,
        };
        referring.map_or_else(
            || Comparison::Incompatible(format!("{} became {}", self.describe(), now.describe())),
            Comparison::Referring,
        )
    }

    fn compare_types(&self, now: &Signature) -> Comparison {
        let what = format!("{} became {}", self.describe(), now.describe());
        let (was, is) = (self.ty.as_str(), now.ty.as_str());
        if let (Some((least, most)), Some((least_now, most_now))) = (range(was), range(is)) {
            let below = (least < least_now).then_some(least_now);
            let above = (most > most_now).then_some(most_now);
            let fits = below.is_none() && above.is_none();
            return if fits { Comparison::Widened } else { Comparison::Narrowed { least: below, most: above } };
        }
        let integers =
            ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"];
        let both = |group: &[&str]| group.contains(&was) && group.contains(&is);
        if both(&integers) || both(&["float", "double"]) || both(&["string", "bytes"]) {
            Comparison::NotYet(what)
        } else {
            Comparison::Incompatible(what)
        }
    }

    /// `optional string`, `repeated message shop.v1.Line`.
    pub fn describe(&self) -> String {
        let label = match self.label {
            Label::Implicit | Label::Map => "",
            Label::Optional if self.ty == "message" || self.ty.starts_with("google.") => "",
            Label::Optional => "optional ",
            Label::Oneof => "oneof member ",
            Label::Repeated => "repeated ",
        };
        let name = self.type_name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let reference = self.reference.as_ref().map(|target| format!(" (a {target})")).unwrap_or_default();
        format!("{label}{}{name}{reference}", self.ty)
    }
}

/// What a type holds of those that are all stored as BIGINT (in JSON: as integers) and are the same varints on the wire.
fn range(ty: &str) -> Option<(i64, i64)> {
    match ty {
        "int32" | "enum" => Some((i32::MIN.into(), i32::MAX.into())),
        "int64" => Some((i64::MIN, i64::MAX)),
        "uint32" => Some((0, u32::MAX.into())),
        // No more than BIGINT holds is ever taken.
        "uint64" => Some((0, i64::MAX)),
        _ => None,
    }
}

fn short(name: &Option<String>) -> Option<&str> {
    name.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name))
}

impl Label {
    /// What the label is to the rows: a field of a oneof is unset as an optional one is.
    fn stored(self) -> Label {
        if self == Label::Oneof { Label::Optional } else { self }
    }

    fn of(field: &FieldDescriptor) -> Label {
        if field.is_map() {
            Label::Map
        } else if field.cardinality() == Cardinality::Repeated {
            Label::Repeated
        } else if field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic()) {
            Label::Oneof
        } else if field.supports_presence() {
            Label::Optional
        } else {
            Label::Implicit
        }
    }
}

/// The message that a field holds, singly, repeated or as the values of a map.
pub(crate) fn held_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let kind = if field.is_map() { map_value(field)? } else { field.kind() };
    kind.as_message().cloned()
}

fn map_value(field: &FieldDescriptor) -> Option<Kind> {
    field.kind().as_message().filter(|entry| entry.is_map_entry()).map(|entry| entry.map_entry_value_field().kind())
}

fn map_key(field: &FieldDescriptor) -> String {
    let key = field.kind().as_message().filter(|entry| entry.is_map_entry()).map(|e| e.map_entry_key_field().kind());
    key.map(|kind| type_of(&kind).0).unwrap_or_default()
}

fn type_of(kind: &Kind) -> (String, Option<String>) {
    let scalar = match kind {
        Kind::Double => "double",
        Kind::Float => "float",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Sint32 => "sint32",
        Kind::Sint64 => "sint64",
        Kind::Fixed32 => "fixed32",
        Kind::Fixed64 => "fixed64",
        Kind::Sfixed32 => "sfixed32",
        Kind::Sfixed64 => "sfixed64",
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Enum(ty) => return ("enum".to_owned(), Some(ty.full_name().to_owned())),
        Kind::Message(ty) if ty.full_name().starts_with("google.") => return (ty.full_name().to_owned(), None),
        Kind::Message(ty) => return ("message".to_owned(), Some(ty.full_name().to_owned())),
    };
    (scalar.to_owned(), None)
}
