//! What a write met.

use mainstay_record::Value;

/// A write that broke a unique index, and perhaps more: an engine tells the one that it checks first.
#[derive(Debug, Clone, PartialEq)]
pub struct Clash {
    pub(super) record: Vec<Value>,
    /// The record was to be a new row.
    pub(super) made: bool,
    /// Index into `Resource::indexes`.
    pub(super) index: usize,
}
