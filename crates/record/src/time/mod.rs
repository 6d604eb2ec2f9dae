//! Moments, durations and dates: how long they may be, and their one text form, wherever they are text.
//!
//! Times are RFC 3339 as ProtoJSON narrows it: a full date and time, upper-case `T` and `Z`, any offset, up to nine digits
//! of fraction. There are no leap seconds: a `google.protobuf.Timestamp` smears them.

mod date;
mod duration;
mod time_of_day;
mod timestamp;

pub use date::Date;
pub use duration::{Duration, MAX_DURATION_SECONDS};
pub use time_of_day::TimeOfDay;
pub use timestamp::{TIME_RANGE_US, Timestamp};

/// Nanoseconds of one second.
const NANOS: i32 = 1_000_000_000;
/// Microseconds of one second.
const MICROS: i64 = 1_000_000;

/// Why something is no time, duration or date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("is not a time such as \"2026-01-31T12:00:00Z\" (RFC 3339)")]
    NoTime,
    #[error("is a leap second, which is no moment of its own here: write second 59 or the next minute")]
    LeapSecond,
    #[error("is not a duration such as \"1.5s\"")]
    NoDuration,
    #[error("is not a duration such as \"1h30m\" or \"1.5s\"")]
    NoUnits,
    #[error("is not a time of day such as \"08:30\" or \"08:30:15.5\"")]
    NoTimeOfDay,
    #[error("is not a date such as \"2026-01-31\"")]
    NoDate,
    #[error("the time is outside the years 0001 to 9999")]
    Years,
    #[error("the nanoseconds of a time must be from 0 to 999999999")]
    NanosOfTime,
    #[error("the duration is longer than {MAX_DURATION_SECONDS} seconds")]
    TooLong,
    #[error("the nanoseconds of a duration must be below one second")]
    NanosOfDuration,
    #[error("the seconds and the nanoseconds of a duration must have the same sign")]
    Signs,
    #[error("the time of day must be from 00:00:00 to 24:00:00")]
    TimeOfDay,
    #[error("the year of a date must be from 1 to 9999, or 0 where it has none")]
    Year,
    #[error("the month of a date must be from 1 to 12, or 0 where it has none")]
    Month,
    #[error("a date with a day needs a month")]
    DayAlone,
    #[error("a date of a month alone needs a year or a day")]
    MonthAlone,
    #[error("the month of this date has no such day")]
    Day,
}

impl TimeError {
    /// Says what is wrong with a text, as it is shown.
    pub fn of(self, shown: &str) -> String {
        match self {
            TimeError::NoTime
            | TimeError::LeapSecond
            | TimeError::NoDuration
            | TimeError::NoUnits
            | TimeError::NoTimeOfDay
            | TimeError::NoDate => format!("\"{shown}\" {self}"),
            other => other.to_string(),
        }
    }
}

/// Reads some digits of a text.
fn digits(bytes: &[u8], from: usize, width: usize) -> Option<i64> {
    bytes
        .get(from..from + width)?
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Reads the digits after a point, one to nine, as nanoseconds.
fn fraction(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i32 = digits.parse().ok()?;
    Some(value * 10i32.pow(9 - u32::try_from(digits.len()).ok()?))
}
