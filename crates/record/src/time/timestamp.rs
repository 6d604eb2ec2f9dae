//! `google.protobuf.Timestamp`: seconds and nanoseconds since 1970 UTC, microseconds in columns.

use super::date::{Date, days_in_month};
use super::{MICROS, NANOS, TimeError, digits, fraction};

/// 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;
const SECONDS_PER_DAY: i64 = 86_400;

/// The first and the last moment that `google.protobuf.Timestamp` allows, in microseconds: the years 1 to 9999.
pub const TIME_RANGE_US: std::ops::RangeInclusive<i64> = FIRST_SECOND * MICROS..=LAST_SECOND * MICROS + (MICROS - 1);

/// Seconds since 1970 UTC, and nanoseconds that count forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanos: i32,
}

impl Timestamp {
    /// Refuses what timestamp.proto does not allow: years outside 0001 to 9999, nanoseconds outside a second.
    pub fn check(self) -> Result<Timestamp, TimeError> {
        if !(FIRST_SECOND..=LAST_SECOND).contains(&self.seconds) {
            return Err(TimeError::Years);
        }
        if !(0..NANOS).contains(&self.nanos) {
            return Err(TimeError::NanosOfTime);
        }
        Ok(self)
    }

    /// Microseconds since 1970; what is finer is cut off.
    pub fn micros(self) -> i64 {
        self.seconds.saturating_mul(MICROS).saturating_add(i64::from(self.nanos / 1_000))
    }

    pub fn from_micros(micros: i64) -> Timestamp {
        let nanos = i32::try_from(micros.rem_euclid(MICROS)).expect("a remainder below one million") * 1_000;
        Timestamp { seconds: micros.div_euclid(MICROS), nanos }
    }

    /// The date in UTC; nothing beyond the years 1 to 9999.
    pub fn date(self) -> Option<Date> {
        let days = (self.check().ok()?.seconds - FIRST_SECOND).div_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil(u32::try_from(days).ok()?);
        let part = |value: u32| i32::try_from(value).ok();
        Some(Date { year: part(year)?, month: part(month)?, day: part(day)? })
    }

    /// Reads RFC 3339 as ProtoJSON narrows it: upper-case `T` and `Z`, at most nine digits of fraction, any offset.
    pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
        read(text)?.check()
    }

    /// Appends RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction.
    pub fn put(self, out: &mut Vec<u8>) {
        let seconds = (self.seconds - FIRST_SECOND).unsigned_abs(); // none is earlier after `check`
        let (days, second) = (seconds / SECONDS_PER_DAY.unsigned_abs(), seconds % SECONDS_PER_DAY.unsigned_abs());
        let (year, month, day) = civil(u32::try_from(days).unwrap_or_default());
        let second = u32::try_from(second).unwrap_or_default();
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        put_two(&mut text, 0, year / 100);
        put_two(&mut text, 2, year % 100);
        put_two(&mut text, 5, month);
        put_two(&mut text, 8, day);
        let (minute, second) = (second / 60, second % 60);
        put_two(&mut text, 11, minute / 60);
        put_two(&mut text, 14, minute % 60);
        put_two(&mut text, 17, second);
        let end = put_subsecond(self.nanos.unsigned_abs(), &mut text);
        text[end] = b'Z';
        out.extend_from_slice(&text[..=end]);
    }
}

/// The longest text of a time.
type Text = [u8; 30];

/// Puts the digits of a fraction behind the seconds. Says where they end: after 0, 3, 6 or 9 of them.
fn put_subsecond(nanos: u32, text: &mut Text) -> usize {
    if nanos == 0 {
        return CLOCK_END;
    }
    let (micros, rest) = (nanos / 1_000, nanos % 1_000);
    put_two(text, 20, micros / 10_000);
    put_two(text, 22, micros / 100 % 100);
    put_two(text, 24, micros % 100);
    if rest == 0 {
        return if micros.is_multiple_of(1_000) { 23 } else { 26 };
    }
    put_two(text, 26, rest / 10);
    put_two(text, 27, rest % 100);
    29
}

/// Puts a number below 100 in its place.
#[inline]
fn put_two(text: &mut Text, at: usize, value: u32) {
    text[at..at + 2].copy_from_slice(&PAIRS[value as usize % PAIRS.len()]);
}

/// The numbers below 100 as they are written. A power of two of them: their places are found without a comparison.
static PAIRS: [[u8; 2]; 128] = pairs();

#[expect(clippy::cast_possible_truncation, reason = "single digits")]
const fn pairs() -> [[u8; 2]; 128] {
    let (mut pairs, mut number) = ([[b'0'; 2]; 128], 0);
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
}

/// The length of `2026-01-31T12:00:00`.
const CLOCK_END: usize = 19;

fn read(text: &str) -> Result<Timestamp, TimeError> {
    let (days, clock) = fields(text.as_bytes()).ok_or(TimeError::NoTime)?;
    let [hour, minute, second] = clock;
    let (nanos, offset) = text.get(CLOCK_END..).and_then(rest).ok_or(TimeError::NoTime)?;
    match second {
        60 => Err(TimeError::LeapSecond),
        0..60 => {
            Ok(Timestamp { seconds: days * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second - offset, nanos })
        }
        _ => Err(TimeError::NoTime),
    }
}

/// Reads `2026-01-31T12:00:00`: the days since 1970, then hours, minutes and seconds, which may be too many.
fn fields(bytes: &[u8]) -> Option<(i64, [i64; 3])> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, separator)| bytes.get(*at) != Some(separator)) {
        return None;
    }
    let (year, month, day) = (digits(bytes, 0, 4)?, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?);
    let clock = [digits(bytes, 11, 2)?, digits(bytes, 14, 2)?, digits(bytes, 17, 2)?];
    let is_day = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    (is_day && clock[0] < 24 && clock[1] < 60).then(|| (days(year, month, day), clock))
}

/// Reads what comes after the seconds, `.5Z` or `+01:00`: the nanoseconds, and the offset in seconds.
fn rest(text: &str) -> Option<(i32, i64)> {
    let zone = text.find(['Z', '+', '-'])?;
    let (fractional, zone) = text.split_at(zone);
    let nanos = match fractional.strip_prefix('.') {
        Some(digits) => fraction(digits)?,
        None if fractional.is_empty() => 0,
        None => return None,
    };
    let bytes = zone.as_bytes();
    match bytes {
        b"Z" => Some((nanos, 0)),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(bytes, 1, 2)?, digits(bytes, 4, 2)?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some((nanos, if *sign == b'-' { -seconds } else { seconds }))
        }
        _ => None,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, by counting eras of 400 years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 0001-01-01; the inverse of [`days`].
fn civil(days: u32) -> (u32, u32, u32) {
    let shifted = days + 306; // days since 1 March of the year 0
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u32::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(time: Timestamp) -> String {
        let mut text = Vec::new();
        time.put(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_whole_range_of_protobuf_is_read() {
        let first = Timestamp::parse("0001-01-01T00:00:00Z").unwrap();
        let last = Timestamp::parse("9999-12-31T23:59:59.999999999Z").unwrap();
        assert_eq!(first.micros()..=last.micros(), TIME_RANGE_US);
        assert_eq!((first.seconds, last.seconds, last.nanos), (FIRST_SECOND, LAST_SECOND, NANOS - 1));
        for outside in ["0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            assert_eq!(Timestamp::parse(outside), Err(TimeError::Years), "{outside}");
        }
    }

    #[test]
    fn a_leap_second_is_told_as_one() {
        for text in ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z", "2017-01-01T00:59:60+01:00"] {
            assert_eq!(Timestamp::parse(text), Err(TimeError::LeapSecond), "{text}");
        }
        assert_eq!(Timestamp::parse("2016-12-31T23:59:61Z"), Err(TimeError::NoTime));
    }

    proptest! {
        /// jiff's own range ends a little earlier, for the sake of its time zones.
        #[test]
        fn a_moment_is_written_and_read_as_jiff_does(
            seconds in FIRST_SECOND..=253_402_207_200, nanos in 0..NANOS, offset in -1439i64..=1439,
        ) {
            let time = Timestamp { seconds, nanos };
            let text = written(time);
            let theirs: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(theirs.as_nanosecond(), i128::from(seconds) * i128::from(NANOS) + i128::from(nanos));
            prop_assert_eq!(Timestamp::parse(&text), Ok(time));
            prop_assert_eq!(Timestamp::from_micros(time.micros()).micros(), time.micros());
            let shifted = Timestamp { seconds: seconds + offset * 60, nanos };
            if shifted.check().is_ok() {
                let sign = if offset < 0 { '-' } else { '+' };
                let zone = format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
                prop_assert_eq!(Timestamp::parse(&written(shifted).replace('Z', &zone)), Ok(time));
            }
        }

        #[test]
        fn no_text_is_too_strange(text in "[-0-9TtZz:.+ é]{0,40}", near in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|[+-][0-2][0-9]:[0-6][0-9])") {
            for text in [text, near] {
                if let Ok(time) = Timestamp::parse(&text) {
                    prop_assert_eq!(Timestamp::parse(&written(time)), Ok(time));
                    let theirs: Result<jiff::Timestamp, _> = text.parse();
                    prop_assert!(theirs.is_ok() || time.seconds > 253_402_207_200, "{}", text);
                }
            }
        }
    }
}
