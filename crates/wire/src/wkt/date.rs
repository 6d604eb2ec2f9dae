//! `google.type.Date` as one integer, `yyyymmdd`, with zeros for the parts that a partial date leaves out.

use crate::fail::Fail;

/// A date that may lack its year, its day, or its month and day (date.proto).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Date {
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) day: i32,
}

impl Date {
    /// Refuses what date.proto does not allow.
    pub(crate) fn check(self) -> Result<Date, Fail> {
        if !(0..=9999).contains(&self.year) {
            return Err(Fail::value("the year of a date must be from 1 to 9999, or 0 where it has none"));
        }
        if !(0..=12).contains(&self.month) {
            return Err(Fail::value("the month of a date must be from 1 to 12, or 0 where it has none"));
        }
        if self.month == 0 && self.day != 0 {
            return Err(Fail::value("a date with a day needs a month"));
        }
        if self.year == 0 && self.month != 0 && self.day == 0 {
            return Err(Fail::value("a date of a month alone needs a year or a day"));
        }
        // 29 February recurs: a date without a year may name it
        let year = if self.year == 0 { 2000 } else { i64::from(self.year) };
        if self.day < 0 || (self.month != 0 && i64::from(self.day) > days_in_month(year, i64::from(self.month))) {
            return Err(Fail::value("the month of this date has no such day"));
        }
        Ok(self)
    }

    pub(crate) fn number(self) -> i64 {
        i64::from(self.year) * 10_000 + i64::from(self.month) * 100 + i64::from(self.day)
    }

    /// The date of a stored number; nothing where it is out of range.
    pub(crate) fn from_number(number: i64) -> Option<Date> {
        let part = |value: i64| i32::try_from(value).ok();
        let date = Date { year: part(number / 10_000)?, month: part(number / 100 % 100)?, day: part(number % 100)? };
        date.check().ok()
    }
}

/// How many days a month has in the Gregorian calendar.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
