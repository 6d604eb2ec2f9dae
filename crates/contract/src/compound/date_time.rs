//! `google.type.DateTime`: a time as a calendar and a clock show it, with an offset, a zone, or neither.

use mainstay_record::time::Date;
use mainstay_record::{Value, Violation};

use crate::check::int;

const YEAR: u32 = 1;
const MONTH: u32 = 2;
const DAY: u32 = 3;
const UTC_OFFSET: u32 = 8;

/// The parts of the clock, by number, and how far each goes. There are no leap seconds, as in timestamps.
const CLOCK: [(u32, &str, i64); 4] =
    [(4, "hours", 23), (5, "minutes", 59), (6, "seconds", 59), (7, "nanos", 999_999_999)];
/// How far from UTC an offset is at most.
const MAX_OFFSET_US: i64 = 18 * 3_600 * MICROS;
const MICROS: i64 = 1_000_000;

/// A time of which nothing is set says nothing, so it is let through. All others have a day of the calendar, perhaps without
/// its year.
pub(super) fn check(path: &str, part: impl Fn(u32) -> Value, found: &mut Vec<Violation>) {
    let number = |field: u32| int(part(field).borrow());
    let mut report = |field: &str, description: &str| {
        found.push(Violation { field: format!("{path}.{field}"), description: description.to_owned() });
    };
    let says_nothing = (1..=7).all(|field| number(field) == 0);
    let narrow = |field| i32::try_from(number(field)).unwrap_or(-1);
    let date = Date { year: narrow(YEAR), month: narrow(MONTH), day: narrow(DAY) };
    if !(0..=9_999).contains(&date.year) {
        report("year", "must be from 1 to 9999, or 0 where there is none");
    } else if !says_nothing && !(1..=12).contains(&date.month) {
        report("month", "must be from 1 to 12");
    } else if !says_nothing && (date.day < 1 || date.check().is_err()) {
        report("day", "must be a day of its month");
    }
    for (field, name, most) in CLOCK {
        if !(0..=most).contains(&number(field)) {
            report(name, &format!("must be from 0 to {most}"));
        }
    }
    let offset = number(UTC_OFFSET);
    if offset.abs() > MAX_OFFSET_US || offset % MICROS != 0 {
        report("utc_offset", "must be whole seconds, from -18 to 18 hours");
    }
}
