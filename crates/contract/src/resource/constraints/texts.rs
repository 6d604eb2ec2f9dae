//! Constraints on texts.

use mainstay_expr::re2::Pattern;
use prost_reflect::{DynamicMessage, Value};

use super::{Reader, bounds, set, texts};
use crate::Format;
use crate::check::Check;

impl Reader<'_, '_> {
    pub(super) fn strings(&mut self, rules: &DynamicMessage) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, value) in set(rules) {
            match (name.as_str(), value) {
                ("const", Value::String(value)) => checks.push(Check::TextIn(vec![value])),
                ("len", Value::U64(length)) => checks.extend([Check::TextMinLen(length), Check::TextMaxLen(length)]),
                ("min_len", Value::U64(bound)) => checks.push(Check::TextMinLen(bound)),
                ("max_len", Value::U64(bound)) => checks.push(Check::TextMaxLen(bound)),
                ("in", Value::List(values)) => checks.push(Check::TextIn(texts(&values))),
                ("not_in", Value::List(values)) => checks.push(Check::TextNotIn(texts(&values))),
                ("pattern", Value::String(source)) => checks.extend(self.pattern(&source)),
                ("len_bytes", Value::U64(bytes)) => {
                    checks.extend([Check::TextMinBytes(bytes), Check::TextMaxBytes(bytes)]);
                }
                ("min_bytes", Value::U64(bound)) => checks.push(Check::TextMinBytes(bound)),
                ("max_bytes", Value::U64(bound)) => checks.push(Check::TextMaxBytes(bound)),
                ("prefix", Value::String(part)) => checks.push(Check::TextPrefix(part)),
                ("suffix", Value::String(part)) => checks.push(Check::TextSuffix(part)),
                ("contains", Value::String(part)) => checks.push(Check::TextContains(part)),
                ("not_contains", Value::String(part)) => checks.push(Check::TextNotContains(part)),
                ("well_known_regex", Value::EnumNumber(regex)) => checks.extend(header(rules, regex)),
                (format, Value::Bool(true)) => checks.extend(Format::of(format).map(Check::TextFormat)),
                _ => {}
            }
        }
        self.impossible(bounds(&checks), &["string"]);
        checks
    }

    fn pattern(&mut self, source: &str) -> Option<Check> {
        let error = match Pattern::new(source) {
            Ok(pattern) => return Some(Check::TextPattern(pattern)),
            Err(error) => error,
        };
        let former = Pattern::of_former_dialect(source).filter(|_| self.report.applied);
        let spot = self.report.files.within(&self.spot(&["string", "pattern"]), error.range);
        let message = "the pattern is not a regular expression that can be used";
        let draft = match former {
            Some(_) => self.report.tightened(&spot, message),
            None => self.report.error(&spot, message),
        };
        draft.because(error.message).help("write it in RE2's syntax (https://github.com/google/re2/wiki/Syntax)");
        former.map(Check::TextPattern)
    }
}

/// What a header is, loosely only where it says so.
fn header(rules: &DynamicMessage, regex: i32) -> Option<Check> {
    let strict = rules.get_field_by_name("strict").is_none_or(|value| value.as_bool() != Some(false));
    let is_written = set(rules).iter().any(|(name, _)| name == "strict");
    let strict = strict || !is_written;
    match regex {
        1 => Some(Check::TextFormat(Format::HeaderName { strict })),
        2 => Some(Check::TextFormat(Format::HeaderValue { strict })),
        _ => None,
    }
}
