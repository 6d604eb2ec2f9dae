//! What AIP-203 says of the fields of messages inside JSON columns.

use crate::{Behaviors, Container};

/// Who may set what inside a JSON column, and when. `messages` runs parallel to the column's `JsonShape::messages`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonBehaviors {
    pub container: Container,
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
}

impl JsonBehaviors {
    /// Says whether a write has anything to heed: REQUIRED is among the checks.
    pub(crate) fn restrict(&self) -> bool {
        self.messages.iter().flatten().any(|field| field.behaviors.output_only || field.behaviors.immutable)
    }
}
