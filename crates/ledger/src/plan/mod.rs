//! The ordered way from what the ledger remembers to what a contract says.

mod after;
mod callers;
mod change;
mod columns;
mod convert;
mod display;
mod effect;
mod fields;
mod gone;
mod indexes;
mod inner;
mod kept;
mod linked;
mod migrations;
mod now;
mod oneofs;
mod options;
mod planner;
mod probes;
mod promises;
mod purge;
mod reached;
mod referring;
mod required;
mod reread;
mod roles;
mod served;
mod singletons;
mod step;
mod tables;
mod tightened;
mod values;

use data_encoding::HEXLOWER;
use mainstay_sql::{Probe, SchemaStep};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::Ledger;
pub use change::Change;
pub use effect::{Area, Effect, Severity};
pub(crate) use indexes::identity_of;
pub use planner::plan;
pub use probes::probes;
pub use reread::Reread;
pub use step::{Safety, Stage, Step};

/// The steps to a contract, and the ledgers on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The hash of the contract that the plan leads to.
    pub contract: String,
    /// In the order in which they run; those outside the transaction come last.
    pub steps: Vec<Step>,
    /// What to store in the transaction that runs [`Plan::inside`].
    pub transaction: Ledger,
    /// What the ledger is when every step is done. Of no use while a step is refused.
    pub after: Ledger,
    before: Ledger,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The rows were not asked about; [`crate::probes`] says what to ask.
    #[error("the plan needs an answer that was not collected: {0:?}")]
    Unanswered(Box<Probe>),
}

impl Plan {
    /// Says whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Says whether the ledger changes; it may where no step is needed (a field that is no longer required).
    pub fn changes_ledger(&self) -> bool {
        self.after != self.before
    }

    /// The steps that cannot be made: while there are any, nothing of the plan may run.
    pub fn refused(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.safety, Safety::Refused { .. }))
    }

    /// The steps that wait because `accepted` does not hold their [`Step::id`].
    pub fn waiting<'p>(&'p self, accepted: &'p [String], stage: Stage) -> impl Iterator<Item = &'p Step> {
        self.steps.iter().filter(move |step| step.waits(stage) && !accepted.contains(&step.id()))
    }

    /// What was accepted and is no step of the plan.
    pub fn unknown<'p>(&self, accepted: &'p [String]) -> Vec<&'p str> {
        let is_step = |id: &&String| self.steps.iter().any(|step| step.id() == **id);
        accepted.iter().filter(|id| !is_step(id)).map(String::as_str).collect()
    }

    /// Says whether a text could be a step's [`Step::id`], of this plan or of one that was made before.
    pub fn could_be_step(&self, id: &str) -> bool {
        let subjects = self.after.entries().map(|(resource, _)| resource).chain(self.after.migration_names());
        let roles = self.before.roles.keys().chain(self.after.roles.keys()).map(String::as_str);
        let own = self.before.own_methods.keys().chain(self.after.own_methods.keys()).map(String::as_str);
        let mut subjects = subjects.chain(roles).chain(own);
        subjects.any(|subject| {
            let verb = id.split('#').next().and_then(|id| id.strip_suffix(subject)?.strip_suffix(':'));
            verb.is_some_and(|verb| verb.contains(':') && verb.chars().all(|c| c == ':' || c.is_ascii_lowercase()))
        })
    }

    /// Says whether the plan may run: nothing refused, nothing waiting.
    pub fn is_ready(&self, accepted: &[String], stage: Stage) -> bool {
        self.refused().next().is_none() && self.waiting(accepted, stage).next().is_none()
    }

    /// The schema steps that run in one transaction, in order; [`Plan::transaction`] is stored in the same.
    ///
    /// The order is by kind: a column is renamed in a table that already has its new name, and a foreign key is added when
    /// all tables stand.
    pub fn inside(&self) -> Vec<&SchemaStep> {
        let inside = self.steps.iter().filter(|step| !step.is_outside());
        let mut steps: Vec<&SchemaStep> = inside.flat_map(|step| &step.schema).collect();
        steps.sort_by_key(|step| phase(step));
        steps
    }

    /// The steps that follow outside the transaction, in order. When one is done, [`Ledger::after`] is stored.
    pub fn outside(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_outside())
    }

    /// SHA-256, in lower-case hex, of the ledger that the plan starts from, the contract that it leads to, and all its
    /// steps.
    pub fn hash(&self) -> String {
        let steps = serde_json::to_string(&self.steps).expect("a step has only text keys");
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [&self.before.to_json(), &self.contract, &steps] {
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        HEXLOWER.encode(context.finish().as_ref())
    }
}

fn phase(step: &SchemaStep) -> u8 {
    match step {
        SchemaStep::RenameTable { .. } => 0,
        SchemaStep::RenameColumn { .. } => 1,
        SchemaStep::CreateTable { .. } => 2,
        SchemaStep::AddColumn { .. } => 3,
        SchemaStep::DropForeignKey { .. } => 4,
        SchemaStep::DropIndex { .. } => 5,
        // Without the indexes that it was in; those that it is in follow.
        SchemaStep::ConvertColumn { .. } | SchemaStep::ReplaceColumns { .. } => 6,
        // With all of its columns, and without those that go.
        SchemaStep::AddForeignKey { .. } | SchemaStep::RemakeTable { .. } => 7,
        // Into tables as they are to be.
        SchemaStep::MakeRows { .. } => 8,
        SchemaStep::CreateIndex { .. } | SchemaStep::FillLinks { .. } => 9,
        SchemaStep::ForgetLinks { .. } | SchemaStep::ForgetHistory { .. } => 9,
        SchemaStep::DropColumn { .. } => 10,
        SchemaStep::DropTable { .. } => 11,
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut plan = serializer.serialize_struct("Plan", 3)?;
        plan.serialize_field("contract", &self.contract)?;
        plan.serialize_field("hash", &self.hash())?;
        plan.serialize_field("steps", &self.steps)?;
        plan.end()
    }
}
