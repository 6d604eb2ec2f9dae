//! What is told of a value that is refused.

/// One field that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A dotted path of proto names with `[i]` for list elements (`address.city`, `lines[2].quantity`), from the resource or
    /// from the request, as its maker says; empty where the message itself is malformed.
    pub field: String,
    /// What is wrong with it, as a clause that can stand after the field's name: `must be at least 1`.
    pub description: String,
}

impl Violation {
    /// Says what is wrong with a field.
    pub fn new(field: impl Into<String>, problem: impl std::fmt::Display) -> Violation {
        Violation { field: field.into(), description: problem.to_string() }
    }
}
