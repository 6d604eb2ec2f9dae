//! Scalars and enums.

use super::ToJson;
use crate::{
    fail::Fail,
    json::{
        base64::put_base64,
        number::{put_f32, put_f64, put_i64, put_u64},
        text::put_utf8,
    },
    reader::{Raw, low32, malformed},
    table::Leaf,
    writer::unzigzag,
};

impl ToJson<'_, '_> {
    pub(super) fn string(&mut self, bytes: &[u8]) -> Result<(), Fail> {
        if self.storage() && bytes.contains(&0) {
            return Err(Fail::value(NUL));
        }
        if put_utf8(bytes, self.out) { Ok(()) } else { Err(Fail::value("the string is not UTF-8")) }
    }

    pub(super) fn scalar(&mut self, leaf: Leaf, raw: Raw<'_>) -> Result<(), Fail> {
        match (leaf, raw) {
            (Leaf::Bool, Raw::Varint(v)) => self.boolean(v != 0),
            (Leaf::Int32, Raw::Varint(v)) => put_i64(i64::from(low32(v).cast_signed()), self.out),
            (Leaf::Uint32, Raw::Varint(v)) => put_u64(u64::from(low32(v)), self.out),
            (Leaf::Sint32, Raw::Varint(v)) => put_i64(unzigzag(u64::from(low32(v))), self.out),
            (Leaf::Fixed32, Raw::Fixed32(v)) => put_u64(u64::from(v), self.out),
            (Leaf::Sfixed32, Raw::Fixed32(v)) => put_i64(i64::from(v.cast_signed()), self.out),
            (Leaf::Int64, Raw::Varint(v)) => self.int64(v.cast_signed()),
            (Leaf::Sint64, Raw::Varint(v)) => self.int64(unzigzag(v)),
            (Leaf::Sfixed64, Raw::Fixed64(v)) => self.int64(v.cast_signed()),
            (Leaf::Uint64, Raw::Varint(v)) | (Leaf::Fixed64, Raw::Fixed64(v)) => return self.uint64(v),
            (Leaf::Float, Raw::Fixed32(v)) => return self.float(f32::from_bits(v)),
            (Leaf::Double, Raw::Fixed64(v)) => return self.double(f64::from_bits(v)),
            (Leaf::Bytes, Raw::Bytes(v)) => put_base64(v, self.out),
            (Leaf::Enum(index), Raw::Varint(v)) => self.enumeration(index, low32(v).cast_signed()),
            _ => return Err(malformed("a value has another wire type than its field")),
        }
        Ok(())
    }

    fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A string in ProtoJSON, because JavaScript's numbers end at 2^53.
    fn int64(&mut self, value: i64) {
        if self.storage() {
            return put_i64(value, self.out);
        }
        self.out.push(b'"');
        put_i64(value, self.out);
        self.out.push(b'"');
    }

    fn uint64(&mut self, value: u64) -> Result<(), Fail> {
        if self.storage() {
            if i64::try_from(value).is_err() {
                return Err(Fail::value(UNSIGNED));
            }
            put_u64(value, self.out);
        } else {
            self.out.push(b'"');
            put_u64(value, self.out);
            self.out.push(b'"');
        }
        Ok(())
    }

    fn float(&mut self, value: f32) -> Result<(), Fail> {
        if self.storage() || !value.is_finite() {
            return self.double(f64::from(value));
        }
        put_f32(value, self.out);
        Ok(())
    }

    fn double(&mut self, value: f64) -> Result<(), Fail> {
        if value.is_finite() {
            // a stored zero has no sign
            put_f64(if self.storage() && value == 0.0 { 0.0 } else { value }, self.out);
        } else if value.is_nan() && self.storage() {
            return Err(Fail::value(NAN));
        } else {
            self.out.extend_from_slice(match value {
                f64::INFINITY => b"\"Infinity\"",
                f64::NEG_INFINITY => b"\"-Infinity\"",
                _ => b"\"NaN\"",
            });
        }
        Ok(())
    }

    fn enumeration(&mut self, index: u32, number: i32) {
        let plan = self.table.enumeration(index);
        match plan.name_of(number) {
            _ if plan.is_null => self.out.extend_from_slice(b"null"),
            Some(name) => self.out.extend_from_slice(name),
            None => put_i64(i64::from(number), self.out),
        }
    }

    /// Writes what an unset field of this type has.
    pub(super) fn zero(&mut self, leaf: Leaf) {
        match leaf {
            Leaf::Bool => self.boolean(false),
            Leaf::Int64 | Leaf::Sint64 | Leaf::Sfixed64 | Leaf::Uint64 | Leaf::Fixed64 => self.int64(0),
            Leaf::String | Leaf::Bytes => self.out.extend_from_slice(b"\"\""),
            Leaf::Enum(index) => self.enumeration(index, self.table.enumeration(index).first),
            Leaf::Message(_) | Leaf::Group(_) => self.out.extend_from_slice(b"{}"),
            _ => self.out.push(b'0'),
        }
    }
}

/// Whether a value on the wire is the zero that stands for unset. A negative zero is not (its bits differ).
pub(super) fn is_zero(leaf: Leaf, raw: Raw<'_>) -> bool {
    match raw {
        Raw::Varint(v) => match leaf {
            Leaf::Int32 | Leaf::Uint32 | Leaf::Sint32 | Leaf::Enum(_) => low32(v) == 0,
            _ => v == 0,
        },
        Raw::Fixed64(v) => v == 0,
        Raw::Fixed32(v) => v == 0,
        Raw::Bytes(v) => v.is_empty(),
        Raw::Group(_) => false,
    }
}

/// Why a string is refused that no column can hold.
pub(crate) const NUL: &str = "the character U+0000 cannot be stored; remove it";
/// Why an unsigned number is refused that no column can hold.
pub(crate) const UNSIGNED: &str = "numbers above 9223372036854775807 cannot be stored";
/// Why NaN is refused.
pub(crate) const NAN: &str = "NaN cannot be stored; leave the field unset instead";
