//! One protobuf value as one column value.

use mainstay_record::Value;

use crate::{
    fail::Fail,
    reader::{Raw, low32, malformed},
    table::Leaf,
    to_json::{NAN, NUL, UNSIGNED},
    writer::unzigzag,
};

/// Reads a scalar. Fails on what no column can hold.
pub(super) fn scalar(leaf: Leaf, raw: Raw<'_>) -> Result<Value, Fail> {
    Ok(match (leaf, raw) {
        (Leaf::String, Raw::Bytes(bytes)) => Value::Text(text(bytes)?.to_owned()),
        (Leaf::Bytes, Raw::Bytes(bytes)) => Value::Bytes(bytes.to_vec()),
        (Leaf::Bool, Raw::Varint(v)) => Value::Bool(v != 0),
        (Leaf::Int32, Raw::Varint(v)) => Value::Int(low32(v).cast_signed().into()),
        (Leaf::Uint32, Raw::Varint(v)) => Value::Int(low32(v).into()),
        (Leaf::Sint32, Raw::Varint(v)) => Value::Int(unzigzag(low32(v).into())),
        (Leaf::Fixed32, Raw::Fixed32(v)) => Value::Int(v.into()),
        (Leaf::Sfixed32, Raw::Fixed32(v)) => Value::Int(v.cast_signed().into()),
        (Leaf::Int64, Raw::Varint(v)) | (Leaf::Sfixed64, Raw::Fixed64(v)) => Value::Int(v.cast_signed()),
        (Leaf::Sint64, Raw::Varint(v)) => Value::Int(unzigzag(v)),
        (Leaf::Uint64, Raw::Varint(v)) | (Leaf::Fixed64, Raw::Fixed64(v)) => {
            Value::Int(i64::try_from(v).map_err(|_| Fail::value(UNSIGNED))?)
        }
        (Leaf::Float, Raw::Fixed32(v)) => double(f32::from_bits(v).into())?,
        (Leaf::Double, Raw::Fixed64(v)) => double(f64::from_bits(v))?,
        _ => return Err(malformed("a value has another wire type than its field")),
    })
}

/// Reads text that a column can hold.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fail> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.contains(&0) => {
            debug_assert!(text.contains('\0'));
            Err(Fail::value(NUL))
        }
        Ok(text) => Ok(text),
        Err(_) => Err(Fail::value("the string is not UTF-8")),
    }
}

fn double(value: f64) -> Result<Value, Fail> {
    match value {
        value if value.is_nan() => Err(Fail::value(NAN)),
        // a stored zero has no sign, so that equal numbers are equal in every engine
        0.0 => Ok(Value::Double(0.0)),
        value => Ok(Value::Double(value)),
    }
}
