//! Scalars and enums, from JSON and from bare text.

use std::borrow::Cow;

use super::FromJson;
use crate::{
    fail::{Fail, shown},
    json::{
        base64::read_base64,
        number::{is_number, whole},
    },
    table::{EnumPlan, Leaf},
    writer::{Sink, put_length_delimited, put_varint, zigzag},
};

/// A number as it was given: bare, or between quotes.
pub(crate) enum Given<'a> {
    Number(&'a str),
    Text(Cow<'a, str>),
}

impl<'a, S: Sink> FromJson<'_, 'a, '_, S> {
    /// Reads one scalar and writes it without its tag.
    #[inline]
    pub(super) fn scalar(&mut self, leaf: Leaf) -> Result<(), Fail> {
        match leaf {
            Leaf::String => match self.scan.peek() {
                b'"' => self.scan.string_into(self.out),
                _ => Err(self.instead("a string")),
            },
            Leaf::Bool => {
                let value = self.boolean()?;
                self.out.push(u8::from(value));
                Ok(())
            }
            Leaf::Bytes => {
                if self.scan.peek() != b'"' {
                    return Err(self.instead("a string of base64"));
                }
                let text = self.scan.string()?;
                put_length_delimited(&bytes(&text)?, self.out);
                Ok(())
            }
            Leaf::Enum(index) => {
                let value = self.enumeration(index)?;
                put_varint(i64::from(value).cast_unsigned(), self.out);
                Ok(())
            }
            Leaf::Message(_) | Leaf::Group(_) => Err(Fail::value("a message cannot stand here")),
            number => {
                let given = self.given_number()?;
                given.put(number, self.out)
            }
        }
    }

    fn boolean(&mut self) -> Result<bool, Fail> {
        match self.scan.peek() {
            b't' => self.scan.literal("true").map(|()| true),
            b'f' => self.scan.literal("false").map(|()| false),
            _ => Err(self.instead("true or false")),
        }
    }

    pub(super) fn given_number(&mut self) -> Result<Given<'a>, Fail> {
        match self.scan.peek() {
            b'"' => self.scan.string().map(Given::Text),
            b'-' | b'0'..=b'9' => self.scan.number().map(Given::Number),
            _ => Err(self.instead("a number")),
        }
    }

    fn enumeration(&mut self, index: u32) -> Result<i32, Fail> {
        let plan = self.table.enumeration(index);
        match self.scan.peek() {
            b'"' => {
                let name = self.scan.string()?;
                let number = plan.by_name.get(&*name).copied();
                number.ok_or_else(|| unknown_value(plan, &name))
            }
            b'n' if plan.is_null => self.scan.literal("null").map(|()| 0),
            b'-' | b'0'..=b'9' => {
                let number = self.scan.number()?;
                integer(number)
            }
            _ => Err(self.instead(&format!("a value of {} as a string", plan.name))),
        }
    }

    /// The refusal of a value of another type; of a syntax error, where what stands there is no value at all.
    #[cold]
    pub(super) fn instead(&mut self, wanted: &str) -> Fail {
        let found = match self.scan.peek() {
            b'"' => "a string",
            b'{' => "an object",
            b'[' => "a list",
            b't' | b'f' => "a truth value",
            b'n' => "null",
            b'-' | b'0'..=b'9' => "a number",
            _ => return self.scan.unexpected(wanted),
        };
        match self.scan.skip_value() {
            Ok(()) => Fail::value(format!("expected {wanted}, found {found}")),
            Err(fail) => fail,
        }
    }
}

impl Given<'_> {
    /// Writes a number of any numeric type, without its tag.
    pub(crate) fn put<S: Sink>(&self, leaf: Leaf, out: &mut S) -> Result<(), Fail> {
        match leaf {
            Leaf::Int32 => put_varint(i64::from(self.integer::<i32>()?).cast_unsigned(), out),
            Leaf::Sint32 => put_varint(zigzag(self.integer::<i32>()?.into()), out),
            Leaf::Sfixed32 => out.extend(&self.integer::<i32>()?.to_le_bytes()),
            Leaf::Uint32 => put_varint(self.integer::<u32>()?.into(), out),
            Leaf::Fixed32 => out.extend(&self.integer::<u32>()?.to_le_bytes()),
            Leaf::Int64 => put_varint(self.integer::<i64>()?.cast_unsigned(), out),
            Leaf::Sint64 => put_varint(zigzag(self.integer()?), out),
            Leaf::Sfixed64 => out.extend(&self.integer::<i64>()?.to_le_bytes()),
            Leaf::Uint64 => put_varint(self.integer()?, out),
            Leaf::Fixed64 => out.extend(&self.integer::<u64>()?.to_le_bytes()),
            Leaf::Float => out.extend(&check_float(self.double()?)?.to_le_bytes()),
            _ => out.extend(&self.double()?.to_le_bytes()),
        }
        Ok(())
    }

    pub(super) fn integer<T: Whole>(&self) -> Result<T, Fail> {
        match self {
            Given::Number(number) => integer(number),
            Given::Text(text) if is_number(text) => integer(text),
            Given::Text(text) => Err(not_a_number(text, "a whole number")),
        }
    }

    fn double(&self) -> Result<f64, Fail> {
        match self {
            Given::Number(number) => finite(number),
            Given::Text(text) => match &**text {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                text if is_number(text) => finite(text),
                text => Err(not_a_number(text, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"")),
            },
        }
    }
}

/// A type of whole numbers.
pub(super) trait Whole: TryFrom<i128> {
    const LEAST: i128;
    const MOST: i128;
}

macro_rules! whole {
    ($($number:ident),*) => {$(
        impl Whole for $number {
            const LEAST: i128 = $number::MIN as i128;
            const MOST: i128 = $number::MAX as i128;
        }
    )*};
}

whole!(i32, u32, i64, u64);

#[inline]
fn integer<T: Whole>(number: &str) -> Result<T, Fail> {
    // the common case: few enough digits for 64 bits, no fraction, no exponent
    let digits = number.strip_prefix('-').unwrap_or(number);
    let value = if digits.len() < 19 && digits.bytes().all(|b| b.is_ascii_digit()) {
        number.parse::<i64>().ok().map(i128::from)
    } else {
        whole(number)
    };
    value.and_then(|value| T::try_from(value).ok()).ok_or_else(|| out_of_range(number, T::LEAST, T::MOST))
}

#[cold]
fn out_of_range(number: &str, least: i128, most: i128) -> Fail {
    Fail::value(format!("{} is not a whole number from {least} to {most}", shown(number)))
}

#[cold]
fn not_a_number(text: &str, wanted: &str) -> Fail {
    Fail::value(format!("expected {wanted}, found \"{}\"", shown(text)))
}

#[cold]
fn unknown_value(plan: &EnumPlan, name: &str) -> Fail {
    Fail::value(format!("{} has no value \"{}\"", plan.name, shown(name)))
}

/// Reads a JSON number as a double. Fails where it is too large for one.
pub(crate) fn finite(number: &str) -> Result<f64, Fail> {
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(Fail::value(format!("{} is too large for a double", shown(number)))),
    }
}

/// Narrows to a float. Fails where a finite double becomes infinite.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what a float is for; overflow is refused")]
pub(crate) fn check_float(value: f64) -> Result<f32, Fail> {
    let float = value as f32;
    if float.is_infinite() && value.is_finite() {
        return Err(Fail::value(format!("{value:e} is too large for a float")));
    }
    Ok(float)
}

/// Reads base64.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, Fail> {
    read_base64(text).ok_or_else(|| Fail::value(format!("\"{}\" is not base64", shown(text))))
}

/// Finds an enum value by its name, or takes its number.
pub(crate) fn enum_number(plan: &EnumPlan, text: &str) -> Result<i32, Fail> {
    match plan.by_name.get(text) {
        Some(number) => Ok(*number),
        None if is_number(text) => integer(text),
        None => Err(unknown_value(plan, text)),
    }
}

/// Writes a map's key, without its tag: plain digits or truth values, so that no key has two spellings.
pub(crate) fn map_key_text<S: Sink>(leaf: Leaf, key: &str, out: &mut S) -> Result<(), Fail> {
    match leaf {
        Leaf::String => put_length_delimited(key.as_bytes(), out),
        Leaf::Bool => match key {
            "true" => out.push(1),
            "false" => out.push(0),
            _ => return Err(Fail::value("the key of this map must be true or false")),
        },
        leaf => {
            let digits = key.strip_prefix('-').unwrap_or(key);
            if !is_number(key) || key == "-0" || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Fail::value("the key of this map must be a whole number in plain digits"));
            }
            Given::Number(key).put(leaf, out)?;
        }
    }
    Ok(())
}
