//! What is personal in the messages of a contract, by what it says of their fields (`class`).

use std::collections::{HashMap, HashSet};

use mainstay_contract::field_options;
use prost_reflect::{FieldDescriptor, MessageDescriptor};

/// The class that is kept: what was paid and owed has to be shown for years, whoever it was.
pub const FINANCIAL: &str = "FINANCIAL";

/// What erasing means for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It has no class.
    Free,
    /// It is kept, by its class.
    Kept(String),
    /// It is erased, by its class.
    Erased(String),
}

/// A field that has a class, or one inside it.
#[derive(Debug, Clone)]
pub struct Part {
    pub field: FieldDescriptor,
    pub fate: Fate,
    /// Whether there is one inside it.
    pub leads_on: bool,
}

/// The fields with a class of a resource and of all messages that can stand in it, by the messages' names.
#[derive(Debug, Default)]
pub struct Classed(HashMap<String, Vec<Part>>);

impl Classed {
    /// Looks through all that is in a resource.
    pub fn of(message: &MessageDescriptor) -> Classed {
        let (mut all, mut pending, mut seen) = (Vec::new(), vec![message.clone()], HashSet::new());
        while let Some(message) = pending.pop() {
            if seen.insert(message.full_name().to_owned()) {
                pending.extend(message.fields().filter_map(|field| inner(&field)));
                all.push(message);
            }
        }
        let mut hold: HashSet<String> = HashSet::new();
        loop {
            let before = hold.len();
            for message in &all {
                let holds = |field: FieldDescriptor| {
                    field_options(&field).classed || inner(&field).is_some_and(|inner| hold.contains(inner.full_name()))
                };
                if !hold.contains(message.full_name()) && message.fields().any(holds) {
                    hold.insert(message.full_name().to_owned());
                }
            }
            if hold.len() == before {
                break;
            }
        }
        let part = |field: FieldDescriptor| {
            let leads_on = inner(&field).is_some_and(|inner| hold.contains(inner.full_name()));
            Part { fate: fate(&field), field, leads_on }
        };
        let says = |part: &Part| part.leads_on || part.fate != Fate::Free;
        let parts = |message: &MessageDescriptor| message.fields().map(part).filter(says).collect();
        let known = all.iter().filter(|message| hold.contains(message.full_name()));
        Classed(known.map(|message| (message.full_name().to_owned(), parts(message))).collect())
    }

    /// The fields of a message that have a class, or something inside them that has.
    pub fn parts(&self, message: &str) -> &[Part] {
        self.0.get(message).map_or(&[], Vec::as_slice)
    }

    /// Whether there is any.
    pub fn are_any(&self) -> bool {
        !self.0.is_empty()
    }
}

/// What kind of data may be a person's secret one day that is none today, is erased.
fn fate(field: &FieldDescriptor) -> Fate {
    match field_options(field).class {
        None => Fate::Free,
        Some(class) if class == FINANCIAL => Fate::Kept(class),
        Some(class) => Fate::Erased(class),
    }
}

/// The message that is in a field, in its elements or its values.
fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let entry = field.kind().as_message().filter(|entry| entry.is_map_entry()).cloned();
    let kind = entry.map_or_else(|| field.kind(), |entry| entry.map_entry_value_field().kind());
    kind.as_message().cloned()
}
