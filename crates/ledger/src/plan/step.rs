//! One change of a plan.

use mainstay_contract::Place;
use mainstay_sql::SchemaStep;
use serde::Serialize;

use crate::IndexEntry;

/// One change that a reader of the contract would name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The type of the resource that changes.
    pub resource: String,
    #[serde(flatten)]
    pub change: Change,
    pub safety: Safety,
    /// What it does to the schema; nothing where only the ledger changes.
    pub schema: Vec<SchemaStep>,
    /// What is good to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where in the contract it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What changes. Fields are named by their path: `address.city`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    AddResource {
        table: String,
    },
    /// The message has another name, perhaps in another package.
    MoveResource {
        from: String,
        to: String,
    },
    RemoveResource,
    /// The pattern has more or fewer variables.
    ChangePattern {
        from: usize,
        to: usize,
    },
    AddField {
        field: String,
    },
    RenameField {
        field: String,
        from: String,
    },
    /// A type that holds every old value as it is stored.
    WidenField {
        field: String,
        from: String,
        to: String,
    },
    /// An enum or message that a field holds has another name.
    RenameType {
        field: String,
    },
    /// The contract no longer has the field; its values stay.
    HideField {
        field: String,
    },
    /// A hidden field is back.
    ShowField {
        field: String,
    },
    RequireField {
        field: String,
    },
    /// A value must satisfy more than before.
    TightenField {
        field: String,
    },
    /// The field is gone without being reserved.
    RemoveField {
        field: String,
    },
    /// The number means something else.
    ReuseNumber {
        field: String,
        number: u32,
    },
    ChangeField {
        field: String,
        from: String,
        to: String,
    },
    /// A column that is no field's has another name.
    RenameColumn {
        column: String,
    },
    AddIndex {
        index: IndexEntry,
    },
    DropIndex {
        index: IndexEntry,
    },
}

/// Whether a step may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "safety", rename_all = "snake_case")]
pub enum Safety {
    /// Loses nothing, breaks nothing, takes no time that grows with the table while it blocks others.
    Safe,
    /// Runs when somebody accepts it by its [`Step::id`].
    Guarded { why: String, remedy: String },
    /// Never runs.
    Refused { why: String, remedy: String },
}

impl Step {
    /// What `--accept` names: the same for the same change, whatever else is in the plan.
    pub fn id(&self) -> String {
        let (verb, subject) = self.change.words();
        format!("{verb} {}{}{subject}", self.resource, if subject.is_empty() { "" } else { "#" }).replace(' ', ":")
    }

    /// Says whether the step runs outside the transaction.
    pub fn is_outside(&self) -> bool {
        self.schema.iter().any(SchemaStep::concurrently)
    }
}

impl Change {
    /// The change in words, and what of the resource it is about (empty: all of it).
    pub(crate) fn words(&self) -> (&'static str, &str) {
        match self {
            Change::AddResource { .. } => ("add resource", ""),
            Change::MoveResource { .. } => ("move resource", ""),
            Change::RemoveResource => ("remove resource", ""),
            Change::ChangePattern { .. } => ("change pattern", ""),
            Change::AddField { field } => ("add field", field),
            Change::RenameField { field, .. } => ("rename field", field),
            Change::WidenField { field, .. } => ("widen field", field),
            Change::RenameType { field } => ("rename type", field),
            Change::HideField { field } => ("hide field", field),
            Change::ShowField { field } => ("show field", field),
            Change::RequireField { field } => ("require field", field),
            Change::TightenField { field } => ("tighten field", field),
            Change::RemoveField { field } => ("remove field", field),
            Change::ReuseNumber { field, .. } => ("reuse number", field),
            Change::ChangeField { field, .. } => ("change field", field),
            Change::RenameColumn { column } => ("rename column", column),
            Change::AddIndex { index } => ("add index", &index.name),
            Change::DropIndex { index } => ("drop index", &index.name),
        }
    }
}
