//! The constraints of `buf.validate` as JSON Schema has them. What it has no word for is said in words.

mod option;
mod pattern;

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, ReflectMessage as _, Value,
};

pub use self::option::json;
use self::option::{count, double, flag, integer, list, message, number, real, string, texts};
use self::pattern::{escaped, is_portable};
use super::known::UNSIGNED;
use crate::openapi::json::{Json, Object};

const FIELD: &str = "buf.validate.field";
const MESSAGE: &str = "buf.validate.message";
const ONEOF: &str = "buf.validate.oneof";
const IGNORE_IF_ZERO: i32 = 1;
const IGNORE_ALWAYS: i32 = 3;

/// The bounds of numbers: what the contract calls them, what JSON Schema does, and how people say it.
const BOUNDS: [(&str, &str, &str); 4] = [
    ("gte", "minimum", "at least"),
    ("gt", "exclusiveMinimum", "more than"),
    ("lte", "maximum", "at most"),
    ("lt", "exclusiveMaximum", "less than"),
];

/// The formats that both have a word for.
const FORMATS: [(&str, &str); 8] = [
    ("email", "email"),
    ("hostname", "hostname"),
    ("ipv4", "ipv4"),
    ("ipv6", "ipv6"),
    ("uri", "uri"),
    ("uri_ref", "uri-reference"),
    ("uuid", "uuid"),
    ("tuuid", "tuuid"),
];

/// Formats of `google.api.field_info`.
const FIELD_FORMATS: [(i32, &str); 3] = [(1, "uuid"), (2, "ipv4"), (3, "ipv6")];

/// What a contract demands of one field's values (`buf.validate.FieldRules`).
#[derive(Debug, Clone, Default)]
pub struct Rules {
    option: Option<DynamicMessage>,
    /// What `google.api.field_info` says that it is.
    format: Option<&'static str>,
}

/// What the conditions of a message say to people.
pub fn of_message(message: &MessageDescriptor) -> Vec<String> {
    let Some(extension) = message.parent_pool().get_extension_by_name(MESSAGE) else { return Vec::new() };
    let options = message.options();
    if !options.has_extension(&extension) {
        return Vec::new();
    }
    options.get_extension(&extension).as_message().map(conditions).unwrap_or_default()
}

/// Whether one member of a oneof has to be set.
pub fn is_needed(oneof: &OneofDescriptor) -> bool {
    let Some(extension) = oneof.parent_pool().get_extension_by_name(ONEOF) else { return false };
    let options = oneof.options();
    let rules = options.get_extension(&extension);
    rules.as_message().is_some_and(|rules| flag(rules, "required"))
}

impl Rules {
    pub fn of(field: &FieldDescriptor) -> Rules {
        let options = field.options();
        let of = |name| {
            let extension = field.parent_pool().get_extension_by_name(name)?;
            let has = options.has_extension(&extension);
            has.then(|| options.get_extension(&extension).as_message().cloned()).flatten()
        };
        let option: Option<DynamicMessage> = of(FIELD);
        let ignored = option.as_ref().is_some_and(|rules| number(rules, "ignore") == Some(IGNORE_ALWAYS));
        let info = of("google.api.field_info").and_then(|info| number(&info, "format"));
        let format = FIELD_FORMATS.into_iter().find(|(known, _)| Some(*known) == info).map(|(_, format)| format);
        Rules { option: option.filter(|_| !ignored), format }
    }

    pub fn is_required(&self) -> bool {
        self.option.as_ref().is_some_and(|rules| flag(rules, "required"))
    }

    /// The rules of a list's elements.
    pub fn items(&self) -> Rules {
        self.inner("repeated", "items")
    }

    /// The rules of a map's keys, and of its values.
    pub fn entries(&self) -> (Rules, Rules) {
        (self.inner("map", "keys"), self.inner("map", "values"))
    }

    fn inner(&self, of: &str, which: &str) -> Rules {
        let outer = self.option.as_ref().and_then(|rules| message(rules, of));
        Rules { option: outer.and_then(|outer| message(&outer, which)), format: None }
    }

    /// What CEL conditions say, for people.
    pub fn conditions(&self) -> Vec<String> {
        self.option.as_ref().map(conditions).unwrap_or_default()
    }

    /// The examples that the contract gives.
    pub fn examples(&self) -> Vec<Value> {
        self.typed().map(|(_, typed)| list(&typed, "example")).unwrap_or_default()
    }

    /// The first value that is allowed where only some are.
    pub fn allowed(&self) -> Option<Value> {
        let (_, typed) = self.typed()?;
        let only = typed.has_field_by_name("const").then(|| typed.get_field_by_name("const")).flatten();
        only.map(|value| value.into_owned()).or_else(|| list(&typed, "in").into_iter().next())
    }

    /// Whether a value of an enum is excluded.
    pub fn excludes(&self, value: i32) -> bool {
        let Some((_, typed)) = self.typed() else { return false };
        list(&typed, "not_in").iter().any(|excluded| integer(excluded) == Some(i128::from(value)))
    }

    pub fn of_list(&self, schema: &mut Object) {
        let Some(rules) = self.option.as_ref().and_then(|rules| message(rules, "repeated")) else { return };
        let counts = [("min_items", "minItems"), ("max_items", "maxItems")];
        copy_counts(&rules, &counts, schema);
        if flag(&rules, "unique") {
            schema.set("uniqueItems", true);
        }
    }

    pub fn of_map(&self, schema: &mut Object) {
        let Some(rules) = self.option.as_ref().and_then(|rules| message(rules, "map")) else { return };
        copy_counts(&rules, &[("min_pairs", "minProperties"), ("max_pairs", "maxProperties")], schema);
    }

    /// Puts what is demanded of one value into its schema, and what that has no word for into the notes.
    pub fn apply(&self, kind: &Kind, schema: &mut Object, notes: &mut Vec<String>) {
        if let Some(format) = self.format {
            schema.set("format", format);
        }
        let Some((name, typed)) = self.typed() else { return };
        let before = schema.clone();
        match name.as_str() {
            "string" => text(&typed, schema, notes),
            "bytes" => bytes(&typed, schema, notes),
            "enum" => enumeration(&typed, kind, schema),
            "bool" => {
                if let Some(value) = typed.get_field_by_name("const").filter(|_| typed.has_field_by_name("const")) {
                    schema.set("const", value.as_bool().unwrap_or_default());
                }
            }
            "repeated" | "map" | "any" | "field_mask" => {}
            "duration" | "timestamp" => moment(&typed, notes),
            _ => numbers(&typed, kind, schema, notes),
        }
        let zero = zero(kind).filter(|_| {
            let ignore = self.option.as_ref().and_then(|rules| number(rules, "ignore"));
            ignore == Some(IGNORE_IF_ZERO) && before != *schema
        });
        if let Some(zero) = zero {
            let held = std::mem::replace(schema, before);
            schema.set("anyOf", vec![Object::new().with("const", zero), held]);
        }
    }

    /// Whether they let a number through that JSON has no digits for.
    pub fn take(&self, number: f64) -> bool {
        let Some((_, typed)) = self.typed() else { return true };
        let is_it = |value: &Value| double(value) == Some(number);
        let only = typed.has_field_by_name("const").then(|| typed.get_field_by_name("const")).flatten();
        let (allowed, excluded) = (list(&typed, "in"), list(&typed, "not_in"));
        let bound = |names: [&str; 2]| {
            let set = names.into_iter().find(|name| typed.has_field_by_name(name))?;
            let bound = typed.get_field_by_name(set)?;
            double(&bound)
        };
        let (low, high) = (bound(["gt", "gte"]), bound(["lt", "lte"]));
        let (above, below) = (low.is_none_or(|low| number > low), high.is_none_or(|high| number < high));
        // Bounds that cross leave what lies outside.
        let crossed = low.zip(high).is_some_and(|(low, high)| low > high);
        let is_within = if crossed { above || below } else { above && below };
        !flag(&typed, "finite")
            && only.as_deref().is_none_or(is_it)
            && (allowed.is_empty() || allowed.iter().any(is_it))
            && !excluded.iter().any(is_it)
            && is_within
    }

    fn typed(&self) -> Option<(String, DynamicMessage)> {
        let rules = self.option.as_ref()?;
        let oneof = rules.descriptor().oneofs().find(|oneof| oneof.name() == "type")?;
        let set = oneof.fields().find(|field| rules.has_field(field))?;
        Some((set.name().to_owned(), rules.get_field(&set).as_message()?.clone()))
    }
}

/// What conditions say to people.
fn conditions(rules: &DynamicMessage) -> Vec<String> {
    let said = |rule: &Value| {
        let rule = rule.as_message()?;
        let text = |name| rule.get_field_by_name(name)?.as_str().map(str::to_owned);
        let message = text("message").filter(|text| !text.is_empty());
        message
            .map(|message| format!("Refused: {message}."))
            .or_else(|| Some(format!("Must hold: `{}`.", text("expression")?)))
    };
    let bare = |rule: &Value| rule.as_str().map(|expression| format!("Must hold: `{expression}`."));
    let (rules, expressions) = (list(rules, "cel"), list(rules, "cel_expression"));
    rules.iter().filter_map(said).chain(expressions.iter().filter_map(bare)).collect()
}

fn text(rules: &DynamicMessage, schema: &mut Object, notes: &mut Vec<String>) {
    copy_counts(rules, &[("len", "minLength"), ("min_len", "minLength")], schema);
    copy_counts(rules, &[("len", "maxLength"), ("max_len", "maxLength")], schema);
    // A character has up to four bytes.
    for (name, key, divisor) in [
        ("min_bytes", "minLength", 4),
        ("len_bytes", "minLength", 4),
        ("max_bytes", "maxLength", 1),
        ("len_bytes", "maxLength", 1),
    ] {
        if let (Some(bytes), None) = (count(rules, name), schema.get(key)) {
            schema.set(key, bytes.div_ceil(divisor));
            notes.push(format!("`{name}`: {bytes} in UTF-8."));
        }
    }
    let mut patterns = Vec::new();
    for (name, before, behind) in [("prefix", "^", ""), ("suffix", "", "$"), ("contains", "", "")] {
        patterns.extend(string(rules, name).map(|text| format!("{before}{}{behind}", escaped(&text))));
    }
    match string(rules, "pattern") {
        Some(pattern) if is_portable(&pattern) => patterns.push(pattern),
        Some(pattern) => notes.push(format!("Matches the RE2 expression `{pattern}`.")),
        None => {}
    }
    let mut patterns = patterns.into_iter();
    if let Some(first) = patterns.next() {
        schema.set("pattern", first);
    }
    let further: Vec<Object> = patterns.map(|pattern| Object::new().with("pattern", pattern)).collect();
    if !further.is_empty() {
        schema.set("allOf", further);
    }
    let (not_in, not_contains) = (texts(rules, "not_in"), string(rules, "not_contains"));
    if let Some(part) = not_contains {
        schema.set("not", Object::new().with("pattern", escaped(&part)));
    } else if !not_in.is_empty() {
        schema.set("not", Object::new().with("enum", not_in));
    }
    if let Some(only) = string(rules, "const") {
        schema.set("const", only);
    }
    let allowed = texts(rules, "in");
    if !allowed.is_empty() {
        schema.set("enum", allowed);
    }
    format(rules, schema, notes);
}

fn format(rules: &DynamicMessage, schema: &mut Object, notes: &mut Vec<String>) {
    let oneof = rules.descriptor().oneofs().find(|oneof| oneof.name() == "well_known");
    let Some(set) = oneof.and_then(|oneof| oneof.fields().find(|field| rules.has_field(field))) else { return };
    match FORMATS.iter().find(|(name, _)| *name == set.name()) {
        Some((_, format)) => schema.set("format", *format),
        None => notes.push(format!("Its form is `{}` of `buf.validate`.", set.name())),
    }
}

/// Base64 has four characters for three bytes; those at the end may be left out.
fn bytes(rules: &DynamicMessage, schema: &mut Object, notes: &mut Vec<String>) {
    let least = count(rules, "min_len").or_else(|| count(rules, "len"));
    let most = count(rules, "max_len").or_else(|| count(rules, "len"));
    if let Some(least) = least {
        schema.set("minLength", (least * 4).div_ceil(3));
        notes.push(format!("At least {least} bytes."));
    }
    if let Some(most) = most {
        schema.set("maxLength", most.div_ceil(3) * 4);
        notes.push(format!("At most {most} bytes."));
    }
}

fn enumeration(rules: &DynamicMessage, kind: &Kind, schema: &mut Object) {
    let Some(item) = kind.as_enum() else { return };
    let name = |value: &Value| {
        let number = integer(value).and_then(|number| i32::try_from(number).ok())?;
        item.get_value(number).map(|value| value.name().to_owned())
    };
    if rules.has_field_by_name("const") {
        let only = rules.get_field_by_name("const").and_then(|value| name(&value));
        only.into_iter().for_each(|only| schema.set("const", only));
    }
    let allowed: Vec<String> = list(rules, "in").iter().filter_map(name).collect();
    let excluded: Vec<String> = list(rules, "not_in").iter().filter_map(name).collect();
    if !allowed.is_empty() {
        schema.set("enum", allowed);
    }
    if !excluded.is_empty() {
        schema.set("not", Object::new().with("enum", excluded));
    }
}

/// What a moment or a span of time has to be. Schemas do not compare those.
fn moment(rules: &DynamicMessage, notes: &mut Vec<String>) {
    for (name, said) in [("lt_now", "in the past"), ("gt_now", "in the future")] {
        if flag(rules, name) {
            notes.push(format!("It is {said}."));
        }
    }
    for (name, _, said) in BOUNDS.into_iter().chain([("const", "", "exactly"), ("within", "", "from now at most")]) {
        let value = rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten();
        let written = value.and_then(|value| serde_json::to_value(value.as_message()?).ok());
        if let Some(serde_json::Value::String(written)) = written {
            notes.push(format!("It is {said} {written}."));
        }
    }
}

fn numbers(rules: &DynamicMessage, kind: &Kind, schema: &mut Object, notes: &mut Vec<String>) {
    let is_text = matches!(schema.get("type"), Some(Json::Text(text)) if text == "string");
    let set = |name: &str| rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten();
    let bound = |names: [&str; 2]| names.into_iter().find_map(&set).and_then(|value| real(&value));
    // Bounds that cross leave what lies outside.
    let crossed = bound(["gt", "gte"]).zip(bound(["lt", "lte"])).is_some_and(|(low, high)| low > high);
    for (name, key, said) in BOUNDS {
        let Some(value) = set(name) else { continue };
        match json(&value) {
            Some(number) if !is_text && !crossed => {
                // A bound of the type's own gives way.
                schema.take(if key.ends_with("inimum") { "minimum" } else { "maximum" });
                schema.set(key, number);
            }
            Some(number) => {
                notes
                    .push(format!("It is {said} {number}{}.", if crossed { ", or the other bound holds" } else { "" }));
            }
            None => {}
        }
    }
    if is_text && !crossed && bound(["gt", "gte"]).is_some_and(|low| low >= 0.0) {
        schema.set("pattern", UNSIGNED);
    }
    let wire = |value: &Value| {
        let number = json(value)?;
        Some(if is_text { Json::from(number.to_string()) } else { number.into() })
    };
    let all = |name| list(rules, name).iter().filter_map(wire).collect::<Vec<Json>>();
    let (allowed, excluded) = (all("in"), all("not_in"));
    if let Some(only) = set("const").as_deref().and_then(wire) {
        schema.set("const", only);
    }
    if !allowed.is_empty() {
        schema.set("enum", allowed);
    }
    if !excluded.is_empty() {
        schema.set("not", Object::new().with("enum", excluded));
    }
    debug_assert!(!matches!(kind, Kind::Message(_)), "rules of numbers are on numbers");
}

/// The zero of a kind as JSON has it.
fn zero(kind: &Kind) -> Option<Json> {
    Some(match kind {
        Kind::String | Kind::Bytes => "".into(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => "0".into(),
        Kind::Bool => false.into(),
        Kind::Enum(item) => item.get_value(0)?.name().to_owned().into(),
        Kind::Message(_) => return None,
        _ => 0_i64.into(),
    })
}

fn copy_counts(rules: &DynamicMessage, names: &[(&str, &'static str)], schema: &mut Object) {
    for (name, key) in names {
        if let Some(value) = count(rules, name) {
            schema.set(*key, value);
        }
    }
}
