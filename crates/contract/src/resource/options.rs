//! Where the options of a field are, and whether its aliases are good.

use std::collections::HashMap;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::annotations::{self, FIELD};
use crate::file::{Spot, tag};
use crate::report::Report;
use crate::text::Step;

/// A part of an option of a field.
pub(crate) fn spot(report: &Report<'_>, field: &FieldDescriptor, extension: &str, steps: &[Step<'_>]) -> Spot {
    report.option(field.parent_file().name(), field.path(), tag::FIELD_OPTIONS, extension, steps)
}

/// IDENTIFIER says something of one field only.
pub(crate) fn refuse_identifier(report: &mut Report<'_>, spot: &Spot, field: &str) {
    report
        .error(spot, format!("{field} is not the identifier of a resource"))
        .because("IDENTIFIER belongs on the field `name` of the resource (AIP-203)")
        .help("remove IDENTIFIER from the field");
}

/// Former names must be names, and nobody else's today.
pub(crate) fn check_aliases(report: &mut Report<'_>, message: &MessageDescriptor) {
    let aliases: Vec<(FieldDescriptor, Vec<String>)> = message
        .fields()
        .map(|field| (field.clone(), annotations::read(&field).aliases))
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
