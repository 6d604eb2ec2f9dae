//! From `(buf.validate.field)` to checks. What is not implemented is refused before, by the capability table.

pub(crate) mod conditions;
mod known;
mod predefined;
mod texts;
mod times;
pub(crate) mod written;

use mainstay_record::Kind;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind as ProtoKind, MessageDescriptor, Value};

use crate::capabilities;
use crate::check::{Check, Integers};
use crate::file::{Spot, tag};
use crate::options::{items, message_option, of_field};
use crate::report::Report;
use crate::resource::types::map_value;
use crate::text::Step;
use crate::{Items, Keys};

pub(crate) const FIELD: &str = "buf.validate.field";

/// The constraints of one field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Constraints {
    pub required: bool,
    pub ignore_zero: bool,
    pub checks: Vec<Check>,
    /// On the elements of a repeated field.
    pub items: Items,
    /// On the keys of a map.
    pub keys: Keys,
    /// There are conditions written out, on the field or on what is in it: see `conditions`.
    pub conditional: bool,
}

/// Reads a field's constraints, and reports those that do not fit the field.
pub(crate) fn read(report: &mut Report<'_>, field: &FieldDescriptor) -> Constraints {
    let rules = of_field(field).and_then(|options| message_option(field.parent_pool(), &options, FIELD));
    let Some(rules) = rules else {
        return Constraints::default();
    };
    let mut reader = Reader { report, field, value: map_value(field), steps: Vec::new() };
    let found = reader.rules(&rules, field.is_list() || field.is_map());
    Constraints { conditional: conditions::are_in(&rules), ..found }
}

fn number(rules: &DynamicMessage, field: &str) -> Option<i32> {
    rules.get_field_by_name(field).and_then(|value| value.as_enum_number())
}

struct Reader<'a, 'f> {
    report: &'a mut Report<'f>,
    /// Where the constraints are written.
    field: &'a FieldDescriptor,
    /// What they are about: the field, an element of it, or the key of an entry.
    value: FieldDescriptor,
    steps: Vec<&'static str>,
}

impl Reader<'_, '_> {
    fn spot(&self, steps: &[&str]) -> Spot {
        let steps: Vec<Step<'_>> = self.steps.iter().chain(steps).map(|step| Step::Field(step)).collect();
        let file = self.field.parent_file();
        self.report.option(file.name(), self.field.path(), tag::FIELD_OPTIONS, FIELD, &steps)
    }

    fn rules(&mut self, rules: &DynamicMessage, list: bool) -> Constraints {
        let mut found = Constraints {
            required: rules.get_field_by_name("required").is_some_and(|value| value.as_bool() == Some(true)),
            ..Constraints::default()
        };
        let wanted = if list { family(self.field, true) } else { family(&self.value, false) };
        for (rule, value) in rules.fields() {
            let (name, Value::Message(value)) = (rule.name(), value) else { continue };
            if rule.containing_oneof().is_none() {
                continue;
            }
            if name != wanted {
                let spot = self.spot(&[name]);
                self.report
                    .error(&spot, format!("`{name}` constraints do not fit {}", self.field.name()))
                    .because(format!("the field's type takes `{wanted}` constraints"))
                    .help(format!("write (buf.validate.field).{wanted}"));
                continue;
            }
            match name {
                "repeated" => self.repeated(value, &mut found),
                "map" => self.map(value, &mut found),
                "bytes" => found.checks = self.bytes(value),
                "duration" | "timestamp" => found.checks = self.times(value, wanted),
                "string" => found.checks = self.strings(value),
                "any" => found.checks = known::anys(value),
                "field_mask" => found.checks = known::masks(value),
                "bool" => found.checks = bools(value),
                "enum" => found.checks = self.integers(value, "enum"),
                "float" | "double" => found.checks = self.doubles(value, wanted),
                _ => found.checks = self.integers(value, wanted),
            }
        }
        match number(rules, "ignore") {
            // IGNORE_ALWAYS: the constraints stand there for others.
            Some(3) => {
                self.refuse_ignored_message();
                Constraints::default()
            }
            // IGNORE_IF_ZERO_VALUE
            Some(1) => Constraints { ignore_zero: true, ..found },
            _ => found,
        }
    }

    /// Whoever ignores a message ignores what stands on its fields, which are checked one by one here.
    fn refuse_ignored_message(&mut self) {
        let value = map_value(self.field);
        if matches!(value.kind(), ProtoKind::Message(message) if !message.full_name().starts_with("google.")) {
            let spot = self.spot(&["ignore"]);
            let what = format!("IGNORE_ALWAYS on {}, whose value is a message,", self.field.name());
            capabilities::refuse_from_now_on(self.report, &spot, "IGNORE_ALWAYS on messages", &what);
        }
    }

    fn repeated(&mut self, rules: &DynamicMessage, found: &mut Constraints) {
        for (name, value) in set(rules) {
            match (name.as_str(), value) {
                ("min_items", Value::U64(bound)) => found.checks.push(Check::MinItems(bound)),
                ("max_items", Value::U64(bound)) => found.checks.push(Check::MaxItems(bound)),
                ("unique", Value::Bool(true)) => self.unique(found),
                ("items", Value::Message(items)) => self.items(&items, ["repeated", "items"], found),
                _ => {}
            }
        }
        self.impossible(bounds(&found.checks), &["repeated"]);
    }

    /// Messages are not compared.
    fn unique(&mut self, found: &mut Constraints) {
        let spot = self.spot(&["repeated", "unique"]);
        match map_value(self.field).kind() {
            ProtoKind::Message(message) if wrapped(&message).is_none() => {
                self.report
                    .error(&spot, format!("`unique` does not fit {}", self.field.name()))
                    .because("its elements are messages, and only scalars are compared")
                    .help("leave it out, or make the elements a resource with a unique index");
            }
            _ => found.checks.push(Check::Unique),
        }
    }

    /// The entries of a map; on its values stands what stands on elements.
    fn map(&mut self, rules: &DynamicMessage, found: &mut Constraints) {
        for (name, value) in set(rules) {
            match (name.as_str(), value) {
                ("min_pairs", Value::U64(bound)) => found.checks.push(Check::MinItems(bound)),
                ("max_pairs", Value::U64(bound)) => found.checks.push(Check::MaxItems(bound)),
                ("values", Value::Message(values)) => self.items(&values, ["map", "values"], found),
                ("keys", Value::Message(keys)) => self.keys(&keys, found),
                _ => {}
            }
        }
        self.impossible(bounds(&found.checks), &["map"]);
    }

    /// What stands on each key, which is always set.
    fn keys(&mut self, keys: &DynamicMessage, found: &mut Constraints) {
        let ProtoKind::Message(entry) = self.field.kind() else { return };
        self.steps.extend(["map", "keys"]);
        let value = std::mem::replace(&mut self.value, entry.map_entry_key_field());
        let inner = self.rules(keys, false);
        let kind = match self.value.kind() {
            ProtoKind::String => Kind::Text,
            ProtoKind::Bool => Kind::Bool,
            _ => Kind::Int,
        };
        self.value = value;
        self.steps.clear();
        found.keys = Keys { checks: inner.checks, kind: Some(kind) };
    }

    /// What stands on each element.
    fn items(&mut self, items: &DynamicMessage, steps: [&'static str; 2], found: &mut Constraints) {
        self.steps.extend(steps);
        let inner = self.rules(items, false);
        if inner.required {
            let name = "(buf.validate.field).repeated.items.required";
            let spot = self.spot(&["required"]);
            capabilities::refuse_from_now_on(self.report, &spot, name, &format!("`{name}`"));
        }
        self.steps.clear();
        found.items = Items { checks: inner.checks, ignore_zero: inner.ignore_zero };
    }

    fn integers(&mut self, rules: &DynamicMessage, family: &'static str) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, value) in set(rules) {
            let check = match (name.as_str(), &value) {
                ("defined_only", Value::Bool(true)) => Some(Check::IntIn(self.integers_of(self.defined()))),
                ("in" | "not_in", Value::List(values)) => {
                    let values: Option<Vec<i64>> = values.iter().map(stored_int).collect();
                    match (name.as_str(), values) {
                        ("in", Some(values)) => Some(Check::IntIn(self.integers_of(values))),
                        (_, Some(values)) => Some(Check::IntNotIn(self.integers_of(values))),
                        _ => self.too_large(family, &name),
                    }
                }
                (bound, value) => match (bound, stored_int(value)) {
                    ("const", Some(value)) => Some(Check::IntIn(self.integers_of(vec![value]))),
                    ("gt", Some(bound)) => Some(Check::IntMin { bound, exclusive: true }),
                    ("gte", Some(bound)) => Some(Check::IntMin { bound, exclusive: false }),
                    ("lt", Some(bound)) => Some(Check::IntMax { bound, exclusive: true }),
                    ("lte", Some(bound)) => Some(Check::IntMax { bound, exclusive: false }),
                    ("const" | "gt" | "gte", None) => self.too_large(family, &name),
                    // An upper bound beyond what can be stored always holds.
                    _ => None,
                },
            };
            checks.extend(check);
        }
        outside(checks)
    }

    /// The numbers, with their names where the field is an enum.
    fn integers_of(&self, values: Vec<i64>) -> Integers {
        match self.value.kind() {
            ProtoKind::Enum(ty) => Integers::named(values, |value| {
                let value = i32::try_from(value).ok().and_then(|number| ty.get_value(number));
                value.map(|value| value.name().to_owned())
            }),
            _ => Integers::new(values),
        }
    }

    fn defined(&self) -> Vec<i64> {
        let mut numbers: Vec<i64> = match self.value.kind() {
            ProtoKind::Enum(ty) => ty.values().map(|value| i64::from(value.number())).collect(),
            _ => Vec::new(),
        };
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn doubles(&mut self, rules: &DynamicMessage, family: &'static str) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, value) in set(rules) {
            let values: Vec<f64> = match &value {
                Value::List(values) => values.iter().filter_map(as_double).collect(),
                value => as_double(value).into_iter().collect(),
            };
            if values.iter().any(|value| value.is_nan()) {
                let spot = self.spot(&[family, &name]);
                self.report
                    .error(&spot, "NaN compares with nothing")
                    .help("leave the constraint out; NaN is never stored");
                continue;
            }
            let first = values.first().copied();
            checks.extend(match (name.as_str(), first) {
                ("finite", None) if value.as_bool() == Some(true) => Some(Check::DoubleFinite),
                ("const", Some(_)) | ("in", _) => Some(Check::DoubleIn(values)),
                ("not_in", _) => Some(Check::DoubleNotIn(values)),
                ("gt", Some(bound)) => Some(Check::DoubleMin { bound, exclusive: true }),
                ("gte", Some(bound)) => Some(Check::DoubleMin { bound, exclusive: false }),
                ("lt", Some(bound)) => Some(Check::DoubleMax { bound, exclusive: true }),
                ("lte", Some(bound)) => Some(Check::DoubleMax { bound, exclusive: false }),
                _ => None,
            });
        }
        outside(checks)
    }

    fn too_large(&mut self, family: &'static str, name: &str) -> Option<Check> {
        let spot = self.spot(&[family, name]);
        self.report
            .error(&spot, "the bound is larger than what can be stored")
            .because(format!("integers are stored up to {}", i64::MAX))
            .help("use a smaller bound");
        None
    }

    /// Lengths and counts of which the least is above the most.
    fn impossible(&mut self, (low, high): (Option<Bound>, Option<Bound>), steps: &[&str]) {
        if let (Some(low), Some(high)) = (low, high)
            && low > high
        {
            let spot = self.spot(steps);
            self.report
                .tightened(&spot, "no value can be like this: the least is above the most")
                .help("set the lower bound below the upper one");
        }
    }
}

/// A lower bound above the upper one means "outside of both" in `buf.validate`.
fn outside(mut checks: Vec<Check>) -> Vec<Check> {
    let (Some(low), Some(high)) = bounds(&checks) else { return checks };
    if low <= high {
        return checks;
    }
    let is_low = |check: &Check| bounds(std::slice::from_ref(check)).0.is_some();
    let is_high = |check: &Check| bounds(std::slice::from_ref(check)).1.is_some();
    let (Some(low), Some(high)) = (checks.iter().position(is_low), checks.iter().position(is_high)) else {
        return checks;
    };
    let (low, high) = (checks[low].clone(), checks[high].clone());
    let at = checks.iter().position(|check| *check == low || *check == high).unwrap_or(0);
    checks.retain(|check| *check != low && *check != high);
    checks.insert(at.min(checks.len()), Check::Outside { low: Box::new(low), high: Box::new(high) });
    checks
}

/// The constraints that fit a field: a member of the `type` oneof of `FieldRules`.
/// `whole`: not those that stand on its elements.
pub(crate) fn family(field: &FieldDescriptor, whole: bool) -> &'static str {
    if whole && field.is_map() {
        return "map";
    }
    if whole && field.is_list() {
        return "repeated";
    }
    match map_value(field).kind() {
        ProtoKind::Double => "double",
        ProtoKind::Float => "float",
        ProtoKind::Int32 => "int32",
        ProtoKind::Int64 => "int64",
        ProtoKind::Uint32 => "uint32",
        ProtoKind::Uint64 => "uint64",
        ProtoKind::Sint32 => "sint32",
        ProtoKind::Sint64 => "sint64",
        ProtoKind::Fixed32 => "fixed32",
        ProtoKind::Fixed64 => "fixed64",
        ProtoKind::Sfixed32 => "sfixed32",
        ProtoKind::Sfixed64 => "sfixed64",
        ProtoKind::Bool => "bool",
        ProtoKind::String => "string",
        ProtoKind::Bytes => "bytes",
        ProtoKind::Enum(_) => "enum",
        ProtoKind::Message(message) => wrapped(&message).unwrap_or(match message.full_name() {
            "google.protobuf.Duration" => "duration",
            "google.protobuf.Timestamp" => "timestamp",
            "google.protobuf.Any" => "any",
            "google.protobuf.FieldMask" => "field_mask",
            _ => "required",
        }),
    }
}

/// The constraints of what a wrapper holds.
fn wrapped(message: &MessageDescriptor) -> Option<&'static str> {
    Some(match message.full_name() {
        "google.protobuf.DoubleValue" => "double",
        "google.protobuf.FloatValue" => "float",
        "google.protobuf.Int32Value" => "int32",
        "google.protobuf.Int64Value" => "int64",
        "google.protobuf.UInt32Value" => "uint32",
        "google.protobuf.UInt64Value" => "uint64",
        "google.protobuf.BoolValue" => "bool",
        "google.protobuf.StringValue" => "string",
        "google.protobuf.BytesValue" => "bytes",
        _ => return None,
    })
}

/// What is set, in the order of declaration, so that violations always come in the same order.
fn set(rules: &DynamicMessage) -> Vec<(String, Value)> {
    let mut all: Vec<_> =
        rules.fields().map(|(field, value)| (field.number(), field.name().to_owned(), value.clone())).collect();
    all.sort_by_key(|(number, ..)| *number);
    all.into_iter().map(|(_, name, value)| (name, value)).collect()
}

fn bools(rules: &DynamicMessage) -> Vec<Check> {
    let set = set(rules).into_iter();
    set.filter(|(name, _)| name == "const").filter_map(|(_, value)| value.as_bool()).map(Check::BoolIs).collect()
}

/// The texts in a list of a message.
fn items_of(message: &DynamicMessage, field: &str) -> Vec<String> {
    texts(&items(message, field))
}

fn texts(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn stored_int(value: &Value) -> Option<i64> {
    match value {
        Value::I32(value) | Value::EnumNumber(value) => Some(i64::from(*value)),
        Value::I64(value) => Some(*value),
        Value::U32(value) => Some(i64::from(*value)),
        Value::U64(value) => i64::try_from(*value).ok(),
        _ => None,
    }
}

fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::F32(value) => Some(f64::from(*value)),
        Value::F64(value) => Some(*value),
        _ => None,
    }
}

/// A bound, as exactly as it is written.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Bound {
    Int(i64),
    Double(f64),
    Count(u64),
}

/// The lowest and highest value that bounds admit.
fn bounds(checks: &[Check]) -> (Option<Bound>, Option<Bound>) {
    let (mut low, mut high) = (None, None);
    for check in checks {
        match if let Check::Time { check, .. } = check { check } else { check } {
            Check::IntMin { bound, .. } => low = Some(Bound::Int(*bound)),
            Check::IntMax { bound, .. } => high = Some(Bound::Int(*bound)),
            Check::DoubleMin { bound, .. } => low = Some(Bound::Double(*bound)),
            Check::DoubleMax { bound, .. } => high = Some(Bound::Double(*bound)),
            Check::TextMinLen(bound) | Check::MinItems(bound) => low = Some(Bound::Count(*bound)),
            Check::TextMaxLen(bound) | Check::MaxItems(bound) => high = Some(Bound::Count(*bound)),
            _ => {}
        }
    }
    (low, high)
}
