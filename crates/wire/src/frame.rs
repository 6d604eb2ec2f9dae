//! Finds or appends single fields of a message without decoding the rest.
//!
//! For the handful of fields that every request of a standard method has (`page_size`, `filter`, the resource itself).
//! A field on the wire with another wire type than the one asked for is refused.

use std::borrow::Cow;

use bytes::BufMut;

use crate::{
    WireError,
    fail::Fail,
    reader::{Raw, Reader, low32},
    writer::{Tag, WireType, varint as encode_varint},
};

/// The value of a field, as far as a reader of requests wants to know it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of a wire type that no field of a request has.
    Other,
}

/// The fields of a message one after the other, as they lie there.
#[derive(Debug)]
pub struct Fields<'a>(Reader<'a>);

impl<'a> Fields<'a> {
    /// Begins before the first field.
    pub fn of(wire: &'a [u8]) -> Fields<'a> {
        Fields(Reader::new(wire))
    }

    /// Reads the next field; nothing at the end of the message. Fails where the bytes are malformed.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an iterator of results would go on behind an error")]
    pub fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, WireError> {
        Ok(self.0.next()?.map(|(number, raw)| match raw {
            Raw::Varint(value) => (number, Value::Varint(value)),
            Raw::Bytes(value) => (number, Value::Bytes(value)),
            Raw::Fixed64(_) | Raw::Fixed32(_) | Raw::Group(_) => (number, Value::Other),
        }))
    }

    /// How many bytes have been read: where the value of the last field ends.
    pub fn position(&self) -> usize {
        self.0.position()
    }
}

/// Finds the last string in field `number`. Fails where the bytes are malformed or the string is not UTF-8.
pub fn string(wire: &[u8], number: u32) -> Result<Option<&str>, WireError> {
    let Some(value) = bytes(wire, number)? else { return Ok(None) };
    text(value, number).map(Some)
}

/// Finds every string in field `number`, in order.
pub fn strings(wire: &[u8], number: u32) -> Result<Vec<&str>, WireError> {
    messages(wire, number)?.into_iter().map(|value| text(value, number)).collect()
}

/// Finds the last length-delimited value in field `number`.
pub fn bytes(wire: &[u8], number: u32) -> Result<Option<&[u8]>, WireError> {
    let mut found = None;
    each_delimited(wire, number, |value| found = Some(value))?;
    Ok(found)
}

/// Finds the message in field `number`; several occurrences are merged, as protobuf says.
pub fn message(wire: &[u8], number: u32) -> Result<Option<Cow<'_, [u8]>>, WireError> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    each_delimited(wire, number, |value| match &mut found {
        None => found = Some(Cow::Borrowed(value)),
        Some(earlier) => earlier.to_mut().extend_from_slice(value),
    })?;
    Ok(found)
}

/// Finds every message in the repeated field `number`, in order.
pub fn messages(wire: &[u8], number: u32) -> Result<Vec<&[u8]>, WireError> {
    let mut found = Vec::new();
    each_delimited(wire, number, |value| found.push(value))?;
    Ok(found)
}

/// Finds the last varint (bool, int32, int64, uint32, uint64, enum) in field `number`.
pub fn varint(wire: &[u8], number: u32) -> Result<Option<u64>, WireError> {
    let mut found = None;
    let mut reader = Reader::new(wire);
    while let Some((at, raw)) = reader.next()? {
        match raw {
            Raw::Varint(value) if at == number => found = Some(value),
            _ if at == number => return Err(wrong_type(number)),
            _ => {}
        }
    }
    Ok(found)
}

/// Finds the last bool in field `number`; false where it is unset.
pub fn boolean(wire: &[u8], number: u32) -> Result<bool, WireError> {
    Ok(varint(wire, number)?.is_some_and(|value| value != 0))
}

/// Finds the last int32 (or enum) in field `number`.
pub fn int32(wire: &[u8], number: u32) -> Result<Option<i32>, WireError> {
    Ok(varint(wire, number)?.map(|value| low32(value).cast_signed()))
}

/// Finds the paths of the `google.protobuf.FieldMask` in field `number`: nothing where the field is unset.
pub fn field_mask(wire: &[u8], number: u32) -> Result<Option<Vec<String>>, WireError> {
    let Some(mask) = message(wire, number)? else { return Ok(None) };
    Ok(Some(strings(&mask, 1)?.into_iter().map(str::to_owned).collect()))
}

/// Appends what stands before the value of a field: its number and its wire type, of which there are eight.
pub fn put_tag(number: u32, wire_type: u8, out: &mut impl BufMut) {
    let (bytes, length) = encode_varint(u64::from(number) << 3 | u64::from(wire_type & 7));
    out.put_slice(&bytes[..length]);
}

/// Appends a string or bytes field; an empty one is left out.
pub fn put_bytes(number: u32, value: &[u8], out: &mut impl BufMut) {
    if !value.is_empty() {
        put_message(number, value, out);
    }
}

/// Says whether a message field of this number stands in a message, as far as that can be read. Made for a field that is rare
/// and has a high number: it is looked for only where the bytes of its tag are, in its place or by chance.
pub fn has_message(message: &[u8], number: u32) -> bool {
    let tag = Tag::new(number, WireType::Bytes);
    let tag = tag.as_slice();
    let mut starts = memchr::memchr_iter(tag[0], message);
    starts.any(|start| message[start..].starts_with(tag)) && stands(message, number)
}

fn stands(message: &[u8], number: u32) -> bool {
    let mut fields = Fields::of(message);
    while let Ok(Some((found, value))) = fields.next() {
        if found == number && matches!(value, Value::Bytes(_)) {
            return true;
        }
    }
    false
}

/// Appends a message field, also where it is empty.
pub fn put_message(number: u32, body: &[u8], out: &mut impl BufMut) {
    out.put_slice(Tag::new(number, WireType::Bytes).as_slice());
    let (length, size) = encode_varint(body.len() as u64);
    out.put_slice(&length[..size]);
    out.put_slice(body);
}

/// Appends a varint field (bool, int32 and int64 as two's complement, enum); zero is left out.
pub fn put_varint(number: u32, value: u64, out: &mut impl BufMut) {
    if value != 0 {
        out.put_slice(Tag::new(number, WireType::Varint).as_slice());
        let (bytes, size) = encode_varint(value);
        out.put_slice(&bytes[..size]);
    }
}

/// Appends a boolean, false as well: it takes the place of what was said before, since the last of several counts.
pub fn put_boolean(number: u32, value: bool, out: &mut impl BufMut) {
    out.put_slice(Tag::new(number, WireType::Varint).as_slice());
    out.put_u8(u8::from(value));
}

/// Appends a `google.protobuf.FieldMask` with these paths.
pub fn put_field_mask<P: AsRef<str>>(number: u32, paths: &[P], out: &mut impl BufMut) {
    let mut mask = Vec::new();
    for path in paths {
        put_message(1, path.as_ref().as_bytes(), &mut mask);
    }
    put_message(number, &mask, out);
}

fn each_delimited<'a>(wire: &'a [u8], number: u32, mut found: impl FnMut(&'a [u8])) -> Result<(), WireError> {
    let mut reader = Reader::new(wire);
    while let Some((at, raw)) = reader.next()? {
        match raw {
            Raw::Bytes(value) if at == number => found(value),
            _ if at == number => return Err(wrong_type(number)),
            _ => {}
        }
    }
    Ok(())
}

fn text(value: &[u8], number: u32) -> Result<&str, WireError> {
    std::str::from_utf8(value).map_err(|_| not_utf8(number))
}

/// What is wrong with a string that is none.
#[cold]
pub fn not_utf8(number: u32) -> WireError {
    Fail::value(format!("field {number} is not UTF-8")).into()
}

/// What is wrong with a field that has another wire type than its declaration.
#[cold]
pub fn wrong_type(number: u32) -> WireError {
    Fail::value(format!("field {number} has another wire type than its declaration")).into()
}
