//! What is said of a field beside its type: behaviours, aliases, default, reference.

use std::collections::HashSet;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};

use crate::options::{items, message_option, of_field, optional_text, text};

pub(crate) const RESOURCE: &str = "google.api.resource";
pub(crate) const REFERENCE: &str = "google.api.resource_reference";
/// Mainstay's own options of a resource, and those of a field.
pub(crate) const OPTIONS: &str = "mainstay.v1.resource";
pub(crate) const FIELD: &str = "mainstay.v1.field";

/// `google.api.field_behavior` (AIP-203), and `(buf.validate.field).required`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Behaviors {
    pub required: bool,
    pub immutable: bool,
    pub output_only: bool,
    pub identifier: bool,
}

/// What becomes of a row when what it refers to, or lies below, is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDelete {
    /// It keeps that from being deleted.
    #[default]
    Restrict,
    /// It is deleted, too.
    Cascade,
    /// It refers to nothing.
    SetNull,
}

/// The options of one field, as written.
#[derive(Debug, Clone, Default)]
pub struct FieldOptions {
    pub behaviors: Behaviors,
    pub aliases: Vec<String>,
    pub default: Option<String>,
    /// Who sees the field, and who sets it.
    pub read: Option<String>,
    pub write: Option<String>,
    /// The type of the resource that the field refers to.
    pub reference: Option<String>,
    /// What is to become of the row when that is deleted.
    pub on_delete: Option<OnDelete>,
    /// Following the reference never comes back to where it began.
    pub acyclic: bool,
    /// The value is of a kind that no log, trace or error text says (`class`).
    pub classed: bool,
    /// Of which kind.
    pub class: Option<String>,
    /// Whether it says whose the row is.
    pub subject: Option<bool>,
}

/// Reads what is said of a field, wherever it lies.
pub fn read(field: &FieldDescriptor) -> FieldOptions {
    let Some(options) = of_field(field) else { return FieldOptions::default() };
    let pool = field.parent_pool();
    let mut found = FieldOptions { behaviors: behaviors(pool, &options), ..FieldOptions::default() };
    if let Some(option) = message_option(pool, &options, FIELD) {
        found.aliases =
            items(&option, "aliases").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        found.default = optional_text(&option, "default");
        found.on_delete = on_delete(&option, "on_delete");
        found.read = optional_text(&option, "read");
        found.write = optional_text(&option, "write");
        found.acyclic = option.get_field_by_name("acyclic").is_some_and(|value| *value == Value::Bool(true));
        found.class = class(&option);
        found.classed = found.class.is_some();
        found.subject = optional_flag(&option, "subject");
    }
    found.reference = message_option(pool, &options, REFERENCE).map(|option| text(&option, "type"));
    found
}

/// Reads the name of a `mainstay.v1.DataClass`; nothing where it is unset.
fn class(option: &DynamicMessage) -> Option<String> {
    let number = option.get_field_by_name("class")?.as_enum_number().filter(|number| *number != 0)?;
    let field = option.descriptor().get_field_by_name("class")?;
    let known = field.kind().as_enum().and_then(|class| class.get_value(number)).map(|value| value.name().to_owned());
    Some(known.unwrap_or_else(|| number.to_string()))
}

/// Reads a flag that may be unset.
fn optional_flag(option: &DynamicMessage, field: &str) -> Option<bool> {
    let descriptor = option.descriptor().get_field_by_name(field)?;
    option.has_field(&descriptor).then(|| option.get_field(&descriptor).as_bool()).flatten()
}

/// The regular expression that the texts of a field, or those in its list, must match, where the contract has one.
pub fn pattern(field: &FieldDescriptor) -> Option<String> {
    optional_text(&inside(&value_rules(field)?, "string")?, "pattern")
}

/// The least and the greatest whole number that a field, or those in its list, may hold, where the contract has one; of a time
/// or a duration, the seconds.
pub fn range(field: &FieldDescriptor) -> (Option<i64>, Option<i64>) {
    let Some(rules) = value_rules(field) else { return (None, None) };
    let bound = |name: &str, step: i64| {
        rules.fields().find_map(|(_, of_kind)| {
            let of_kind = of_kind.as_message()?;
            let bound = of_kind.descriptor().get_field_by_name(name)?;
            of_kind.has_field(&bound).then(|| whole(&of_kind.get_field(&bound)))??.checked_add(step)
        })
    };
    (bound("gte", 0).or_else(|| bound("gt", 1)), bound("lte", 0).or_else(|| bound("lt", -1)))
}

/// The constraints on the values of a field, or on those in its list.
fn value_rules(field: &FieldDescriptor) -> Option<DynamicMessage> {
    let rules = message_option(field.parent_pool(), &of_field(field)?, "buf.validate.field")?;
    if field.is_list() { inside(&inside(&rules, "repeated")?, "items") } else { Some(rules) }
}

fn inside(message: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let descriptor = message.descriptor().get_field_by_name(name)?;
    message.has_field(&descriptor).then(|| message.get_field(&descriptor).as_message().cloned()).flatten()
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::I32(value) => Some((*value).into()),
        Value::I64(value) => Some(*value),
        Value::U32(value) => Some((*value).into()),
        Value::U64(value) => i64::try_from(*value).ok(),
        Value::Message(time) => time.get_field_by_name("seconds")?.as_i64(),
        _ => None,
    }
}

/// Reads a field of the type `mainstay.v1.OnDelete`; nothing where it is unset.
pub(crate) fn on_delete(option: &DynamicMessage, field: &str) -> Option<OnDelete> {
    match option.get_field_by_name(field)?.as_enum_number()? {
        1 => Some(OnDelete::Restrict),
        2 => Some(OnDelete::Cascade),
        3 => Some(OnDelete::SetNull),
        _ => None,
    }
}

/// The former names of the fields of a message, each with its field's number.
pub fn aliases(pool: &DescriptorPool, message: &str) -> Vec<(String, u32)> {
    let Some(message) = pool.get_message_by_name(message) else { return Vec::new() };
    let fields = message.fields();
    fields.flat_map(|field| read(&field).aliases.into_iter().map(move |alias| (alias, field.number()))).collect()
}

/// The numbers of the fields of a message whose values no log, trace or error text says.
pub fn classed(pool: &DescriptorPool, message: &str) -> Vec<u32> {
    let Some(message) = pool.get_message_by_name(message) else { return Vec::new() };
    message.fields().filter(|field| read(field).classed).map(|field| field.number()).collect()
}

/// Whether a message holds such a value, at whatever depth.
pub fn holds_classed(message: &MessageDescriptor) -> bool {
    holds(message, |options| options.classed)
}

/// Whether a message holds something, at whatever depth, that is erased with a person: what is FINANCIAL is kept.
pub(crate) fn holds_erased(message: &MessageDescriptor) -> bool {
    holds(message, |options| options.class.is_some_and(|class| class != "FINANCIAL"))
}

fn holds(message: &MessageDescriptor, is_it: impl Fn(FieldOptions) -> bool) -> bool {
    let (mut pending, mut seen) = (vec![message.clone()], HashSet::new());
    while let Some(message) = pending.pop() {
        for field in message.fields() {
            if is_it(read(&field)) {
                return true;
            }
            let inner = field.kind().as_message().cloned();
            pending.extend(inner.filter(|inner| seen.insert(inner.full_name().to_owned())));
        }
    }
    false
}

fn behaviors(pool: &DescriptorPool, options: &DynamicMessage) -> Behaviors {
    let mut found = Behaviors::default();
    let Some(extension) = pool.get_extension_by_name("google.api.field_behavior") else { return found };
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
