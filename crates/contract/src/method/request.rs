//! Takes a request apart.

use mainstay_wire::WireError;
use mainstay_wire::frame::{self, Value};

use super::Verb;
use super::fields::{FieldType, Fields, Role};

/// A request of a method of the table, taken apart in one pass: where each of its fields lies in the message.
///
/// Nothing is copied but a field in several parts, which protobuf merges. What is not in the table is passed over. Fields
/// are asked for by their role; one that the method has not is unset.
#[derive(Debug, Clone)]
pub struct Request<B> {
    message: B,
    fields: &'static Fields,
    slots: [Slot; SLOTS],
    /// Fields in several parts, put together.
    merged: Vec<Vec<u8>>,
}

/// By a field's number; the first is nobody's.
const SLOTS: usize = Fields::MAX_NUMBER as usize + 1;

/// Where a field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Unset,
    Number(u64),
    Bytes {
        start: usize,
        end: usize,
    },
    /// In several parts: which of those that were put together.
    Merged(usize),
}

impl Verb {
    /// Takes a request of the verb apart. Fails where it is no message, or a field is not of its type.
    pub fn read<B: AsRef<[u8]>>(self, message: B) -> Result<Request<B>, WireError> {
        Request::read(self.request(), message)
    }
}

impl<B: AsRef<[u8]>> Request<B> {
    fn read(fields: &'static Fields, message: B) -> Result<Request<B>, WireError> {
        let mut request = Request { message, fields, slots: [Slot::Unset; SLOTS], merged: Vec::new() };
        let wire = request.message.as_ref();
        let mut reader = frame::Fields::of(wire);
        while let Some((number, value)) = reader.next()? {
            let Some(field) = fields.field(number) else { continue };
            let slot = &mut request.slots[number as usize];
            match (field.role.ty(), value) {
                (FieldType::Int32 | FieldType::Bool, Value::Varint(value)) => *slot = Slot::Number(value),
                (ty, Value::Bytes(value)) if !matches!(ty, FieldType::Int32 | FieldType::Bool) => {
                    let end = reader.position();
                    let start = end - value.len();
                    if ty.is_merged() && *slot != Slot::Unset {
                        merge(&mut request.merged, wire, slot, value);
                    } else {
                        *slot = Slot::Bytes { start, end };
                    }
                }
                _ => return Err(frame::wrong_type(number)),
            }
        }
        Ok(request)
    }

    fn slot(&self, role: Role) -> Slot {
        self.slots[self.fields.number(role) as usize]
    }

    /// Says whether a field is there, even if it is empty.
    pub fn has(&self, role: Role) -> bool {
        self.slot(role) != Slot::Unset
    }

    /// A text; empty where it is unset. Fails where it is not UTF-8.
    pub fn text(&self, role: Role) -> Result<&str, WireError> {
        std::str::from_utf8(self.bytes(role)).map_err(|_| frame::not_utf8(self.fields.number(role)))
    }

    /// The bytes of a text or a message; empty where it is unset.
    pub fn bytes(&self, role: Role) -> &[u8] {
        match self.slot(role) {
            Slot::Bytes { start, end } => &self.message.as_ref()[start..end],
            Slot::Merged(which) => &self.merged[which],
            Slot::Unset | Slot::Number(_) => &[],
        }
    }

    /// A bool; false where it is unset.
    pub fn flag(&self, role: Role) -> bool {
        matches!(self.slot(role), Slot::Number(value) if value != 0)
    }

    /// An int32; 0 where it is unset.
    #[expect(clippy::cast_possible_truncation, reason = "protobuf says that an int32 is the low 32 bits of its varint")]
    pub fn int32(&self, role: Role) -> i32 {
        match self.slot(role) {
            Slot::Number(value) => value as i32,
            _ => 0,
        }
    }

    /// The paths of a field mask; nothing where it is unset. Fails where one is not UTF-8.
    pub fn mask(&self, role: Role) -> Result<Option<Vec<&str>>, WireError> {
        /// The number of `paths` in `google.protobuf.FieldMask`.
        const PATHS: u32 = 1;
        if self.has(role) { frame::strings(self.bytes(role), PATHS).map(Some) } else { Ok(None) }
    }

    /// Every element of a repeated field, in order.
    pub fn each(&self, role: Role) -> Result<Vec<&[u8]>, WireError> {
        match self.fields.number(role) {
            0 => Ok(Vec::new()),
            number => frame::messages(self.message.as_ref(), number),
        }
    }

    /// The message as it came.
    pub fn message(&self) -> &B {
        &self.message
    }
}

impl FieldType {
    /// Whether several occurrences are one value in parts; of others the last one counts.
    fn is_merged(self) -> bool {
        matches!(self, FieldType::FieldMask | FieldType::Resource)
    }
}

/// Puts a further part behind those that there are.
#[cold]
fn merge(merged: &mut Vec<Vec<u8>>, wire: &[u8], slot: &mut Slot, part: &[u8]) {
    if let Slot::Bytes { start, end } = *slot {
        *slot = Slot::Merged(merged.len());
        merged.push(wire[start..end].to_vec());
    }
    if let Slot::Merged(which) = *slot {
        merged[which].extend_from_slice(part);
    }
}
