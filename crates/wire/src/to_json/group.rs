//! Fields in any order: grouped by number first, then written.

use std::borrow::Cow;

use super::{ToJson, scalar};
use crate::{
    fail::{Fail, enter},
    reader::{Raw, Reader, malformed},
    selection::{Selection, child},
    table::{FieldPlan, Leaf, MessagePlan, Shape},
};

/// One occurrence of a field: its index in the message's plan, and its value.
pub(crate) type Entry<'w> = (usize, Raw<'w>);

impl<'t> ToJson<'t, '_> {
    /// Writes the fields of a message whatever their order.
    pub(super) fn grouped(
        &mut self,
        plan: &'t MessagePlan,
        wire: &[u8],
        selection: Option<&Selection>,
        depth: usize,
        mut first: bool,
    ) -> Result<(), Fail> {
        let mut entries = surviving(plan, wire)?;
        entries.sort_by_key(|(index, _)| *index);
        let mut passed = 0;
        for group in entries.chunk_by(|a, b| a.0 == b.0) {
            let index = group[0].0;
            let field = &plan.fields[index];
            let Some(below) = child(selection, field.number) else { continue };
            if self.defaults {
                self.unset(plan, passed..index, selection, &mut first);
                passed = index + 1;
            }
            self.group(field, group, below, depth, &mut first)?;
        }
        if self.defaults {
            self.unset(plan, passed..plan.fields.len(), selection, &mut first);
        }
        Ok(())
    }

    /// Writes a field and its key from all its occurrences; nothing where they add up to unset.
    fn group(
        &mut self,
        field: &'t FieldPlan,
        entries: &[Entry<'_>],
        below: Option<&Selection>,
        depth: usize,
        first: &mut bool,
    ) -> Result<(), Fail> {
        let (_, last) = entries[entries.len() - 1];
        let zero = matches!(field.shape, Shape::Implicit) && scalar::is_zero(field.leaf, last);
        if zero && !self.defaults {
            return Ok(());
        }
        let (start, was_first) = (self.out.len(), *first);
        self.key(field, first);
        let empty = self.group_value(field, entries, below, depth)?;
        if empty && !self.defaults {
            self.out.truncate(start);
            *first = was_first;
        }
        Ok(())
    }

    /// Writes a field's value from all its occurrences; says whether it is an empty list or map.
    pub(crate) fn group_value(
        &mut self,
        field: &'t FieldPlan,
        entries: &[Entry<'_>],
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<bool, Fail> {
        match &field.shape {
            Shape::Map(map) => {
                let entries: Vec<_> = entries.iter().map(|(_, raw)| *raw).collect();
                self.map(field, map, &entries, below, depth)?;
                Ok(false)
            }
            Shape::Repeated { .. } => {
                self.out.push(b'[');
                let mut count = 0;
                for (_, raw) in entries {
                    self.elements(field, *raw, below, depth, &mut count)?;
                }
                self.out.push(b']');
                Ok(count == 0)
            }
            Shape::Implicit | Shape::Explicit => {
                self.merged(field.leaf, entries, below, depth).map_err(|fail| fail.at_field(&field.name))?;
                Ok(false)
            }
        }
    }

    /// Writes a singular field: the last scalar, or all messages merged.
    fn merged(
        &mut self,
        leaf: Leaf,
        entries: &[Entry<'_>],
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        match leaf {
            Leaf::Message(index) | Leaf::Group(index) if entries.len() > 1 => {
                let body = merge(entries.iter().map(|(_, raw)| *raw))?;
                self.message(index, &body, below, enter(depth)?)
            }
            _ => self.value(leaf, entries[entries.len() - 1].1, below, depth),
        }
    }
}

/// Puts several occurrences of one message together: protobuf says that concatenation merges.
pub(crate) fn merge<'w>(occurrences: impl Iterator<Item = Raw<'w>>) -> Result<Cow<'w, [u8]>, Fail> {
    let mut merged: Option<Cow<'w, [u8]>> = None;
    for raw in occurrences {
        let (Raw::Bytes(body) | Raw::Group(body)) = raw else {
            return Err(malformed("a value has another wire type than its field"));
        };
        match &mut merged {
            None => merged = Some(Cow::Borrowed(body)),
            Some(earlier) => earlier.to_mut().extend_from_slice(body),
        }
    }
    Ok(merged.unwrap_or_default())
}

/// The occurrences that count: of a oneof, those of the last member since the last other member.
fn surviving<'w>(plan: &MessagePlan, wire: &'w [u8]) -> Result<Vec<Entry<'w>>, Fail> {
    let mut entries = Vec::new();
    let mut members: Vec<Option<(usize, usize)>> = Vec::new(); // by oneof: the member, and where it began
    let mut reader = Reader::new(wire);
    while let Some((number, raw)) = reader.next()? {
        let Some(index) = plan.index(number) else { continue };
        if let Some(oneof) = plan.fields[index].oneof.map(usize::from) {
            if members.len() <= oneof {
                members.resize(oneof + 1, None);
            }
            if members[oneof].is_none_or(|(member, _)| member != index) {
                members[oneof] = Some((index, entries.len()));
            }
        }
        entries.push((index, raw));
    }
    let mut position = 0;
    entries.retain(|(index, _)| {
        position += 1;
        let member = plan.fields[*index].oneof.and_then(|oneof| members[usize::from(oneof)]);
        member.is_none_or(|(last, since)| last == *index && position > since)
    });
    Ok(entries)
}
