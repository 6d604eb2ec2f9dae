//! What both transcoders follow: messages and fields as indexes into tables, keys and tags already encoded.

mod build;
mod numbers;
mod proto;
mod storage;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use mainstay_record::names::{Names, named};

use crate::{
    reader::Width,
    writer::{Tag, WireType},
};

pub(crate) use build::{column_kind, real_oneof, scalar_leaf, special};
pub(crate) use numbers::Numbers;
pub(crate) use proto::proto_table;
pub use proto::{AliasResolver, UPDATE_MASK, UnsaidResolver};
pub(crate) use storage::{JsonColumn, storage_table};

/// The two JSON languages that the tables speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What clients read and write (ProtoJSON specification).
    Proto,
    /// What JSON columns hold: storage keys, numbers for 64-bit integers, enums, times and dates.
    Storage,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) form: Form,
    pub(crate) messages: Vec<MessagePlan>,
    pub(crate) enums: Vec<EnumPlan>,
    /// Full name to message; empty in the storage form.
    pub(crate) by_type: HashMap<Box<str>, u32, FixedState>,
}

#[derive(Debug)]
pub(crate) struct MessagePlan {
    pub(crate) name: Box<str>,
    pub(crate) special: Special,
    /// Ascending by number.
    pub(crate) fields: Vec<FieldPlan>,
    numbers: Numbers,
    /// Every accepted name to the field's index.
    names: HashMap<Box<str>, u16, FixedState>,
    /// Says whether a field of the message is stored, and replaced by a PATCH, as a whole though its JSON is an object: the
    /// message can contain itself, or is one value.
    pub(crate) whole: bool,
}

/// Messages whose JSON is not an object of their fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    None,
    Any,
    Timestamp,
    Duration,
    /// `google.type.Date`, one integer in the storage form only; so is the next, and the last one a text.
    Date,
    TimeOfDay,
    Decimal,
    FieldMask,
    Struct,
    Value,
    ListValue,
    Wrapper,
    Empty,
}

#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) number: u32,
    /// The name in the contract: `currency_code`.
    pub(crate) name: Box<str>,
    /// `currencyCode`.
    pub(crate) json_name: Box<str>,
    /// The key that this form writes: the JSON name, or the storage key.
    pub(crate) written_name: Box<str>,
    pub(crate) aliases: Vec<Box<str>>,
    /// `written_name` as JSON text, with quotes and colon.
    pub(crate) key: Box<[u8]>,
    pub(crate) leaf: Leaf,
    pub(crate) shape: Shape,
    /// For one value, with the leaf's own wire type.
    pub(crate) tag: Tag,
    /// Position of the (real) oneof in its message.
    pub(crate) oneof: Option<u16>,
    /// The message whose fields the paths of this mask name, where that is known (AIP-134).
    pub(crate) mask_of: Option<u32>,
    /// What it holds is repeated in no error.
    pub(crate) unsaid: bool,
}

#[derive(Debug)]
pub(crate) enum Shape {
    /// Singular without presence: zero is unset.
    Implicit,
    /// Singular with presence.
    Explicit,
    /// `packed` holds the tag of the packed form, where the field is written so.
    Repeated {
        packed: Option<Tag>,
    },
    Map(Box<MapPlan>),
}

#[derive(Debug)]
pub(crate) struct MapPlan {
    pub(crate) key: Leaf,
    pub(crate) key_tag: Tag,
    pub(crate) value_tag: Tag,
}

/// The type of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf {
    Bool,
    Int32,
    Sint32,
    Uint32,
    Int64,
    Sint64,
    Uint64,
    Fixed32,
    Sfixed32,
    Fixed64,
    Sfixed64,
    Float,
    Double,
    String,
    Bytes,
    Enum(u32),
    Message(u32),
    /// A proto2 group.
    Group(u32),
}

#[derive(Debug)]
pub(crate) struct EnumPlan {
    pub(crate) name: Box<str>,
    /// `google.protobuf.NullValue`, whose JSON is `null`.
    pub(crate) is_null: bool,
    /// Number to the name as JSON writes it, quoted; ascending by number, the first declared name of each number.
    pub(crate) by_number: Vec<(i32, Box<[u8]>)>,
    pub(crate) by_name: HashMap<Box<str>, i32, FixedState>,
    /// What an unset field has: the first declared value.
    pub(crate) first: i32,
}

impl Table {
    #[inline]
    pub(crate) fn message(&self, index: u32) -> &MessagePlan {
        &self.messages[index as usize]
    }

    #[inline]
    pub(crate) fn enumeration(&self, index: u32) -> &EnumPlan {
        &self.enums[index as usize]
    }

    /// The path of a mask over a message in proto names, whichever of its fields' names it has. What names no field stays
    /// as it is, for whoever follows the mask to refuse.
    pub(crate) fn in_proto_names(&self, message: u32, path: &str) -> String {
        let mut plan = Some(self.message(message));
        let mut names = String::with_capacity(path.len() + 4);
        for (position, segment) in path.split('.').enumerate() {
            if position > 0 {
                names.push('.');
            }
            let field = plan.and_then(|plan| plan.named(segment, 0).map(|index| &plan.fields[index]));
            names.push_str(field.map_or(segment, |field| &field.name));
            plan = field.filter(|field| !matches!(field.shape, Shape::Map(_))).and_then(|field| match field.leaf {
                Leaf::Message(index) | Leaf::Group(index) => Some(self.message(index)),
                _ => None,
            });
        }
        names
    }

    /// Whether `null` is a value of this type, not the absence of one.
    pub(crate) fn takes_null(&self, leaf: Leaf) -> bool {
        match leaf {
            Leaf::Enum(index) => self.enumeration(index).is_null,
            Leaf::Message(index) => self.message(index).special == Special::Value,
            _ => false,
        }
    }
}

impl MessagePlan {
    pub(crate) fn new(name: &str, special: Special, mut fields: Vec<FieldPlan>) -> MessagePlan {
        fields.sort_by_key(|field| field.number);
        let numbers = Numbers::new(fields.iter().map(|field| field.number));
        MessagePlan { name: name.into(), special, fields, numbers, names: HashMap::default(), whole: false }
    }

    /// Adds a name under which a field is found; the first one given keeps it.
    pub(crate) fn add_name(&mut self, name: &str, index: usize) {
        if let Ok(index) = u16::try_from(index) {
            self.names.entry(name.into()).or_insert(index);
        }
    }

    /// Finds a field by its number.
    #[inline]
    pub(crate) fn index(&self, number: u32) -> Option<usize> {
        self.numbers.find(number)
    }

    /// Finds a field by any of its names in the contract. Not for every request: it looks at all fields, because in
    /// storage [`MessagePlan::named`] only knows the storage keys.
    pub(crate) fn in_contract(&self, name: &str) -> Option<&FieldPlan> {
        named(&self.fields, FieldPlan::names, name)
    }

    /// Finds a field by any of its accepted names; `expected` is tried first, because keys tend to come in order.
    #[inline]
    pub(crate) fn named(&self, name: &str, expected: usize) -> Option<usize> {
        match self.fields.get(expected) {
            Some(field) if *field.written_name == *name => Some(expected),
            _ => self.names.get(name).map(|index| usize::from(*index)),
        }
    }
}

impl FieldPlan {
    pub(crate) fn names(&self) -> Names<'_, Box<str>> {
        Names { name: &self.name, json_name: &self.json_name, aliases: &self.aliases }
    }

    pub(crate) fn is_singular(&self) -> bool {
        matches!(self.shape, Shape::Implicit | Shape::Explicit)
    }
}

impl Leaf {
    pub(crate) fn wire_type(self) -> WireType {
        match self {
            Leaf::String | Leaf::Bytes | Leaf::Message(_) => WireType::Bytes,
            Leaf::Group(_) => WireType::StartGroup,
            Leaf::Fixed32 | Leaf::Sfixed32 | Leaf::Float => WireType::Fixed32,
            Leaf::Fixed64 | Leaf::Sfixed64 | Leaf::Double => WireType::Fixed64,
            _ => WireType::Varint,
        }
    }

    /// How a packed list of this type is laid out; nothing where it cannot be packed.
    pub(crate) fn packed_width(self) -> Option<Width> {
        match self.wire_type() {
            WireType::Varint => Some(Width::Varint),
            WireType::Fixed32 => Some(Width::Fixed32),
            WireType::Fixed64 => Some(Width::Fixed64),
            _ => None,
        }
    }
}

impl EnumPlan {
    pub(crate) fn name_of(&self, number: i32) -> Option<&[u8]> {
        let found = self.by_number.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(&self.by_number[found].1)
    }
}
