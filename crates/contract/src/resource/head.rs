//! Which messages are resources, and what they are called: all that one resource must know of another.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};

use crate::annotations::{OPTIONS, RESOURCE};
use crate::capabilities;
use crate::file::{Spot, WrittenFile, tag};
use crate::machine::{self, Written};
use crate::naming::{self, MAX_IDENTIFIER_BYTES};
use crate::options::{items, message_option, optional_text, text};
use crate::pattern::Pattern;
use crate::report::Report;
use crate::reserved::reserved_beginning;
use crate::text::Step;

/// The option by which deleted rows are kept.
pub(crate) const SOFT_DELETE: &str = "soft_delete";

/// The option by which rows belong to organisations.
pub(crate) const TENANT: &str = "tenant";

/// A resource, before its fields are looked at.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub message: MessageDescriptor,
    pub type_name: String,
    pub pattern: Pattern,
    pub singular: String,
    pub plural: String,
    pub table: String,
    /// Whether a deletion keeps the row.
    pub soft_delete: bool,
    /// Whether each row belongs to an organisation: where that is said of it, or of what it lies below.
    pub tenant: bool,
    /// What takes its rows from state to state, as it is written.
    pub transitions: Vec<Written>,
    /// Of the message's name.
    pub spot: Spot,
}

impl Head {
    /// The message's own name: `Product`.
    pub(crate) fn short_name(&self) -> &str {
        self.message.name()
    }

    /// The message as its package's files name it: `Order.Line` where it is declared inside `Order`.
    pub(crate) fn name_in_package(&self) -> &str {
        let name = self.message.full_name();
        name.strip_prefix(self.package()).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
    }

    /// The service that is derived for it: `ProductService`.
    pub(crate) fn service_name(&self) -> String {
        format!("{}Service", self.short_name())
    }

    pub(crate) fn package(&self) -> &str {
        self.message.package_name()
    }

    /// The resource that it lies below.
    pub(crate) fn parent<'h>(&self, heads: &'h [Head]) -> Option<&'h Head> {
        let shape = self.pattern.parent_shape()?;
        heads.iter().find(|other| other.package() == self.package() && other.pattern.shape == shape)
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
        each_message(file.messages(), &mut |message| heads.extend(head(report, pool, message)));
    }
    check_unique(report, &heads);
    heads.sort_by(|a, b| a.type_name.cmp(&b.type_name));
    heads
}

/// Visits messages, those that are declared inside others as well.
pub(crate) fn each_message(
    messages: impl Iterator<Item = MessageDescriptor>,
    visit: &mut impl FnMut(&MessageDescriptor),
) {
    let mut pending: Vec<MessageDescriptor> = messages.collect();
    pending.reverse();
    while let Some(message) = pending.pop() {
        visit(&message);
        let inner: Vec<MessageDescriptor> = message.child_messages().collect();
        pending.extend(inner.into_iter().rev());
    }
}

fn head(report: &mut Report<'_>, pool: &DescriptorPool, message: &MessageDescriptor) -> Option<Head> {
    let Some(option) = message_option(pool, &message.options(), RESOURCE) else {
        refuse_half_resource(report, pool, message);
        return None;
    };
    let before = report.errors();
    let spot = report.name(message.parent_file().name(), message.path());
    let declared = Declared { message, option };
    declared.check_package(report, &spot);
    let type_name = declared.type_name(report);
    let pattern = declared.pattern(report)?;
    declared.check_names(report, &pattern);
    let table = naming::table(message.package_name(), message.name());
    check_table(report, &spot, &table);
    let (singular, plural) = (naming::snake(message.name()), naming::snake(&pattern.collection));
    let soft_delete = is_set(pool, message, SOFT_DELETE);
    let tenant = is_set(pool, message, TENANT);
    let transitions = machine::named(message);
    let message = message.clone();
    let head = Head { message, type_name, pattern, singular, plural, table, soft_delete, tenant, transitions, spot };
    (report.errors() == before).then_some(head)
}

/// Says whether an option of a message is true.
fn is_set(pool: &DescriptorPool, message: &MessageDescriptor, name: &str) -> bool {
    let option = message_option(pool, &message.options(), OPTIONS);
    option.is_some_and(|option| option.get_field_by_name(name).is_some_and(|value| *value == Value::Bool(true)))
}

fn refuse_half_resource(report: &mut Report<'_>, pool: &DescriptorPool, message: &MessageDescriptor) {
    if message_option(pool, &message.options(), OPTIONS).is_some() {
        let file = message.parent_file();
        let spot = report.option(file.name(), message.path(), tag::MESSAGE_OPTIONS, OPTIONS, &[]);
        report
            .error(&spot, format!("{} is not a resource", message.full_name()))
            .because("(mainstay.v1.resource) needs (google.api.resource), which says its type and pattern")
            .help(format!("for example {}", example(message)));
    }
}

/// A message with `google.api.resource`.
struct Declared<'m> {
    message: &'m MessageDescriptor,
    option: DynamicMessage,
}

impl Declared<'_> {
    fn spot(&self, report: &Report<'_>, steps: &[Step<'_>]) -> Spot {
        let file = self.message.parent_file();
        report.option(file.name(), self.message.path(), tag::MESSAGE_OPTIONS, RESOURCE, steps)
    }

    fn check_package(&self, report: &mut Report<'_>, spot: &Spot) {
        if self.message.package_name().is_empty() {
            let package = self.package(report);
            report
                .error(spot, format!("{} has no package", self.message.full_name()))
                .because("the package is part of the service's name and of the REST path")
                .help(format!("add `package {package};` to the file"));
        }
    }

    /// The package that the file's folders stand for, else that of another file, else one of its own.
    fn package(&self, report: &Report<'_>) -> String {
        let files = &report.files.all;
        let file = report.files.index(self.message.parent_file().name()).map(|index| &files[index]);
        let folder =
            |file: &WrittenFile| file.source.path.rsplit_once('/').map_or("", |(folders, _)| folders).to_owned();
        let folders = file.map(folder).unwrap_or_default();
        let beside = files.iter().filter(|other| folder(other) == folders).filter_map(|other| other.parsed.as_ref());
        if let Some(beside) = beside.map(|file| file.package()).find(|package| !package.is_empty()) {
            return beside.to_owned();
        }
        let is_name =
            |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase()) && !part.contains(['-', ' ', '.']);
        if !folders.is_empty() && folders.split('/').all(is_name) {
            return folders.replace('/', ".");
        }
        let mut others = files.iter().filter_map(|file| file.parsed.as_ref()).map(|file| file.package());
        let other = others.find(|package| !package.is_empty());
        other.map_or_else(|| format!("{}.v1", naming::snake(self.message.name())), str::to_owned)
    }

    fn type_name(&self, report: &mut Report<'_>) -> String {
        let type_name = text(&self.option, "type");
        if !is_type(&type_name) {
            let at = self.spot(report, &[Step::Field("type")]);
            report
                .error(&at, format!("`{type_name}` is not a resource type"))
                .because("a type is a domain, a slash and a kind in upper camel case (AIP-123)")
                .help(format!("for example type: \"{}/{}\"", domain(self.message), self.message.name()));
        }
        type_name
    }

    fn pattern(&self, report: &mut Report<'_>) -> Option<Pattern> {
        let patterns = items(&self.option, "pattern");
        match patterns.as_slice() {
            [] => {
                let at = self.spot(report, &[]);
                report.error(&at, "the resource has no pattern").help(format!("for example {}", example(self.message)));
                None
            }
            [one] => {
                let at = self.spot(report, &[Step::Item("pattern", 0)]);
                parse_pattern(report, one.as_str().unwrap_or_default(), &at)
            }
            _ => {
                let at = self.spot(report, &[Step::Item("pattern", 1)]);
                capabilities::refuse(report, &at, "several patterns", "a resource with more than one pattern");
                None
            }
        }
    }

    fn check_names(&self, report: &mut Report<'_>, pattern: &Pattern) {
        let singular = naming::lower_camel(self.message.name());
        for (field, wanted) in [("singular", &singular), ("plural", &pattern.collection)] {
            // Nobody is called by the plural of what there is one of.
            let counts = field == "singular" || !pattern.singleton;
            if let Some(written) = optional_text(&self.option, field).filter(|written| counts && written != wanted) {
                let at = self.spot(report, &[Step::Field(field)]);
                report
                    .error(&at, format!("the {field} is `{wanted}`, not `{written}`"))
                    .because("methods and fields are named after the message and the pattern's collection")
                    .help(format!("write {field}: \"{wanted}\", or leave it out"));
            }
        }
    }
}

/// A domain for the types of the message's application.
fn domain(message: &MessageDescriptor) -> String {
    match message.package_name().split('.').next() {
        Some(first) if !first.is_empty() => format!("{}.example.com", first.replace('_', "-")),
        _ => "example.com".to_owned(),
    }
}

/// The option that makes a message a resource.
pub(crate) fn example(message: &MessageDescriptor) -> String {
    let singular = naming::snake(message.name());
    let collection = naming::lower_camel(message.name());
    format!(
        "option (google.api.resource) = {{type: \"{}/{}\" pattern: \"{collection}s/{{{singular}}}\"}};",
        domain(message),
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
    let at = report.files.within(spot, problem.range);
    report
        .error(&at, format!("the pattern does not fit: {}", problem.message))
        .because("a pattern is collections and variables in turn (AIP-122); what there is one of ends with its own name (AIP-156)")
        .help("for example products/{product}, publishers/{publisher}/books/{book} or users/{user}/settings");
    None
}

fn check_table(report: &mut Report<'_>, spot: &Spot, table: &str) {
    if table.len() > MAX_IDENTIFIER_BYTES {
        report
            .error(spot, format!("the table's name would be {} bytes long", table.len()))
            .because(format!("{table} is longer than the {MAX_IDENTIFIER_BYTES} bytes that PostgreSQL keeps"))
            .help("shorten the message's or the package's name");
    }
    if let Some(prefix) = reserved_beginning(table) {
        report
            .error(spot, format!("the table's name would be {table}"))
            .because(format!("names that begin with {prefix} are reserved in the database"))
            .help("choose another package");
    }
}

/// What no two resources share: its name, how to tell it, and what to do.
struct Unique {
    what: &'static str,
    key: fn(&Head) -> String,
    help: &'static str,
}

const UNIQUE: [Unique; 3] = [
    Unique {
        what: "type",
        key: |head| head.type_name.clone(),
        help: "give each resource a type of its own; it is the identity of its table",
    },
    Unique { what: "table", key: |head| head.table.clone(), help: "rename one of the messages" },
    Unique {
        what: "pattern",
        key: |head| format!("{} {}", head.package(), head.pattern.shape),
        help: "use another collection for one of them",
    },
];

fn check_unique(report: &mut Report<'_>, heads: &[Head]) {
    for Unique { what, key, help } in UNIQUE {
        let mut first: HashMap<String, &Head> = HashMap::new();
        for head in heads {
            let Some(other) = first.get(&key(head)) else {
                first.insert(key(head), head);
                continue;
            };
            let (one, two) = (other.message.full_name(), head.message.full_name());
            report
                .error(&head.spot, format!("{one} and {two} have the same {what}"))
                .because(format!("both are {}", key(head)))
                .help(help);
        }
    }
}
