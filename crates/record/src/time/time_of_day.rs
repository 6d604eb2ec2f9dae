//! `google.type.TimeOfDay` as one integer, the nanoseconds since midnight.

use std::fmt;

use super::{TimeError, digits, fraction};

const NANOS_OF_SECOND: i64 = 1_000_000_000;

/// A time of day without a date; 24:00:00 is its end. There are no leap seconds, as in timestamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeOfDay {
    pub hours: i32,
    pub minutes: i32,
    pub seconds: i32,
    pub nanos: i32,
}

impl TimeOfDay {
    /// Refuses what timeofday.proto does not allow, and leap seconds.
    pub fn check(self) -> Result<TimeOfDay, TimeError> {
        let parts = [(self.hours, 24), (self.minutes, 59), (self.seconds, 59), (self.nanos, 999_999_999)];
        if self.seconds == 60 {
            return Err(TimeError::LeapSecond);
        }
        let fits = parts.into_iter().all(|(part, most)| (0..=most).contains(&part));
        let ends = self.hours < 24 || (self.minutes, self.seconds, self.nanos) == (0, 0, 0);
        if fits && ends { Ok(self) } else { Err(TimeError::TimeOfDay) }
    }

    /// Reads a text: `08:30`, `08:30:15`, `08:30:15.5`.
    pub fn parse(text: &str) -> Result<TimeOfDay, TimeError> {
        let bytes = text.as_bytes();
        let part = |from| digits(bytes, from, 2).and_then(|value| i32::try_from(value).ok());
        let separated = |at: usize| bytes.len() == at || bytes.get(at) == Some(&b':');
        let (Some(hours), Some(minutes)) = (part(0), part(3)) else { return Err(TimeError::NoTimeOfDay) };
        if bytes.get(2) != Some(&b':') || !separated(5) {
            return Err(TimeError::NoTimeOfDay);
        }
        let (seconds, nanos) = match (bytes.len(), part(6), bytes.get(8), text.get(9..)) {
            (5, ..) => (0, 0),
            (8, Some(seconds), None, _) => (seconds, 0),
            (_, Some(seconds), Some(b'.'), Some(rest)) => (seconds, fraction(rest).ok_or(TimeError::NoTimeOfDay)?),
            _ => return Err(TimeError::NoTimeOfDay),
        };
        TimeOfDay { hours, minutes, seconds, nanos }.check()
    }

    /// The time as it is stored.
    pub fn number(self) -> i64 {
        let seconds = (i64::from(self.hours) * 60 + i64::from(self.minutes)) * 60 + i64::from(self.seconds);
        seconds * NANOS_OF_SECOND + i64::from(self.nanos)
    }

    /// The time of a stored number; nothing where it is out of range.
    pub fn from_number(number: i64) -> Option<TimeOfDay> {
        let part = |value: i64| i32::try_from(value).ok();
        let seconds = number.div_euclid(NANOS_OF_SECOND);
        let time = TimeOfDay {
            hours: part(seconds / 3_600)?,
            minutes: part(seconds / 60 % 60)?,
            seconds: part(seconds % 60)?,
            nanos: part(number.rem_euclid(NANOS_OF_SECOND))?,
        };
        time.check().ok()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.hours, self.minutes, self.seconds)?;
        if self.nanos == 0 {
            return Ok(());
        }
        write!(f, ".{}", format!("{:09}", self.nanos).trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_of_day_is_the_same_in_every_form(number in 0i64..=86_400 * NANOS_OF_SECOND) {
            let time = TimeOfDay::from_number(number).unwrap();
            prop_assert_eq!(time.number(), number);
            prop_assert_eq!(TimeOfDay::parse(&time.to_string()), Ok(time));
        }

        #[test]
        fn a_time_of_day_is_read_as_jiff_does(text in "[0-2][0-9]:[0-6][0-9]:[0-5][0-9](\\.[0-9]{1,9})?") {
            let theirs: Option<jiff::civil::Time> = text.parse().ok();
            let ours = TimeOfDay::parse(&text).ok().filter(|time| time.hours < 24);
            let parts = |time: jiff::civil::Time| (time.hour().into(), time.minute().into(), time.second().into(), time.subsec_nanosecond());
            prop_assert_eq!(ours.map(|it| (it.hours, it.minutes, it.seconds, it.nanos)), theirs.map(parts));
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in [
            "",
            "8:30",
            "08",
            "0830",
            "08:30:",
            "08:30:1",
            "08:30:15.",
            "08:30:15,5",
            "08:30Z",
            "08:30:15.1234567890",
            "é8:30",
        ] {
            assert_eq!(TimeOfDay::parse(text), Err(TimeError::NoTimeOfDay), "{text}");
        }
        for text in ["24:00:01", "25:00", "00:60", "24:00:00.1"] {
            assert_eq!(TimeOfDay::parse(text), Err(TimeError::TimeOfDay), "{text}");
        }
        assert_eq!(TimeOfDay::parse("23:59:60"), Err(TimeError::LeapSecond));
        assert!(TimeOfDay::parse("24:00").is_ok_and(|time| time.number() == 86_400 * NANOS_OF_SECOND));
        assert_eq!(TimeOfDay::from_number(-1), None);
    }
}
