//! Timestamps, durations and dates as text.

use crate::ir::TIME_RANGE_US;

/// The longest duration that `google.protobuf.Duration` allows, in seconds: about 10,000 years.
const MAX_DURATION_SECONDS: i128 = 315_576_000_000;

/// Reads an RFC 3339 timestamp as microseconds; finer digits are dropped, as they are from what is stored. Nothing where
/// the text is none or the year is outside 1 to 9999.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    // RFC 3339 is narrower than what the parser accepts: a full date and time, `T` between them, and an offset.
    let bytes = text.as_bytes();
    let separated = bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && matches!(bytes[10], b'T' | b't');
    let digits = bytes.iter().take(4).all(u8::is_ascii_digit);
    let plain = !text.contains(['[', ',', ' ']);
    if !(separated && digits && plain) {
        return None;
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    let micros = i64::try_from(moment.as_nanosecond().div_euclid(1000)).ok()?;
    TIME_RANGE_US.contains(&micros).then_some(micros)
}

/// Reads `20s`, `1.5s`, `-3s` (AIP-160, ProtoJSON) as microseconds; finer digits are dropped.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    parse_units(text, &[("s", 1_000_000_000)])
}

/// Reads a CEL duration as microseconds: `1h30m`, `-1.5s`, with the units h, m, s, ms, us and ns; finer digits are dropped.
pub(crate) fn duration(text: &str) -> Option<i64> {
    const UNITS: [(&str, i128); 6] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
    ];
    parse_units(text, &UNITS)
}

/// Adds up numbers with units (given in nanoseconds); the sign stands before all of them.
fn parse_units(text: &str, units: &[(&str, i128)]) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut nanos: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let (name, unit) = units.iter().find(|(name, _)| tail.starts_with(name))?;
        nanos = nanos.checked_add(scaled(number, *unit)?)?;
        rest = &tail[name.len()..];
    }
    if nanos > MAX_DURATION_SECONDS * 1_000_000_000 {
        return None;
    }
    i64::try_from(sign * (nanos / 1000)).ok()
}

/// A decimal number of units.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 18 || fraction.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(fraction * unit / scale)
}

/// Reads `2024-05-01` as `yyyymmdd`.
pub(crate) fn date(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let written = format!("{date}") == text;
    written.then(|| i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day()))
}
