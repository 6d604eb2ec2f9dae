//! One change of a plan.

use mainstay_contract::Place;
use mainstay_sql::SchemaStep;
use serde::Serialize;

use super::change::Change;
use super::effect::Effect;
use crate::FieldPath;

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
    /// The field of the resource's columns that it is about.
    #[serde(skip)]
    pub path: Option<FieldPath>,
}

/// Whether a step may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "safety", rename_all = "snake_case")]
pub enum Safety {
    /// Loses nothing, breaks nothing, takes no time that grows with the table while it blocks others.
    Safe,
    /// Loses nothing that is stored, but lets others in, or is something else to clients: in production it runs when
    /// somebody accepts it by its [`Step::id`].
    Reviewed { why: String, remedy: String },
    /// Runs when somebody accepts it by its [`Step::id`].
    Guarded { why: String, remedy: String },
    /// Never runs.
    Refused { why: String, remedy: String },
}

/// Where a plan is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// What is only to be reviewed runs.
    Development,
    Production,
}

impl Step {
    /// What `--accept` names: the same for the same change, whatever else is in the plan.
    pub fn id(&self) -> String {
        let (verb, subject) = self.change.words();
        format!("{verb} {}{}{subject}", self.resource, if subject.is_empty() { "" } else { "#" }).replace(' ', ":")
    }

    /// Says whether the step needs somebody's yes there.
    pub fn waits(&self, stage: Stage) -> bool {
        match self.safety {
            Safety::Safe | Safety::Refused { .. } => false,
            Safety::Reviewed { .. } => stage == Stage::Production,
            Safety::Guarded { .. } => true,
        }
    }

    /// Says whether the step runs outside the transaction.
    pub fn is_outside(&self) -> bool {
        self.is_migration() || self.schema.iter().any(SchemaStep::concurrently)
    }

    /// Says whether the step is a data migration, which runs behind all others.
    pub fn is_migration(&self) -> bool {
        matches!(self.change, Change::RunMigration { .. })
    }

    /// What the step is to whoever uses the contract.
    pub fn effect(&self) -> Effect {
        self.change.effect()
    }
}
