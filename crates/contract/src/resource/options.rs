//! Where the options of a field are, and whether its aliases are good.

use std::collections::HashMap;

use mainstay_record::names::json_name;
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::annotations::{self, FIELD, FieldOptions};
use crate::capabilities;
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
        .tightened(spot, format!("{field} is not the identifier of a resource"))
        .because("IDENTIFIER belongs on the field `name` of the resource (AIP-203)")
        .help("remove IDENTIFIER from the field");
}

/// A field has rules of its own where it is known by itself: a message comes and goes with all that is in it.
pub(crate) fn refuse_rules(report: &mut Report<'_>, field: &FieldDescriptor, options: &FieldOptions) {
    for (verb, _) in [("read", &options.read), ("write", &options.write)].into_iter().filter(|(_, rule)| rule.is_some())
    {
        let spot = spot(report, field, FIELD, &[Step::Field(verb)]);
        let what = format!("a rule for {verb} on {}, a field inside a message,", field.full_name());
        capabilities::refuse(report, &spot, "rules of fields inside messages", &what);
    }
    if options.subject == Some(true) {
        report
            .error(
                &spot(report, field, FIELD, &[Step::Field("subject")]),
                format!("{} is inside a message", field.full_name()),
            )
            .because("subject says whose a row is, which a field of the resource itself does")
            .help("leave it out, and have a field of the resource hold the account");
    }
}

/// Former names must be names, and nobody else's today, in the contract or in JSON.
pub(crate) fn check_aliases(report: &mut Report<'_>, message: &MessageDescriptor) {
    let fields: Vec<(FieldDescriptor, Vec<String>)> =
        message.fields().map(|field| (field.clone(), annotations::read(&field).aliases)).collect();
    let mut taken: HashMap<String, FieldDescriptor> = HashMap::new();
    for (field, _) in &fields {
        for name in [field.name(), field.json_name()] {
            taken.entry(name.to_owned()).or_insert_with(|| field.clone());
        }
    }
    for (field, aliases) in &fields {
        for (i, alias) in aliases.iter().enumerate() {
            check_alias(report, field, i, alias, &mut taken);
        }
    }
}

fn check_alias(
    report: &mut Report<'_>,
    field: &FieldDescriptor,
    position: usize,
    alias: &str,
    taken: &mut HashMap<String, FieldDescriptor>,
) {
    let valid = alias.starts_with(|c: char| c.is_ascii_alphabetic())
        && alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let spot = spot(report, field, FIELD, &[Step::Item("aliases", position)]);
    if !valid {
        report
            .error(&spot, format!("`{alias}` is not a name that a field can have had"))
            .help("write a former name of the field");
        return;
    }
    for name in [alias.to_owned(), json_name(alias)] {
        let owner = taken.entry(name.clone()).or_insert_with(|| field.clone());
        if *owner != *field {
            let it = if name == alias { "it".to_owned() } else { format!("in JSON it is `{name}`, which") };
            report
                .tightened(&spot, format!("the alias `{alias}` is taken"))
                .because(format!("{it} names {} too, so input could mean either", owner.full_name()))
                .help("remove the alias");
            return;
        }
    }
}
