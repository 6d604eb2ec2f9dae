//! `google.protobuf.Any`: the fields of its message beside `@type`, or its JSON under `value`.

use std::borrow::Cow;

use super::{FromJson, Seen, duplicate, scalar};
use crate::{
    JsonErrorKind,
    fail::{Fail, enter, shown},
    table::{MessagePlan, Special},
    writer::{Sink, close, open, put_length_delimited},
};

const TYPE_URL: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

impl<'a, S: Sink> FromJson<'_, 'a, '_, S> {
    pub(super) fn any(&mut self, depth: usize) -> Result<(), Fail> {
        if self.scan.peek() != b'{' {
            return Err(self.instead("an object with \"@type\""));
        }
        let start = self.scan.mark();
        let url = match self.find_type()? {
            Found::Empty => return Ok(()),
            Found::Type(url) => url,
        };
        self.scan.rewind(start);
        self.out.push(TYPE_URL);
        put_length_delimited(url.as_bytes(), self.out);
        self.out.push(VALUE);
        if self.storage() {
            return self.stored_value();
        }
        let index = url.rsplit_once('/').and_then(|(_, name)| self.table.by_type.get(name));
        let Some(index) = index else {
            let message = format!("the type \"{}\" is not known here", shown(&url));
            return Err(Fail::value(message).at_field("@type"));
        };
        let plan = self.table.message(*index);
        let inside = enter(depth)?;
        let body = open(self.out);
        let read = match plan.special {
            Special::None => self.object(plan, None, inside, true),
            _ => self.under_value(plan, inside),
        };
        close(body, self.out);
        read
    }

    /// Looks through the object for its type, wherever it stands; nothing is written.
    fn find_type(&mut self) -> Result<Found<'a>, Fail> {
        self.scan.expect(b'{')?;
        let mut found = None;
        let (mut first, mut empty) = (true, true);
        while let Some(key) = self.scan.next_key(&mut first)? {
            empty = false;
            if key != "@type" {
                self.scan.skip_value()?;
                continue;
            }
            if found.is_some() {
                return Err(duplicate("the type is given twice").at_field("@type"));
            }
            if self.scan.peek() != b'"' {
                return Err(self.instead("the URL of a type").at_field("@type"));
            }
            found = Some(self.scan.string()?);
        }
        match found {
            Some(url) => Ok(Found::Type(url)),
            None if empty => Ok(Found::Empty),
            None => Err(Fail::value("an Any needs \"@type\", such as \"type.googleapis.com/shop.v1.Product\"")),
        }
    }

    /// Reads `{"@type": …, "value": …}` of a type whose JSON is not an object of fields.
    fn under_value(&mut self, plan: &MessagePlan, depth: usize) -> Result<(), Fail> {
        self.scan.expect(b'{')?;
        let (mut first, mut seen) = (true, Seen::default());
        while let Some(key) = self.scan.next_key(&mut first)? {
            match &*key {
                "@type" => self.scan.skip_value()?,
                "value" if seen.insert(0) => {
                    self.special(plan, depth).map_err(|fail| fail.at_field("value").passed(false))?;
                }
                "value" => return Err(duplicate("the value is given twice").at_field("value")),
                other => {
                    let message = format!("an Any of {} has \"@type\" and \"value\" only", plan.name);
                    return Err(Fail::new(JsonErrorKind::UnknownField, message).at_field(&shown(other)));
                }
            }
        }
        if seen.insert(0) { Err(Fail::value(format!("an Any of {} needs \"value\"", plan.name))) } else { Ok(()) }
    }

    /// Reads the bytes of a stored Any.
    fn stored_value(&mut self) -> Result<(), Fail> {
        self.scan.expect(b'{')?;
        let mut value = Vec::new();
        let mut first = true;
        while let Some(key) = self.scan.next_key(&mut first)? {
            match &*key {
                "value" => value = scalar::bytes(&self.scan.string()?)?,
                _ => self.scan.skip_value()?,
            }
        }
        put_length_delimited(&value, self.out);
        Ok(())
    }
}

enum Found<'a> {
    /// An object without keys: an Any that is not set to anything.
    Empty,
    Type(Cow<'a, str>),
}
