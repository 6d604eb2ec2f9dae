//! Conditions that are written once and asked of many fields: extensions of the messages that hold constraints, such as
//! `buf.validate.StringRules`, with `(buf.validate.predefined)`.

use mainstay_expr::{Given, Said};
use mainstay_record::time::{Duration, Timestamp};
use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, ReflectMessage as _, Value};

use super::conditions::Written;
use crate::file::{Spot, tag};
use crate::options::{items, message_option, text};
use crate::report::Report;
use crate::text::Step;

/// The option of such an extension.
pub(crate) const PREDEFINED: &str = "buf.validate.predefined";

/// The messages that can be extended so.
const RULES: &str = "buf.validate.";

/// Where such a condition is written, and what a field says to it.
pub(crate) struct Predefined {
    pub extension: ExtensionDescriptor,
    /// Nothing where it is what no condition can be asked with.
    pub said: Option<Said>,
}

/// Says whether something extends constraints with conditions.
pub(crate) fn is_predefined(extension: &ExtensionDescriptor) -> bool {
    extends_rules(extension) && option(extension).is_some()
}

/// Says whether something extends constraints.
pub(crate) fn extends_rules(extension: &ExtensionDescriptor) -> bool {
    let extended = extension.containing_message();
    extended.full_name().strip_prefix(RULES).is_some_and(|name| name.ends_with("Rules"))
}

fn option(extension: &ExtensionDescriptor) -> Option<DynamicMessage> {
    message_option(extension.parent_pool(), &extension.options(), PREDEFINED)
}

/// Those that constraints name, in the order of their numbers.
pub(super) fn of(rules: &DynamicMessage) -> Vec<Written> {
    let mut found = Vec::new();
    for (family, value) in rules.fields() {
        let Value::Message(family_rules) = value else { continue };
        if family.containing_oneof().is_none() {
            continue;
        }
        let mut named: Vec<_> = family_rules.extensions().collect();
        named.sort_by_key(|(extension, _)| extension.number());
        for (extension, value) in named {
            let Some(option) = option(&extension) else { continue };
            let said = given(value).map(|rule| Said { rule, rules: beside(family_rules) });
            found.extend(items(&option, "cel").iter().enumerate().filter_map(|(position, written)| {
                let Value::Message(written) = written else { return None };
                let [id, message, source] = ["id", "message", "expression"].map(|name| text(written, name));
                let predefined = Predefined { extension: extension.clone(), said: said.clone() };
                Some(Written { id, message, source, bare: false, list: "cel", position, predefined: Some(predefined) })
            }));
        }
    }
    found
}

impl Predefined {
    /// Where the expression is written.
    pub fn spot(&self, report: &Report<'_>, position: usize) -> Spot {
        let steps = [Step::Item("cel", position), Step::Field("expression")];
        let file = self.extension.parent_file();
        report.option(file.name(), self.extension.path(), tag::FIELD_OPTIONS, PREDEFINED, &steps)
    }

    /// The source as the ledger knows it: with what the field says.
    pub fn source(&self, source: &str) -> String {
        let said = self.said.as_ref().map_or_else(String::new, |said| said.rule.to_string());
        format!("{source} (rule: {said})")
    }
}

/// The standard constraints beside an extension.
fn beside(rules: &DynamicMessage) -> Vec<(String, bool, Given)> {
    let fields = rules.descriptor();
    let fields = fields.fields().filter_map(|field: FieldDescriptor| {
        let value = given(&rules.get_field(&field))?;
        Some((field.name().to_owned(), rules.has_field(&field), value))
    });
    fields.collect()
}

fn given(value: &Value) -> Option<Given> {
    Some(match value {
        Value::Bool(value) => Given::Bool(*value),
        Value::I32(value) | Value::EnumNumber(value) => Given::Int(i64::from(*value)),
        Value::I64(value) => Given::Int(*value),
        Value::U32(value) => Given::Int(i64::from(*value)),
        Value::U64(value) => Given::Int(i64::try_from(*value).ok()?),
        Value::F32(value) => Given::Double(f64::from(*value)),
        Value::F64(value) => Given::Double(*value),
        Value::String(value) => Given::Text(value.clone()),
        Value::Bytes(value) => Given::Bytes(value.to_vec()),
        Value::List(values) => Given::List(values.iter().map(given).collect::<Option<_>>()?),
        Value::Message(message) => time(message)?,
        Value::Map(_) => return None,
    })
}

fn time(message: &DynamicMessage) -> Option<Given> {
    let seconds = message.get_field_by_name("seconds")?.as_i64()?;
    let nanos = message.get_field_by_name("nanos")?.as_i32()?;
    let mut shown = Vec::new();
    let is_duration = message.descriptor().full_name() == "google.protobuf.Duration";
    match is_duration {
        true => Duration { seconds, nanos }.check().ok()?.put(&mut shown),
        false => Timestamp { seconds, nanos }.check().ok()?.put(&mut shown),
    }
    let shown = String::from_utf8(shown).ok()?;
    Some(if is_duration { Given::Duration(shown) } else { Given::Timestamp(shown) })
}
