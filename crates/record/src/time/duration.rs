//! `google.protobuf.Duration`: seconds and nanoseconds of one sign, microseconds in columns.

use std::io::Write as _;

use super::{MICROS, NANOS, TimeError, fraction};

/// About 10,000 years (duration.proto).
pub const MAX_DURATION_SECONDS: i64 = 315_576_000_000;

/// The units of CEL's durations, in nanoseconds. What begins another stands after it.
const UNITS: [(&str, i128); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// Seconds and nanoseconds, both of the same sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    pub seconds: i64,
    pub nanos: i32,
}

impl Duration {
    /// Refuses what duration.proto does not allow.
    pub fn check(self) -> Result<Duration, TimeError> {
        if !(-MAX_DURATION_SECONDS..=MAX_DURATION_SECONDS).contains(&self.seconds) {
            return Err(TimeError::TooLong);
        }
        if self.nanos <= -NANOS || self.nanos >= NANOS {
            return Err(TimeError::NanosOfDuration);
        }
        if self.seconds.signum() * i64::from(self.nanos.signum()) < 0 {
            return Err(TimeError::Signs);
        }
        Ok(self)
    }

    /// Microseconds; what is finer is cut off towards zero.
    pub fn micros(self) -> i64 {
        self.seconds.saturating_mul(MICROS).saturating_add(i64::from(self.nanos / 1_000))
    }

    pub fn from_micros(micros: i64) -> Duration {
        let nanos = i32::try_from(micros % MICROS).expect("a remainder below one million") * 1_000;
        Duration { seconds: micros / MICROS, nanos }
    }

    /// Reads `"3s"`, `"-1.5s"` (ProtoJSON, AIP-160).
    pub fn parse(text: &str) -> Result<Duration, TimeError> {
        read(text).ok_or(TimeError::NoDuration)?.check()
    }

    /// Reads what a rule may say besides: `"1h30m"`, `"-1.5h"`, with the units h, m, s, ms, us and ns (CEL). What is finer
    /// than a nanosecond is cut off.
    pub fn parse_units(text: &str) -> Result<Duration, TimeError> {
        if let Ok(duration) = Duration::parse(text) {
            return Ok(duration);
        }
        let nanos = sum(text).ok_or(TimeError::NoUnits)?;
        let (seconds, nanos) = (nanos / i128::from(NANOS), nanos % i128::from(NANOS));
        let seconds = i64::try_from(seconds).map_err(|_| TimeError::TooLong)?;
        Duration { seconds, nanos: i32::try_from(nanos).expect("less than a second") }.check()
    }

    /// Appends `1s`, `1.500s`, `-0.000001s`.
    pub fn put(self, out: &mut Vec<u8>) {
        if self.seconds < 0 || self.nanos < 0 {
            out.push(b'-');
        }
        let nanos = self.nanos.unsigned_abs();
        let written = write!(out, "{}", self.seconds.unsigned_abs()).and_then(|()| match nanos {
            0 => Ok(()),
            n if n % 1_000_000 == 0 => write!(out, ".{:03}", n / 1_000_000),
            n if n % 1_000 == 0 => write!(out, ".{:06}", n / 1_000),
            n => write!(out, ".{n:09}"),
        });
        written.expect("memory takes what is written");
        out.push(b's');
    }
}

fn read(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (whole, nanos) = match number.split_once('.') {
        Some((whole, digits)) => (whole, fraction(digits)?),
        None => (number, 0),
    };
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    Some(if negative { Duration { seconds: -seconds, nanos: -nanos } } else { Duration { seconds, nanos } })
}

/// Adds up numbers with units, as nanoseconds; the sign stands before all of them.
fn sum(text: &str) -> Option<i128> {
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
        let (name, unit) = UNITS.iter().find(|(name, _)| tail.starts_with(name))?;
        nanos = nanos.checked_add(scaled(number, *unit)?)?;
        rest = &tail[name.len()..];
    }
    Some(sign * nanos)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_duration_reads_back(seconds in -MAX_DURATION_SECONDS..=MAX_DURATION_SECONDS, nanos in 0..NANOS) {
            let nanos = if seconds < 0 { -nanos } else { nanos };
            let duration = Duration { seconds, nanos };
            if duration.check().is_ok() {
                let mut text = Vec::new();
                duration.put(&mut text);
                let text = String::from_utf8(text).unwrap();
                prop_assert_eq!(Duration::parse(&text), Ok(duration));
                prop_assert_eq!(Duration::parse_units(&text), Ok(duration), "a rule reads whatever JSON does");
            }
        }
    }

    #[test]
    fn units_add_up() {
        for (text, micros) in [
            ("1h30m", 5_400_000_000),
            ("-1.5h", -5_400_000_000),
            ("1h1m1s1ms1us999ns", 3_661_001_001),
            (".5m", 30_000_000),
            ("1500ms", 1_500_000),
            ("87660000h", MAX_DURATION_SECONDS * MICROS),
        ] {
            assert_eq!(Duration::parse_units(text).map(Duration::micros), Ok(micros), "{text}");
        }
        for text in ["", "-", "1", "h", "1 h", "1.h.", "--1s", "1d", "1h-30m", "+1h"] {
            assert_eq!(Duration::parse_units(text), Err(TimeError::NoUnits), "{text}");
        }
        for text in ["87660001h", "315576000001s", "999999999999999999h"] {
            assert_eq!(Duration::parse_units(text), Err(TimeError::TooLong), "{text}");
        }
    }
}
