//! Examples of messages that keep to what the contract demands of each field.

use std::cell::Cell;
use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::Side;
use super::behaviors::Behaviors;
use super::known::known;
use super::rules::{self, Rules};
use super::sample::matching;
use crate::openapi::json::{Json, Object};

/// How deep examples go.
const DEPTH: usize = 4;
/// How many values an example has at most: messages that are wide and deep would have more than anybody reads.
const MOST_VALUES: usize = 300;
/// Fields of requests that say how a call is made, and of which a made up value would be refused or would have nothing done.
const CONTROLS: [&str; 9] = [
    "parent",
    "etag",
    "request_id",
    "validate_only",
    "allow_missing",
    "force",
    "page_token",
    "transforms",
    "preconditions",
];
/// The last part of every resource name in an example.
pub const ID: &str = "0199a1c4-7d3e-7c21-9b52-4f6a8e0d1c37";

/// What resources are called, for those who refer to them.
#[derive(Debug, Default)]
pub struct Examples {
    /// By type: `products/0199…`.
    names: HashMap<String, String>,
    /// How many values the example that is being made may still have.
    left: Cell<usize>,
}

impl Examples {
    pub fn of_pool(pool: &DescriptorPool) -> Examples {
        let names = pool.all_messages().filter_map(|message| resource(&message)).collect();
        Examples { names, left: Cell::new(0) }
    }

    /// An example of a message; nothing where it has no fields to show, or none that fits is found.
    pub fn of(&self, message: &MessageDescriptor, side: Side) -> Option<Json> {
        if known(message).is_some() {
            return self.known(message);
        }
        if let Some(usual) = usual(message) {
            return Some(usual);
        }
        let object = self.object(message, side, &|_| false)?;
        (!object.is_empty()).then(|| object.into())
    }

    /// An example of a message, less the fields of which `left_out` says so.
    pub fn object(
        &self,
        message: &MessageDescriptor,
        side: Side,
        left_out: &dyn Fn(&FieldDescriptor) -> bool,
    ) -> Option<Object> {
        self.left.set(MOST_VALUES);
        self.within(message, side, DEPTH, left_out)
    }

    fn within(
        &self,
        message: &MessageDescriptor,
        side: Side,
        depth: usize,
        left_out: &dyn Fn(&FieldDescriptor) -> bool,
    ) -> Option<Object> {
        let mut object = Object::new();
        let mut chosen = Vec::new();
        for field in message.fields().filter(|field| !left_out(field)) {
            let behaviors = Behaviors::of(&field);
            let hidden = match side {
                Side::Request => !behaviors.required && is_made_up(&field, &behaviors),
                Side::Answer => behaviors.input_only,
            };
            if hidden {
                continue;
            }
            // Of a oneof one member is shown.
            if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                if chosen.contains(&oneof.name().to_owned()) {
                    continue;
                }
                chosen.push(oneof.name().to_owned());
            }
            match self.field(&field, &behaviors, side, depth) {
                Some(value) => object.set(field.json_name().to_owned(), value),
                None if behaviors.required && side == Side::Request => return None,
                None => {}
            }
        }
        Some(object)
    }

    /// An example of a field's value.
    pub fn value(&self, field: &FieldDescriptor) -> Option<Json> {
        self.left.set(MOST_VALUES);
        self.field(field, &Behaviors::of(field), Side::Request, DEPTH)
    }

    fn field(&self, field: &FieldDescriptor, behaviors: &Behaviors, side: Side, depth: usize) -> Option<Json> {
        self.left.set(self.left.get().checked_sub(1)?);
        let rules = Rules::of(field);
        let kind = field.kind();
        if field.is_map() {
            let entry = kind.as_message()?.clone();
            let (keys, values) = rules.entries();
            let key = match self.single(&entry.map_entry_key_field().kind(), &keys, None, side, depth)? {
                Json::Text(text) => text,
                Json::Number(number) => number.to_string().into(),
                Json::Bool(value) => value.to_string().into(),
                Json::List(_) | Json::Object(_) => return None,
            };
            let value = self.single(&entry.map_entry_value_field().kind(), &values, None, side, depth)?;
            let mut limits = Object::new();
            rules.of_map(&mut limits);
            return (count(&limits, "minProperties") <= 1).then(|| Object::new().with(key, value).into());
        }
        let name = behaviors.refers_to.as_ref().and_then(|kind| self.names.get(kind)).cloned();
        let own = if behaviors.identifier { resource(field.parent_message()).map(|(_, name)| name) } else { None };
        let name = own.or(name);
        if !field.is_list() {
            return self.single(&kind, &rules, name, side, depth);
        }
        let mut limits = Object::new();
        rules.of_list(&mut limits);
        let one = self.single(&kind, &rules.items(), name, side, depth)?;
        let (least, unique) = (count(&limits, "minItems").max(1), limits.get("uniqueItems").is_some());
        let few = least == 1 || (!unique && least <= 16);
        few.then(|| Json::List(std::iter::repeat_n(one, usize::try_from(least).unwrap_or(1)).collect()))
    }

    fn single(&self, kind: &Kind, rules: &Rules, name: Option<String>, side: Side, depth: usize) -> Option<Json> {
        let given = rules.examples().into_iter().next().or_else(|| rules.allowed());
        if let Some(json) = given.and_then(|given| written(&given, kind)) {
            return Some(json);
        }
        match kind {
            Kind::Message(message) if known(message).is_some() => self.known(message),
            Kind::Message(message) if let Some(usual) = usual(message) => Some(usual),
            Kind::Message(message) => {
                let object = self.within(message, side, depth.checked_sub(1)?, &|_| false)?;
                Some(object.into())
            }
            Kind::Enum(item) => {
                let allowed = |number: i32| !rules.excludes(number);
                let first = item.values().find(|value| value.number() != 0 && allowed(value.number()));
                let value = first.or_else(|| item.values().find(|value| allowed(value.number())))?;
                Some(value.name().to_owned().into())
            }
            Kind::String => text(rules, kind, name),
            Kind::Bytes => bytes(rules, kind),
            Kind::Bool => Some(true.into()),
            _ => number(rules, kind),
        }
    }

    /// A well-known type: what everybody has seen.
    fn known(&self, message: &MessageDescriptor) -> Option<Json> {
        Some(match message.name() {
            "Timestamp" => "2026-01-31T12:00:00Z".into(),
            "Duration" => "3.5s".into(),
            "FieldMask" => return None,
            "Struct" => Object::new().with("key", "value").into(),
            "Value" => "value".into(),
            "ListValue" => vec!["value"].into(),
            "Empty" => Object::new().into(),
            "Any" => Object::new().with("@type", "type.googleapis.com/google.protobuf.Empty").into(),
            _ => return self.single(&message.get_field(1)?.kind(), &Rules::default(), None, Side::Answer, 0),
        })
    }
}

/// Whether an example of a request is better without a field that it need not have: nobody but the server sets it, or there would
/// have to be something of that name.
fn is_made_up(field: &FieldDescriptor, behaviors: &Behaviors) -> bool {
    let refers = behaviors.refers_to.is_some();
    behaviors.output_only || behaviors.identifier || behaviors.state || refers || CONTROLS.contains(&field.name())
}

/// Types of `google.type` whose fields depend on each other.
fn usual(message: &MessageDescriptor) -> Option<Json> {
    let object = match message.full_name().strip_prefix("google.type.")? {
        "Money" => Object::new().with("currencyCode", "EUR").with("units", "10").with("nanos", 500_000_000_i64),
        "Date" => Object::new().with("year", 2026_i64).with("month", 1_i64).with("day", 31_i64),
        "TimeOfDay" => Object::new().with("hours", 12_i64).with("minutes", 30_i64),
        "DateTime" => Object::new()
            .with("year", 2026_i64)
            .with("month", 1_i64)
            .with("day", 31_i64)
            .with("hours", 12_i64)
            .with("utcOffset", "0s"),
        "LatLng" => Object::new().with("latitude", 52_i64).with("longitude", 13_i64),
        "Decimal" => Object::new().with("value", "10.5"),
        "PostalAddress" => Object::new()
            .with("regionCode", "GB")
            .with("postalCode", "NW1 6XE")
            .with("locality", "London")
            .with("addressLines", vec!["221B Baker Street"]),
        "PhoneNumber" => Object::new().with("e164Number", "+442079460000"),
        "LocalizedText" => Object::new().with("text", "Hello").with("languageCode", "en"),
        _ => return None,
    };
    Some(object.into())
}

/// A resource's type, and a name as one of its patterns has it.
fn resource(message: &MessageDescriptor) -> Option<(String, String)> {
    let extension = message.parent_pool().get_extension_by_name("google.api.resource")?;
    let options = message.options();
    let option = options.has_extension(&extension).then(|| options.get_extension(&extension))?;
    let resource = option.as_message()?;
    let kind = resource.get_field_by_name("type")?.as_str()?.to_owned();
    let patterns = resource.get_field_by_name("pattern")?;
    let pattern = patterns.as_list()?.first()?.as_str()?.to_owned();
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { ID } else { segment });
    Some((kind, segments.collect::<Vec<_>>().join("/")))
}

/// What a schema's own words demand of a value.
fn limits(rules: &Rules, kind: &Kind) -> Object {
    let mut schema = super::known::scalar(kind);
    rules.apply(kind, &mut schema, &mut Vec::new());
    // What is let through although it breaks the rules is no example.
    match schema.take("anyOf") {
        Some(Json::List(mut choices)) => match choices.pop() {
            Some(Json::Object(held)) => held,
            _ => schema,
        },
        _ => schema,
    }
}

fn text(rules: &Rules, kind: &Kind, name: Option<String>) -> Option<Json> {
    let limits = limits(rules, kind);
    let (least, most) = (count(&limits, "minLength"), limits.get("maxLength").map(|_| count(&limits, "maxLength")));
    let format = match limits.get("format") {
        Some(Json::Text(format)) => match &**format {
            "email" => "ada@example.com",
            "hostname" => "www.example.com",
            "ipv4" => "192.0.2.1",
            "ipv6" => "2001:db8::1",
            "uri" => "https://example.com/",
            "uri-reference" => "/path",
            "uuid" => ID,
            _ => return None,
        },
        _ => "",
    };
    if limits.get("allOf").is_some() || rules.conditions().iter().any(|said| said.starts_with("Must")) {
        return None;
    }
    let fits = |text: &str| {
        let length = text.chars().count() as u64;
        length >= least && most.is_none_or(|most| length <= most)
    };
    let found = match (limits.get("pattern"), name) {
        (Some(Json::Text(pattern)), _) => matching(pattern, usize::try_from(least).ok()?)?,
        (_, Some(name)) => name,
        _ if !format.is_empty() => format.to_owned(),
        _ => {
            let mut text = "text".to_owned();
            while (text.chars().count() as u64) < least.min(4_096) {
                text.push_str(" text");
            }
            text.chars().take(usize::try_from(most.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)).collect()
        }
    };
    fits(&found).then(|| found.into())
}

fn bytes(rules: &Rules, kind: &Kind) -> Option<Json> {
    let limits = limits(rules, kind);
    if limits.get("maxLength").is_some() || limits.get("minLength").is_some() {
        let least = usize::try_from(count(&limits, "minLength").div_ceil(4) * 4).ok()?;
        return (least <= 4_096).then(|| "A".repeat(least).into());
    }
    Some("AQID".into())
}

fn number(rules: &Rules, kind: &Kind) -> Option<Json> {
    let limits = limits(rules, kind);
    let bound = |key: &str| match limits.get(key) {
        Some(Json::Number(number)) => number.as_f64(),
        _ => None,
    };
    // The bounds of 64-bit numbers are said in words alone.
    if matches!(limits.get("type"), Some(Json::Text(kind)) if kind == "string") {
        return rules.examples().is_empty().then(|| "1".into());
    }
    let low =
        bound("minimum").into_iter().chain(bound("exclusiveMinimum").map(|bound| bound + 1.0)).fold(f64::MIN, f64::max);
    let high =
        bound("maximum").into_iter().chain(bound("exclusiveMaximum").map(|bound| bound - 1.0)).fold(f64::MAX, f64::min);
    let value = 1.0_f64.max(low).min(high);
    let value = if value < low { (bound("exclusiveMinimum")? + bound("exclusiveMaximum")?) / 2.0 } else { value };
    match kind {
        Kind::Float | Kind::Double => serde_json::Number::from_f64(value).map(Json::from),
        // Integers of 32 bits are whole in a double.
        _ => format!("{value}").parse::<i64>().ok().map(Json::from),
    }
}

/// A value of the contract's as JSON has it.
fn written(value: &Value, kind: &Kind) -> Option<Json> {
    Some(match (value, kind) {
        (Value::Bool(value), _) => (*value).into(),
        (Value::String(text), _) => text.clone().into(),
        (Value::Bytes(bytes), _) => data_encoding::BASE64.encode(bytes).into(),
        (Value::EnumNumber(number) | Value::I32(number), Kind::Enum(item)) => {
            item.get_value(*number)?.name().to_owned().into()
        }
        (Value::I64(number), _) => number.to_string().into(),
        (Value::U64(number), _) => number.to_string().into(),
        (Value::Message(message), _) => serde_json::to_value(message).ok()?.into(),
        (value, _) => rules::json(value)?.into(),
    })
}

fn count(schema: &Object, key: &str) -> u64 {
    match schema.get(key) {
        Some(Json::Number(number)) => number.as_u64().unwrap_or_default(),
        _ => 0,
    }
}
