//! What is said of the fields of messages inside JSON columns beside their values: AIP-203, and where they lead.

use crate::{Behaviors, Container};

/// Who may set what inside a JSON column, and when, and what in it names other rows. `messages` runs parallel to the column's
/// `JsonShape::messages`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonBehaviors {
    pub container: Container,
    /// Where the elements lead, of a list of references: an index into `Resource::links`.
    pub link: Option<usize>,
    pub messages: Vec<Vec<JsonFieldBehavior>>,
}

/// What is said of one field of a message inside a JSON column. Every field has one, so that the way to what lies deeper
/// is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonFieldBehavior {
    pub number: u32,
    pub name: String,
    pub container: Container,
    pub behaviors: Behaviors,
    /// Where it leads, of a reference: an index into `Resource::links`.
    pub link: Option<usize>,
}

impl JsonBehaviors {
    /// Says whether a write has anything to heed: REQUIRED is among the checks.
    pub(crate) fn restrict(&self) -> bool {
        let heeded = |field: &JsonFieldBehavior| {
            field.behaviors.output_only || field.behaviors.immutable || field.link.is_some()
        };
        self.link.is_some() || self.messages.iter().flatten().any(heeded)
    }
}
