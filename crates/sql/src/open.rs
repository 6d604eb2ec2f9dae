//! Quantifiers around what is being written.

/// What a quantifier is called in a statement.
#[derive(Debug, Clone)]
pub(crate) enum Open {
    Element { name: String },
    Row { name: String, table: usize },
}
