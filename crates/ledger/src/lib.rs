#![doc = include_str!("../README.md")]

mod bind;
mod bound;
mod column_id;
mod diff;
mod entry;
mod facts;
mod json;
mod moves;
mod names;
mod oneofs;
mod plan;
mod rekey;
mod signature;
mod tables;
mod terms;

pub use bind::bind;
pub use column_id::{ColumnId, FieldPath, Part};
pub use diff::{Diff, diff};
pub use entry::{
    ColumnEntry, FieldEntry, Hidden, IndexEntry, IndexPart, IndexedRows, IndexedSpan, LEDGER_VERSION, Ledger,
    LedgerError, MigrationEntry, OwnMethod, ReferenceEntry, ResourceEntry, RoleEntry,
};
pub use facts::{Answer, Answers, Facts};
pub use json::{JsonEntry, JsonFieldEntry, JsonMessageEntry};
pub use plan::{Area, Change, Effect, Plan, PlanError, Reread, Safety, Severity, Stage, Step, plan, probes};
pub use signature::{Label, Signature};
pub use tables::{RuleSql, rule_sql, tables};
pub use terms::{
    CommitTerms, EnumValues, FieldTerms, Fields, Form, KeptTerms, MethodTerms, ResourceTerms, RuleTerms, TERMS_VERSION,
};
