//! What is said of a field beside its type: behaviours, aliases, default, reference.

use std::collections::HashMap;

use prost_reflect::{FieldDescriptor, MessageDescriptor, Value};

use crate::file::{Spot, tag};
use crate::model::Behaviors;
use crate::options::{items, message_option, optional_text, text};
use crate::report::Report;
use crate::text::Step;

pub(crate) const FIELD: &str = "mainstay.v1.field";
pub(crate) const REFERENCE: &str = "google.api.resource_reference";

/// The options of one field, as written.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldOptions {
    pub behaviors: Behaviors,
    pub aliases: Vec<String>,
    pub default: Option<String>,
    /// The type of the resource that the field refers to.
    pub reference: Option<String>,
}

pub(crate) fn read(field: &FieldDescriptor) -> FieldOptions {
    let (pool, options) = (field.parent_pool(), field.options());
    let mut found = FieldOptions { behaviors: behaviors(field), ..FieldOptions::default() };
    if let Some(option) = message_option(pool, &options, FIELD) {
        found.aliases =
            items(&option, "aliases").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        found.default = optional_text(&option, "default");
    }
    found.reference = message_option(pool, &options, REFERENCE).map(|option| text(&option, "type"));
    found
}

fn behaviors(field: &FieldDescriptor) -> Behaviors {
    let mut found = Behaviors::default();
    let Some(extension) = field.parent_pool().get_extension_by_name("google.api.field_behavior") else { return found };
    let options = field.options();
    let values = options.get_extension(&extension).into_owned();
    for value in values.as_list().unwrap_or_default() {
        match value {
            Value::EnumNumber(2) => found.required = true,
            Value::EnumNumber(3) => found.output_only = true,
            Value::EnumNumber(5) => found.immutable = true,
            Value::EnumNumber(8) => found.identifier = true,
            _ => {}
        }
    }
    found
}

/// A part of an option of a field.
pub(crate) fn spot(report: &Report<'_>, field: &FieldDescriptor, extension: &str, steps: &[Step<'_>]) -> Spot {
    report.option(field.parent_file().name(), field.path(), tag::FIELD_OPTIONS, extension, steps)
}

/// Former names must be names, and nobody else's today.
pub(crate) fn check_aliases(report: &mut Report<'_>, message: &MessageDescriptor) {
    let aliases: Vec<(FieldDescriptor, Vec<String>)> = message
        .fields()
        .map(|field| (field.clone(), read(&field).aliases))
        .filter(|(_, aliases)| !aliases.is_empty())
        .collect();
    if aliases.is_empty() {
        return;
    }
    let names = message.fields().flat_map(|field| {
        let owner = field.full_name().to_owned();
        [(field.name().to_owned(), owner.clone()), (field.json_name().to_owned(), owner)]
    });
    let mut taken: HashMap<String, String> = names.collect();
    for (field, aliases) in aliases {
        for (i, alias) in aliases.iter().enumerate() {
            check_alias(report, &field, i, alias, &mut taken);
        }
    }
}

fn check_alias(
    report: &mut Report<'_>,
    field: &FieldDescriptor,
    position: usize,
    alias: &str,
    taken: &mut HashMap<String, String>,
) {
    let valid = alias.starts_with(|c: char| c.is_ascii_alphabetic())
        && alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let spot = spot(report, field, FIELD, &[Step::Item("aliases", position)]);
    if !valid {
        report
            .error(&spot, format!("`{alias}` is not a name that a field can have had"))
            .help("write a former name of the field");
    } else if let Some(other) = taken.insert(alias.to_owned(), field.full_name().to_owned()) {
        report
            .error(&spot, format!("the alias `{alias}` is taken"))
            .because(format!("it names {other} too, so input could mean either"))
            .help("remove the alias");
    }
}
