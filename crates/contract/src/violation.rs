//! What is told of a value that is refused.

/// One value that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `address.city`, `lines[2].quantity`: from the resource down.
    pub field: String,
    /// `must be at least 1`
    pub description: String,
}
