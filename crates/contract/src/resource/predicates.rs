//! Rules that have a name.

use std::collections::HashSet;

use mainstay_expr::{PredicateSource, Predicates, RecordType, compile_predicates};
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::annotations::OPTIONS;
use crate::file::Spot;
use crate::options::{items, message_option, text};
use crate::report::Report;
use crate::resource::access::told;
use crate::resource::head::Head;
use crate::resource::vocabulary::Vocabulary;
use crate::text::Step;

/// How many predicates a resource has at most.
pub const MAX_PREDICATES: usize = 64;

/// Compiles the predicates of all resources: each may name those of others.
pub(super) fn build(
    report: &mut Report<'_>,
    pool: &DescriptorPool,
    heads: &[Head],
    (known, failed): (&Vocabulary, &HashSet<String>),
) -> Predicates {
    let mut sources = Vec::new();
    let mut spots = Vec::new();
    for (table, head) in heads.iter().enumerate() {
        let option = message_option(pool, &head.message.options(), OPTIONS);
        let written = option.map(|option| items(&option, "predicate")).unwrap_or_default();
        if written.len() > MAX_PREDICATES {
            let spot = head.option(report, OPTIONS, &[Step::Item("predicate", MAX_PREDICATES)]);
            report
                .error(&spot, format!("more than {MAX_PREDICATES} predicates"))
                .help("remove those that no rule names");
        }
        for (position, value) in written.iter().take(MAX_PREDICATES).enumerate() {
            let Some(message) = value.as_message() else { continue };
            let spot = |report: &Report<'_>, part| {
                head.option(report, OPTIONS, &[Step::Item("predicate", position), Step::Field(part)])
            };
            let name_spot = spot(report, "name");
            let Some(source) = read(report, (table, &known.records[table]), message, &name_spot, &sources) else {
                continue;
            };
            spots.push((spot(report, "rule"), head));
            sources.push(source);
        }
    }
    let (predicates, problems) = compile_predicates(&sources, &known.scope());
    for (position, problems) in problems {
        let (spot, head) = &spots[position];
        let PredicateSource { name, rule, .. } = &sources[position];
        let what = format!("the predicate {name} of {}", head.message.full_name());
        told(report, failed, (&what, rule, spot), problems);
    }
    predicates
}

/// Reads one predicate; nothing where it cannot have its name.
fn read(
    report: &mut Report<'_>,
    (table, record): (usize, &RecordType),
    message: &DynamicMessage,
    spot: &Spot,
    others: &[PredicateSource],
) -> Option<PredicateSource> {
    let (name, rule) = (text(message, "name"), text(message, "rule"));
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_name || name.len() > 63 {
        report
            .error(spot, format!("`{name}` is no name for a predicate"))
            .because(
                "it is used like a field: lower-case letters, digits and underscores, at most 63, the first a letter",
            )
            .help("for example predicate {name: \"editable\" rule: \"resource.owner == auth.uid\"}");
        return None;
    }
    let taken = if record.field(&name).is_some() {
        "field"
    } else if record.children.iter().any(|child| child.name == name) {
        "child collection"
    } else if record.ancestors.iter().any(|ancestor| ancestor.name == name) {
        "ancestor"
    } else if others.iter().any(|other| other.table == table && other.name == name) {
        "predicate"
    } else {
        return Some(PredicateSource { table, name, rule });
    };
    report
        .error(spot, format!("{} has a {taken} `{name}` already", record.name))
        .because("a predicate is used like a field")
        .help("give the predicate another name");
    None
}
