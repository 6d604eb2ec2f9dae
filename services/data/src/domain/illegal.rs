//! A transition that does not begin where the row is.

/// Why a transition cannot be made now.
#[derive(Debug)]
pub struct Illegal {
    pub name: String,
    pub transition: String,
    /// The state of the row, and those in which the transition begins.
    pub state: String,
    pub from: Vec<String>,
    /// The transitions that begin where the row is.
    pub allowed: Vec<String>,
}
