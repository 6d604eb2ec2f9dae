//! One column value as one protobuf value.

use mainstay_record::ValueRef;

use crate::{
    table::Leaf,
    writer::{Sink, Tag, put_length_delimited, put_varint, zigzag},
};

/// A stored value that the field's type cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) &'static str);

const OTHER_KIND: Unfit = Unfit("a value of another kind than its field");
const OUT_OF_RANGE: Unfit = Unfit("a number outside the range of its field");

/// Writes a field: nothing for NULL, and nothing for zero unless `explicit`.
#[inline]
pub(super) fn scalar<S: Sink>(
    leaf: Leaf,
    value: ValueRef<'_>,
    tag: Tag,
    explicit: bool,
    out: &mut S,
) -> Result<(), Unfit> {
    match value {
        ValueRef::Null => Ok(()),
        ValueRef::Text(text) if leaf == Leaf::String => {
            delimited(text.as_bytes(), tag, explicit, out);
            Ok(())
        }
        ValueRef::Bytes(bytes) if leaf == Leaf::Bytes => {
            delimited(bytes, tag, explicit, out);
            Ok(())
        }
        ValueRef::Bool(flag) if leaf == Leaf::Bool => {
            if flag || explicit {
                tag.put(out);
                out.push(u8::from(flag));
            }
            Ok(())
        }
        ValueRef::Double(number) => double(leaf, number, tag, explicit, out),
        ValueRef::Int(number) => integer(leaf, number, tag, explicit, out),
        _ => Err(OTHER_KIND),
    }
}

fn delimited<S: Sink>(bytes: &[u8], tag: Tag, explicit: bool, out: &mut S) {
    if explicit || !bytes.is_empty() {
        tag.put(out);
        put_length_delimited(bytes, out);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float was stored as a double; the way back is exact")]
fn double<S: Sink>(leaf: Leaf, number: f64, tag: Tag, explicit: bool, out: &mut S) -> Result<(), Unfit> {
    if !explicit && number == 0.0 {
        return Ok(());
    }
    match leaf {
        Leaf::Float => {
            tag.put(out);
            out.extend(&(number as f32).to_le_bytes());
        }
        Leaf::Double => {
            tag.put(out);
            out.extend(&number.to_le_bytes());
        }
        _ => return Err(OTHER_KIND),
    }
    Ok(())
}

fn integer<S: Sink>(leaf: Leaf, number: i64, tag: Tag, explicit: bool, out: &mut S) -> Result<(), Unfit> {
    if number == 0 && !explicit {
        return Ok(());
    }
    let signed = || i32::try_from(number).map_err(|_| OUT_OF_RANGE);
    let unsigned = || u32::try_from(number).map_err(|_| OUT_OF_RANGE);
    let unsigned_long = || u64::try_from(number).map_err(|_| OUT_OF_RANGE);
    let varint = match leaf {
        Leaf::Int32 => i64::from(signed()?).cast_unsigned(),
        Leaf::Sint32 => zigzag(signed()?.into()),
        Leaf::Uint32 => unsigned()?.into(),
        Leaf::Int64 => number.cast_unsigned(),
        Leaf::Sint64 => zigzag(number),
        Leaf::Uint64 => unsigned_long()?,
        Leaf::Bool => u64::from(number != 0),
        _ => return fixed(leaf, number, tag, out),
    };
    tag.put(out);
    put_varint(varint, out);
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an integer in a DOUBLE column is what the engine made of a whole double"
)]
fn fixed<S: Sink>(leaf: Leaf, number: i64, tag: Tag, out: &mut S) -> Result<(), Unfit> {
    let four: u32 = match leaf {
        Leaf::Fixed32 => u32::try_from(number).map_err(|_| OUT_OF_RANGE)?,
        Leaf::Sfixed32 => i32::try_from(number).map_err(|_| OUT_OF_RANGE)?.cast_unsigned(),
        Leaf::Fixed64 | Leaf::Sfixed64 => {
            let bits = match leaf {
                Leaf::Fixed64 => u64::try_from(number).map_err(|_| OUT_OF_RANGE)?,
                _ => number.cast_unsigned(),
            };
            tag.put(out);
            out.extend(&bits.to_le_bytes());
            return Ok(());
        }
        Leaf::Float | Leaf::Double => return double(leaf, number as f64, tag, true, out),
        _ => return Err(OTHER_KIND),
    };
    tag.put(out);
    out.extend(&four.to_le_bytes());
    Ok(())
}
