//! Labels: how a write of a Commit names what an earlier one makes.

use std::collections::HashMap;

use bytes::Bytes;
use mainstay_contract::{Container, FIRST_INPUT, Reference, Right, Role, Verb};
use mainstay_record::Violation;
use mainstay_wire::frame::{self, Fields, Value};
use mainstay_wire::{MAX_RECORD_DEPTH, WireError};

use super::place::Place;
use super::record::in_request;
use crate::plans::{LinkField, ResourcePlan};

/// The longest label, in bytes.
pub const MAX_LABEL_BYTES: usize = 63;

/// By label: which write has it, and the name of what that writes, where it can be told.
#[derive(Debug, Default)]
pub struct Labels(HashMap<String, (usize, Option<Name>)>);

/// The name that a label stands for.
#[derive(Debug, Clone)]
pub struct Name {
    pub name: String,
    /// The same with another id in the place of one that the server makes, which is another each time: by this one the
    /// request is told from others with its id.
    pub told: String,
}

/// Which of the two is put in the place of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Name,
    Told,
}

impl Labels {
    /// Gives a write its label, if it has one. Fails where the label cannot be, or is another's.
    pub fn set(&mut self, label: &str, write: usize, name: Option<Name>) -> Result<(), String> {
        if label.is_empty() {
            return Ok(());
        }
        if !is_label(label) {
            return Err(format!("must be a-z, then at most {} of a-z, 0-9 and `_`", MAX_LABEL_BYTES - 1));
        }
        if let Some((other, _)) = self.0.get(label) {
            return Err(format!("is the label of writes[{other}] already"));
        }
        self.0.insert(label.to_owned(), (write, name));
        Ok(())
    }

    /// Puts names in the place of labels in a request of the verb: in the name of its row, in its parent, and in the
    /// references of its resource. Also returns what is wrong with the labels; `place` is where the request stands.
    pub fn replace(
        &self,
        plan: &ResourcePlan,
        verb: Verb,
        message: Bytes,
        (place, which): (&Place, Which),
    ) -> Result<(Bytes, Vec<Violation>), WireError> {
        if !may_hold_labels(&message) {
            return Ok((message, Vec::new()));
        }
        let mut named = Named { labels: self, place, which, problems: Vec::new() };
        Ok((named.request(plan, verb, &message)?.into(), named.problems))
    }
}

/// Says whether there may be a label in a message.
pub fn may_hold_labels(message: &[u8]) -> bool {
    message.contains(&b'$')
}

fn is_label(label: &str) -> bool {
    let mut bytes = label.bytes();
    label.len() <= MAX_LABEL_BYTES
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A place inside a JSON column on the way to its references.
#[derive(Clone, Copy)]
struct Inside<'l> {
    nodes: &'l [Vec<LinkField>],
    link: Option<usize>,
    below: Option<usize>,
    container: Container,
    /// How many messages are around it, the record not counted.
    depth: usize,
}

struct Named<'r> {
    labels: &'r Labels,
    place: &'r Place,
    which: Which,
    problems: Vec<Violation>,
}

impl Named<'_> {
    fn request(&mut self, plan: &ResourcePlan, verb: Verb, message: &[u8]) -> Result<Vec<u8>, WireError> {
        let [name, parent, body] = [Role::Name, Role::Parent, Role::Body].map(|role| verb.request().number(role));
        // The name of a row that is made is not the client's to give.
        let own = plan.resource.name_field.filter(|_| verb.right() != Right::Create);
        let mut replaced = Vec::with_capacity(message.len());
        let mut fields = Fields::of(message);
        let mut start = 0;
        while let Some((number, value)) = fields.next()? {
            let whole = &message[start..fields.position()];
            start = fields.position();
            match value {
                Value::Bytes(value) if number == name && name != 0 => self.field("name", number, value, &mut replaced),
                Value::Bytes(value) if number == parent && parent != 0 => {
                    self.field("parent", number, value, &mut replaced);
                }
                // What is given with a transition are fields of the resource.
                Value::Bytes(value) if matches!(verb, Verb::Transition(_)) && number > FIRST_INPUT => {
                    let path = [number - FIRST_INPUT];
                    let mut below = plan.resource.references.iter();
                    match below.find(|reference| is_at_or_below(plan, reference, &path)) {
                        Some(reference) if path_of(plan, reference) == path => {
                            self.field(&reference.field, number, value, &mut replaced);
                        }
                        None if plan.links.at(&path).is_some() => {
                            self.linked(plan, &path, (number, value), &mut replaced)?;
                        }
                        None if !plan.links.are_below(&path) => replaced.extend_from_slice(whole),
                        _ => frame::put_message(number, &self.message(plan, None, &path, value)?, &mut replaced),
                    }
                }
                Value::Bytes(value) if number == body && body != 0 => {
                    frame::put_message(number, &self.message(plan, own, &[], value)?, &mut replaced);
                }
                _ => replaced.extend_from_slice(whole),
            }
        }
        Ok(replaced)
    }

    /// In a message of the resource whose field has this path, from the resource; the resource itself has none. `own` is the
    /// field that holds the resource's own name.
    fn message(
        &mut self,
        plan: &ResourcePlan,
        own: Option<u32>,
        path: &[u32],
        message: &[u8],
    ) -> Result<Vec<u8>, WireError> {
        let mut replaced = Vec::with_capacity(message.len());
        let mut fields = Fields::of(message);
        let mut start = 0;
        while let Some((number, value)) = fields.next()? {
            let whole = &message[start..fields.position()];
            start = fields.position();
            let path = [path, &[number]].concat();
            let mut below = plan.resource.references.iter().filter(|reference| is_at_or_below(plan, reference, &path));
            match (value, below.next()) {
                (Value::Bytes(value), _) if path.len() == 1 && Some(number) == own => {
                    self.field(&in_request(plan, "name"), number, value, &mut replaced);
                }
                (Value::Bytes(value), Some(reference)) if path_of(plan, reference) == path => {
                    self.field(&in_request(plan, &reference.field), number, value, &mut replaced);
                }
                (Value::Bytes(value), None) if plan.links.at(&path).is_some() => {
                    self.linked(plan, &path, (number, value), &mut replaced)?;
                }
                (Value::Bytes(value), below) if below.is_some() || plan.links.are_below(&path) => {
                    frame::put_message(number, &self.message(plan, own, &path, value)?, &mut replaced);
                }
                _ => replaced.extend_from_slice(whole),
            }
        }
        Ok(replaced)
    }

    /// One element of a list, a map or a message with references inside, at this path from the resource.
    fn linked(
        &mut self,
        plan: &ResourcePlan,
        path: &[u32],
        (number, value): (u32, &[u8]),
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        let Some(root) = plan.links.at(path) else { return Ok(()) };
        let here = Inside { nodes: root.nodes, link: root.link, below: Some(0), container: root.container, depth: 0 };
        self.element(here, &in_request(plan, root.path), (number, value), out)
    }

    fn element(
        &mut self,
        here: Inside<'_>,
        field: &str,
        (number, value): (u32, &[u8]),
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        if here.container == Container::Map {
            // An entry, whose value is its second field.
            let entry = |this: &mut Self, (number, value): (u32, &[u8]), out: &mut Vec<u8>| match number {
                2 => this.element(Inside { container: Container::One, ..here }, field, (2, value), out),
                _ => {
                    frame::put_message(number, value, out);
                    Ok(())
                }
            };
            let replaced = self.copied(value, entry)?;
            frame::put_message(number, &replaced, out);
            return Ok(());
        }
        // What lies deeper is refused when it is read.
        let is_far = here.depth > MAX_RECORD_DEPTH;
        let node = here.below.and_then(|below| here.nodes.get(below)).filter(|node| !node.is_empty() && !is_far);
        match (here.link, node) {
            (Some(_), _) => self.field(field, number, value, out),
            (None, None) => frame::put_message(number, value, out),
            (None, Some(node)) => {
                let message = self.copied(value, |this, (number, value), out| {
                    let Some(inner) = node.iter().find(|inner| inner.number == number) else {
                        frame::put_message(number, value, out);
                        return Ok(());
                    };
                    let LinkField { link, below, container, .. } = *inner;
                    let here = Inside { nodes: here.nodes, link, below, container, depth: here.depth + 1 };
                    this.element(here, &format!("{field}.{}", inner.name), (number, value), out)
                })?;
                frame::put_message(number, &message, out);
            }
        }
        Ok(())
    }

    /// Copies a message; what has a length goes through `each`.
    fn copied(
        &mut self,
        message: &[u8],
        mut each: impl FnMut(&mut Self, (u32, &[u8]), &mut Vec<u8>) -> Result<(), WireError>,
    ) -> Result<Vec<u8>, WireError> {
        let mut copied = Vec::with_capacity(message.len());
        let mut fields = Fields::of(message);
        let mut start = 0;
        while let Some((number, value)) = fields.next()? {
            let whole = &message[start..fields.position()];
            start = fields.position();
            match value {
                Value::Bytes(value) => each(self, (number, value), &mut copied)?,
                _ => copied.extend_from_slice(whole),
            }
        }
        Ok(copied)
    }

    /// Copies a field that holds a name, or the name that its label stands for.
    fn field(&mut self, field: &str, number: u32, value: &[u8], out: &mut Vec<u8>) {
        let label = value.strip_prefix(b"$").and_then(|label| std::str::from_utf8(label).ok());
        match label.map(|label| (label, self.labels.0.get(label))) {
            Some((_, Some((_, Some(Name { name, told }))))) => {
                let name = if self.which == Which::Told { told } else { name };
                frame::put_message(number, name.as_bytes(), out);
            }
            Some((label, None)) => {
                let shown: String = label.chars().filter(|c| !c.is_control()).take(MAX_LABEL_BYTES).collect();
                let description = format!("names the label `{shown}`, which no earlier write has");
                let field = self.place.field(field);
                // A field may be there many times, of which the last counts.
                if self.problems.iter().all(|known| known.field != field) {
                    self.problems.push(Violation { field, description });
                }
            }
            // What the label stands for has no name that can be: that is told of it.
            Some((_, Some((_, None)))) => {}
            None => frame::put_message(number, value, out),
        }
    }
}

/// The numbers of the fields that lead to a reference.
fn path_of<'p>(plan: &'p ResourcePlan, reference: &Reference) -> &'p [u32] {
    reference.columns.first().map_or(&[], |column| &plan.resource.layout.columns[*column].path.0)
}

fn is_at_or_below(plan: &ResourcePlan, reference: &Reference, path: &[u32]) -> bool {
    path_of(plan, reference).starts_with(path)
}
