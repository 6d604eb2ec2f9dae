//! Messages made of entropy.

use std::collections::HashMap;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value, prost::Message};

use super::{descriptor, entropy::Entropy};

/// What a message may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taste {
    /// Anything that JSON can say.
    Anything,
    /// What a column can hold without loss: microseconds, no unsigned number above `i64::MAX`, no U+0000.
    Storable,
}

/// Makes a message; the deeper, the emptier.
pub fn message(message: &MessageDescriptor, entropy: &mut Entropy<'_>, taste: Taste, depth: usize) -> DynamicMessage {
    let mut sample = DynamicMessage::new(message.clone());
    match message.full_name() {
        "google.protobuf.Timestamp" => {
            let seconds = (entropy.integer().rem_euclid(315_537_897_600)) - 62_135_596_800;
            moment(&mut sample, seconds, fraction(entropy, taste));
        }
        "google.protobuf.Duration" => {
            let sign: i32 = if entropy.below(2) == 0 { 1 } else { -1 };
            let seconds = entropy.integer().rem_euclid(315_576_000_000);
            moment(&mut sample, seconds * i64::from(sign), fraction(entropy, taste) * sign);
        }
        "google.protobuf.FieldMask" => {
            let paths = ["title", "price.currency_code", "a_b.c_d"];
            let paths = (0..entropy.below(3)).map(|_| Value::String(paths[entropy.below(3)].to_owned()));
            sample.set_field_by_name("paths", Value::List(paths.collect()));
        }
        "google.protobuf.Any" => any(&mut sample, entropy, taste, depth),
        "google.protobuf.Value" => value(&mut sample, entropy, taste, depth),
        // the oracle writes an infinite wrapper as null
        "google.protobuf.FloatValue" => {
            sample.set_field_by_name("value", Value::F32(f32::from(entropy.byte() % 100) / 8.0));
        }
        "google.protobuf.DoubleValue" => {
            sample.set_field_by_name("value", Value::F64(finite(entropy.double())));
        }
        "google.type.Date" => {
            let (year, month, day) =
                [(2026, 11, 21), (0, 2, 29), (2026, 0, 0), (2026, 2, 0), (0, 0, 0)][entropy.below(5)];
            for (name, part) in [("year", year), ("month", month), ("day", day)] {
                sample.set_field_by_name(name, Value::I32(part));
            }
        }
        "google.type.TimeOfDay" => {
            for (name, most) in [("hours", 24), ("minutes", 60), ("seconds", 60)] {
                sample.set_field_by_name(name, Value::I32(i32::from(entropy.byte()) % most));
            }
        }
        "google.type.Decimal" => {
            let texts = ["0", "12.5", "-0.001", "1E50", "-99999999999999999999999999"];
            sample.set_field_by_name("value", Value::String(texts[entropy.below(5)].to_owned()));
        }
        _ => {
            for field in message.fields() {
                let wanted = entropy.below(3) == 0 || (depth > 3 && entropy.below(2) == 0);
                if wanted && depth > 0 && !entropy.is_empty() {
                    sample.set_field(&field, field_value(&field, entropy, taste, depth - 1));
                }
            }
        }
    }
    sample
}

fn moment(sample: &mut DynamicMessage, seconds: i64, nanos: i32) {
    sample.set_field_by_name("seconds", Value::I64(seconds));
    sample.set_field_by_name("nanos", Value::I32(nanos));
}

fn fraction(entropy: &mut Entropy<'_>, taste: Taste) -> i32 {
    let nanos = [0, 500_000_000, 123_456_000, 1_000, 999_999_000, 1, 999_999_999, 120_000_000];
    nanos[entropy.below(if taste == Taste::Storable { 5 } else { 8 })]
}

fn any(sample: &mut DynamicMessage, entropy: &mut Entropy<'_>, taste: Taste, depth: usize) {
    let names = ["test.v1.Inner", "google.protobuf.Duration", "google.protobuf.Struct", "google.protobuf.StringValue"];
    let inner = descriptor(names[entropy.below(names.len())]);
    let inner = message(&inner, entropy, taste, depth.min(3));
    let url = format!("type.googleapis.com/{}", inner.descriptor_name());
    sample.set_field_by_name("type_url", Value::String(url));
    sample.set_field_by_name("value", Value::Bytes(inner.encode_to_vec().into()));
}

trait DescriptorName {
    fn descriptor_name(&self) -> String;
}

impl DescriptorName for DynamicMessage {
    fn descriptor_name(&self) -> String {
        use prost_reflect::ReflectMessage;
        self.descriptor().full_name().to_owned()
    }
}

fn value(sample: &mut DynamicMessage, entropy: &mut Entropy<'_>, taste: Taste, depth: usize) {
    let choice = if depth == 0 { entropy.below(4) } else { entropy.below(6) };
    let nested =
        |name: &str, entropy: &mut Entropy<'_>| Value::Message(message(&descriptor(name), entropy, taste, depth - 1));
    let (name, value) = match choice {
        0 => ("null_value", Value::EnumNumber(0)),
        1 => ("number_value", Value::F64(finite(entropy.double()))),
        2 => ("string_value", Value::String(entropy.text())),
        3 => ("bool_value", Value::Bool(entropy.below(2) == 0)),
        4 => ("struct_value", nested("google.protobuf.Struct", entropy)),
        _ => ("list_value", nested("google.protobuf.ListValue", entropy)),
    };
    sample.set_field_by_name(name, value);
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.5 }
}

fn field_value(field: &FieldDescriptor, entropy: &mut Entropy<'_>, taste: Taste, depth: usize) -> Value {
    if field.is_list() {
        let count = entropy.below(4);
        return Value::List((0..count).map(|_| one(&field.kind(), entropy, taste, depth)).collect());
    }
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let count = entropy.below(4);
        let entries = (0..count).map(|_| (map_key(&key, entropy), one(&value, entropy, taste, depth)));
        return Value::Map(entries.collect::<HashMap<_, _>>());
    }
    one(&field.kind(), entropy, taste, depth)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any 32 bits will do")]
fn low32(entropy: &mut Entropy<'_>) -> u32 {
    entropy.integer() as u32
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what a float is for")]
fn narrow(double: f64) -> f32 {
    double as f32
}

fn map_key(kind: &Kind, entropy: &mut Entropy<'_>) -> MapKey {
    match kind {
        Kind::Bool => MapKey::Bool(entropy.below(2) == 0),
        Kind::Int32 => MapKey::I32(low32(entropy).cast_signed()),
        Kind::String => MapKey::String(entropy.text()),
        other => panic!("no test has maps with keys of {other:?}"),
    }
}

fn one(kind: &Kind, entropy: &mut Entropy<'_>, taste: Taste, depth: usize) -> Value {
    match kind {
        Kind::Bool => Value::Bool(entropy.below(2) == 0),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(low32(entropy).cast_signed()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(entropy.integer()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(low32(entropy)),
        Kind::Uint64 | Kind::Fixed64 if taste == Taste::Storable => Value::U64(entropy.u64() >> 1),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(entropy.integer().cast_unsigned()),
        Kind::Float => Value::F32(narrow(entropy.double())),
        Kind::Double => Value::F64(entropy.double()),
        Kind::String => Value::String(entropy.text()),
        Kind::Bytes => Value::Bytes(entropy.bytes().into()),
        Kind::Enum(enumeration) if enumeration.full_name() == "google.protobuf.NullValue" => Value::EnumNumber(0),
        Kind::Enum(_) => Value::EnumNumber([0, 2, -3, 77, i32::MIN][entropy.below(5)]),
        Kind::Message(inner) => Value::Message(message(inner, entropy, taste, depth)),
    }
}
