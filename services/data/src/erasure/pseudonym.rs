//! Values that say nothing, for fields that the contract does not let be empty. They are tried one after the other, until the
//! contract takes one: each is made of the name of the row and the field, and of nothing that was in it.

use bytes::Bytes;
use mainstay_contract::{pattern, range};
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

/// Whole numbers that are tried of a field.
struct Numbers {
    /// What the field can hold.
    limits: (i64, i64),
    /// Of which of them one is drawn each, where the contract says no range.
    spans: &'static [(i64, i64)],
    /// Those that conditions often take.
    common: &'static [i64],
}

/// How often one is drawn in the range that the contract says.
const DRAWS: usize = 4;

/// How wide a range is taken to be of which the contract says one end alone.
const WIDTH: i64 = 1_000_000_000;

const COMMON: &[i64] = &[1, 2, 10, 18, 100, 1_000, 1_900, 1_970, 2_000, 10_000, 1_000_000, -1];
const SPANS: &[(i64, i64)] = &[(1, 1_000_000_000), (1, 1_000_000), (1, 1_000), (1, 100), (1, 10)];

/// Former times and times to come, in seconds since 1970.
const TIMES: Numbers = Numbers {
    limits: (-62_135_596_800, 253_402_300_799),
    spans: &[(0, 946_684_799), (0, 946_684_799), (4_102_444_800, 7_258_118_400), (4_102_444_800, 7_258_118_400)],
    common: &[0],
};
const DURATIONS: Numbers =
    Numbers { limits: (-315_576_000_000, 315_576_000_000), spans: &[(1, 86_400), (1, 3_600), (1, 60)], common: &[1] };

/// The pseudonym that is tried at this turn; nothing where none is left.
pub fn pseudonym(field: &FieldDescriptor, is_element: bool, turn: usize, noise: &Noise) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    if field.is_list() && !is_element {
        let elements = (0..=turn).filter(|_| turn < MAX_ELEMENTS);
        let elements: Vec<Value> = elements.map_while(|index| single(field, 0, &noise.turned(index))).collect();
        return (!elements.is_empty()).then_some(Value::List(elements));
    }
    single(field, turn, noise)
}

fn single(field: &FieldDescriptor, turn: usize, noise: &Noise) -> Option<Value> {
    match field.kind() {
        Kind::Message(message) => message_value(field, &message, turn, noise),
        kind => scalar(field, &kind, turn, noise),
    }
}

/// A value of a field, or of what a field wraps: `kind` is of which.
fn scalar(field: &FieldDescriptor, kind: &Kind, turn: usize, noise: &Noise) -> Option<Value> {
    let number = |low: i64, high: i64| Numbers::within(low, high).tried(field, noise).into_iter().nth(turn);
    Some(match kind {
        Kind::String => Value::String(texts(pattern(field).as_deref(), noise).into_iter().nth(turn)?),
        Kind::Bytes => Value::Bytes(Bytes::from(noise.clone().bytes(*LENGTHS.get(turn)?))),
        Kind::Bool => Value::Bool(Some(true).filter(|_| turn == 0)?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(i32::try_from(number(i32::MIN.into(), i32::MAX.into())?).ok()?)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number(i64::MIN, i64::MAX)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::try_from(number(0, u32::MAX.into())?).ok()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::try_from(number(0, i64::MAX)?).ok()?),
        // Each of these numbers has a form as such.
        Kind::Double => Value::F64(i32::try_from(number(i32::MIN.into(), i32::MAX.into())?).ok()?.into()),
        Kind::Float => Value::F32(i16::try_from(number(i16::MIN.into(), i16::MAX.into())?).ok()?.into()),
        Kind::Enum(values) => Value::EnumNumber(enum_value(values, turn, noise)?),
        Kind::Message(_) => return None,
    })
}

impl Numbers {
    fn within(low: i64, high: i64) -> Numbers {
        Numbers { limits: (low, high), spans: SPANS, common: COMMON }
    }

    /// All that are tried, in this order.
    fn tried(&self, field: &FieldDescriptor, noise: &Noise) -> Vec<i64> {
        let (least, greatest) = self.limits;
        let said = match range(field) {
            (None, None) => None,
            (Some(low), high) => Some((low, high.unwrap_or_else(|| low.saturating_add(WIDTH)))),
            (None, Some(high)) if high > 0 => Some((1, high)),
            (None, Some(high)) => Some((high.saturating_sub(WIDTH), high)),
        };
        let spans = said.map_or_else(|| self.spans.to_vec(), |said| vec![said; DRAWS]);
        let spans = spans.into_iter().map(|(low, high)| (low.max(least), high.min(greatest)));
        let draw = |(turn, (low, high)): (usize, (i64, i64))| noise.turned(turn).between(low, high);
        let drawn = spans.filter(|(low, high)| low <= high).enumerate().map(draw);
        let common = self.common.iter().copied().filter(|number| (least..=greatest).contains(number));
        drawn.chain(common).collect()
    }
}

/// The values of an enum, beginning with any of them.
fn enum_value(values: &EnumDescriptor, turn: usize, noise: &Noise) -> Option<i32> {
    let numbers: Vec<i32> = values.values().map(|value| value.number()).filter(|number| *number != 0).collect();
    let at = (noise.clone().below(numbers.len()) + turn) % numbers.len().max(1);
    numbers.get(at).copied().filter(|_| turn < numbers.len())
}

/// An empty message, of which the contract says then what it wants in it; a time, of which there is no empty one.
fn message_value(field: &FieldDescriptor, message: &MessageDescriptor, turn: usize, noise: &Noise) -> Option<Value> {
    let seconds = |numbers: &Numbers| {
        numbers.tried(field, noise).into_iter().nth(turn).map(|seconds| vec![("seconds", Value::I64(seconds))])
    };
    let parts = match message.full_name() {
        "google.protobuf.Timestamp" => seconds(&TIMES)?,
        "google.protobuf.Duration" => seconds(&DURATIONS)?,
        "google.type.Date" => date(turn, noise)?,
        name if name.starts_with("google.protobuf.") && name.ends_with("Value") => {
            let inner = message.get_field_by_name("value").map(|inner| inner.kind())?;
            vec![("value", scalar(field, &inner, turn, noise)?)]
        }
        _ if turn > 0 => return None,
        _ => Vec::new(),
    };
    let mut made = DynamicMessage::new(message.clone());
    for (name, value) in parts {
        made.set_field(&message.get_field_by_name(name)?, value);
    }
    Some(Value::Message(made))
}

/// A day of former years, then one of years to come.
fn date(turn: usize, noise: &Noise) -> Option<Vec<(&'static str, Value)>> {
    let mut noise = noise.turned(turn);
    let from = *[1970, 1970, 2100, 2100].get(turn)?;
    let part = |noise: &mut Noise, low, high| i32::try_from(noise.between(low, high)).map(Value::I32).ok();
    Some(vec![
        ("year", part(&mut noise, from, from + 29)?),
        ("month", part(&mut noise, 1, 12)?),
        ("day", part(&mut noise, 1, 28)?),
    ])
}

/// All texts that are tried, in this order.
fn texts(pattern: Option<&str>, noise: &Noise) -> Vec<String> {
    let hex = noise.clone().text(HEX, 32);
    let made = |roomy| pattern.and_then(|pattern| matching(pattern, &mut noise.clone(), roomy));
    let short = &hex[..16];
    let mut parts = noise.clone();
    let [second, third, fourth] = [256, 256, 254].map(|limit| parts.below(limit));
    let named = [
        format!("erased-{short}"),
        format!("{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30]),
        format!("erased-{short}@erased.invalid"),
        format!("https://erased.invalid/{short}"),
        format!("erased-{short}.invalid"),
        // Addresses that are nobody's: those for measurements, and those for documents.
        format!("198.{}.{third}.{}", 18 + second % 2, fourth + 1),
        format!("2001:db8::{}:{}:{}:{}", &hex[..4], &hex[4..8], &hex[8..12], &hex[12..16]),
        format!("+999{}", noise.clone().text(DIGITS, 9)),
    ];
    let signs = [LOWER, UPPER, DIGITS, HEX];
    let plain = LENGTHS.iter().flat_map(|length| signs.map(|signs| noise.clone().text(signs, *length)));
    [true, false].into_iter().filter_map(made).chain(named).chain(plain).collect()
}
