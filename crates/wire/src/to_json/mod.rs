//! Protobuf bytes to JSON text.
//!
//! One pass where the fields come in the order of their numbers and each in one piece, as every encoder writes them.
//! Anything else (repeated fields in pieces, singular fields given twice, members of one oneof) is legal protobuf too: such
//! a message is written again from its fields grouped by number.

mod group;
mod map;
mod pieces;
mod scalar;
mod special;

pub(crate) use group::{Entry, merge};
pub use pieces::JsonPieces;
pub(crate) use scalar::{NAN, NUL, UNSIGNED};
pub(crate) use special::{last_of, read_date, read_decimal, read_duration, read_time_of_day, read_timestamp};

use crate::{
    fail::{Fail, enter},
    reader::{Raw, Reader},
    selection::{Selection, child},
    table::{FieldPlan, Form, Leaf, MessagePlan, Shape, Special, Table},
};

/// Writes messages of one table.
pub(crate) struct ToJson<'t, 'o> {
    table: &'t Table,
    out: &'o mut Vec<u8>,
    /// Write fields without presence also where they are zero.
    defaults: bool,
    /// Fail on an Any that cannot be read as its type; else it is written by its bytes.
    strict: bool,
}

impl<'t, 'o> ToJson<'t, 'o> {
    pub(crate) fn new(table: &'t Table, defaults: bool, out: &'o mut Vec<u8>) -> ToJson<'t, 'o> {
        ToJson { table, out, defaults, strict: false }
    }

    /// The same that fails on an Any that cannot be read as its type.
    pub(crate) fn strict(self) -> ToJson<'t, 'o> {
        ToJson { strict: true, ..self }
    }

    fn storage(&self) -> bool {
        self.table.form == Form::Storage
    }

    /// Writes a message; `depth` is how many more may nest in it.
    pub(crate) fn message(
        &mut self,
        index: u32,
        wire: &[u8],
        selection: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        let plan = self.table.message(index);
        if plan.special != Special::None {
            return self.special(plan, wire, depth);
        }
        self.out.push(b'{');
        self.fields(plan, wire, selection, depth, true)?;
        self.out.push(b'}');
        Ok(())
    }

    /// Writes the fields of a message without the braces around them.
    fn fields(
        &mut self,
        plan: &'t MessagePlan,
        wire: &[u8],
        selection: Option<&Selection>,
        depth: usize,
        first: bool,
    ) -> Result<(), Fail> {
        let start = self.out.len();
        if !self.in_order(plan, wire, selection, depth, first)? {
            self.out.truncate(start);
            self.grouped(plan, wire, selection, depth, first)?;
        }
        Ok(())
    }

    /// Writes the fields in one pass; false where they are not in order, and what was written is void.
    fn in_order(
        &mut self,
        plan: &'t MessagePlan,
        wire: &[u8],
        selection: Option<&Selection>,
        depth: usize,
        mut first: bool,
    ) -> Result<bool, Fail> {
        let mut reader = Reader::new(wire);
        let mut passed = 0; // fields below this index are done
        let mut oneofs = 0u64;
        let mut pending = None; // what a list or a map read beyond its end
        while let Some((number, raw)) = if pending.is_some() { pending.take() } else { reader.next()? } {
            let Some(index) = plan.index(number) else { continue };
            let field = &plan.fields[index];
            let Some(below) = child(selection, number) else { continue };
            if index < passed || !first_of_its_oneof(field, &mut oneofs) {
                return Ok(false);
            }
            if self.defaults {
                self.unset(plan, passed..index, selection, &mut first);
            }
            passed = index + 1;
            match field.shape {
                Shape::Implicit | Shape::Explicit => self.singular(field, raw, below, depth, &mut first)?,
                Shape::Repeated { .. } => pending = self.list(field, raw, &mut reader, below, depth, &mut first)?,
                Shape::Map(_) => pending = self.contiguous_map(field, raw, &mut reader, below, depth, &mut first)?,
            }
        }
        if self.defaults {
            self.unset(plan, passed..plan.fields.len(), selection, &mut first);
        }
        Ok(true)
    }

    #[inline]
    fn key(&mut self, field: &FieldPlan, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(&field.key);
    }

    #[inline]
    fn singular(
        &mut self,
        field: &FieldPlan,
        raw: Raw<'_>,
        below: Option<&Selection>,
        depth: usize,
        first: &mut bool,
    ) -> Result<(), Fail> {
        if matches!(field.shape, Shape::Implicit) && !self.defaults && scalar::is_zero(field.leaf, raw) {
            return Ok(());
        }
        self.key(field, first);
        self.value(field.leaf, raw, below, depth).map_err(|fail| fail.at_field(&field.name))
    }

    /// Writes a repeated field as far as it goes in one piece; answers the field after it.
    fn list<'w>(
        &mut self,
        field: &FieldPlan,
        mut raw: Raw<'w>,
        reader: &mut Reader<'w>,
        below: Option<&Selection>,
        depth: usize,
        first: &mut bool,
    ) -> Result<Option<(u32, Raw<'w>)>, Fail> {
        let (start, was_first) = (self.out.len(), *first);
        self.key(field, first);
        self.out.push(b'[');
        let mut count = 0;
        let pending = loop {
            self.elements(field, raw, below, depth, &mut count)?;
            match reader.next()? {
                Some((number, next)) if number == field.number => raw = next,
                other => break other,
            }
        };
        self.out.push(b']');
        if count == 0 && !self.defaults {
            self.out.truncate(start);
            *first = was_first;
        }
        Ok(pending)
    }

    /// Writes one element, or all of a packed piece.
    fn elements(
        &mut self,
        field: &FieldPlan,
        raw: Raw<'_>,
        below: Option<&Selection>,
        depth: usize,
        count: &mut usize,
    ) -> Result<(), Fail> {
        if let (Raw::Bytes(bytes), Some(width)) = (raw, field.leaf.packed_width()) {
            let mut reader = Reader::new(bytes);
            while let Some(raw) = reader.packed(width).map_err(|fail| fail.at_field(&field.name))? {
                self.element(field, raw, below, depth, count)?;
            }
            return Ok(());
        }
        self.element(field, raw, below, depth, count)
    }

    #[inline]
    fn element(
        &mut self,
        field: &FieldPlan,
        raw: Raw<'_>,
        below: Option<&Selection>,
        depth: usize,
        count: &mut usize,
    ) -> Result<(), Fail> {
        if *count > 0 {
            self.out.push(b',');
        }
        self.value(field.leaf, raw, below, depth).map_err(|fail| fail.at_index(*count).at_field(&field.name))?;
        *count += 1;
        Ok(())
    }

    /// Writes one value of any type.
    #[inline]
    fn value(&mut self, leaf: Leaf, raw: Raw<'_>, below: Option<&Selection>, depth: usize) -> Result<(), Fail> {
        match (leaf, raw) {
            (Leaf::String, Raw::Bytes(bytes)) => self.string(bytes),
            (Leaf::Message(index), Raw::Bytes(bytes)) | (Leaf::Group(index), Raw::Group(bytes)) => {
                self.message(index, bytes, below, enter(depth)?)
            }
            _ => self.scalar(leaf, raw),
        }
    }

    /// Writes the fields of `range` as their defaults, where they have one without being set.
    fn unset(
        &mut self,
        plan: &MessagePlan,
        range: std::ops::Range<usize>,
        selection: Option<&Selection>,
        first: &mut bool,
    ) {
        for field in &plan.fields[range] {
            if child(selection, field.number).is_none() {
                continue;
            }
            match field.shape {
                Shape::Explicit => continue,
                Shape::Implicit => {
                    self.key(field, first);
                    self.zero(field.leaf);
                }
                Shape::Repeated { .. } => {
                    self.key(field, first);
                    self.out.extend_from_slice(b"[]");
                }
                Shape::Map(_) => {
                    self.key(field, first);
                    self.out.extend_from_slice(b"{}");
                }
            }
        }
    }
}

/// Whether no member of the field's oneof came before; oneofs beyond the 64th are left to the grouping pass.
fn first_of_its_oneof(field: &FieldPlan, seen: &mut u64) -> bool {
    let Some(oneof) = field.oneof else { return true };
    let bit = 1u64.checked_shl(u32::from(oneof)).unwrap_or(0);
    let first = bit != 0 && *seen & bit == 0;
    *seen |= bit;
    first
}
