//! Rows to message bytes.

use mainstay_record::time::{Date, Duration, TimeOfDay, Timestamp};
use mainstay_record::{Decimal, Kind, Row, Template, TemplatePart, ValueRef, etag_text};

use super::{
    Node, RecordField, RecordPlan, SlotKind, Storage,
    put::{self, Unfit},
};
use crate::{
    EncodeError, MAX_DEPTH, Selection,
    from_json::{FromJson, put_date, put_decimal, put_duration, put_time_of_day, put_timestamp},
    selection::child,
    writer::{Sink, Tag, WireType, close, open},
};

impl RecordPlan {
    pub(super) fn encode_selected<R: Row + ?Sized>(
        &self,
        row: &R,
        selection: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        self.node(&self.root, row, selection, out).inspect_err(|_| out.truncate(start))
    }

    fn node<R: Row + ?Sized>(
        &self,
        node: &Node,
        row: &R,
        selection: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        for field in &node.fields {
            if let Some(below) = child(selection, field.number) {
                self.field(field, row, below, out)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn field<R: Row + ?Sized>(
        &self,
        field: &RecordField,
        row: &R,
        below: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        match &field.storage {
            Storage::Scalar { column, leaf, nullable } => {
                let put = |value: ValueRef<'_>| put::scalar(*leaf, value, field.tag, *nullable, out);
                row.read(*column, self.columns[*column].kind, put).map_err(|unfit| self.unfit(*column, unfit))
            }
            Storage::Name(template) => self.name(template, |position| position, field.tag, row, out),
            Storage::Reference { columns, template } => {
                let unset = row.read(columns[0], Kind::Text, |value| value == ValueRef::Null);
                if unset { Ok(()) } else { self.name(template, |position| columns[position], field.tag, row, out) }
            }
            Storage::Etag => self.etag(field.tag, row, out),
            Storage::Slot(slot) => self.slot(*slot, field, row, below, out),
            Storage::Message { presence, node, group } => {
                let set = row.read(*presence, Kind::Bool, |value| matches!(value, ValueRef::Bool(true)));
                if set { self.message(field, node, *group, row, below, out) } else { Ok(()) }
            }
        }
    }

    fn message<R: Row + ?Sized>(
        &self,
        field: &RecordField,
        node: &Node,
        group: bool,
        row: &R,
        below: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        field.tag.put(out);
        if group {
            self.node(node, row, below, out)?;
            Tag::new(field.number, WireType::EndGroup).put(out);
            return Ok(());
        }
        let body = open(out);
        self.node(node, row, below, out)?;
        close(body, out);
        Ok(())
    }

    /// Writes a resource name from the columns of its variables.
    fn name<R: Row + ?Sized>(
        &self,
        template: &Template,
        column: impl Fn(usize) -> usize,
        tag: Tag,
        row: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        tag.put(out);
        let body = open(out);
        for part in &template.parts {
            match part {
                TemplatePart::Literal(text) => out.extend_from_slice(text.as_bytes()),
                TemplatePart::Variable(position) => {
                    let column = column(*position);
                    let put = |value: ValueRef<'_>| match value {
                        ValueRef::Text(text) => {
                            out.extend_from_slice(text.as_bytes());
                            Ok(())
                        }
                        _ => Err(Unfit("no text where a resource name needs some")),
                    };
                    row.read(column, Kind::Text, put).map_err(|unfit| self.unfit(column, unfit))?;
                }
            }
        }
        close(body, out);
        Ok(())
    }

    fn etag<R: Row + ?Sized>(&self, tag: Tag, row: &R, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let revision = row.read(self.revision, Kind::Int, |value| match value {
            ValueRef::Int(revision) => Some(revision),
            _ => None,
        });
        let Some(revision) = revision else { return Ok(()) };
        tag.put(out);
        let text = etag_text(revision);
        crate::writer::put_length_delimited(text.as_bytes(), out);
        Ok(())
    }

    fn slot<R: Row + ?Sized>(
        &self,
        slot: usize,
        field: &RecordField,
        row: &R,
        below: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let slot = &self.slots[slot];
        let column = slot.column;
        row.read(column, self.columns[column].kind, |value| match (slot.kind, value) {
            (_, ValueRef::Null) => Ok(()),
            (SlotKind::Json(index), ValueRef::Json(text) | ValueRef::Text(text)) => {
                let mut reader = FromJson::of(&self.json, text, out);
                let read = reader.whole_field(&self.json_fields[index], below, MAX_DEPTH);
                read.map_err(|fail| self.damaged(column, fail.into_message()))
            }
            (SlotKind::Wrapper(leaf), value) => {
                let inner = Tag::new(1, leaf.wire_type());
                framed(field.tag, out, |out| put::scalar(leaf, value, inner, false, out))
                    .map_err(|unfit| self.unfit(column, unfit))
            }
            (SlotKind::Decimal, ValueRef::Text(key)) => {
                let put = |out: &mut Vec<u8>| {
                    put_decimal(&Decimal::from_key(key).ok_or(Unfit("a text that is no decimal"))?, out);
                    Ok(())
                };
                framed(field.tag, out, put).map_err(|unfit| self.unfit(column, unfit))
            }
            (kind, ValueRef::Timestamp(number) | ValueRef::Int(number)) => {
                framed(field.tag, out, |out| moment(kind, number, out)).map_err(|unfit| self.unfit(column, unfit))
            }
            _ => Err(self.unfit(column, Unfit("a value of another kind than its field"))),
        })
    }

    #[cold]
    fn unfit(&self, column: usize, unfit: Unfit) -> EncodeError {
        self.damaged(column, unfit.0.to_owned())
    }

    #[cold]
    fn damaged(&self, column: usize, message: String) -> EncodeError {
        EncodeError { column: self.columns[column].name.to_string(), message }
    }
}

/// Writes a tag, a length and a body.
fn framed<S: Sink>(tag: Tag, out: &mut S, body: impl FnOnce(&mut S) -> Result<(), Unfit>) -> Result<(), Unfit> {
    tag.put(out);
    let start = open(out);
    body(out)?;
    close(start, out);
    Ok(())
}

fn moment<S: Sink>(kind: SlotKind, number: i64, out: &mut S) -> Result<(), Unfit> {
    match kind {
        SlotKind::Timestamp => put_timestamp(Timestamp::from_micros(number), out),
        SlotKind::Duration => put_duration(Duration::from_micros(number), out),
        SlotKind::Date => put_date(Date::from_number(number).ok_or(Unfit("a number that is no date"))?, out),
        SlotKind::TimeOfDay => {
            put_time_of_day(TimeOfDay::from_number(number).ok_or(Unfit("a number that is no time of day"))?, out);
        }
        SlotKind::Decimal | SlotKind::Wrapper(_) | SlotKind::Json(_) => {
            return Err(Unfit("a value of another kind than its field"));
        }
    }
    Ok(())
}
