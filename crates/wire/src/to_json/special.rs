//! The well-known types, whose JSON is not an object of their fields.

use mainstay_record::Decimal;
use mainstay_record::time::{Date, Duration, TimeOfDay, Timestamp};

use super::{
    ToJson,
    group::merge,
    map::{MapKey, last_of_each, parts},
};
use crate::{
    fail::{Fail, enter, shown},
    field_mask,
    json::{
        base64::put_base64,
        number::{put_f64, put_i64},
        text::put_string,
    },
    reader::{Raw, Reader, low32, malformed, short_varint},
    table::{Leaf, MessagePlan, Special},
};

impl ToJson<'_, '_> {
    pub(super) fn special(&mut self, plan: &MessagePlan, wire: &[u8], depth: usize) -> Result<(), Fail> {
        match plan.special {
            Special::Timestamp => self.timestamp(wire),
            Special::Duration => self.duration(wire),
            Special::Date => {
                put_i64(read_date(wire)?.number(), self.out);
                Ok(())
            }
            Special::TimeOfDay => {
                put_i64(read_time_of_day(wire)?.number(), self.out);
                Ok(())
            }
            Special::Decimal => {
                put_string(&read_decimal(wire)?.key(), self.out);
                Ok(())
            }
            Special::Wrapper => self.wrapper(plan, wire),
            Special::FieldMask => self.field_mask(wire),
            Special::Any => self.any(wire, depth),
            Special::Struct => self.structure(wire, depth),
            Special::Value => self.any_value(wire, depth),
            Special::ListValue => self.list_value(wire, depth),
            Special::Empty | Special::None => {
                each(wire, |_, _| Ok(()))?;
                self.out.extend_from_slice(b"{}");
                Ok(())
            }
        }
    }

    fn timestamp(&mut self, wire: &[u8]) -> Result<(), Fail> {
        let time = read_timestamp(wire)?;
        if self.storage() {
            put_i64(time.micros(), self.out);
            return Ok(());
        }
        self.out.push(b'"');
        time.put(self.out);
        self.out.push(b'"');
        Ok(())
    }

    fn duration(&mut self, wire: &[u8]) -> Result<(), Fail> {
        let duration = read_duration(wire)?;
        if self.storage() {
            put_i64(duration.micros(), self.out);
            return Ok(());
        }
        self.out.push(b'"');
        duration.put(self.out);
        self.out.push(b'"');
        Ok(())
    }

    fn wrapper(&mut self, plan: &MessagePlan, wire: &[u8]) -> Result<(), Fail> {
        let Some(field) = plan.fields.first() else { return Err(malformed("a wrapper without a value field")) };
        match last_of(wire, field.number)? {
            Some(raw) => self.value(field.leaf, raw, None, 0),
            None => {
                self.zero(field.leaf);
                Ok(())
            }
        }
    }

    /// One camel-case string for clients; a list of paths as they are in storage.
    fn field_mask(&mut self, wire: &[u8]) -> Result<(), Fail> {
        let mut paths = Vec::new();
        each(wire, |number, raw| {
            if number == 1 {
                paths.push(utf8(raw)?);
            }
            Ok(())
        })?;
        if self.storage() {
            self.out.push(b'[');
            for (i, path) in paths.iter().enumerate() {
                if i > 0 {
                    self.out.push(b',');
                }
                self.string(path.as_bytes())?;
            }
            self.out.push(b']');
            return Ok(());
        }
        let camel: Option<Vec<String>> = paths.iter().map(|path| field_mask::to_camel(path)).collect();
        let Some(camel) = camel else {
            return Err(Fail::value("a path of the field mask has no camel-case form that leads back to it"));
        };
        put_string(&camel.join(","), self.out);
        Ok(())
    }

    fn any(&mut self, wire: &[u8], depth: usize) -> Result<(), Fail> {
        let (url, value) = (last_of(wire, 1)?, last_of(wire, 2)?);
        let url = url.map_or(Ok(""), utf8)?;
        let Raw::Bytes(value) = value.unwrap_or(Raw::Bytes(&[])) else {
            return Err(malformed("the value of an Any is not bytes"));
        };
        if url.is_empty() && value.is_empty() {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        if self.storage() {
            return self.any_by_its_bytes(url, value);
        }
        let start = self.out.len();
        match self.any_by_its_type(url, value, depth) {
            // Its type may have left the contract, or have become another one: what is stored is there for whoever knows it.
            Err(fail) if !self.strict && !fail.is_too_deep() => {
                self.out.truncate(start);
                self.any_by_its_bytes(url, value)
            }
            written => written,
        }
    }

    fn any_by_its_bytes(&mut self, url: &str, value: &[u8]) -> Result<(), Fail> {
        self.out.extend_from_slice(b"{\"@type\":");
        self.string(url.as_bytes())?;
        self.out.extend_from_slice(b",\"value\":");
        put_base64(value, self.out);
        self.out.push(b'}');
        Ok(())
    }

    fn any_by_its_type(&mut self, url: &str, value: &[u8], depth: usize) -> Result<(), Fail> {
        self.out.extend_from_slice(b"{\"@type\":");
        self.string(url.as_bytes())?;
        let known = url.rsplit_once('/').and_then(|(_, name)| self.table.by_type.get(name));
        let Some(index) = known else {
            return Err(Fail::value(format!("the type \"{}\" of an Any is not known here", shown(url))));
        };
        let plan = self.table.message(*index);
        let inside = enter(depth)?;
        if plan.special == Special::None {
            self.fields(plan, value, None, inside, false)?;
        } else {
            self.out.extend_from_slice(b",\"value\":");
            self.special(plan, value, inside)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn structure(&mut self, wire: &[u8], depth: usize) -> Result<(), Fail> {
        let inside = enter(depth)?;
        let mut entries = Vec::new();
        each(wire, |number, raw| {
            if number == 1 {
                entries.push(parts(Leaf::String, raw)?);
            }
            Ok(())
        })?;
        self.by_key(&mut entries);
        let last = last_of_each(&entries);
        self.out.push(b'{');
        let mut first = true;
        for (position, (key, value)) in entries.iter().enumerate() {
            let MapKey::Text(key) = key else { continue };
            if !last.keeps(&entries, position) {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            let body = value.merged()?;
            self.string(key.as_bytes())
                .and_then(|()| {
                    self.out.push(b':');
                    self.any_value(&body, enter(inside)?)
                })
                .map_err(|fail| fail.at_key(key))?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn list_value(&mut self, wire: &[u8], depth: usize) -> Result<(), Fail> {
        let mut count = 0;
        self.out.push(b'[');
        each(wire, |number, raw| {
            let (1, Raw::Bytes(value)) = (number, raw) else { return Ok(()) };
            if count > 0 {
                self.out.push(b',');
            }
            self.any_value(value, enter(depth)?).map_err(|fail| fail.at_index(count))?;
            count += 1;
            Ok(())
        })?;
        self.out.push(b']');
        Ok(())
    }

    /// `google.protobuf.Value`: its oneof's last member; several pieces of one list or Struct are merged.
    fn any_value(&mut self, wire: &[u8], depth: usize) -> Result<(), Fail> {
        let mut member = 0;
        let mut pieces = Vec::with_capacity(1);
        each(wire, |number, raw| {
            if (1..=6).contains(&number) {
                if number != member {
                    pieces.clear();
                    member = number;
                }
                pieces.push(raw);
            }
            Ok(())
        })?;
        match (member, pieces.last()) {
            (0 | 1, _) => self.out.extend_from_slice(b"null"),
            (2, Some(Raw::Fixed64(bits))) => {
                let number = f64::from_bits(*bits);
                if !number.is_finite() {
                    return Err(Fail::value("a google.protobuf.Value cannot hold NaN or Infinity"));
                }
                put_f64(if self.storage() && number == 0.0 { 0.0 } else { number }, self.out);
            }
            (3, Some(Raw::Bytes(text))) => return self.string(text),
            (4, Some(raw)) => return self.scalar(Leaf::Bool, *raw),
            (5, Some(_)) => return self.structure(&merge(pieces.iter().copied())?, enter(depth)?),
            (6, Some(_)) => return self.list_value(&merge(pieces.iter().copied())?, enter(depth)?),
            _ => return Err(malformed("a value has another wire type than its field")),
        }
        Ok(())
    }
}

/// Reads a `google.protobuf.Timestamp` and checks its range.
pub(crate) fn read_timestamp(wire: &[u8]) -> Result<Timestamp, Fail> {
    let [seconds, nanos] = match plain_time(wire) {
        Some(plain) => plain,
        None => varints(wire)?,
    };
    Ok(Timestamp { seconds: seconds.cast_signed(), nanos: int32(nanos) }.check()?)
}

/// Reads a `google.protobuf.Duration` and checks its range.
pub(crate) fn read_duration(wire: &[u8]) -> Result<Duration, Fail> {
    let [seconds, nanos] = varints(wire)?;
    Ok(Duration { seconds: seconds.cast_signed(), nanos: int32(nanos) }.check()?)
}

/// Reads a `google.type.Date` and checks that there is such a day.
pub(crate) fn read_date(wire: &[u8]) -> Result<Date, Fail> {
    let [year, month, day] = varints(wire)?;
    Ok(Date { year: int32(year), month: int32(month), day: int32(day) }.check()?)
}

/// Reads a `google.type.TimeOfDay` and checks its range.
pub(crate) fn read_time_of_day(wire: &[u8]) -> Result<TimeOfDay, Fail> {
    let [hours, minutes, seconds, nanos] = varints(wire)?.map(int32);
    Ok(TimeOfDay { hours, minutes, seconds, nanos }.check()?)
}

/// Reads a `google.type.Decimal`.
pub(crate) fn read_decimal(wire: &[u8]) -> Result<Decimal, Fail> {
    let text = last_of(wire, 1)?.map_or(Ok(""), utf8)?;
    Decimal::parse(text).map_err(|error| Fail::value(format!("\"{}\" {error}", shown(text))).at_field("value"))
}

fn int32(value: u64) -> i32 {
    low32(value).cast_signed()
}

/// The two fields of a time where they come as encoders write them: each at most once, in order, and nothing else.
fn plain_time(wire: &[u8]) -> Option<[u64; 2]> {
    const SECONDS: u8 = 1 << 3;
    const NANOS: u8 = 2 << 3;
    let mut values = [0; 2];
    let mut rest = wire;
    for (slot, tag) in [(0, SECONDS), (1, NANOS)] {
        if let Some((first, behind)) = rest.split_first()
            && *first == tag
        {
            let (value, length) = short_varint(behind)?;
            (values[slot], rest) = (value, &behind[length..]);
        }
    }
    rest.is_empty().then_some(values)
}

/// The varints in the first so many fields.
fn varints<const COUNT: usize>(wire: &[u8]) -> Result<[u64; COUNT], Fail> {
    let mut values = [0; COUNT];
    each(wire, |number, raw| {
        if let Some(slot) = (number as usize).checked_sub(1).and_then(|place| values.get_mut(place)) {
            let Raw::Varint(value) = raw else {
                return Err(malformed("a value has another wire type than its field"));
            };
            *slot = value;
        }
        Ok(())
    })?;
    Ok(values)
}

/// The last occurrence of a field.
pub(crate) fn last_of(wire: &[u8], wanted: u32) -> Result<Option<Raw<'_>>, Fail> {
    let mut found = None;
    each(wire, |number, raw| {
        if number == wanted {
            found = Some(raw);
        }
        Ok(())
    })?;
    Ok(found)
}

fn each<'w>(wire: &'w [u8], mut found: impl FnMut(u32, Raw<'w>) -> Result<(), Fail>) -> Result<(), Fail> {
    let mut reader = Reader::new(wire);
    while let Some((number, raw)) = reader.next()? {
        found(number, raw)?;
    }
    Ok(())
}

fn utf8(raw: Raw<'_>) -> Result<&str, Fail> {
    match raw {
        Raw::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_| Fail::value("the string is not UTF-8")),
        _ => Err(malformed("a value has another wire type than its field")),
    }
}
