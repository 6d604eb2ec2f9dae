//! Plans a contract against the stored schema and applies it.
//!
//! Everything that can be is one transaction: the steps, the new revision and its ledger. What cannot (an index that
//! PostgreSQL builds concurrently) follows, one step at a time, each noted in the ledger when it is done; whoever starts
//! next goes on where it stopped, because the plan still shows what the ledger does not have.

mod facts;
mod ledger;
mod migrations;
mod partly;
mod remade;
mod run;

pub use partly::Kept;
pub use run::{Consent, Made, PURGE_AFTER_MICROS, apply, finish, first_plan, plan, plan_with};

use mainstay_db::Engine;
use mainstay_ledger::{Plan, PlanError, Stage, Step};
use mainstay_sql::Dialect;

use crate::store::contracts::ReadError;

/// Why a contract was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the plan could not be made")]
    Plan(#[from] PlanError),
    /// At least one step is refused, or is guarded and was not accepted. Nothing was done.
    #[error("the plan holds a step that cannot be applied")]
    Refused(Box<Plan>),
    /// Somebody changed something since the plan was reviewed. Nothing was done.
    #[error("the plan is not the one that was reviewed")]
    AnotherPlan(Box<Plan>),
    /// Something was accepted that is no step of the plan. Nothing was done.
    #[error("{}", unknown_steps(.unknown, .plan))]
    UnknownSteps { unknown: Vec<String>, plan: Box<Plan> },
    /// A statement of a data migration cannot be run. What ran before it stays, and it goes on from there.
    #[error("statement {statement} of the migration {name} failed")]
    Migration {
        name: String,
        statement: usize,
        #[source]
        source: mainstay_db::Error,
    },
    /// A data migration ran, and what it should have come to is not so.
    #[error(
        "the migration {name} ran, but what stands behind `-- verify` finds {rows} rows; correct it and apply again"
    )]
    Unverified { name: String, rows: u64 },
    /// What a table held, or what its rows refer to, is not what it was when the table was made anew. Nothing was done.
    #[error(
        "the rows of {table} are not what they were after it was made anew: the store is damaged, or this is a fault of ours"
    )]
    NotTheSame { table: String },
    /// Somebody applied another contract since this one was put together. Nothing was done.
    #[error("another contract was applied meanwhile")]
    Overtaken,
}

/// How many steps are named at most where one is none of them.
const MAX_NAMED: usize = 20;

/// Says which steps there are, those first that wait.
fn unknown_steps(unknown: &[String], plan: &Plan) -> String {
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    steps.sort_by_key(|step| !step.waits(Stage::Production));
    let named: Vec<String> = steps.iter().take(MAX_NAMED).map(|step| step.id()).collect();
    let more = steps.len().checked_sub(MAX_NAMED).filter(|more| *more > 0).map(|more| format!(" and {more} more"));
    let there = match named[..] {
        [] => "it has none: the contract is applied as it is".to_owned(),
        _ => format!("it has {}{}", named.join(", "), more.unwrap_or_default()),
    };
    format!("the plan has no step {}; {there}", unknown.join(", "))
}

impl From<mainstay_db::Error> for ApplyError {
    fn from(error: mainstay_db::Error) -> ApplyError {
        ApplyError::Read(error.into())
    }
}

/// The dialect of an engine.
pub fn dialect(engine: Engine) -> Dialect {
    match engine {
        Engine::Sqlite => Dialect::Sqlite,
        Engine::Postgres => Dialect::Postgres,
    }
}
