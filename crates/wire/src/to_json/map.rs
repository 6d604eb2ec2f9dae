//! Maps: a repeated message of key and value on the wire, an object in JSON, each key once.

use std::collections::HashMap;

use super::{ToJson, group::merge};
use crate::{
    fail::{Fail, enter, shown},
    json::number::{put_i64, put_u64},
    reader::{Raw, Reader, low32, malformed},
    selection::Selection,
    table::{FieldPlan, Leaf, MapPlan},
    writer::unzigzag,
};

/// Up to here the keys are compared one by one.
const COMPARED: usize = 8;

/// A key, so that equal keys are equal whatever their bytes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum MapKey<'w> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(&'w str),
}

impl<'t> ToJson<'t, '_> {
    /// Writes a map field as far as it goes in one piece; answers the field after it.
    pub(super) fn contiguous_map<'w>(
        &mut self,
        field: &'t FieldPlan,
        raw: Raw<'w>,
        reader: &mut Reader<'w>,
        below: Option<&Selection>,
        depth: usize,
        first: &mut bool,
    ) -> Result<Option<(u32, Raw<'w>)>, Fail> {
        let mut entries = vec![raw];
        let pending = loop {
            match reader.next()? {
                Some((number, next)) if number == field.number => entries.push(next),
                other => break other,
            }
        };
        let crate::table::Shape::Map(map) = &field.shape else { return Ok(pending) };
        self.key(field, first);
        self.map(field, map, &entries, below, depth)?;
        Ok(pending)
    }

    /// Writes a map from all its entries; of equal keys the last counts.
    pub(super) fn map(
        &mut self,
        field: &FieldPlan,
        map: &MapPlan,
        entries: &[Raw<'_>],
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        let inside = enter(depth)?;
        self.out.push(b'{');
        let entries: Result<Vec<_>, Fail> = entries.iter().map(|raw| parts(map.key, *raw)).collect();
        let mut entries = entries.map_err(|fail| fail.at_field(&field.name))?;
        self.by_key(&mut entries);
        let last = last_of_each(&entries);
        let mut first = true;
        for (position, (key, value)) in entries.iter().enumerate() {
            if !last.keeps(&entries, position) {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            let written = self.map_key(*key).and_then(|()| self.map_value(field.leaf, value, below, inside));
            written.map_err(|fail| fail.at_key(&key.shown()).at_field(&field.name))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Brings the entries of what is stored into the order of their keys: maps come in any, and the same one is to be the
    /// same text. Of equal keys the last stays the last.
    pub(super) fn by_key<V>(&self, entries: &mut [(MapKey<'_>, V)]) {
        if self.storage() {
            entries.sort_by_key(|(key, _)| *key);
        }
    }

    fn map_key(&mut self, key: MapKey<'_>) -> Result<(), Fail> {
        match key {
            MapKey::Text(text) => self.string(text.as_bytes())?,
            MapKey::Bool(value) => self.out.extend_from_slice(if value { b"\"true\"" } else { b"\"false\"" }),
            MapKey::Int(value) => {
                self.out.push(b'"');
                put_i64(value, self.out);
                self.out.push(b'"');
            }
            MapKey::Uint(value) => {
                self.out.push(b'"');
                put_u64(value, self.out);
                self.out.push(b'"');
            }
        }
        self.out.push(b':');
        Ok(())
    }

    fn map_value(
        &mut self,
        leaf: Leaf,
        value: &Pieces<'_>,
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        match (leaf, value.last) {
            (Leaf::Message(index), _) => self.message(index, &value.merged()?, below, enter(depth)?),
            (leaf, Some(last)) => self.value(leaf, last, below, depth),
            (leaf, None) => {
                self.zero(leaf);
                Ok(())
            }
        }
    }
}

/// The occurrences of an entry's value: nearly always one.
#[derive(Debug, Default)]
pub(super) struct Pieces<'w> {
    earlier: Vec<Raw<'w>>,
    last: Option<Raw<'w>>,
}

impl<'w> Pieces<'w> {
    fn push(&mut self, raw: Raw<'w>) {
        self.earlier.extend(self.last.replace(raw));
    }

    /// The value as one message.
    pub(super) fn merged(&self) -> Result<std::borrow::Cow<'w, [u8]>, Fail> {
        merge(self.earlier.iter().copied().chain(self.last))
    }
}

/// Takes an entry apart: its key, and every occurrence of its value.
pub(super) fn parts<'w>(key_leaf: Leaf, raw: Raw<'w>) -> Result<(MapKey<'w>, Pieces<'w>), Fail> {
    let Raw::Bytes(entry) = raw else { return Err(malformed("a map entry is not a message")) };
    let mut reader = Reader::new(entry);
    let mut key = None;
    let mut value = Pieces::default();
    while let Some((number, raw)) = reader.next()? {
        match number {
            1 => key = Some(raw),
            2 => value.push(raw),
            _ => {}
        }
    }
    Ok((map_key(key_leaf, key)?, value))
}

fn map_key(leaf: Leaf, raw: Option<Raw<'_>>) -> Result<MapKey<'_>, Fail> {
    Ok(match (leaf, raw) {
        (Leaf::String, None) => MapKey::Text(""),
        (Leaf::String, Some(Raw::Bytes(text))) => match std::str::from_utf8(text) {
            Ok(text) => MapKey::Text(text),
            Err(_) => return Err(Fail::value("a map key is not UTF-8")),
        },
        (Leaf::Bool, None) => MapKey::Bool(false),
        (Leaf::Bool, Some(Raw::Varint(v))) => MapKey::Bool(v != 0),
        (Leaf::Int32, Some(Raw::Varint(v))) => MapKey::Int(i64::from(low32(v).cast_signed())),
        (Leaf::Int64, Some(Raw::Varint(v))) | (Leaf::Sfixed64, Some(Raw::Fixed64(v))) => MapKey::Int(v.cast_signed()),
        (Leaf::Sint32, Some(Raw::Varint(v))) => MapKey::Int(unzigzag(u64::from(low32(v)))),
        (Leaf::Sint64, Some(Raw::Varint(v))) => MapKey::Int(unzigzag(v)),
        (Leaf::Sfixed32, Some(Raw::Fixed32(v))) => MapKey::Int(i64::from(v.cast_signed())),
        (Leaf::Uint32, Some(Raw::Varint(v))) => MapKey::Uint(u64::from(low32(v))),
        (Leaf::Fixed32, Some(Raw::Fixed32(v))) => MapKey::Uint(u64::from(v)),
        (Leaf::Uint64, Some(Raw::Varint(v))) | (Leaf::Fixed64, Some(Raw::Fixed64(v))) => MapKey::Uint(v),
        (_, None) => MapKey::Int(0),
        _ => return Err(malformed("a map key has another wire type than its field")),
    })
}

impl MapKey<'_> {
    fn shown(&self) -> String {
        match self {
            MapKey::Bool(value) => value.to_string(),
            MapKey::Int(value) => value.to_string(),
            MapKey::Uint(value) => value.to_string(),
            MapKey::Text(text) => shown(text),
        }
    }
}

/// Which entry of each key is the last; only built for large maps.
pub(super) struct LastOfEach<'w>(Option<HashMap<MapKey<'w>, usize, foldhash::quality::RandomState>>);

pub(super) fn last_of_each<'w, V>(entries: &[(MapKey<'w>, V)]) -> LastOfEach<'w> {
    if entries.len() <= COMPARED {
        return LastOfEach(None);
    }
    LastOfEach(Some(entries.iter().enumerate().map(|(position, (key, _))| (*key, position)).collect()))
}

impl LastOfEach<'_> {
    pub(super) fn keeps<V>(&self, entries: &[(MapKey<'_>, V)], position: usize) -> bool {
        let key = entries[position].0;
        match &self.0 {
            Some(last) => last.get(&key) == Some(&position),
            None => entries[position + 1..].iter().all(|(other, _)| *other != key),
        }
    }
}
