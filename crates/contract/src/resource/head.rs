//! Which messages are resources, and what they are called: all that one resource must know of another.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::capabilities;
use crate::file::{Spot, tag};
use crate::naming::{self, MAX_IDENTIFIER_BYTES};
use crate::options::{items, message_option, optional_text, text};
use crate::pattern::Pattern;
use crate::report::Report;
use crate::text::{Step, literal_offsets};

pub(crate) const RESOURCE: &str = "google.api.resource";

/// First parts of table names that the engines or Mainstay itself use.
const RESERVED_TABLES: [&str; 4] = ["sqlite_", "pg_", "mainstay_", "__"];

/// A resource, before its fields are looked at.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub message: MessageDescriptor,
    pub type_name: String,
    pub pattern: Pattern,
    pub singular: String,
    pub plural: String,
    pub table: String,
    /// Of the message's name.
    pub spot: Spot,
}

impl Head {
    /// The message's own name: `Product`.
    pub(crate) fn short_name(&self) -> &str {
        self.message.name()
    }

    pub(crate) fn package(&self) -> &str {
        self.message.package_name()
    }

    /// A part of an option of the message.
    pub(crate) fn option(&self, report: &Report<'_>, extension: &str, steps: &[Step<'_>]) -> Spot {
        let file = self.message.parent_file();
        report.option(file.name(), self.message.path(), tag::MESSAGE_OPTIONS, extension, steps)
    }
}

/// Finds the resources of the written files, sorted by type.
pub(crate) fn find(report: &mut Report<'_>, pool: &DescriptorPool) -> Vec<Head> {
    let mut heads = Vec::new();
    for file in pool.files().filter(|file| report.files.index(file.name()).is_some()) {
        for message in file.messages() {
            heads.extend(head(report, pool, &message));
            message.child_messages().for_each(|child| refuse_nested(report, pool, &child));
        }
    }
    check_unique(report, &heads);
    heads.sort_by(|a, b| a.type_name.cmp(&b.type_name));
    heads
}

fn refuse_nested(report: &mut Report<'_>, pool: &DescriptorPool, message: &MessageDescriptor) {
    if message_option(pool, &message.options(), RESOURCE).is_some() {
        let spot = report.name(message.parent_file().name(), message.path());
        capabilities::refuse(report, &spot, "nested resource messages", "a resource declared inside another message");
    }
    message.child_messages().for_each(|child| refuse_nested(report, pool, &child));
}

fn head(report: &mut Report<'_>, pool: &DescriptorPool, message: &MessageDescriptor) -> Option<Head> {
    let file = message.parent_file();
    let name = report.name(file.name(), message.path());
    let Some(option) = message_option(pool, &message.options(), RESOURCE) else {
        if message_option(pool, &message.options(), "mainstay.v1.resource").is_some() {
            let spot = report.option(file.name(), message.path(), tag::MESSAGE_OPTIONS, "mainstay.v1.resource", &[]);
            report
                .error(&spot, format!("{} is not a resource", message.full_name()))
                .because("(mainstay.v1.resource) needs (google.api.resource), which says its type and pattern")
                .help(example(message));
        }
        return None;
    };
    let spot = |report: &Report<'_>, steps: &[Step<'_>]| {
        report.option(file.name(), message.path(), tag::MESSAGE_OPTIONS, RESOURCE, steps)
    };
    let before = report.errors();
    if message.package_name().is_empty() {
        report
            .error(&name, format!("{} has no package", message.full_name()))
            .because("the package is part of the service's name and of the REST path")
            .help("add `package shop.v1;` to the file");
    }
    let type_name = text(&option, "type");
    if !is_type(&type_name) {
        let at = spot(report, &[Step::Field("type")]);
        report
            .error(&at, format!("`{type_name}` is not a resource type"))
            .because("a type is a domain, a slash and a kind in upper camel case (AIP-123)")
            .help(format!("for example type: \"shop.example.com/{}\"", message.name()));
    }
    let patterns: Vec<String> =
        items(&option, "pattern").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    let pattern = match patterns.as_slice() {
        [] => {
            report.error(&spot(report, &[]), "the resource has no pattern").help(example(message));
            None
        }
        [one] => parse_pattern(report, one, &spot(report, &[Step::Item("pattern", 0)])),
        _ => {
            let at = spot(report, &[Step::Item("pattern", 1)]);
            capabilities::refuse(report, &at, "several patterns", "a resource with more than one pattern");
            None
        }
    }?;
    let singular = naming::snake(message.name());
    let plural = naming::snake(&pattern.collection);
    for (field, wanted) in [("singular", naming::lower_camel(message.name())), ("plural", pattern.collection.clone())] {
        if let Some(written) = optional_text(&option, field).filter(|written| *written != wanted) {
            let at = spot(report, &[Step::Field(field)]);
            report
                .error(&at, format!("the {field} is `{wanted}`, not `{written}`"))
                .because("methods and fields are named after the message and the pattern's collection")
                .help(format!("write {field}: \"{wanted}\", or leave it out"));
        }
    }
    let table = naming::table(message.package_name(), message.name());
    check_table(report, &name, &table);
    let spot = name;
    (report.errors() == before).then(|| Head {
        message: message.clone(),
        type_name,
        pattern,
        singular,
        plural,
        table,
        spot,
    })
}

fn example(message: &MessageDescriptor) -> String {
    let singular = naming::snake(message.name());
    let collection = naming::lower_camel(message.name());
    format!(
        "for example option (google.api.resource) = {{type: \"shop.example.com/{}\" pattern: \"{collection}s/{{{singular}}}\"}};",
        message.name()
    )
}

fn is_type(name: &str) -> bool {
    let Some((service, kind)) = name.split_once('/') else { return false };
    let service_fits = !service.is_empty() && service.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    service_fits
        && kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.chars().all(|c| c.is_ascii_alphanumeric())
        && kind.len() <= 100
}

fn parse_pattern(report: &mut Report<'_>, source: &str, spot: &Spot) -> Option<Pattern> {
    let problem = match Pattern::parse(source) {
        Ok(pattern) => return Some(pattern),
        Err(problem) => problem,
    };
    let offsets = literal_offsets(report.files.text(spot.file), spot.range.clone());
    let at = |offset: usize| offsets.get(offset).copied().unwrap_or(spot.range.end);
    let at = Spot { file: spot.file, range: at(problem.range.start)..at(problem.range.end) };
    match problem.capability {
        Some(capability) => {
            capabilities::refuse(report, &at, capability, "a pattern that ends with a collection (a singleton)");
        }
        None => {
            report
                .error(&at, format!("the pattern does not fit: {}", problem.message))
                .because("a pattern is collections and variables in turn (AIP-122)")
                .help("for example products/{product} or publishers/{publisher}/books/{book}");
        }
    }
    None
}

fn check_table(report: &mut Report<'_>, spot: &Spot, table: &str) {
    if table.len() > MAX_IDENTIFIER_BYTES {
        report
            .error(spot, format!("the table's name would be {} bytes long", table.len()))
            .because(format!("{table} is longer than the {MAX_IDENTIFIER_BYTES} bytes that PostgreSQL keeps"))
            .help("shorten the message's or the package's name");
    }
    if let Some(prefix) = RESERVED_TABLES.iter().find(|prefix| table.starts_with(*prefix)) {
        report
            .error(spot, format!("the table's name would be {table}"))
            .because(format!("names that begin with {prefix} are reserved in the database"))
            .help("choose another package");
    }
}

/// Types, tables and paths are each somebody's alone.
fn check_unique(report: &mut Report<'_>, heads: &[Head]) {
    let keys: [(&str, fn(&Head) -> String, &str); 3] = [
        (
            "type",
            |head| head.type_name.clone(),
            "give each resource a type of its own; it is the identity of its table",
        ),
        ("table", |head| head.table.clone(), "rename one of the messages"),
        (
            "pattern",
            |head| format!("{} {}", head.package(), head.pattern.shape()),
            "use another collection for one of them",
        ),
    ];
    for (what, key, help) in keys {
        let mut first: HashMap<String, &Head> = HashMap::new();
        for head in heads {
            let Some(other) = first.get(&key(head)) else {
                first.insert(key(head), head);
                continue;
            };
            report
                .error(
                    &head.spot,
                    format!("{} and {} have the same {what}", other.message.full_name(), head.message.full_name()),
                )
                .because(format!("both are {}", key(head).trim()))
                .help(help);
        }
    }
}
