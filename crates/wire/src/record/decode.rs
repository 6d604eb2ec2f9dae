//! Message bytes to rows.

use mainstay_record::{Value, Violation};

use super::{Decoded, MAX_RECORD_DEPTH, Node, RecordField, RecordPlan, Slot, SlotKind, Storage, take};
use crate::{
    DecodeError,
    fail::{Fail, enter, shown},
    reader::{Raw, Reader, malformed},
    to_json::{
        Entry, ToJson, last_of, merge, read_date, read_decimal, read_duration, read_time_of_day, read_timestamp,
    },
};

pub(super) fn decode(plan: &RecordPlan, wire: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decoding = Decoding {
        plan,
        values: plan.blank.clone(),
        present: vec![false; plan.columns.len()],
        name: None,
        etag: None,
        pieces: Vec::new(),
        since: Vec::new(),
        members: vec![None; plan.oneofs.len()],
        violations: Vec::new(),
    };
    decoding.message(&plan.root, wire, MAX_RECORD_DEPTH)?;
    decoding.slots();
    if !decoding.violations.is_empty() {
        return Err(DecodeError { violations: decoding.violations });
    }
    let present = decoding.present.iter().enumerate().filter(|(_, present)| **present).map(|(column, _)| column);
    Ok(Decoded { present: present.collect(), values: decoding.values, name: decoding.name, etag: decoding.etag })
}

struct Decoding<'p, 'w> {
    plan: &'p RecordPlan,
    values: Vec<Value>,
    present: Vec<bool>,
    name: Option<String>,
    etag: Option<String>,
    /// The occurrences of fields that are put together at the end, by slot.
    pieces: Vec<Entry<'w>>,
    /// By slot, where a oneof dropped it: only later pieces count. Empty as long as none did.
    since: Vec<usize>,
    /// By oneof: the number of the member that is set.
    members: Vec<Option<u32>>,
    violations: Vec<Violation>,
}

impl<'w> Decoding<'_, 'w> {
    /// Reads one message, or one more piece of it: later values win, as merging says. Fails where it is malformed.
    fn message(&mut self, node: &Node, wire: &'w [u8], depth: usize) -> Result<(), Fail> {
        let mut reader = Reader::new(wire);
        while let Some((number, raw)) = reader.next()? {
            let Some(field) = node.field(number) else { continue };
            if let Some(oneof) = field.oneof {
                self.choose(node, oneof, number);
            }
            self.field(field, raw, depth)?;
        }
        Ok(())
    }

    fn field(&mut self, field: &RecordField, raw: Raw<'w>, depth: usize) -> Result<(), Fail> {
        match (&field.storage, raw) {
            (Storage::Scalar { column, leaf, nullable }, raw) => match take::scalar(*leaf, raw) {
                Ok(value) => {
                    self.present[*column] = *nullable || value != self.plan.blank[*column];
                    self.values[*column] = value;
                }
                Err(fail) => self.refuse(field, fail),
            },
            (Storage::Slot(slot), raw) => self.pieces.push((*slot, raw)),
            (Storage::Message { presence, node, group: false }, Raw::Bytes(body))
            | (Storage::Message { presence, node, group: true }, Raw::Group(body)) => {
                self.present[*presence] = true;
                self.values[*presence] = Value::Bool(true);
                self.message(node, body, enter(depth)?)?;
            }
            (Storage::Reference { .. } | Storage::Name(_) | Storage::Etag, Raw::Bytes(bytes)) => {
                match take::text(bytes) {
                    Ok(text) => self.text(field, text),
                    Err(fail) => self.refuse(field, fail),
                }
            }
            _ => self.refuse(field, malformed("a value has another wire type than its field")),
        }
        Ok(())
    }

    fn text(&mut self, field: &RecordField, text: &str) {
        match &field.storage {
            Storage::Name(_) => self.name = Some(text.to_owned()),
            Storage::Etag => self.etag = Some(text.to_owned()),
            Storage::Reference { columns, template } => {
                if text.is_empty() {
                    self.reset(&field.columns);
                    return;
                }
                let Some(parts) = template.parse(text) else {
                    let wanted = template.render(|_| "*");
                    let message = format!("\"{}\" is not a resource name of the form {wanted}", shown(text));
                    return self.refuse(field, Fail::value(message));
                };
                for (column, part) in columns.iter().zip(parts) {
                    self.values[*column] = Value::Text(part.to_owned());
                    self.present[*column] = true;
                }
            }
            _ => {}
        }
    }

    /// Notes which member of a oneof is set; the one before it is unset.
    fn choose(&mut self, node: &Node, oneof: usize, number: u32) {
        let before = self.members[oneof].replace(number);
        let Some(before) = before.filter(|before| *before != number).and_then(|before| node.field(before)) else {
            return;
        };
        self.reset(&before.columns);
        self.since.resize(self.plan.slots.len(), 0);
        for (slot, since) in self.plan.slots.iter().zip(&mut self.since) {
            if before.columns.contains(&slot.column) {
                *since = self.pieces.len();
            }
        }
    }

    fn reset(&mut self, columns: &[usize]) {
        for column in columns {
            self.values[*column] = self.plan.blank[*column].clone();
            self.present[*column] = false;
        }
    }

    /// Puts the pieces of each slot together.
    fn slots(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces);
        if !self.since.is_empty() {
            let mut position = 0;
            pieces.retain(|(slot, _)| {
                position += 1;
                position > self.since[*slot]
            });
        }
        pieces.sort_by_key(|(slot, _)| *slot);
        for group in pieces.chunk_by(|a, b| a.0 == b.0) {
            let slot = &self.plan.slots[group[0].0];
            match self.slot(slot, group) {
                Ok(value) => {
                    self.present[slot.column] = value != Value::Null;
                    self.values[slot.column] = value;
                }
                Err(fail) => {
                    let fail = if matches!(slot.kind, SlotKind::Json(_)) { fail } else { fail.at_field(&slot.name) };
                    let fail = if slot.parent.is_empty() { fail } else { fail.at_field(&slot.parent) };
                    self.violations.push(fail.into_violation());
                }
            }
        }
    }

    fn slot(&self, slot: &Slot, pieces: &[Entry<'_>]) -> Result<Value, Fail> {
        if let SlotKind::Json(index) = slot.kind {
            let depth = MAX_RECORD_DEPTH.saturating_sub(slot.depth);
            let mut json = Vec::new();
            let mut writer = ToJson::new(&self.plan.json, false, &mut json);
            let empty = writer.group_value(&self.plan.json_fields[index], pieces, None, depth)?;
            let text = String::from_utf8(json).expect("the writer checks every string");
            return Ok(if empty { Value::Null } else { Value::Json(text) });
        }
        let body = merge(pieces.iter().map(|(_, raw)| *raw))?;
        Ok(match slot.kind {
            SlotKind::Timestamp => Value::Timestamp(read_timestamp(&body)?.micros()),
            SlotKind::Duration => Value::Int(read_duration(&body)?.micros()),
            SlotKind::Date => Value::Int(read_date(&body)?.number()),
            SlotKind::TimeOfDay => Value::Int(read_time_of_day(&body)?.number()),
            SlotKind::Decimal => Value::Text(read_decimal(&body)?.key()),
            SlotKind::Wrapper(leaf) => match last_of(&body, 1)? {
                Some(raw) => take::scalar(leaf, raw)?,
                None => crate::table::column_kind(leaf).zero(),
            },
            SlotKind::Json(_) => Value::Null,
        })
    }

    #[cold]
    fn refuse(&mut self, field: &RecordField, fail: Fail) {
        self.violations.push(fail.at_field(&field.path).into_violation());
    }
}
