//! The text and number forms of the well-known types.

pub(crate) mod date;
pub(crate) mod duration;
pub(crate) mod field_mask;
pub(crate) mod timestamp;

/// Nanoseconds of one second.
pub(crate) const NANOS: i32 = 1_000_000_000;
/// Microseconds of one second.
pub(crate) const MICROS: i64 = 1_000_000;

/// Appends `width` decimal digits, zeros first.
#[allow(clippy::cast_possible_truncation)] // a single digit
fn put_digits(mut value: u32, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 9];
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[..width]);
}

/// Appends the fraction of a second: `.500`, `.500001` or `.500000001`, nothing for zero.
fn put_fraction(nanos: u32, out: &mut Vec<u8>) {
    let (value, width) = match nanos {
        0 => return,
        n if n % 1_000_000 == 0 => (n / 1_000_000, 3),
        n if n % 1_000 == 0 => (n / 1_000, 6),
        n => (n, 9),
    };
    out.push(b'.');
    put_digits(value, width, out);
}

/// Reads the digits after a point, one to nine, as nanoseconds.
fn fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i32 = digits.parse().ok()?;
    Some(value * 10i32.pow(9 - u32::try_from(digits.len()).ok()?))
}
