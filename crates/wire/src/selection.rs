//! Read masks (AIP-157): which fields an answer carries.

/// A compiled read mask, valid for the message type for which it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The selected fields, ascending by number; a child without fields stands for the whole field.
    pub(crate) fields: Vec<(u32, Selection)>,
}
