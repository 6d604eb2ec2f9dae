//! Update masks (AIP-134, AIP-161) over a record.

use mainstay_record::Value;

use crate::{Decoded, MaskError, RecordPlan};

/// What an update touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskSelection {
    /// The columns to take from the request, ascending; never a key column or the revision.
    pub columns: Vec<usize>,
    /// The numbers of the top-level fields that the mask names, ascending; `name` and `etag` included.
    pub fields: Vec<u32>,
    /// Says whether the mask was `*`.
    pub full: bool,
    /// Presence columns of the messages that a nested path goes through: set where the request has them set, else kept.
    pub(crate) parents: Vec<usize>,
}

impl RecordPlan {
    /// Resolves the paths of an update mask. `*` selects every field; names may be in snake or camel case or an alias.
    ///
    /// Fails on an unknown name, on a path into a repeated field, a map or anything else that is stored as one value.
    pub fn resolve(&self, paths: &[&str]) -> Result<MaskSelection, MaskError> {
        todo!()
    }

    /// The mask that stands for an omitted one: the populated fields (AIP-134). Inside a message: its populated fields.
    pub fn populated(&self, decoded: &Decoded) -> MaskSelection {
        todo!()
    }

    /// Carries the selected values of a request over to a stored row; a member of a oneof that becomes set unsets the others.
    pub fn merge(&self, selection: &MaskSelection, stored: &mut [Value], incoming: &[Value]) {
        todo!()
    }
}

impl MaskSelection {
    /// Takes columns out again, for fields that a client may not write (OUTPUT_ONLY, IDENTIFIER).
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        self.columns.retain(|column| keep(*column));
        self.parents.retain(|column| keep(*column));
    }
}
