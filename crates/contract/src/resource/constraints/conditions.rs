//! Conditions that a contract writes out (`cel`, `cel_expression`): where they stand, before it is known what they are about.

use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};

use super::FIELD;
use super::predefined;
use super::written::Written;
use crate::options::{items, message_option, of_field, text};

/// What the conditions of a field are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Field,
    Items,
    Values,
    Keys,
}

impl On {
    pub const ALL: [On; 4] = [On::Field, On::Items, On::Values, On::Keys];

    /// The steps to it inside the option.
    pub fn steps(self) -> &'static [&'static str] {
        match self {
            On::Field => &[],
            On::Items => &["repeated", "items"],
            On::Values => &["map", "values"],
            On::Keys => &["map", "keys"],
        }
    }
}

/// Whether there are any, however deep.
pub(super) fn are_in(rules: &DynamicMessage) -> bool {
    On::ALL.into_iter().any(|on| inside(rules, on.steps()).is_some_and(|rules| !of(&rules).is_empty()))
}

/// Those of a field that stand on this. None where constraints are ignored always.
pub(crate) fn on(field: &FieldDescriptor, on: On) -> Vec<Written> {
    let rules = of_field(field).and_then(|options| message_option(field.parent_pool(), &options, FIELD));
    let mut found = rules.filter(|rules| !is_ignored(rules));
    for step in on.steps() {
        found = found.and_then(|rules| inside(&rules, &[step])).filter(|rules| !is_ignored(rules));
    }
    found.map(|rules| of(&rules)).unwrap_or_default()
}

/// Those that stand in an option: a message's, a field's, an element's.
pub(crate) fn of(option: &DynamicMessage) -> Vec<Written> {
    let mut found = Vec::new();
    for (position, value) in items(option, "cel_expression").iter().enumerate() {
        let source = value.as_str().unwrap_or_default().to_owned();
        let (id, message) = (source.clone(), String::new());
        found.push(Written { id, message, source, bare: true, list: "cel_expression", position, predefined: None });
    }
    for (position, value) in items(option, "cel").iter().enumerate() {
        let Value::Message(written) = value else { continue };
        let (id, message, source) = (text(written, "id"), text(written, "message"), text(written, "expression"));
        found.push(Written { id, message, source, bare: false, list: "cel", position, predefined: None });
    }
    found.extend(predefined::of(option));
    found
}

fn is_ignored(rules: &DynamicMessage) -> bool {
    rules.get_field_by_name("ignore").is_some_and(|ignore| ignore.as_enum_number() == Some(3))
}

fn inside(rules: &DynamicMessage, steps: &[&str]) -> Option<DynamicMessage> {
    let mut found = rules.clone();
    for step in steps {
        let field = found.descriptor().get_field_by_name(step)?;
        if !found.has_field(&field) {
            return None;
        }
        let Value::Message(inner) = found.get_field(&field).into_owned() else { return None };
        found = inner;
    }
    Some(found)
}
