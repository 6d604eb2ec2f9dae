//! `google.protobuf.Duration`: seconds and nanoseconds of one sign, `"1.500s"` in JSON, microseconds in columns.

use super::{MICROS, NANOS, fraction, put_fraction};
use crate::{
    fail::{Fail, shown},
    json::number::put_u64,
};

/// About 10,000 years (duration.proto).
const MAX_SECONDS: i64 = 315_576_000_000;

/// Seconds and nanoseconds, both of the same sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Duration {
    pub(crate) seconds: i64,
    pub(crate) nanos: i32,
}

impl Duration {
    /// Refuses what duration.proto does not allow.
    pub(crate) fn check(self) -> Result<Duration, Fail> {
        if !(-MAX_SECONDS..=MAX_SECONDS).contains(&self.seconds) {
            return Err(Fail::value("the duration is longer than 315576000000 seconds"));
        }
        if self.nanos <= -NANOS || self.nanos >= NANOS {
            return Err(Fail::value("the nanoseconds of a duration must be below one second"));
        }
        if self.seconds.signum() * i64::from(self.nanos.signum()) < 0 {
            return Err(Fail::value("the seconds and the nanoseconds of a duration must have the same sign"));
        }
        Ok(self)
    }

    /// Microseconds; what is finer is cut off towards zero.
    pub(crate) fn micros(self) -> i64 {
        self.seconds.saturating_mul(MICROS).saturating_add(i64::from(self.nanos / 1_000))
    }

    pub(crate) fn from_micros(micros: i64) -> Duration {
        let nanos = i32::try_from(micros % MICROS).expect("a remainder below one million") * 1_000;
        Duration { seconds: micros / MICROS, nanos }
    }

    /// Reads `"3s"`, `"-1.5s"`.
    pub(crate) fn parse(text: &str) -> Result<Duration, Fail> {
        read(text)
            .ok_or_else(|| Fail::value(format!("\"{}\" is not a duration such as \"1.5s\"", shown(text))))?
            .check()
    }

    /// Appends `1s`, `1.500s`, `-0.000001s`.
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        if self.seconds < 0 || self.nanos < 0 {
            out.push(b'-');
        }
        put_u64(self.seconds.unsigned_abs(), out);
        put_fraction(self.nanos.unsigned_abs(), out);
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
