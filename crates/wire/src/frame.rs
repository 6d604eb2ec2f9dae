//! Finds or appends single fields of a message without decoding the rest.

use std::borrow::Cow;

use crate::WireError;

/// Finds the last string in field `number`. Fails where the bytes are malformed or the string is not UTF-8.
pub fn string(wire: &[u8], number: u32) -> Result<Option<&str>, WireError> {
    todo!()
}

/// Finds every string in field `number`, in order.
pub fn strings(wire: &[u8], number: u32) -> Result<Vec<&str>, WireError> {
    todo!()
}

/// Finds the last length-delimited value in field `number`.
pub fn bytes(wire: &[u8], number: u32) -> Result<Option<&[u8]>, WireError> {
    todo!()
}

/// Finds the message in field `number`; several occurrences are merged, as protobuf says.
pub fn message(wire: &[u8], number: u32) -> Result<Option<Cow<'_, [u8]>>, WireError> {
    todo!()
}

/// Finds every message in the repeated field `number`, in order.
pub fn messages(wire: &[u8], number: u32) -> Result<Vec<&[u8]>, WireError> {
    todo!()
}

/// Finds the last varint (bool, int32, int64, uint32, uint64, enum) in field `number`.
pub fn varint(wire: &[u8], number: u32) -> Result<Option<u64>, WireError> {
    todo!()
}

/// Finds the last bool in field `number`.
pub fn boolean(wire: &[u8], number: u32) -> Result<bool, WireError> {
    todo!()
}

/// Finds the last int32 in field `number`.
pub fn int32(wire: &[u8], number: u32) -> Result<Option<i32>, WireError> {
    todo!()
}

/// Finds the paths of the `google.protobuf.FieldMask` in field `number`: nothing where the field is unset.
pub fn field_mask(wire: &[u8], number: u32) -> Result<Option<Vec<String>>, WireError> {
    todo!()
}

/// Appends a string or bytes field; an empty one is left out.
pub fn put_bytes(number: u32, value: &[u8], out: &mut impl bytes::BufMut) {
    todo!()
}

/// Appends a message field, also where it is empty.
pub fn put_message(number: u32, body: &[u8], out: &mut impl bytes::BufMut) {
    todo!()
}

/// Appends a varint field (bool, int32 and int64 as two's complement, enum); zero is left out.
pub fn put_varint(number: u32, value: u64, out: &mut impl bytes::BufMut) {
    todo!()
}
