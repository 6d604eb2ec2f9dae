//! What is checked inside a JSON column.

use mainstay_record::Kind;

use crate::check::Check;
use crate::compound::Compound;

/// What is checked inside a JSON column. `messages` runs parallel to the column's `JsonShape::messages`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JsonChecks {
    pub container: Container,
    /// On each element that is a scalar.
    pub items: Items,
    /// On each key of a map.
    pub keys: Keys,
    /// What an element's value is stored as, where it is a scalar.
    pub item_kind: Option<Kind>,
    /// On the fields of the messages, by their entry in the shape.
    pub messages: Vec<Vec<JsonFieldChecks>>,
    /// The oneofs of these messages of which one must be set.
    pub oneofs: Vec<Vec<JsonOneof>>,
    /// The entries of messages whose parts must agree.
    pub compounds: Vec<(usize, Compound)>,
    /// On each of the messages as a whole, by the same entries.
    pub wholes: Vec<Vec<Check>>,
}

/// What is checked on each element of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Items {
    pub checks: Vec<Check>,
    /// Skip `checks` where the element is its type's zero (`items.ignore: IGNORE_IF_ZERO_VALUE`).
    pub ignore_zero: bool,
}

/// A oneof of a message inside a JSON column of which one field must be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonOneof {
    pub name: String,
    /// The numbers of its fields.
    pub members: Vec<u32>,
}

/// What is checked on each key of a map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keys {
    pub checks: Vec<Check>,
    /// What a key would be stored as by itself.
    pub kind: Option<Kind>,
}

/// How many values a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Container {
    #[default]
    One,
    List,
    Map,
}

/// What is checked on one field of a message inside a JSON column. Every field that holds messages has one, so that the
/// way to what lies deeper is known.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonFieldChecks {
    pub number: u32,
    pub name: String,
    pub kind: Kind,
    /// A missing value is unset, not zero.
    pub presence: bool,
    pub container: Container,
    pub required: bool,
    pub ignore_zero: bool,
    pub checks: Vec<Check>,
    pub items: Items,
    pub keys: Keys,
}
