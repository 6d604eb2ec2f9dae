//! What is promised of a field beside its type and its columns.

use std::collections::BTreeMap;

use mainstay_contract::{Check, Container, FieldModel, Items, JsonChecks, Keys, field_options};
use prost_reflect::FieldDescriptor;
use serde::{Deserialize, Serialize};

use super::json_name_of;

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
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
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
            options: super::options::of_field(field),
        }
    }
}

/// The names of a field that were taken on input and are no more, each as it stood in the contract. `was` and `now`: its
/// name, and its terms as far as they are known.
pub(crate) fn lost_names(was: (&str, Option<&FieldTerms>), now: (&str, &FieldTerms)) -> Vec<String> {
    let taken: Vec<String> = names_of(now.0, Some(now.1)).collect();
    let mut lost: Vec<String> = names_of(was.0, was.1).filter(|name| !taken.contains(name)).collect();
    lost.dedup();
    lost
}

/// The names that a field is called on input: its own, that in JSON, and the same of its aliases.
fn names_of(name: &str, terms: Option<&FieldTerms>) -> impl Iterator<Item = String> {
    let json_name = terms.map_or_else(|| json_name_of(name), |terms| terms.json_name.clone());
    let aliases: Vec<String> = terms.iter().flat_map(|terms| &terms.aliases).cloned().collect();
    let aliases = aliases.into_iter().flat_map(|alias| [json_name_of(&alias), alias]);
    [name.to_owned(), json_name].into_iter().chain(aliases)
}

/// What a field of the columns must satisfy beside [`FieldModel::checks`], in words.
pub(crate) fn own_rules(model: &FieldModel) -> Vec<String> {
    let items = model.json_checks.iter().flat_map(|checks| item_rules(&checks.items).chain(key_rules(&checks.keys)));
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
    own.chain(item_rules(&field.items))
        .chain(key_rules(&field.keys))
        .chain(required)
        .chain(zero_rule(skips, &field.checks))
        .collect()
}

/// What the elements must satisfy, in words.
fn item_rules(items: &Items) -> impl Iterator<Item = String> {
    let zero = if items.ignore_zero { ", unless it is zero" } else { "" };
    items.checks.iter().map(move |check| format!("each {check}{zero}"))
}

/// What the keys must satisfy, in words.
fn key_rules(keys: &Keys) -> impl Iterator<Item = String> {
    keys.checks.iter().map(|check| format!("each key {check}"))
}

/// Where a zero passes unchecked is where less is asked.
fn zero_rule(ignored: bool, checks: &[Check]) -> Option<String> {
    (!ignored && !checks.is_empty()).then(|| ZERO_TOO.to_owned())
}
