//! Constraints on durations, timestamps and bytes.

use mainstay_expr::re2::Pattern;
use mainstay_record::time::{Duration, Timestamp};
use prost_reflect::{DynamicMessage, Value};

use super::{Reader, outside, set};
use crate::check::{BytesCheck, Check, Integers, NowCheck};

impl Reader<'_, '_> {
    /// Bounds of durations and timestamps, which are stored in microseconds.
    pub(super) fn times(&mut self, rules: &DynamicMessage, family: &'static str) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, value) in set(rules) {
            if matches!(name.as_str(), "lt_now" | "gt_now" | "within") {
                checks.extend(self.by_now(&name, &value));
                continue;
            }
            let values = match value {
                Value::List(values) => values,
                value => vec![value],
            };
            let times: Option<Vec<(i64, String)>> = values.iter().map(|value| time(value, family)).collect();
            let Some(times) = times else {
                self.no_time(&[family, &name]);
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
        outside(checks)
    }

    /// What a timestamp is, seen from the time of the write.
    fn by_now(&mut self, name: &str, value: &Value) -> Option<Check> {
        let check = match (name, value) {
            ("lt_now", Value::Bool(true)) => NowCheck::Past,
            ("gt_now", Value::Bool(true)) => NowCheck::Future,
            ("within", value) => {
                let Some((micros, words)) = time(value, "duration") else {
                    self.no_time(&["timestamp", name]);
                    return None;
                };
                NowCheck::Within { micros, words }
            }
            _ => return None,
        };
        Some(Check::Now(check))
    }

    fn no_time(&mut self, steps: &[&str]) {
        let spot = self.spot(steps);
        self.report
            .error(&spot, "the bound is no time that is stored")
            .because("times are stored in microseconds, timestamps from the year 1 to 9999")
            .help("use a bound of whole microseconds");
    }

    /// Constraints on bytes.
    pub(super) fn bytes(&mut self, rules: &DynamicMessage) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, value) in set(rules) {
            if let ("pattern", Value::String(source)) = (name.as_str(), &value) {
                checks.extend(self.bytes_pattern(source));
            } else {
                checks.extend(of_bytes(&name, value));
            }
        }
        checks.into_iter().map(Check::Bytes).collect()
    }

    fn bytes_pattern(&mut self, source: &str) -> Option<BytesCheck> {
        match Pattern::new(source) {
            Ok(pattern) => Some(BytesCheck::Pattern(pattern)),
            Err(error) => {
                let spot = self.report.files.within(&self.spot(&["bytes", "pattern"]), error.range);
                self.report
                    .error(&spot, "the pattern is not a regular expression that can be used")
                    .because(error.message)
                    .help("write it in RE2's syntax (https://github.com/google/re2/wiki/Syntax)");
                None
            }
        }
    }
}

fn of_bytes(name: &str, value: Value) -> Vec<BytesCheck> {
    match (name, value) {
        ("const", Value::Bytes(value)) => vec![BytesCheck::In(vec![value.to_vec()])],
        ("len", Value::U64(length)) => vec![BytesCheck::MinLen(length), BytesCheck::MaxLen(length)],
        ("min_len", Value::U64(bound)) => vec![BytesCheck::MinLen(bound)],
        ("max_len", Value::U64(bound)) => vec![BytesCheck::MaxLen(bound)],
        ("prefix", Value::Bytes(part)) => vec![BytesCheck::Prefix(part.to_vec())],
        ("suffix", Value::Bytes(part)) => vec![BytesCheck::Suffix(part.to_vec())],
        ("contains", Value::Bytes(part)) => vec![BytesCheck::Contains(part.to_vec())],
        ("in", Value::List(values)) => vec![BytesCheck::In(all_bytes(&values))],
        ("not_in", Value::List(values)) => vec![BytesCheck::NotIn(all_bytes(&values))],
        ("ip", Value::Bool(true)) => vec![BytesCheck::Sizes(&[4, 16], "an IP address")],
        ("ipv4", Value::Bool(true)) => vec![BytesCheck::Sizes(&[4], "an IPv4 address")],
        ("ipv6", Value::Bool(true)) => vec![BytesCheck::Sizes(&[16], "an IPv6 address")],
        ("uuid", Value::Bool(true)) => vec![BytesCheck::Sizes(&[16], "a UUID")],
        _ => Vec::new(),
    }
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
