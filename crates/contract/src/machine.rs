//! State machines as they are written.

use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::options::{items, message_option, of_field, optional_text, text};

/// The option of a field that makes it one of states.
pub(crate) const STATES: &str = "mainstay.v1.states";

/// How many transitions a resource has at most.
pub const MAX_TRANSITIONS: usize = 100;

/// The longest name of a transition.
const MAX_NAME: usize = 60;

/// A transition, as it is written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The field of states, and which of its transitions this is.
    pub field: FieldDescriptor,
    pub position: usize,
    pub name: String,
    pub from: Vec<String>,
    pub to: String,
    pub access: Option<String>,
    pub guard: Option<String>,
    pub at: Option<String>,
    pub input: Vec<String>,
    /// The fields that `input` names, as far as there are such.
    pub inputs: Vec<FieldDescriptor>,
}

/// All transitions of a message as they are written, field by field.
pub(crate) fn written(message: &MessageDescriptor) -> Vec<Written> {
    let mut all = Vec::new();
    for field in message.fields() {
        let Some(option) = of_field(&field).and_then(|options| message_option(field.parent_pool(), &options, STATES))
        else {
            continue;
        };
        let transitions = items(&option, "transition");
        for (position, transition) in transitions.iter().filter_map(|value| value.as_message()).enumerate() {
            let texts = |name: &str| {
                items(transition, name).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            let input = texts("input");
            let inputs = input.iter().filter_map(|name| message.get_field_by_name(name)).collect();
            all.push(Written {
                field: field.clone(),
                position,
                name: text(transition, "name"),
                from: texts("from"),
                to: text(transition, "to"),
                access: optional_text(transition, "access"),
                guard: optional_text(transition, "guard"),
                at: optional_text(transition, "at"),
                input,
                inputs,
            });
        }
    }
    all
}

/// The transitions of a message that have a name that a method can have, each name once.
pub(crate) fn named(message: &MessageDescriptor) -> Vec<Written> {
    let mut names = BTreeSet::new();
    let mut sound = written(message);
    sound.retain(|transition| is_name(&transition.name) && names.insert(transition.name.clone()));
    sound.truncate(MAX_TRANSITIONS);
    sound
}

/// Whether a transition can have the name: it is the beginning of a method's.
pub(crate) fn is_name(name: &str) -> bool {
    /// Of all resources or of those whose deleted rows are kept: a resource that gets them one day has no other of the name.
    const STANDARD: [&str; 5] = ["Get", "Create", "Update", "Delete", "Undelete"];
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && name.len() <= MAX_NAME
        && !STANDARD.contains(&name)
}
