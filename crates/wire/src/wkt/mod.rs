//! The text and number forms of the well-known types.

pub(crate) mod date;
pub(crate) mod duration;
pub(crate) mod field_mask;
pub(crate) mod timestamp;

/// Nanoseconds of one second.
pub(crate) const NANOS: i32 = 1_000_000_000;
/// Microseconds of one second.
pub(crate) const MICROS: i64 = 1_000_000;

/// Appends `.5`, `.500001` or `.500000001` as `.500`, `.500001`, `.500000001`: 3, 6 or 9 digits, nothing for zero.
fn put_fraction(nanos: u32, out: &mut Vec<u8>) {
    if nanos == 0 {
        return;
    }
    let text = format!("{nanos:09}");
    let digits = match nanos {
        n if n % 1_000_000 == 0 => 3,
        n if n % 1_000 == 0 => 6,
        _ => 9,
    };
    out.push(b'.');
    out.extend_from_slice(&text.as_bytes()[..digits]);
}

/// Reads the digits after a point, one to nine, as nanoseconds.
fn fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i32 = digits.parse().ok()?;
    Some(value * 10i32.pow(9 - u32::try_from(digits.len()).ok()?))
}
