//! The JSON of a long message, written in pieces as it is read.
//!
//! Only what is long is taken apart: messages whose fields are in order, lists, texts and bytes. What is short, and what is only
//! known as a whole (a map, a message that has to be grouped, a well-known type), is written as [`ToJson`] writes it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{ToJson, first_of_its_oneof};
use crate::{
    MAX_DEPTH, Plans, WireError,
    fail::{Fail, enter},
    json::{base64::put_base64_digits, text::put_escaped},
    path::MessageId,
    plans::JsonOptions,
    reader::{Raw, Reader, Width},
    selection::{Selection, child},
    table::{FieldPlan, Leaf, MessagePlan, Shape, Special},
};

/// The ProtoJSON of a message, piece by piece. Together the pieces are what [`Plans::to_json_with`] writes.
///
/// What was written is not held: beside the message there is one piece of about `size` bytes, or what is long and cannot be
/// taken apart.
#[derive(Debug, Clone)]
pub struct JsonPieces {
    plans: Arc<Plans>,
    wire: Bytes,
    defaults: bool,
    size: usize,
    /// What to begin with; nothing once it has begun.
    root: Option<(MessageId, Option<Selection>)>,
    /// What has begun and not ended, the innermost last.
    open: Vec<Open>,
}

#[derive(Debug, Clone)]
enum Open {
    Message(Message),
    /// What is left of a packed list.
    Packed {
        leaf: Leaf,
        width: Width,
        rest: Range<usize>,
        first: bool,
    },
    /// What is left of a text.
    Text(Range<usize>),
    /// What is left of bytes.
    Bytes(Range<usize>),
}

/// A message whose fields are in order.
#[derive(Debug, Clone)]
struct Message {
    index: u32,
    selection: Option<Selection>,
    depth: usize,
    rest: Range<usize>,
    /// Fields below this index are done.
    passed: usize,
    /// Whether no field was written yet.
    first: bool,
    /// The list that has begun, by the index of its field, and how many elements it has so far.
    list: Option<(usize, usize)>,
}

/// How far a message came.
enum Step {
    /// The piece is full.
    Full,
    /// This is inside, and comes first.
    Into(Open),
    Over,
}

impl JsonPieces {
    /// Begins a message's JSON. Nothing is read before the first piece is asked for.
    pub fn new(
        plans: Arc<Plans>,
        id: MessageId,
        wire: Bytes,
        options: JsonOptions,
        selection: Option<Selection>,
        size: usize,
    ) -> JsonPieces {
        let defaults = options.emit_defaults;
        JsonPieces { plans, wire, defaults, size: size.max(1), root: Some((id, selection)), open: Vec::new() }
    }

    /// Writes the next piece.
    fn piece(&mut self, out: &mut Vec<u8>) -> Result<(), Fail> {
        if let Some((id, selection)) = self.root.take() {
            let all = Raw::Bytes(&self.wire);
            let begun =
                self.value(Leaf::Message(id.0), all, self.wire.len(), selection.as_ref(), MAX_DEPTH + 1, out)?;
            self.open.extend(begun);
        }
        while out.len() < self.size
            && let Some(open) = self.open.pop()
        {
            match open {
                Open::Message(mut message) => match self.fields(&mut message, out)? {
                    Step::Over => {}
                    Step::Full => self.open.push(Open::Message(message)),
                    Step::Into(inner) => self.open.extend([Open::Message(message), inner]),
                },
                Open::Packed { leaf, width, rest, first } => {
                    let left = self.packed((leaf, width), rest, first, out)?;
                    self.open.extend(left.map(|rest| Open::Packed { leaf, width, rest, first: false }));
                }
                Open::Text(rest) => {
                    let left = self.part(rest, 1, out, put_escaped);
                    self.open.extend(left.map(Open::Text));
                }
                Open::Bytes(rest) => {
                    // Three bytes are four digits.
                    let left = self.part(rest, 3, out, put_base64_digits);
                    self.open.extend(left.map(Open::Bytes));
                }
            }
        }
        Ok(())
    }

    /// Writes what there is room for of a quoted value, a multiple of `unit` bytes; answers what is left.
    fn part(
        &self,
        rest: Range<usize>,
        unit: usize,
        out: &mut Vec<u8>,
        put: fn(&[u8], &mut Vec<u8>),
    ) -> Option<Range<usize>> {
        let room = (self.size - out.len()).next_multiple_of(unit);
        let cut = rest.start.saturating_add(room).min(rest.end);
        put(&self.wire[rest.start..cut], out);
        if cut < rest.end {
            return Some(cut..rest.end);
        }
        out.push(b'"');
        None
    }

    /// Writes elements of a packed list until the piece is full; answers what is left.
    fn packed(
        &self,
        (leaf, width): (Leaf, Width),
        mut rest: Range<usize>,
        mut first: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<Range<usize>>, Fail> {
        let mut reader = Reader::new(&self.wire[rest.clone()]);
        while out.len() < self.size {
            let Some(raw) = reader.packed(width)? else { return Ok(None) };
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            self.short(out).scalar(leaf, raw)?;
        }
        rest.start += reader.position();
        Ok((!rest.is_empty()).then_some(rest))
    }

    /// Writes the fields of a message until the piece is full, or one is long.
    fn fields(&self, message: &mut Message, out: &mut Vec<u8>) -> Result<Step, Fail> {
        let plan = self.plans.table.message(message.index);
        while out.len() < self.size {
            let Some((number, raw)) = self.take(&mut message.rest)? else {
                close(message, out);
                self.unset(plan, message, plan.fields.len(), out);
                out.push(b'}');
                return Ok(Step::Over);
            };
            let Some(index) = plan.index(number) else { continue };
            let Some(below) = child(message.selection.as_ref(), number).map(Option::<&Selection>::cloned) else {
                continue;
            };
            if let Some(inner) = self.field(plan, index, raw, below.as_ref(), message, out)? {
                return Ok(Step::Into(inner));
            }
        }
        Ok(Step::Full)
    }

    /// Reads the next field, and what is left then.
    fn take(&self, rest: &mut Range<usize>) -> Result<Option<(u32, Raw<'_>)>, Fail> {
        let mut reader = Reader::new(&self.wire[rest.clone()]);
        let field = reader.next()?;
        rest.start += reader.position();
        Ok(field)
    }

    /// Writes one occurrence of a field; answers what of it is long.
    fn field(
        &self,
        plan: &MessagePlan,
        index: usize,
        raw: Raw<'_>,
        below: Option<&Selection>,
        message: &mut Message,
        out: &mut Vec<u8>,
    ) -> Result<Option<Open>, Fail> {
        let field = &plan.fields[index];
        let continues = message.list.is_some_and(|(list, _)| list == index);
        if !continues {
            close(message, out);
            self.unset(plan, message, index, out);
            message.passed = index + 1;
        }
        let end = message.rest.start;
        match &field.shape {
            Shape::Implicit | Shape::Explicit => {
                let zero = matches!(field.shape, Shape::Implicit) && super::scalar::is_zero(field.leaf, raw);
                if zero && !self.defaults {
                    return Ok(None);
                }
                self.short(out).key(field, &mut message.first);
                self.value(field.leaf, raw, end, below, message.depth, out).map_err(|fail| fail.at_field(&field.name))
            }
            Shape::Repeated { .. } => {
                let is_empty = matches!((raw, field.leaf.packed_width()), (Raw::Bytes([]), Some(_)));
                if is_empty && (continues || !self.defaults) {
                    return Ok(None);
                }
                if !continues {
                    self.short(out).key(field, &mut message.first);
                    out.push(b'[');
                    message.list = Some((index, 0));
                }
                self.elements(field, raw, end, below, message, out).map_err(|fail| fail.at_field(&field.name))
            }
            Shape::Map(map) => {
                let mut entries = vec![raw];
                loop {
                    let mut rest = message.rest.clone();
                    match self.take(&mut rest)? {
                        Some((number, raw)) if number == field.number => entries.push(raw),
                        _ => break,
                    }
                    message.rest = rest;
                }
                let mut json = self.short(out);
                json.key(field, &mut message.first);
                json.map(field, map, &entries, below, message.depth)?;
                Ok(None)
            }
        }
    }

    /// Writes one element of a list, or a packed piece of it; answers what of it is long.
    fn elements(
        &self,
        field: &FieldPlan,
        raw: Raw<'_>,
        end: usize,
        below: Option<&Selection>,
        message: &mut Message,
        out: &mut Vec<u8>,
    ) -> Result<Option<Open>, Fail> {
        let Some((_, count)) = &mut message.list else { return Ok(None) };
        match (raw, field.leaf.packed_width()) {
            (Raw::Bytes(bytes), Some(width)) if bytes.len() > self.size => {
                let (first, rest) = (*count == 0, end - bytes.len()..end);
                *count += 1;
                Ok(Some(Open::Packed { leaf: field.leaf, width, rest, first }))
            }
            (Raw::Bytes(_), Some(_)) => {
                self.short(out).elements(field, raw, below, message.depth, count)?;
                Ok(None)
            }
            _ => {
                if *count > 0 {
                    out.push(b',');
                }
                *count += 1;
                let at = *count - 1;
                self.value(field.leaf, raw, end, below, message.depth, out).map_err(|fail| fail.at_index(at))
            }
        }
    }

    /// Writes a value that is short, or the beginning of a long one, which is answered. It ends at `end`.
    fn value(
        &self,
        leaf: Leaf,
        raw: Raw<'_>,
        end: usize,
        below: Option<&Selection>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Open>, Fail> {
        if let Raw::Bytes(bytes) = raw
            && bytes.len() > self.size
        {
            let rest = end - bytes.len()..end;
            match leaf {
                Leaf::String if std::str::from_utf8(bytes).is_ok() => {
                    out.push(b'"');
                    return Ok(Some(Open::Text(rest)));
                }
                Leaf::Bytes => {
                    out.push(b'"');
                    return Ok(Some(Open::Bytes(rest)));
                }
                Leaf::Message(index) if is_in_order(self.plans.table.message(index), bytes, below)? => {
                    let depth = enter(depth)?;
                    out.push(b'{');
                    let selection = below.cloned();
                    let message = Message { index, selection, depth, rest, passed: 0, first: true, list: None };
                    return Ok(Some(Open::Message(message)));
                }
                _ => {}
            }
        }
        self.short(out).value(leaf, raw, below, depth)?;
        Ok(None)
    }

    /// Writes the defaults of the fields before this one that were not set.
    fn unset(&self, plan: &MessagePlan, message: &mut Message, before: usize, out: &mut Vec<u8>) {
        if self.defaults {
            let Message { passed, selection, first, .. } = message;
            self.short(out).unset(plan, *passed..before, selection.as_ref(), first);
        }
    }

    /// What writes things that are short.
    fn short<'a>(&'a self, out: &'a mut Vec<u8>) -> ToJson<'a, 'a> {
        ToJson::new(&self.plans.table, self.defaults, out)
    }
}

impl Iterator for JsonPieces {
    type Item = Result<Vec<u8>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.root.is_none() && self.open.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(self.size.saturating_add(self.size / 8));
        Some(match self.piece(&mut out) {
            Ok(()) => Ok(out),
            Err(fail) => {
                self.open.clear();
                Err(fail.into())
            }
        })
    }
}

/// Ends the list that has begun.
fn close(message: &mut Message, out: &mut Vec<u8>) {
    if message.list.take().is_some() {
        out.push(b']');
    }
}

/// Whether a message can be written in one pass: its fields come in order, each in one piece, and JSON has them as an object.
fn is_in_order(plan: &MessagePlan, wire: &[u8], selection: Option<&Selection>) -> Result<bool, Fail> {
    if plan.special != Special::None {
        return Ok(false);
    }
    let (mut reader, mut passed, mut oneofs, mut last) = (Reader::new(wire), 0, 0, None);
    while let Some((number, _)) = reader.next()? {
        let known = plan.index(number).filter(|_| child(selection, number).is_some());
        let before = std::mem::replace(&mut last, known);
        let Some(index) = known else { continue };
        let field = &plan.fields[index];
        if before == known && !field.is_singular() {
            continue;
        }
        if index < passed || !first_of_its_oneof(field, &mut oneofs) {
            return Ok(false);
        }
        passed = index + 1;
    }
    Ok(true)
}
