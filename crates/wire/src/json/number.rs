//! Numbers as JSON text, both ways.

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Appends an unsigned integer in decimal.
#[expect(clippy::cast_possible_truncation, reason = "every remainder is below 100")]
pub(crate) fn put_u64(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    while value >= 100 {
        let pair = (value % 100) as usize * 2;
        value /= 100;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if value >= 10 {
        let pair = value as usize * 2;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        digits[at] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a signed integer in decimal.
pub(crate) fn put_i64(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    put_u64(value.unsigned_abs(), out);
}

/// Appends a finite double: the shortest digits that read back as the same double.
pub(crate) fn put_f64(value: f64, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, &value).expect("a vector takes every write");
    drop_empty_fraction(out);
}

/// Appends a finite float: the shortest digits that read back as the same float.
pub(crate) fn put_f32(value: f32, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, &value).expect("a vector takes every write");
    drop_empty_fraction(out);
}

fn drop_empty_fraction(out: &mut Vec<u8>) {
    if out.ends_with(b".0") {
        out.truncate(out.len() - 2);
    }
}

/// Reads a JSON number that stands for a whole number: `12`, `-3`, `1.0`, `5e3`.
///
/// Exact: nothing goes through a double. Nothing where a fraction remains or 128 bits do not hold it.
pub(crate) fn whole(number: &str) -> Option<i128> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let magnitude = match digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() <= 30 {
        true => digits.parse::<i128>().ok()?,
        false => scaled(digits)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Reads `12.50e1` as a whole number.
fn scaled(number: &str) -> Option<i128> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        // an exponent too large to be read is as good as the largest: only a zero mantissa survives either
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap_or(saturated(exponent))),
        None => (number, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [integer, fraction].concat();
    let trimmed = digits.trim_end_matches('0');
    let significant = trimmed.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let dropped = i64::try_from(digits.len() - trimmed.len()).ok()?;
    let scale = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    if significant.len() > 30 || !(0..=30).contains(&scale) {
        return None;
    }
    significant.parse::<i128>().ok()?.checked_mul(10i128.checked_pow(u32::try_from(scale).ok()?)?)
}

fn saturated(exponent: &str) -> i64 {
    if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 }
}

/// Says whether a text is a JSON number, `-?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?`.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && number_length(text.as_bytes()) == Some(text.len())
}

/// The length of the JSON number at the start of `bytes`; nothing where there is none.
pub(crate) fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at)? {
        b'0' => at += 1,
        b'1'..=b'9' => at += digits(at),
        _ => return None,
    }
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_read_exactly() {
        for (text, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("18446744073709551615", Some(18_446_744_073_709_551_615)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("1.5", None),
            ("1.5e1", Some(15)),
            ("150e-1", Some(15)),
            ("1e400000000000000000000", None),
            ("0e400000000000000000000", Some(0)),
            ("1e-400000000000000000000", None),
            ("100e-2", Some(1)),
            ("0.0001e4", Some(1)),
        ] {
            assert_eq!(whole(text), value, "{text}");
        }
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in ["0", "-0", "10", "1.5", "1e5", "1E-5", "-1.5e+5"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", "01", "+1", "1.", ".5", "1e", "1e+", " 1", "1 ", "0x1", "NaN", "Infinity"] {
            assert!(!is_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_integers_read_back(value in any::<i64>(), unsigned in any::<u64>()) {
            let mut out = Vec::new();
            put_i64(value, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
            let mut out = Vec::new();
            put_u64(unsigned, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), unsigned.to_string());
        }

        #[test]
        fn written_doubles_read_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL) {
            let mut out = Vec::new();
            put_f64(value, &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert!(is_number(&text));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
