//! From the constraints of `Any` and `FieldMask` to checks.

use prost_reflect::{DynamicMessage, Value};

use super::{items_of, set, texts};
use crate::check::Check;
use crate::known_check::KnownCheck;

/// Those of an `Any`: on the URL of its type.
pub(super) fn anys(rules: &DynamicMessage) -> Vec<Check> {
    let checks = set(rules).into_iter().filter_map(|(name, value)| {
        let urls = texts(value.as_list()?);
        match name.as_str() {
            "in" => Some(KnownCheck::TypeIn(urls)),
            "not_in" => Some(KnownCheck::TypeNotIn(urls)),
            _ => None,
        }
    });
    checks.map(Check::Known).collect()
}

/// Those of a mask: on its paths.
pub(super) fn masks(rules: &DynamicMessage) -> Vec<Check> {
    let checks = set(rules).into_iter().filter_map(|(name, value)| match (name.as_str(), &value) {
        ("const", Value::Message(mask)) => Some(KnownCheck::PathsAre(items_of(mask, "paths"))),
        ("in", Value::List(paths)) => Some(KnownCheck::PathsIn(texts(paths))),
        ("not_in", Value::List(paths)) => Some(KnownCheck::PathsNotIn(texts(paths))),
        _ => None,
    });
    checks.map(Check::Known).collect()
}
