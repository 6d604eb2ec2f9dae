//! A stored row to protobuf bytes and back.

mod build;
mod content;
mod decode;
mod encode;
mod put;
mod take;

use mainstay_record::names::{Names, named};
use mainstay_record::{Kind, Layout, Row, Template, Value};
use prost_reflect::MessageDescriptor;

use crate::{
    AliasResolver, DecodeError, EncodeError, MAX_DEPTH, MaskError, PlanError, Selection,
    fail::shown,
    path::select_below,
    table::{FieldPlan, Leaf, Numbers, Table},
    writer::{Tag, WireType, close_wide, open_wide},
};

/// How deep messages may nest in a record: a request or a page around it needs some of [`MAX_DEPTH`] for itself.
pub const MAX_RECORD_DEPTH: usize = MAX_DEPTH - 4;

/// How the rows of one resource become messages and messages become rows.
#[derive(Debug)]
pub struct RecordPlan {
    pub(crate) root: Node,
    pub(crate) columns: Vec<ColumnPlan>,
    /// What an empty message comes to.
    blank: Vec<Value>,
    pub(crate) revision: usize,
    /// Fields that are put together after the whole message was read, because they may come in pieces.
    slots: Vec<Slot>,
    /// The fields of JSON columns, and the messages inside them.
    json: Table,
    json_fields: Vec<FieldPlan>,
    pub(crate) oneofs: Vec<Vec<Member>>,
}

/// A column, as the plan needs it.
#[derive(Debug)]
pub(crate) struct ColumnPlan {
    pub(crate) name: Box<str>,
    kind: Kind,
    /// Whether a field's value lies here: neither a key nor the revision.
    pub(crate) is_field: bool,
}

/// The record itself, or a message that is flattened into its columns.
#[derive(Debug)]
pub(crate) struct Node {
    /// Ascending by number.
    pub(crate) fields: Vec<RecordField>,
    numbers: Numbers,
}

/// A field of a [`Node`].
#[derive(Debug)]
pub(crate) struct RecordField {
    pub(crate) number: u32,
    pub(crate) name: Box<str>,
    json_name: Box<str>,
    aliases: Vec<Box<str>>,
    /// From the resource down, in proto names.
    path: Box<str>,
    tag: Tag,
    pub(crate) storage: Storage,
    /// Index into [`RecordPlan::oneofs`].
    oneof: Option<usize>,
    /// Every column of the field and of what lies below it, ascending.
    pub(crate) columns: Vec<usize>,
}

/// Where a field lies.
#[derive(Debug)]
pub(crate) enum Storage {
    /// The resource's own name, rendered from the key columns.
    Name(Template),
    /// Rendered from the revision.
    Etag,
    Scalar {
        column: usize,
        leaf: Leaf,
        nullable: bool,
    },
    /// A resource name, stored as its variables.
    Reference {
        columns: Vec<usize>,
        template: Template,
    },
    Message {
        presence: usize,
        node: Node,
        group: bool,
    },
    /// A value that may come in pieces: index into [`RecordPlan::slots`].
    Slot(usize),
}

#[derive(Debug)]
struct Slot {
    column: usize,
    /// The path of the message around the field, empty at the top.
    parent: Box<str>,
    /// How many messages are around the field, the record not counted.
    depth: usize,
    name: Box<str>,
    kind: SlotKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotKind {
    Timestamp,
    Duration,
    Date,
    TimeOfDay,
    Decimal,
    /// A wrapper around a scalar of this type.
    Wrapper(Leaf),
    /// Index into [`RecordPlan::json_fields`].
    Json(usize),
}

/// A member of a oneof.
#[derive(Debug)]
pub(crate) struct Member {
    /// The column that tells whether the member is set: its presence, or its first, which is NULL where it is not.
    pub(crate) marker: usize,
    pub(crate) is_message: bool,
    pub(crate) columns: Vec<usize>,
}

/// A message as a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// In the order of the layout; key and revision columns are NULL.
    pub values: Vec<Value>,
    /// The resource's own name, where it was given.
    pub name: Option<String>,
    /// The etag, where it was given.
    pub etag: Option<String>,
    /// The columns that the message populated, ascending (presence columns included).
    pub present: Vec<usize>,
}

impl RecordPlan {
    /// Compiles the plan of a resource. `name` and `etag` are the fields that have no column: the resource's own name
    /// with the template of its pattern, and the etag, 16 lower-case hex digits of the revision.
    ///
    /// Fails where the layout does not fit the message: a field without column, a column of another kind, a message
    /// inside a JSON column without storage keys.
    pub fn new(
        message: &MessageDescriptor,
        layout: &Layout,
        name: Option<(u32, Template)>,
        etag: Option<u32>,
    ) -> Result<RecordPlan, PlanError> {
        RecordPlan::with_aliases(message, layout, name, etag, &|_| Vec::new())
    }

    /// Compiles the plan of a resource whose masks also accept the names that `aliases` answers.
    pub fn with_aliases(
        message: &MessageDescriptor,
        layout: &Layout,
        name: Option<(u32, Template)>,
        etag: Option<u32>,
        aliases: AliasResolver<'_>,
    ) -> Result<RecordPlan, PlanError> {
        build::build(message, layout, name, etag, aliases)
    }

    /// Appends a row as message bytes, fields ascending by number.
    ///
    /// Fails where the row holds what the message cannot say (another program wrote it); `out` is then as long as before.
    pub fn encode<R: Row + ?Sized>(&self, row: &R, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_selected(row, None, out)
    }

    /// Appends the selected fields of a row.
    pub fn encode_masked<R: Row + ?Sized>(
        &self,
        row: &R,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.encode_selected(row, Some(selection), out)
    }

    /// Appends a row as the message field `number` of a message around it (a page of a list), masked or whole.
    pub fn encode_field<R: Row + ?Sized>(
        &self,
        number: u32,
        row: &R,
        selection: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        Tag::new(number, WireType::Bytes).put(out);
        let body = open_wide(out);
        self.encode_selected(row, selection, out).inspect_err(|_| out.truncate(start))?;
        close_wide(body, out);
        Ok(())
    }

    /// Reads a message into column values. Unknown fields are dropped; unset fields become NULL or their kind's zero.
    ///
    /// Refused, all at once and each with its path: text with U+0000 or not UTF-8, unsigned numbers above `i64::MAX`, NaN,
    /// well-known types out of range, references that do not fit their pattern, nesting deeper than [`MAX_RECORD_DEPTH`].
    /// Timestamps and durations are cut to microseconds, a negative zero loses its sign.
    pub fn decode(&self, wire: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(self, wire)
    }

    /// Compiles a read mask over the resource; it may lead into lists of messages, not into maps. `*` selects all.
    pub fn select(&self, paths: &[&str]) -> Result<Selection, MaskError> {
        let mut selection = Selection::default();
        for path in paths {
            if *path == "*" {
                return Ok(Selection::default());
            }
            let names: Vec<&str> = path.split('.').collect();
            let numbers = self.select_path(&names).map_err(|message| MaskError { path: shown(path), message })?;
            selection.add(&numbers);
        }
        Ok(selection)
    }

    fn select_path(&self, names: &[&str]) -> Result<Vec<u32>, String> {
        let mut node = &self.root;
        let mut numbers = Vec::new();
        for (position, name) in names.iter().enumerate() {
            let rest = &names[position + 1..];
            let field = node.named(name).ok_or_else(|| format!("there is no field \"{}\"", shown(name)))?;
            numbers.push(field.number);
            match &field.storage {
                _ if rest.is_empty() || rest == ["*"] => break,
                Storage::Message { node: inner, .. } => node = inner,
                Storage::Slot(slot) => {
                    self.select_in_slot(*slot, field, rest, &mut numbers)?;
                    break;
                }
                _ => return Err(format!("\"{}\" is a single value, without fields", field.name)),
            }
        }
        Ok(numbers)
    }

    fn select_in_slot(
        &self,
        slot: usize,
        field: &RecordField,
        rest: &[&str],
        numbers: &mut Vec<u32>,
    ) -> Result<(), String> {
        match self.slots[slot].kind {
            SlotKind::Json(index) => select_below(&self.json, &self.json_fields[index], rest, numbers),
            _ => Err(format!("\"{}\" is a single value, without fields", field.name)),
        }
    }

    /// The kind of field that a JSON column holds, for masks.
    pub(crate) fn json_field(&self, slot: usize) -> Option<&FieldPlan> {
        match self.slots[slot].kind {
            SlotKind::Json(index) => Some(&self.json_fields[index]),
            _ => None,
        }
    }

    /// What the column of an unset field holds.
    pub(crate) fn blank(&self, column: usize) -> Value {
        self.blank[column].clone()
    }
}

impl Node {
    fn new(fields: Vec<RecordField>) -> Node {
        let numbers = Numbers::new(fields.iter().map(|field| field.number));
        Node { fields, numbers }
    }

    #[inline]
    fn field(&self, number: u32) -> Option<&RecordField> {
        self.numbers.find(number).map(|index| &self.fields[index])
    }

    /// Finds a field by any of its names.
    pub(crate) fn named(&self, name: &str) -> Option<&RecordField> {
        named(&self.fields, RecordField::names, name)
    }
}

impl RecordField {
    fn names(&self) -> Names<'_, Box<str>> {
        Names { name: &self.name, json_name: &self.json_name, aliases: &self.aliases }
    }
}
