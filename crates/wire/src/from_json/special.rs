//! The well-known types, whose JSON is not an object of their fields. Each writes its message's body.

use mainstay_record::Decimal;
use mainstay_record::time::{Date, Duration, TimeOfDay, Timestamp};

use super::{FromJson, duplicate, finite};
use crate::{
    fail::{Fail, enter, parsed, shown},
    field_mask,
    json::keys::DistinctKeys,
    table::{MessagePlan, Special},
    writer::{Sink, Tag, WireType, close, open, put_length_delimited, put_varint, put_varint_at},
};

/// The tags of `google.protobuf.Value`'s members, of Struct's entries and their parts.
const NULL_VALUE: u8 = 1 << 3;
const NUMBER_VALUE: u8 = 2 << 3 | 1;
const STRING_VALUE: u8 = 3 << 3 | 2;
const BOOL_VALUE: u8 = 4 << 3;
const STRUCT_VALUE: u8 = 5 << 3 | 2;
const LIST_VALUE: u8 = 6 << 3 | 2;
const FIRST: u8 = 1 << 3 | 2;
const SECOND: u8 = 2 << 3 | 2;

impl<S: Sink> FromJson<'_, '_, '_, S> {
    pub(super) fn special(&mut self, plan: &MessagePlan, depth: usize) -> Result<(), Fail> {
        match plan.special {
            Special::Timestamp if self.storage() => {
                let micros = self.given_number()?.integer::<i64>()?;
                put_timestamp(Timestamp::from_micros(micros), self.out);
            }
            Special::Duration if self.storage() => {
                let micros = self.given_number()?.integer::<i64>()?;
                put_duration(Duration::from_micros(micros), self.out);
            }
            Special::Timestamp => {
                put_timestamp(parsed(&self.text("a time as a string")?, Timestamp::parse)?, self.out);
            }
            Special::Duration => {
                put_duration(parsed(&self.text("a duration as a string")?, Duration::parse)?, self.out);
            }
            Special::Date => {
                let number = self.given_number()?.integer::<i64>()?;
                let Some(date) = Date::from_number(number) else {
                    return Err(Fail::value(format!("{number} is not a date")));
                };
                put_date(date, self.out);
            }
            Special::TimeOfDay => {
                let number = self.given_number()?.integer::<i64>()?;
                let time = TimeOfDay::from_number(number);
                put_time_of_day(time.ok_or_else(|| Fail::value(format!("{number} is not a time of day")))?, self.out);
            }
            Special::Decimal => {
                let decimal = Decimal::from_key(&self.text("a decimal as a string")?);
                put_decimal(&decimal.ok_or_else(|| Fail::value("not a decimal"))?, self.out);
            }
            Special::FieldMask => self.field_mask(None)?,
            Special::Wrapper => self.wrapper(plan)?,
            Special::Any => self.any(depth)?,
            Special::Struct => self.structure(depth)?,
            Special::Value => self.any_value(depth)?,
            Special::ListValue => self.list_value(depth)?,
            Special::Empty | Special::None => self.empty(plan)?,
        }
        Ok(())
    }

    pub(super) fn text(&mut self, wanted: &str) -> Result<std::borrow::Cow<'_, str>, Fail> {
        if self.scan.peek() == b'"' { self.scan.string() } else { Err(self.instead(wanted)) }
    }

    fn wrapper(&mut self, plan: &MessagePlan) -> Result<(), Fail> {
        let Some(field) = plan.fields.first() else { return Err(Fail::value("a wrapper without a value field")) };
        self.implicit(field)
    }

    fn empty(&mut self, plan: &MessagePlan) -> Result<(), Fail> {
        if self.scan.peek() != b'{' {
            return Err(self.instead("an empty object"));
        }
        self.scan.expect(b'{')?;
        match self.scan.next_key(&mut true)? {
            None => Ok(()),
            Some(key) => self.unknown(plan, &key, false),
        }
    }

    /// Reads the paths of a mask, over the message `of` if it is known: a path then has any of its fields' names.
    pub(super) fn field_mask(&mut self, of: Option<u32>) -> Result<(), Fail> {
        if self.storage() {
            self.scan.expect(b'[')?;
            let mut first = true;
            while self.scan.next_item(&mut first, b']')? {
                self.out.push(FIRST);
                self.scan.string_into(self.out)?;
            }
            return Ok(());
        }
        if self.scan.peek() != b'"' {
            return Err(self.instead("a field mask as a string"));
        }
        let text = self.scan.string()?;
        for path in field_mask::paths(&text) {
            let Some(path) =
                of.map_or_else(|| field_mask::to_snake(path), |of| Some(self.table.in_proto_names(of, path)))
            else {
                return Err(Fail::value(format!("\"{}\" of a field mask must be in camel case", shown(path))));
            };
            self.out.push(FIRST);
            put_length_delimited(path.as_bytes(), self.out);
        }
        Ok(())
    }

    /// `depth` counts messages on the wire: a Struct's entry is one, its Value another.
    fn structure(&mut self, depth: usize) -> Result<(), Fail> {
        if self.scan.peek() != b'{' {
            return Err(self.instead("an object"));
        }
        self.scan.expect(b'{')?;
        let inside = enter(depth)?;
        let mut keys = DistinctKeys::default();
        let mut first = true;
        while let Some(key) = self.scan.next_key(&mut first)? {
            if !keys.insert(key.clone()) {
                return Err(duplicate("the key is given twice").at_key(&key));
            }
            self.out.push(FIRST);
            let entry = open(self.out);
            self.out.push(FIRST);
            put_length_delimited(key.as_bytes(), self.out);
            self.out.push(SECOND);
            let value = open(self.out);
            self.any_value(enter(inside)?).map_err(|fail| fail.at_key(&key))?;
            close(value, self.out);
            close(entry, self.out);
        }
        Ok(())
    }

    fn list_value(&mut self, depth: usize) -> Result<(), Fail> {
        if self.scan.peek() != b'[' {
            return Err(self.instead("a list"));
        }
        self.scan.expect(b'[')?;
        let (mut first, mut count) = (true, 0);
        while self.scan.next_item(&mut first, b']')? {
            self.out.push(FIRST);
            let value = open(self.out);
            let depth = enter(depth)?;
            self.any_value(depth).map_err(|fail| fail.at_index(count))?;
            close(value, self.out);
            count += 1;
        }
        Ok(())
    }

    fn any_value(&mut self, depth: usize) -> Result<(), Fail> {
        match self.scan.peek() {
            b'n' => {
                self.scan.literal("null")?;
                self.out.extend(&[NULL_VALUE, 0]);
            }
            b't' => {
                self.scan.literal("true")?;
                self.out.extend(&[BOOL_VALUE, 1]);
            }
            b'f' => {
                self.scan.literal("false")?;
                self.out.extend(&[BOOL_VALUE, 0]);
            }
            b'"' => {
                self.out.push(STRING_VALUE);
                self.scan.string_into(self.out)?;
            }
            b'{' => {
                self.out.push(STRUCT_VALUE);
                let body = open(self.out);
                self.structure(enter(depth)?)?;
                close(body, self.out);
            }
            b'[' => {
                self.out.push(LIST_VALUE);
                let body = open(self.out);
                self.list_value(enter(depth)?)?;
                close(body, self.out);
            }
            _ => {
                let number = finite(self.scan.number()?)?;
                self.out.push(NUMBER_VALUE);
                self.out.extend(&number.to_le_bytes());
            }
        }
        Ok(())
    }
}

/// Writes the body of a `google.protobuf.Timestamp`.
pub(crate) fn put_timestamp<S: Sink>(time: Timestamp, out: &mut S) {
    put_seconds(time.seconds, time.nanos, out);
}

/// Writes the body of a `google.protobuf.Duration`.
pub(crate) fn put_duration<S: Sink>(duration: Duration, out: &mut S) {
    put_seconds(duration.seconds, duration.nanos, out);
}

/// Writes the body of a time, put together first, so that it is copied once.
fn put_seconds<S: Sink>(seconds: i64, nanos: i32, out: &mut S) {
    const TAGS: [u8; 2] = [1 << 3, 2 << 3];
    let (mut bytes, mut end) = ([0; 22], 0);
    for (tag, value) in TAGS.into_iter().zip([seconds, nanos.into()]) {
        if value != 0 {
            bytes[end] = tag;
            end += 1 + put_varint_at(value.cast_unsigned(), &mut bytes[end + 1..]);
        }
    }
    out.extend(&bytes[..end]);
}

/// Writes the body of a `google.type.Date`.
pub(crate) fn put_date<S: Sink>(date: Date, out: &mut S) {
    put_nonzero(1, date.year.into(), out);
    put_nonzero(2, date.month.into(), out);
    put_nonzero(3, date.day.into(), out);
}

/// Writes the body of a `google.type.TimeOfDay`.
pub(crate) fn put_time_of_day<S: Sink>(time: TimeOfDay, out: &mut S) {
    for (number, part) in (1..).zip([time.hours, time.minutes, time.seconds, time.nanos]) {
        put_nonzero(number, part.into(), out);
    }
}

/// Writes the body of a `google.type.Decimal`.
pub(crate) fn put_decimal<S: Sink>(decimal: &Decimal, out: &mut S) {
    out.push(FIRST);
    put_length_delimited(decimal.to_string().as_bytes(), out);
}

fn put_nonzero<S: Sink>(number: u32, value: i64, out: &mut S) {
    if value != 0 {
        Tag::new(number, WireType::Varint).put(out);
        put_varint(value.cast_unsigned(), out);
    }
}
