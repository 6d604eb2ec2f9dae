//! Values that say nothing, for fields that the contract does not let be empty. They are tried one after the other, until the
//! contract takes one: each is made of the name of the row and the field, and of nothing that was in it.

use bytes::Bytes;
use mainstay_contract::pattern;
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::matching::matching;
use super::noise::Noise;

/// How many elements a list gets at most.
const MAX_ELEMENTS: usize = 5;

/// How long texts of one kind of signs are tried to be.
const LENGTHS: [usize; 17] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 64, 128, 256];

const DIGITS: &[u8] = b"0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX: &[u8] = b"0123456789abcdef";

/// Numbers that ranges have.
const NUMBERS: [i32; 12] = [1, 2, 10, 18, 100, 1_000, 1_900, 1_970, 2_000, 10_000, 1_000_000, -1];

/// The pseudonym that is tried at this turn; nothing where none is left.
pub fn pseudonym(field: &FieldDescriptor, is_element: bool, turn: usize, noise: &Noise) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    if field.is_list() && !is_element {
        let elements = (0..=turn).filter(|_| turn < MAX_ELEMENTS);
        let elements: Vec<Value> = elements
            .map_while(|index| single(field, 0, &Noise::of(&[&noise.clone().bytes(16), &index.to_be_bytes()])))
            .collect();
        return (!elements.is_empty()).then_some(Value::List(elements));
    }
    single(field, turn, noise)
}

fn single(field: &FieldDescriptor, turn: usize, noise: &Noise) -> Option<Value> {
    match field.kind() {
        Kind::Message(message) => message_value(field, &message, turn, noise),
        kind => scalar(&kind, pattern(field).as_deref(), turn, noise),
    }
}

fn scalar(kind: &Kind, pattern: Option<&str>, turn: usize, noise: &Noise) -> Option<Value> {
    let number = || NUMBERS.get(turn).copied();
    let unsigned = || number().and_then(|number| u32::try_from(number).ok());
    Some(match kind {
        Kind::String => Value::String(texts(pattern, noise).into_iter().nth(turn)?),
        Kind::Bytes => Value::Bytes(Bytes::from(noise.clone().bytes(*LENGTHS.get(turn)?))),
        Kind::Bool => Value::Bool(Some(true).filter(|_| turn == 0)?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number()?.into()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(unsigned()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(unsigned()?.into()),
        Kind::Double => Value::F64(number()?.into()),
        // All of these numbers have a form as this.
        Kind::Float => Value::F32(i16::try_from(number()?).ok()?.into()),
        Kind::Enum(values) => Value::EnumNumber(enum_value(values, turn)?),
        Kind::Message(_) => return None,
    })
}

fn enum_value(values: &EnumDescriptor, turn: usize) -> Option<i32> {
    values.values().map(|value| value.number()).filter(|number| *number != 0).nth(turn)
}

/// An empty message, of which the contract says then what it wants in it; a time, of which there is no empty one.
fn message_value(field: &FieldDescriptor, message: &MessageDescriptor, turn: usize, noise: &Noise) -> Option<Value> {
    let mut made = DynamicMessage::new(message.clone());
    let mut set = |name: &str, value: Value| {
        if let Some(field) = message.get_field_by_name(name) {
            made.set_field(&field, value);
        }
    };
    match message.full_name() {
        "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
            set("seconds", Value::I64(*[0, 1, 946_684_800].get(turn)?));
        }
        "google.type.Date" => {
            let date = [("year", 1970), ("month", 1), ("day", 1)].into_iter().filter(|_| turn == 0);
            date.for_each(|(name, value)| set(name, Value::I32(value)));
        }
        name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
            let inner = message.get_field_by_name("value").map(|inner| inner.kind())?;
            set("value", scalar(&inner, pattern(field).as_deref(), turn, noise)?);
        }
        _ => {}
    }
    let again = turn > 0 && !message.full_name().starts_with("google.protobuf.");
    (!again).then_some(Value::Message(made))
}

/// All texts that are tried, in this order.
fn texts(pattern: Option<&str>, noise: &Noise) -> Vec<String> {
    let hex = noise.clone().text(HEX, 32);
    let made = |roomy| pattern.and_then(|pattern| matching(pattern, &mut noise.clone(), roomy));
    let short = &hex[..16];
    let named = [
        format!("erased-{short}"),
        format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30]),
        format!("erased-{short}@erased.invalid"),
        format!("https://erased.invalid/{short}"),
        format!("erased-{short}.invalid"),
        "192.0.2.1".to_owned(),
        "2001:db8::1".to_owned(),
        format!("+999{}", noise.clone().text(DIGITS, 9)),
    ];
    let signs = [LOWER, UPPER, DIGITS, HEX];
    let plain = LENGTHS.iter().flat_map(|length| signs.map(|signs| noise.clone().text(signs, *length)));
    [true, false].into_iter().filter_map(made).chain(named).chain(plain).collect()
}
