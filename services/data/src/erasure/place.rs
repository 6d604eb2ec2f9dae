//! Where a field stands in a message, and what became of it there.

use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, Value};

/// A step on the way into a message.
#[derive(Debug, Clone)]
pub enum Step {
    Field(FieldDescriptor),
    Index(usize),
    Key(MapKey),
}

/// The way to a place.
#[derive(Debug, Clone, Default)]
pub struct Way {
    steps: Vec<Step>,
    /// As violations name it: `contacts[0].phone`.
    pub path: String,
    /// The names of the fields alone: `contacts.phone`.
    pub field: String,
}

impl Way {
    /// On to a field of the message here.
    pub fn field(&self, field: &FieldDescriptor) -> Way {
        let joined = |path: &str| {
            if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) }
        };
        self.on(Step::Field(field.clone()), joined(&self.path), joined(&self.field))
    }

    /// On to an element of the list here.
    pub fn element(&self, index: usize) -> Way {
        self.on(Step::Index(index), format!("{}[{index}]", self.path), self.field.clone())
    }

    /// On to a value of the map here.
    pub fn value(&self, key: &MapKey) -> Way {
        let text = match key {
            MapKey::Bool(key) => key.to_string(),
            MapKey::I32(key) => key.to_string(),
            MapKey::I64(key) => key.to_string(),
            MapKey::U32(key) => key.to_string(),
            MapKey::U64(key) => key.to_string(),
            MapKey::String(key) => key.clone(),
        };
        self.on(Step::Key(key.clone()), format!("{}[{text:?}]", self.path), self.field.clone())
    }

    fn on(&self, step: Step, path: String, field: String) -> Way {
        let mut steps = self.steps.clone();
        steps.push(step);
        Way { steps, path, field }
    }

    /// Puts a value there, or takes the field away that leads there.
    pub fn put(&self, message: &mut DynamicMessage, value: Option<Value>) {
        put(message, &self.steps, value);
    }
}

fn put(message: &mut DynamicMessage, steps: &[Step], value: Option<Value>) {
    let Some((Step::Field(field), rest)) = steps.split_first() else { return };
    match (rest, value) {
        ([], Some(value)) => message.set_field(field, value),
        ([], None) => message.clear_field(field),
        (rest, value) if message.has_field(field) => put_inside(message.get_field_mut(field), rest, value),
        _ => {}
    }
}

fn put_inside(here: &mut Value, steps: &[Step], value: Option<Value>) {
    match (here, steps) {
        (Value::Message(message), steps) => put(message, steps, value),
        (Value::List(elements), [Step::Index(index), rest @ ..]) => {
            let Some(element) = elements.get_mut(*index) else { return };
            if rest.is_empty() {
                *element = value.unwrap_or_else(|| element.clone());
            } else {
                put_inside(element, rest, value);
            }
        }
        (Value::Map(entries), [Step::Key(key), rest @ ..]) => {
            let Some(entry) = entries.get_mut(key) else { return };
            if rest.is_empty() {
                *entry = value.unwrap_or_else(|| entry.clone());
            } else {
                put_inside(entry, rest, value);
            }
        }
        _ => {}
    }
}

/// What became of a field at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Emptied,
    Pseudonymised,
    /// With the reason.
    Kept(&'static str),
    /// Empty, though the contract wants a value for which there is no pseudonym.
    Unfit,
}

/// A field with a class at one place of a row.
#[derive(Debug, Clone)]
pub struct Place {
    pub way: Way,
    pub descriptor: FieldDescriptor,
    /// Whether it is an element of a list, and not all of it.
    pub is_element: bool,
    /// Nothing where it came up with the pseudonym of what it is in: that is what is counted.
    pub class: Option<String>,
    /// Whether there was something.
    pub was_set: bool,
    pub outcome: Outcome,
    /// How many pseudonyms were tried.
    pub tried: usize,
}

impl Place {
    /// Whether a violation is about it. A oneof of which one member must be set is named by itself, and means the one that was.
    pub fn is_named(&self, path: &str) -> bool {
        if self.way.path == path {
            return true;
        }
        let Some(oneof) = self.descriptor.containing_oneof().filter(|_| self.was_set) else { return false };
        let parent = self.way.path.strip_suffix(self.descriptor.name()).unwrap_or_default();
        path.strip_prefix(parent) == Some(oneof.name())
    }
    /// Whether a path leads further inside it.
    pub fn is_around(&self, path: &str) -> bool {
        path.strip_prefix(&self.way.path).is_some_and(|rest| rest.starts_with(['.', '[']))
    }
}
