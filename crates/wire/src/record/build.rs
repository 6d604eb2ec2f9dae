//! Fits a message and its layout together.

use std::collections::HashMap;

use mainstay_record::{Kind, Layout, NumberPath, Role, Template};
use prost_reflect::{FieldDescriptor, Kind as ProtoKind, MessageDescriptor};

use super::{ColumnPlan, Member, Node, RecordField, RecordPlan, Slot, SlotKind, Storage};
use crate::{
    AliasResolver, PlanError,
    table::{Form, JsonColumn, Leaf, Special, column_kind, real_oneof, scalar_leaf, special, storage_table},
    writer::{Tag, WireType},
};

pub(super) fn build(
    message: &MessageDescriptor,
    layout: &Layout,
    name: Option<(u32, Template)>,
    etag: Option<u32>,
    aliases: AliasResolver<'_>,
) -> Result<RecordPlan, PlanError> {
    let mut by_path: HashMap<&NumberPath, Vec<usize>> = HashMap::new();
    for (index, column) in layout.columns.iter().enumerate() {
        if is_field(&column.role) {
            by_path.entry(&column.path).or_default().push(index);
        }
    }
    // The row has the parts of the name behind what no name says.
    let name = name.map(|(number, template)| (number, template.behind(layout.unnamed_keys())));
    let mut builder =
        Builder { layout, by_path, name, etag, aliases, slots: Vec::new(), json: Vec::new(), oneofs: HashMap::new() };
    let root = builder.node(message, &NumberPath::default(), "")?;
    let json: Vec<_> =
        builder.json.iter().map(|(field, shape, path)| JsonColumn { field: field.clone(), shape, path }).collect();
    let (table, json_fields) = storage_table(&json, aliases)?;
    let blank = |column: &mainstay_record::Column| match column.nullable || !is_field(&column.role) {
        true => mainstay_record::Value::Null,
        false => column.kind.zero(),
    };
    let plan = |column: &mainstay_record::Column| ColumnPlan {
        name: column.name.as_str().into(),
        kind: column.kind,
        is_field: is_field(&column.role),
    };
    let mut oneofs: Vec<(usize, Vec<Member>)> = builder.oneofs.into_values().collect();
    oneofs.sort_by_key(|(index, _)| *index);
    Ok(RecordPlan {
        root,
        columns: layout.columns.iter().map(plan).collect(),
        blank: layout.columns.iter().map(blank).collect(),
        revision: layout.revision(),
        slots: builder.slots,
        json: table,
        json_fields,
        oneofs: oneofs.into_iter().map(|(_, members)| members).collect(),
    })
}

fn is_field(role: &Role) -> bool {
    !matches!(role, Role::Organisation | Role::Key { .. } | Role::Revision)
}

struct Builder<'a> {
    layout: &'a Layout,
    by_path: HashMap<&'a NumberPath, Vec<usize>>,
    name: Option<(u32, Template)>,
    etag: Option<u32>,
    aliases: AliasResolver<'a>,
    slots: Vec<Slot>,
    /// The fields of JSON columns, with their shapes and paths.
    json: Vec<(FieldDescriptor, &'a mainstay_record::JsonShape, String)>,
    /// By message and oneof: the oneof's index, and its members.
    oneofs: HashMap<(NumberPath, u16), (usize, Vec<Member>)>,
}

impl Builder<'_> {
    fn node(&mut self, message: &MessageDescriptor, path: &NumberPath, parent: &str) -> Result<Node, PlanError> {
        let other_names = (self.aliases)(message.full_name());
        let mut descriptors: Vec<FieldDescriptor> = message.fields().collect();
        descriptors.sort_by_key(FieldDescriptor::number);
        let mut fields = Vec::with_capacity(descriptors.len());
        for descriptor in descriptors {
            let number = descriptor.number();
            let full = if parent.is_empty() {
                descriptor.name().to_owned()
            } else {
                format!("{parent}.{}", descriptor.name())
            };
            let at = Place { descriptor: &descriptor, path: path.child(number), parent, full: &full };
            let (storage, columns) = self.storage(&at)?;
            let oneof = self.oneof(&at, path, &columns);
            let aliases = other_names.iter().filter(|(_, n)| *n == number).map(|(name, _)| name.as_str().into());
            fields.push(RecordField {
                number,
                name: descriptor.name().into(),
                json_name: descriptor.json_name().into(),
                aliases: aliases.collect(),
                tag: Tag::new(number, wire_type(&descriptor)),
                storage,
                oneof,
                columns,
                path: full.into(),
            });
        }
        Ok(Node::new(fields))
    }

    /// Where a field lies, and all its columns.
    fn storage(&mut self, at: &Place<'_>) -> Result<(Storage, Vec<usize>), PlanError> {
        let number = at.descriptor.number();
        if at.parent.is_empty() {
            if let Some((_, template)) = self.name.as_ref().filter(|(name, _)| *name == number) {
                return at.text_only(Storage::Name(template.clone()));
            }
            if self.etag == Some(number) {
                return at.text_only(Storage::Etag);
            }
        }
        let columns = self.by_path.get(&at.path).cloned().unwrap_or_default();
        let Some(first) = columns.first().copied() else { return Err(at.wrong("the layout has no column for it")) };
        let layout = self.layout;
        match &layout.columns[first].role {
            Role::Presence => self.message(at, first),
            Role::Json(shape) => {
                self.json.push((at.descriptor.clone(), shape, at.full.to_owned()));
                let kind = SlotKind::Json(self.json.len() - 1);
                self.checked(at, first, Kind::Json)?;
                Ok((self.slot(at, first, kind), columns))
            }
            Role::Reference { template, .. } => {
                if columns.len() != template.variables() {
                    return Err(at.wrong("the reference needs one column for each variable of its target"));
                }
                for column in &columns {
                    self.checked(at, *column, Kind::Text)?;
                }
                let (storage, _) =
                    at.text_only(Storage::Reference { columns: columns.clone(), template: template.clone() })?;
                Ok((storage, columns))
            }
            _ => Ok((self.value(at, first)?, columns)),
        }
    }

    fn message(&mut self, at: &Place<'_>, presence: usize) -> Result<(Storage, Vec<usize>), PlanError> {
        let message = match at.descriptor.kind() {
            ProtoKind::Message(message) if !at.descriptor.is_list() && !at.descriptor.is_map() => message,
            _ => return Err(at.wrong("only a singular message has a presence column")),
        };
        self.checked(at, presence, Kind::Bool)?;
        let node = self.node(&message, &at.path, at.full)?;
        let mut columns = vec![presence];
        columns.extend(node.fields.iter().flat_map(|field| field.columns.iter().copied()));
        columns.sort_unstable();
        Ok((Storage::Message { presence, node, group: at.descriptor.is_group() }, columns))
    }

    /// A singular field of one column.
    fn value(&mut self, at: &Place<'_>, column: usize) -> Result<Storage, PlanError> {
        if at.descriptor.is_list() || at.descriptor.is_map() {
            return Err(at.wrong("a repeated field needs a JSON column"));
        }
        let ProtoKind::Message(message) = at.descriptor.kind() else {
            let leaf = scalar_leaf(&at.descriptor.kind());
            self.checked(at, column, column_kind(leaf))?;
            let nullable = self.layout.columns[column].nullable;
            return Ok(Storage::Scalar { column, leaf, nullable });
        };
        let (kind, column_kind) = match special(message.full_name(), Form::Storage) {
            Special::Timestamp => (SlotKind::Timestamp, Kind::Timestamp),
            Special::Duration => (SlotKind::Duration, Kind::Int),
            Special::Date => (SlotKind::Date, Kind::Int),
            Special::TimeOfDay => (SlotKind::TimeOfDay, Kind::Int),
            Special::Decimal => (SlotKind::Decimal, Kind::Text),
            Special::Wrapper => {
                let inner = message.get_field(1).ok_or_else(|| at.wrong("a wrapper without a value field"))?;
                let leaf = scalar_leaf(&inner.kind());
                (SlotKind::Wrapper(leaf), column_kind(leaf))
            }
            _ => return Err(at.wrong(&format!("a {} does not fit into one column", message.full_name()))),
        };
        self.checked(at, column, column_kind)?;
        Ok(self.slot(at, column, kind))
    }

    fn slot(&mut self, at: &Place<'_>, column: usize, kind: SlotKind) -> Storage {
        let (parent, name) = (at.parent.into(), at.descriptor.name().into());
        self.slots.push(Slot { column, parent, depth: at.path.0.len() - 1, name, kind });
        Storage::Slot(self.slots.len() - 1)
    }

    fn oneof(&mut self, at: &Place<'_>, parent: &NumberPath, columns: &[usize]) -> Option<usize> {
        let position = real_oneof(at.descriptor)?;
        let marker = *columns.first()?;
        let next = self.oneofs.len();
        let (index, members) = self.oneofs.entry((parent.clone(), position)).or_insert((next, Vec::new()));
        let is_message = self.layout.columns[marker].role == Role::Presence;
        members.push(Member { marker, is_message, columns: columns.to_vec() });
        Some(*index)
    }

    fn checked(&self, at: &Place<'_>, column: usize, wanted: Kind) -> Result<(), PlanError> {
        let column = &self.layout.columns[column];
        if column.kind == wanted {
            return Ok(());
        }
        Err(at.wrong(&format!("column {} is {:?}, not {wanted:?}", column.name, column.kind)))
    }
}

/// The field at hand.
struct Place<'a> {
    descriptor: &'a FieldDescriptor,
    path: NumberPath,
    /// The dotted path of the message around it.
    parent: &'a str,
    full: &'a str,
}

impl Place<'_> {
    fn text_only(&self, storage: Storage) -> Result<(Storage, Vec<usize>), PlanError> {
        let is_text = self.descriptor.kind() == ProtoKind::String && !self.descriptor.is_list();
        if is_text { Ok((storage, Vec::new())) } else { Err(self.wrong("only a singular string can hold a name")) }
    }

    fn wrong(&self, message: &str) -> PlanError {
        PlanError { field: self.full.to_owned(), message: message.to_owned() }
    }
}

fn wire_type(field: &FieldDescriptor) -> WireType {
    match field.kind() {
        ProtoKind::Message(_) if field.is_group() => WireType::StartGroup,
        kind => match scalar_leaf(&kind) {
            Leaf::Bytes => WireType::Bytes,
            leaf => leaf.wire_type(),
        },
    }
}
