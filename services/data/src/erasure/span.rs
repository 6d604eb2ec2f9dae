//! Times of rows that must not overlap with those of others (`exclude`): one that is emptied would be for ever.

use mainstay_contract::Span;
use mainstay_record::Value;
use mainstay_record::time::Date;

use super::noise::Noise;
use super::place::{Outcome, Place};
use crate::plans::ResourcePlan;

/// Times to come at which nothing is yet, in microseconds since 1970, and as years.
const TO_COME: (i64, i64) = (4_102_444_800_000_000, 7_258_118_400_000_000);
const YEARS: (i64, i64) = (2100, 2199);

/// As far apart as the numbers of two days that follow one another can be: the last of a year, and the first of the next.
const APART: i64 = 8_870;

/// What was emptied, and what the names of indexes draw by.
type Emptied<'e> = (&'e mut [Place], &'e dyn Fn(&str) -> Noise);

/// Puts times that say nothing in the places of those that were emptied, as short as there are: inside the row's own time, where one end
/// of it stays; else at some time to come.
pub fn fill_spans(plan: &ResourcePlan, old: &[Value], row: &mut [Value], (places, noise): Emptied<'_>) {
    let resource = &plan.resource;
    for index in &resource.indexes {
        let Some(Span { from, to }) = index.span.filter(|_| index.has(row)) else { continue };
        let emptied = |column: usize| {
            let path =
                &resource.field_of(column).filter(|_| row[column].is_null() && !old[column].is_null())?.field_path;
            let is_it = |place: &Place| place.way.path == *path && place.outcome != Outcome::Unfit;
            places.iter().position(is_it)
        };
        let (begins, ends) = (emptied(from), emptied(to));
        if begins.is_some() {
            let former = if ends.is_none() { neighbour(&row[to], -1) } else { None };
            row[from] = former.unwrap_or_else(|| some_time(&old[from], noise(&index.name)));
        }
        if ends.is_some() {
            row[to] = neighbour(&row[from], 1).unwrap_or_else(|| some_time(&old[to], noise(&index.name)));
        }
        for place in [begins, ends].into_iter().flatten() {
            places[place].outcome = Outcome::Pseudonymised;
        }
    }
}

/// The time beside another, before or after it.
fn neighbour(time: &Value, step: i64) -> Option<Value> {
    match time {
        Value::Timestamp(micros) => micros.checked_add(step).map(Value::Timestamp),
        // Not every number is a day.
        Value::Int(day) => (1..=APART).map(|far| day + far * step).find(|day| is_day(*day)).map(Value::Int),
        _ => None,
    }
}

fn is_day(number: i64) -> bool {
    Date::from_number(number).is_some_and(|date| date.year != 0 && date.day != 0)
}

/// A time of the same kind.
fn some_time(like: &Value, mut noise: Noise) -> Value {
    if let Value::Timestamp(_) = like {
        return Value::Timestamp(noise.between(TO_COME.0, TO_COME.1));
    }
    let year = noise.between(YEARS.0, YEARS.1);
    Value::Int(year * 10_000 + noise.between(1, 12) * 100 + noise.between(1, 28))
}
