//! `google.type.Date` as one integer, `yyyymmdd`, with zeros for the parts that a partial date leaves out.

use super::{TimeError, digits};

/// A date that may lack its year, its day, or its month and day (date.proto).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Date {
    pub year: i32,
    pub month: i32,
    pub day: i32,
}

impl Date {
    /// Refuses what date.proto does not allow.
    pub fn check(self) -> Result<Date, TimeError> {
        if !(0..=9999).contains(&self.year) {
            return Err(TimeError::Year);
        }
        if !(0..=12).contains(&self.month) {
            return Err(TimeError::Month);
        }
        if self.month == 0 && self.day != 0 {
            return Err(TimeError::DayAlone);
        }
        if self.year == 0 && self.month != 0 && self.day == 0 {
            return Err(TimeError::MonthAlone);
        }
        // 29 February recurs: a date without a year may name it
        let year = if self.year == 0 { 2000 } else { i64::from(self.year) };
        if self.day < 0 || (self.month != 0 && i64::from(self.day) > days_in_month(year, i64::from(self.month))) {
            return Err(TimeError::Day);
        }
        Ok(self)
    }

    /// Reads a whole date: `2026-01-31`.
    pub fn parse(text: &str) -> Result<Date, TimeError> {
        let bytes = text.as_bytes();
        let separated = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let part = |from, width| digits(bytes, from, width).and_then(|value| i32::try_from(value).ok());
        let parts = (part(0, 4), part(5, 2), part(8, 2));
        let (true, (Some(year), Some(month), Some(day))) = (separated, parts) else { return Err(TimeError::NoDate) };
        if year == 0 || month == 0 || day == 0 {
            return Err(TimeError::NoDate);
        }
        Date { year, month, day }.check()
    }

    /// The date as it is stored.
    pub fn number(self) -> i64 {
        i64::from(self.year) * 10_000 + i64::from(self.month) * 100 + i64::from(self.day)
    }

    /// The date of a stored number; nothing where it is out of range.
    pub fn from_number(number: i64) -> Option<Date> {
        let part = |value: i64| i32::try_from(value).ok();
        let date = Date { year: part(number / 10_000)?, month: part(number / 100 % 100)?, day: part(number % 100)? };
        date.check().ok()
    }
}

/// How many days a month has in the Gregorian calendar.
pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_date_is_read_as_jiff_does(text in "[0-9]{4}-[0-2][0-9]-[0-4][0-9]") {
            let theirs: Option<jiff::civil::Date> = text.parse().ok().filter(|date: &jiff::civil::Date| date.year() > 0);
            let ours = Date::parse(&text).ok();
            prop_assert_eq!(ours.map(|date| date.year), theirs.map(|date| date.year().into()));
            prop_assert_eq!(ours.map(|date| (date.month, date.day)), theirs.map(|date| (date.month().into(), date.day().into())));
            prop_assert_eq!(ours.and_then(|date| Date::from_number(date.number())), ours);
        }
    }

    #[test]
    fn a_date_has_one_spelling() {
        for text in [
            "",
            "2026-1-31",
            "2026-01",
            "20260131",
            "2026-01-31Z",
            "2026-01-31T00:00:00Z",
            "0000-01-01",
            "-026-01-01",
            "é26-01-31",
        ] {
            assert_eq!(Date::parse(text), Err(TimeError::NoDate), "{text}");
        }
        assert_eq!(Date::parse("2026-02-29"), Err(TimeError::Day));
        assert_eq!(Date::parse("2026-13-01"), Err(TimeError::Month));
    }
}
