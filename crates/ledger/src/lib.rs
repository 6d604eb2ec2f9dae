#![doc = include_str!("../README.md")]

mod bind;
mod column_id;
mod entry;
mod facts;
mod json;
mod names;
mod plan;
mod rekey;
mod signature;
mod violated;

pub use bind::bind;
pub use column_id::{ColumnId, FieldPath, Part};
pub use entry::{
    ColumnEntry, FieldEntry, IndexEntry, IndexPart, LEDGER_VERSION, Ledger, LedgerError, ReferenceEntry, ResourceEntry,
};
pub use facts::{Answer, Answers, Facts, probes};
pub use json::{JsonEntry, JsonFieldEntry, JsonMessageEntry};
pub use plan::{Change, Plan, PlanError, Safety, Step, plan};
pub use signature::{Label, Signature};
pub use violated::Violated;
