//! What lies inside JSON columns: the keys of birth, and what the numbers there mean.
//!
//! A message inside a JSON column is stored under the names that its fields had when they first were stored. The walk
//! pairs each message type with what it was, by the path of numbers that leads to it, so that type names do not matter.

pub(crate) mod places;

use mainstay_contract::JsonChecks;
use mainstay_record::JsonShape;
use prost_reflect::MessageDescriptor;
use serde::{Deserialize, Serialize};

use crate::moves::Moves;
use crate::oneofs::{Member, regrouped};
use crate::signature::{Comparison, Signature, held_message};
use crate::terms::{EnumValues, FieldTerms, inner_rules};
use places::{Spot, spot};

/// The messages inside one JSON column; the first is the field's own type. None where the field holds scalars or a Struct.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JsonEntry {
    pub messages: Vec<JsonMessageEntry>,
}

/// A message type inside a JSON column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JsonMessageEntry {
    pub fields: Vec<JsonFieldEntry>,
}

/// A field of such a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonFieldEntry {
    pub number: u32,
    /// The name now.
    pub name: String,
    /// The name at birth: the key that is stored.
    pub key: String,
    pub signature: Signature,
    /// Index into `JsonEntry::messages` where the field holds messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<usize>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// Of an enum: what the numbers mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<EnumValues>,
    /// Nothing where an earlier version of this program stored the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<FieldTerms>,
}

/// What became of one field inside a JSON column. `path` is the names from the column's field down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonChange {
    Renamed {
        path: String,
        /// What it was called, with its terms as far as they are known.
        was: (String, Option<FieldTerms>),
        now: (String, FieldTerms),
    },
    Shown {
        path: String,
    },
    Compared {
        path: String,
        number: u32,
        spot: Spot,
        from: Signature,
        to: Signature,
        comparison: Comparison,
    },
    /// The numbers of an enum are others, or have other names.
    Values {
        path: String,
        spot: Spot,
        was: EnumValues,
        now: EnumValues,
    },
    Terms {
        path: String,
        /// What it was called, and is.
        names: (String, String),
        was: FieldTerms,
        now: FieldTerms,
    },
    /// Gone from the contract; `message` is the type that it must be reserved in.
    Gone {
        path: String,
        number: u32,
        name: String,
        message: MessageDescriptor,
    },
    /// A hidden field's number has come back as another.
    Reused {
        path: String,
        number: u32,
        was: String,
    },
    /// A new field has the name that a hidden one had.
    NameReused {
        path: String,
        number: u32,
    },
    /// Fields of a message at `path` came into a oneof, or left it.
    Oneof {
        oneof: String,
        fields: Vec<String>,
        came: bool,
        /// Several of it were there before, so that several may be set.
        several: bool,
    },
    /// Two fields share a message type now whose stored keys differ.
    Merged {
        path: String,
    },
}

/// The entry of a JSON column as the contract has it, with today's names as keys.
pub(crate) fn entry_of(shape: &JsonShape, root: Option<MessageDescriptor>, checks: Option<&JsonChecks>) -> JsonEntry {
    let mut messages = vec![JsonMessageEntry::default(); shape.messages.len()];
    let mut seen = vec![false; shape.messages.len()];
    let mut queue: Vec<(usize, MessageDescriptor)> = root.map(|message| (0, message)).into_iter().collect();
    while let Some((index, message)) = queue.pop() {
        let (Some(shape), Some(entry)) = (shape.messages.get(index), messages.get_mut(index)) else { continue };
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        for field in &shape.fields {
            let Some(descriptor) = message.get_field(field.number) else { continue };
            if let (Some(inner), Some(held)) = (field.message, held_message(&descriptor)) {
                queue.push((inner, held));
            }
            entry.fields.push(JsonFieldEntry {
                number: field.number,
                name: descriptor.name().to_owned(),
                key: field.key.clone(),
                signature: Signature::of(&descriptor, None),
                message: field.message,
                hidden: false,
                values: EnumValues::of(&descriptor),
                terms: Some(FieldTerms::of(&descriptor, inner_rules(checks, index, field.number))),
            });
        }
        entry.fields.sort_by_key(|field| field.number);
    }
    JsonEntry { messages }
}

/// Carries the keys of birth over from what was, and tells what changed.
pub(crate) struct Merge<'a> {
    moves: &'a Moves<'a>,
    pub was: &'a JsonEntry,
    pub now: JsonEntry,
    pub changes: Vec<JsonChange>,
    paired: Vec<Option<usize>>,
}

impl<'a> Merge<'a> {
    /// Walks both from the column's field at `path` (names) with type `root`.
    pub fn run(
        moves: &'a Moves<'a>,
        was: &'a JsonEntry,
        now: JsonEntry,
        root: Option<MessageDescriptor>,
        path: &str,
    ) -> Self {
        let paired = vec![None; now.messages.len()];
        let mut merge = Merge { moves, was, now, changes: Vec::new(), paired };
        if let Some(root) = root
            && !was.messages.is_empty()
            && !merge.now.messages.is_empty()
        {
            merge.message(0, 0, &root, path);
        }
        merge
    }

    fn message(&mut self, was: usize, now: usize, descriptor: &MessageDescriptor, path: &str) {
        match self.paired.get(now).copied().flatten() {
            Some(other) if other == was => return,
            Some(other) => {
                if !same_keys(self.was, was, other) {
                    self.changes.push(JsonChange::Merged { path: path.to_owned() });
                }
                return;
            }
            None => {}
        }
        let (Some(old), Some(slot)) = (self.was.messages.get(was), self.paired.get_mut(now)) else { return };
        *slot = Some(was);
        let mut fields = std::mem::take(&mut self.now.messages[now].fields);
        for field in &mut fields {
            self.field((was, old), field, descriptor, path);
        }
        self.oneofs(old, &fields, path);
        let there: Vec<u32> = fields.iter().map(|field| field.number).collect();
        for gone in old.fields.iter().filter(|old| !there.contains(&old.number)) {
            if !gone.hidden {
                self.changes.push(JsonChange::Gone {
                    path: format!("{path}.{}", gone.name),
                    number: gone.number,
                    name: gone.name.clone(),
                    message: descriptor.clone(),
                });
            }
            fields.push(JsonFieldEntry { hidden: true, message: None, ..gone.clone() });
        }
        fields.sort_by_key(|field| field.number);
        self.now.messages[now].fields = fields;
    }

    fn oneofs(&mut self, old: &JsonMessageEntry, fields: &[JsonFieldEntry], path: &str) {
        let was = |field: &JsonFieldEntry| old.fields.iter().find(|known| known.number == field.number);
        let stood = fields.iter().filter_map(|field| Some((field, was(field)?)));
        let members: Vec<Member<'_>> = stood
            .map(|(field, was)| Member {
                name: &field.name,
                was: was.signature.oneof.as_deref(),
                now: field.signature.oneof.as_deref(),
            })
            .collect();
        self.changes.extend(regrouped(&members).into_iter().map(|regrouped| JsonChange::Oneof {
            oneof: format!("{path}.{}", regrouped.oneof),
            fields: regrouped.moved.iter().map(|place| members[*place].name.to_owned()).collect(),
            came: regrouped.came,
            several: regrouped.members.len() > 1,
        }));
    }

    fn field(
        &mut self,
        (at, old): (usize, &JsonMessageEntry),
        field: &mut JsonFieldEntry,
        message: &MessageDescriptor,
        path: &str,
    ) {
        let path = format!("{path}.{}", field.name);
        let Some(known) = old.fields.iter().find(|known| known.number == field.number) else {
            let namesake = old.fields.iter().find(|known| known.hidden && known.name == field.name);
            self.changes.extend(namesake.map(|was| JsonChange::NameReused { path, number: was.number }));
            let taken = |key: &str| old.fields.iter().any(|known| known.key == key);
            if taken(&field.key) {
                field.key = format!("{}_{}", field.key, field.number);
            }
            return;
        };
        field.key.clone_from(&known.key);
        let held = message.get_field(field.number).as_ref().and_then(held_message);
        let same_inside = || self.same_inside(known, field, held.as_ref());
        let comparison = known.signature.compare(&field.signature, self.moves, &same_inside);
        if known.hidden {
            let stays = matches!(comparison, Comparison::Same | Comparison::TypeRenamed);
            let same = known.name == field.name && stays && field.message.is_none();
            let change = if same { JsonChange::Shown { path } } else { reused(path, field.number, known) };
            return self.changes.push(change);
        }
        self.compare(at, known, field, &path, comparison);
        if let (Some(was), Some(now), Some(held)) = (known.message, field.message, held) {
            self.message(was, now, &held, &path);
        }
    }

    fn compare(
        &mut self,
        at: usize,
        known: &JsonFieldEntry,
        field: &mut JsonFieldEntry,
        path: &str,
        comparison: Comparison,
    ) {
        let path = || path.to_owned();
        let spot = || spot(self.was, at, known.number, &known.key);
        if known.name != field.name {
            self.changes.push(JsonChange::Renamed {
                path: path(),
                was: (known.name.clone(), known.terms.clone()),
                now: (field.name.clone(), field.terms.clone().unwrap_or_default()),
            });
        }
        if comparison != Comparison::Same {
            self.changes.push(JsonChange::Compared {
                path: path(),
                number: field.number,
                spot: spot(),
                from: known.signature.clone(),
                to: field.signature.clone(),
                comparison,
            });
        }
        if let (Some(was), Some(now)) = (&known.values, &field.values) {
            let (was, now, spot) = (was.clone(), now.clone(), spot());
            field.values = Some(now.clone().after(&was));
            self.changes.push(JsonChange::Values { path: path(), spot, was, now });
        }
        if let (Some(was), Some(now)) = (&known.terms, &field.terms) {
            let names = (known.name.clone(), field.name.clone());
            self.changes.push(JsonChange::Terms { path: path(), names, was: was.clone(), now: now.clone() });
        }
    }

    /// Says whether what a field holds now is by its fields or values what it held.
    fn same_inside(&self, known: &JsonFieldEntry, field: &JsonFieldEntry, held: Option<&MessageDescriptor>) -> bool {
        if let (Some(was), Some(now)) = (&known.values, &field.values) {
            return was.agrees(now);
        }
        let was = known.message.and_then(|message| self.was.messages.get(message));
        was.zip(held).is_some_and(|(was, held)| was.agrees(held))
    }
}

impl JsonMessageEntry {
    /// Says whether the numbers that both know have the same names: the same message under another name.
    pub(crate) fn agrees(&self, message: &MessageDescriptor) -> bool {
        let there = self.fields.iter().filter(|field| !field.hidden);
        same_names(there.map(|field| (field.number, field.name.as_str())), message)
    }
}

/// Says whether a message has these names at these numbers, as far as it has the numbers; it must have one.
pub(crate) fn same_names<'n>(fields: impl Iterator<Item = (u32, &'n str)>, message: &MessageDescriptor) -> bool {
    let mut common = fields.filter_map(|(number, name)| Some((name, message.get_field(number)?))).peekable();
    common.peek().is_some() && common.all(|(name, field)| field.name() == name)
}

fn reused(path: String, number: u32, known: &JsonFieldEntry) -> JsonChange {
    JsonChange::Reused { path, number, was: format!("{} ({})", known.name, known.signature.describe()) }
}

fn same_keys(entry: &JsonEntry, a: usize, b: usize) -> bool {
    let (Some(a), Some(b)) = (entry.messages.get(a), entry.messages.get(b)) else { return false };
    let keys = |message: &JsonMessageEntry| -> Vec<(u32, String)> {
        message.fields.iter().map(|field| (field.number, field.key.clone())).collect()
    };
    keys(a) == keys(b)
}
