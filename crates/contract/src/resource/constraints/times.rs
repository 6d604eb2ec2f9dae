//! Constraints on durations, timestamps and bytes.

use mainstay_record::time::{Duration, Timestamp};
use prost_reflect::{DynamicMessage, Value};

use super::{Reader, bounds, set};
use crate::check::{BytesCheck, Check, Integers};

impl Reader<'_, '_> {
    /// Bounds of durations and timestamps, which are stored in microseconds.
    pub(super) fn times(&mut self, rules: &DynamicMessage, family: &'static str) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, value) in set(rules) {
            let values = match value {
                Value::List(values) => values,
                value => vec![value],
            };
            let times: Option<Vec<(i64, String)>> = values.iter().map(|value| time(value, family)).collect();
            let Some(times) = times else {
                let spot = self.spot(&[family, &name]);
                self.report
                    .error(&spot, "the bound is no time that is stored")
                    .because("times are stored in microseconds, timestamps from the year 1 to 9999")
                    .help("use a bound of whole microseconds");
                continue;
            };
            let Some((bound, first)) = times.first().cloned() else { continue };
            let numbers = Integers::new(times.iter().map(|(micros, _)| *micros).collect());
            let listed = times.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(", ");
            let (check, words) = match name.as_str() {
                "gt" => (Check::IntMin { bound, exclusive: true }, format!("must be greater than {first}")),
                "gte" => (Check::IntMin { bound, exclusive: false }, format!("must be at least {first}")),
                "lt" => (Check::IntMax { bound, exclusive: true }, format!("must be less than {first}")),
                "lte" => (Check::IntMax { bound, exclusive: false }, format!("must be at most {first}")),
                "const" | "in" => (Check::IntIn(numbers), format!("must be one of {listed}")),
                "not_in" => (Check::IntNotIn(numbers), format!("must be none of {listed}")),
                _ => continue,
            };
            checks.push(Check::Time { check: Box::new(check), words });
        }
        let plain = checks
            .iter()
            .map(|check| if let Check::Time { check, .. } = check { (**check).clone() } else { check.clone() });
        self.crossed(bounds(&plain.collect::<Vec<_>>()), &[family]);
        checks
    }
}

pub(super) fn bytes(rules: &DynamicMessage) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, value) in set(rules) {
        match (name.as_str(), value) {
            ("const", Value::Bytes(value)) => checks.push(BytesCheck::In(vec![value.to_vec()])),
            ("len", Value::U64(length)) => checks.extend([BytesCheck::MinLen(length), BytesCheck::MaxLen(length)]),
            ("min_len", Value::U64(bound)) => checks.push(BytesCheck::MinLen(bound)),
            ("max_len", Value::U64(bound)) => checks.push(BytesCheck::MaxLen(bound)),
            ("prefix", Value::Bytes(part)) => checks.push(BytesCheck::Prefix(part.to_vec())),
            ("suffix", Value::Bytes(part)) => checks.push(BytesCheck::Suffix(part.to_vec())),
            ("contains", Value::Bytes(part)) => checks.push(BytesCheck::Contains(part.to_vec())),
            ("in", Value::List(values)) => checks.push(BytesCheck::In(all_bytes(&values))),
            ("not_in", Value::List(values)) => checks.push(BytesCheck::NotIn(all_bytes(&values))),
            _ => {}
        }
    }
    checks.into_iter().map(Check::Bytes).collect()
}

fn all_bytes(values: &[Value]) -> Vec<Vec<u8>> {
    values.iter().filter_map(|value| value.as_bytes().map(|bytes| bytes.to_vec())).collect()
}

/// The microseconds of a duration or a timestamp, and how it is written.
fn time(value: &Value, family: &str) -> Option<(i64, String)> {
    let message = value.as_message()?;
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    let nanos = message.get_field_by_name("nanos")?.as_i32()?;
    let mut text = Vec::new();
    let micros = if family == "duration" {
        let duration = Duration { seconds, nanos }.check().ok()?;
        duration.put(&mut text);
        duration.micros()
    } else {
        let time = Timestamp { seconds, nanos }.check().ok()?;
        time.put(&mut text);
        time.micros()
    };
    (nanos % 1_000 == 0).then(|| (micros, String::from_utf8_lossy(&text).into_owned()))
}
