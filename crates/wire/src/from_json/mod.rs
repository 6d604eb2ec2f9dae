//! JSON text to protobuf bytes, in one pass.

mod any;
mod keys;
mod scalar;
mod special;

pub(crate) use keys::PresentKeys;
pub(crate) use scalar::{Given, bytes as read_bytes, enum_number};
use scalar::{finite, map_key_text};
pub(crate) use special::{put_date, put_decimal, put_duration, put_time_of_day, put_timestamp};

use crate::{
    JsonErrorKind,
    fail::{Fail, enter, shown},
    json::{keys::DistinctKeys, scanner::Scanner},
    selection::{Selection, child},
    table::{FieldPlan, Form, Leaf, MapPlan, MessagePlan, Shape, Special, Table},
    writer::{Sink, Tag, WireType, close, open},
};

/// Where a value begins.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// In the text.
    text: usize,
    /// In what is made of it.
    written: usize,
}

/// Reads messages of one table.
pub(crate) struct FromJson<'t, 'a, 'o, S> {
    pub(super) table: &'t Table,
    pub(super) scan: Scanner<'a>,
    pub(super) out: &'o mut S,
    /// Collects the paths that are present; off inside lists, maps and values with a JSON of their own.
    pub(super) present: PresentKeys<'o>,
}

impl<'t, 'a, 'o, S: Sink> FromJson<'t, 'a, 'o, S> {
    /// Begins at the start of a text. Fails where it is not UTF-8.
    pub(crate) fn new(
        table: &'t Table,
        json: &'a [u8],
        out: &'o mut S,
        present: PresentKeys<'o>,
    ) -> Result<FromJson<'t, 'a, 'o, S>, Fail> {
        Ok(FromJson { table, scan: Scanner::new(json)?, out, present })
    }

    /// Begins at the start of a text that no mask is made of.
    pub(crate) fn of(table: &'t Table, json: &'a str, out: &'o mut S) -> FromJson<'t, 'a, 'o, S> {
        FromJson { table, scan: Scanner::of(json), out, present: PresentKeys::default() }
    }

    /// Reads a text that is one message.
    pub(crate) fn whole_message(&mut self, index: u32, depth: usize) -> Result<(), Fail> {
        match self.message(index, None, depth) {
            // a text that is no JSON after all has no fields to tell about
            Err(fail) if fail.has_passed() => self.scan.end().and(Err(fail)),
            read => read.and_then(|()| self.scan.end()),
        }
    }

    /// Reads a text that is the value of one field, with its tags.
    pub(crate) fn whole_field(
        &mut self,
        field: &'t FieldPlan,
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        self.field(field, below, depth)?;
        self.scan.end()
    }

    fn storage(&self) -> bool {
        self.table.form == Form::Storage
    }

    /// Reads a message; `depth` is how many more may nest in it.
    fn message(&mut self, index: u32, selection: Option<&Selection>, depth: usize) -> Result<(), Fail> {
        let plan = self.table.message(index);
        match plan.special {
            Special::None => self.object(plan, selection, depth, false),
            _ => self.special(plan, depth),
        }
    }

    /// Reads an object into a message; in an Any, its type stands among the fields.
    fn object(
        &mut self,
        plan: &'t MessagePlan,
        selection: Option<&Selection>,
        depth: usize,
        in_any: bool,
    ) -> Result<(), Fail> {
        if self.scan.peek() != b'{' {
            return Err(self.instead(&format!("an object, the fields of {}", plan.name)));
        }
        self.scan.expect(b'{')?;
        let (mut first, mut expected) = (true, 0);
        let mut seen = Seen::default();
        let mut oneofs = Seen::default();
        let mut noted = None;
        while let Some(key) = self.scan.next_key(&mut first)? {
            let value = self.mark();
            let read = match plan.named(&key, expected) {
                None => self.unknown(plan, &key, in_any),
                Some(index) => {
                    let field = &plan.fields[index];
                    expected = index + 1;
                    if !seen.insert(index) {
                        Err(duplicate("the field is given twice").at_field(&field.name))
                    } else if self.clashes(field, &mut oneofs) {
                        let message = "another field of the same oneof is given too; keep one of them";
                        Err(duplicate(message).at_field(&field.name))
                    } else if let Some(below) = child(selection, field.number) {
                        self.member(field, below, depth)
                    } else {
                        self.scan.skip_value()
                    }
                }
            };
            if let Err(fail) = read {
                self.pass_over(fail, value, &mut noted)?;
            }
        }
        all_told(noted)
    }

    /// Whether another field of the same oneof was set before.
    #[inline]
    fn clashes(&mut self, field: &FieldPlan, oneofs: &mut Seen) -> bool {
        // Fields that were stored before they belonged together may both be there; whoever reads them takes the last.
        let Some(oneof) = field.oneof.filter(|_| !self.storage()) else { return false };
        let unset = self.scan.peek() == b'n' && !self.table.takes_null(field.leaf);
        !unset && !oneofs.insert(usize::from(oneof))
    }

    /// Where both the text and what is made of it stand.
    #[inline]
    fn mark(&self) -> Mark {
        Mark { text: self.scan.mark(), written: self.out.length() }
    }

    /// Notes what is wrong with the value at a mark and goes on behind it; of the value stays what could be read. Fails where
    /// nothing can be read after it, or nothing more be told.
    #[cold]
    fn pass_over(&mut self, fail: Fail, value: Mark, noted: &mut Option<Fail>) -> Result<(), Fail> {
        if fail.is_final() {
            return Err(fail);
        }
        let passed = fail.has_passed();
        if !fail.leaves_legible() {
            self.out.cut(value.written);
        }
        match noted {
            Some(noted) => noted.join(fail),
            None => *noted = Some(fail),
        }
        if let Some(full) = noted.take_if(|noted| noted.is_full()) {
            return Err(full.passed(false));
        }
        if !passed {
            self.scan.rewind(value.text);
            self.scan.skip_value()?;
        }
        Ok(())
    }

    /// A key that is no field: skipped in storage (the field is gone), else refused.
    fn unknown(&mut self, plan: &MessagePlan, key: &str, in_any: bool) -> Result<(), Fail> {
        if self.storage() || (in_any && key == "@type") {
            return self.scan.skip_value();
        }
        let message = format!("{} has no such field", plan.name);
        Err(Fail::new(JsonErrorKind::UnknownField, message).at_field(&shown(key)))
    }

    /// Reads a field of an object and notes that it was there.
    fn member(&mut self, field: &'t FieldPlan, below: Option<&Selection>, depth: usize) -> Result<(), Fail> {
        let kept = self.present.enter(self.table, field);
        let result = self.field(field, below, depth);
        self.present.leave(kept);
        result.map_err(|fail| (if field.unsaid { fail.unsaid() } else { fail }).at_field(&field.name))
    }

    /// Reads the value of a field of any shape.
    fn field(&mut self, field: &'t FieldPlan, below: Option<&Selection>, depth: usize) -> Result<(), Fail> {
        let null = self.scan.peek() == b'n';
        match &field.shape {
            Shape::Implicit | Shape::Explicit if null && !self.table.takes_null(field.leaf) => {
                self.scan.literal("null")
            }
            Shape::Repeated { .. } | Shape::Map(_) if null => self.scan.literal("null"),
            Shape::Implicit => self.implicit(field),
            Shape::Explicit => self.tagged(field, below, depth),
            Shape::Repeated { packed } => self.list(field, *packed, below, depth),
            Shape::Map(map) => self.map(field, map, below, depth),
        }
    }

    /// Reads a field without presence; zero is left out.
    #[inline]
    fn implicit(&mut self, field: &FieldPlan) -> Result<(), Fail> {
        let start = self.out.length();
        field.tag.put(self.out);
        let value = self.out.length();
        self.scalar(field.leaf)?;
        if self.out.written()[value..].iter().all(|byte| *byte == 0) {
            self.out.cut(start);
        }
        Ok(())
    }

    /// Reads one value and writes it with its tag.
    #[inline]
    fn tagged(&mut self, field: &FieldPlan, below: Option<&Selection>, depth: usize) -> Result<(), Fail> {
        field.tag.put(self.out);
        match field.leaf {
            // What could be read of a message is one, also where something is wrong with the rest.
            Leaf::Message(index) => {
                let depth = enter(depth)?;
                let body = open(self.out);
                let read = match field.mask_of {
                    None => self.message(index, below, depth),
                    of => self.field_mask(of),
                };
                close(body, self.out);
                read
            }
            Leaf::Group(index) => {
                let read = self.message(index, below, enter(depth)?);
                Tag::new(field.number, WireType::EndGroup).put(self.out);
                read
            }
            leaf => self.scalar(leaf),
        }
    }

    fn list(
        &mut self,
        field: &FieldPlan,
        packed: Option<Tag>,
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        if self.scan.peek() != b'[' {
            return Err(self.instead("a list in square brackets"));
        }
        self.scan.expect(b'[')?;
        let start = self.out.length();
        let body = packed.map(|tag| {
            tag.put(self.out);
            open(self.out)
        });
        let read = self.elements(field, body.is_some(), below, depth);
        match body {
            Some(body) if self.out.length() == body => self.out.cut(start),
            Some(body) => close(body, self.out),
            None => {}
        }
        read
    }

    /// Reads a list to its end.
    fn elements(
        &mut self,
        field: &FieldPlan,
        packed: bool,
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        let (mut first, mut count) = (true, 0);
        let mut noted = None;
        while self.scan.next_item(&mut first, b']')? {
            let value = self.mark();
            if let Err(fail) = self.element(field, packed, below, depth) {
                self.pass_over(fail.at_index(count), value, &mut noted)?;
                self.hold_place(field, value);
            }
            count += 1;
        }
        all_told(noted)
    }

    /// Leaves an empty element where one could not be read, so that those after it are still where the client wrote them.
    #[cold]
    fn hold_place(&mut self, field: &FieldPlan, value: Mark) {
        if self.out.length() == value.written && field.tag.is_of(WireType::Bytes) {
            field.tag.put(self.out);
            self.out.push(0);
        }
    }

    fn element(
        &mut self,
        field: &FieldPlan,
        packed: bool,
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        if self.scan.peek() == b'n' && !self.table.takes_null(field.leaf) {
            return Err(Fail::value("null cannot stand in a list"));
        }
        if packed { self.scalar(field.leaf) } else { self.tagged(field, below, depth) }
    }

    fn map(&mut self, field: &FieldPlan, map: &MapPlan, below: Option<&Selection>, depth: usize) -> Result<(), Fail> {
        if self.scan.peek() != b'{' {
            return Err(self.instead("a map in braces"));
        }
        self.scan.expect(b'{')?;
        let mut keys = DistinctKeys::default();
        let mut first = true;
        let mut noted = None;
        while let Some(key) = self.scan.next_key(&mut first)? {
            let value = self.mark();
            let read = match keys.insert(key.clone()) {
                true => self.entry(field, map, &key, below, depth),
                false => Err(duplicate("the key is given twice")),
            };
            if let Err(fail) = read {
                self.pass_over(fail.at_key(&key), value, &mut noted)?;
            }
        }
        all_told(noted)
    }

    fn entry(
        &mut self,
        field: &FieldPlan,
        map: &MapPlan,
        key: &str,
        below: Option<&Selection>,
        depth: usize,
    ) -> Result<(), Fail> {
        if self.scan.peek() == b'n' && !self.table.takes_null(field.leaf) {
            return Err(Fail::value("null cannot be the value of a map's key"));
        }
        let inside = enter(depth)?;
        field.tag.put(self.out);
        let entry = open(self.out);
        map.key_tag.put(self.out);
        map_key_text(map.key, key, self.out)?;
        map.value_tag.put(self.out);
        let read = match field.leaf {
            Leaf::Message(index) => {
                let depth = enter(inside)?;
                let body = open(self.out);
                let read = self.message(index, below, depth);
                close(body, self.out);
                read
            }
            leaf => self.scalar(leaf),
        };
        close(entry, self.out);
        read
    }
}

#[cold]
fn duplicate(message: &str) -> Fail {
    Fail::new(JsonErrorKind::Duplicate, message)
}

/// The end of a list or an object: what was noted in it.
#[inline]
fn all_told(noted: Option<Fail>) -> Result<(), Fail> {
    match noted {
        None => Ok(()),
        Some(fail) => Err(fail.passed(true)),
    }
}

/// A set of small numbers that needs no memory of its own below 64.
#[derive(Debug, Default)]
struct Seen {
    low: u64,
    high: Vec<u64>,
}

impl Seen {
    /// Adds a number; false where it was there.
    #[inline]
    fn insert(&mut self, number: usize) -> bool {
        let bit = 1u64 << (number % 64);
        let word = match number / 64 {
            0 => &mut self.low,
            word => {
                if self.high.len() < word {
                    self.high.resize(word, 0);
                }
                &mut self.high[word - 1]
            }
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
