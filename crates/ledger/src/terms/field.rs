//! What is promised of a field beside its type and its columns.

use mainstay_contract::{Check, Container, FieldModel, Items, JsonChecks, field_options};
use prost_reflect::FieldDescriptor;
use serde::{Deserialize, Serialize};

/// What is said of checks that do not pass over a zero.
pub(crate) const ZERO_TOO: &str = "is checked where it is zero, too";

/// The terms of one field, wherever it lies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FieldTerms {
    pub json_name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// As it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_only: bool,
    /// What is inside the field's JSON must satisfy, in words; of a field inside JSON all that it must satisfy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<String>,
}

impl FieldTerms {
    pub(crate) fn of(field: &FieldDescriptor, mut inner: Vec<String>) -> FieldTerms {
        let options = field_options(field);
        let mut aliases = options.aliases;
        aliases.sort();
        inner.sort();
        FieldTerms {
            json_name: field.json_name().to_owned(),
            aliases,
            default: options.default,
            immutable: options.behaviors.immutable,
            output_only: options.behaviors.output_only,
            inner,
        }
    }
}

/// What a field of the columns must satisfy beside [`FieldModel::checks`], in words.
pub(crate) fn own_rules(model: &FieldModel) -> Vec<String> {
    let items = model.json_checks.iter().flat_map(|checks| item_rules(&checks.items));
    items.chain(zero_rule(model.ignore_zero, &model.checks)).collect()
}

/// What a field of a message inside JSON must satisfy, in words.
pub(crate) fn inner_rules(checks: Option<&JsonChecks>, message: usize, number: u32) -> Vec<String> {
    let fields = checks.and_then(|checks| checks.messages.get(message));
    let Some(field) = fields.and_then(|fields| fields.iter().find(|field| field.number == number)) else {
        return Vec::new();
    };
    let own = field.checks.iter().map(ToString::to_string);
    let required = field.required.then(|| "is required".to_owned());
    // Unset is told from zero, so zero is checked like everything else.
    let skips = field.ignore_zero || (field.presence && field.container == Container::One);
    own.chain(item_rules(&field.items)).chain(required).chain(zero_rule(skips, &field.checks)).collect()
}

/// What the elements must satisfy, in words.
fn item_rules(items: &Items) -> impl Iterator<Item = String> {
    let zero = if items.ignore_zero { ", unless it is zero" } else { "" };
    items.checks.iter().map(move |check| format!("each {check}{zero}"))
}

/// Where a zero passes unchecked is where less is asked.
fn zero_rule(ignored: bool, checks: &[Check]) -> Option<String> {
    (!ignored && !checks.is_empty()).then(|| ZERO_TOO.to_owned())
}
