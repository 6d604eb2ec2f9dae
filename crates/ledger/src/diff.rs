//! What one contract says otherwise than another, whatever is stored.

use std::fmt;

use mainstay_contract::Contract;

use crate::facts::NoRows;
use crate::{Area, Ledger, PlanError, Safety, Severity, Stage, Step, plan};

/// Every difference between two contracts.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// As the steps of a plan from the one to the other, in a database without rows.
    pub steps: Vec<Step>,
}

/// Compares two contracts: what a plan would say had the first been applied to an empty database. What rows stand against
/// it only [`plan`] knows, which asks them.
///
/// # Errors
/// Never: every question has an answer where there are no rows.
pub fn diff(before: &Contract, after: &Contract) -> Result<Diff, PlanError> {
    let applied = plan(&Ledger::empty(), before, &NoRows)?.after;
    Ok(Diff { steps: plan(&applied, after, &NoRows)?.steps })
}

impl Diff {
    /// The differences that somebody has to look at.
    pub fn breaking(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.breaks())
    }
}

impl Step {
    /// Says whether somebody may meet the change who did nothing: it is refused, waits in production, lets in who was kept
    /// out, or asks more of a write than before.
    pub fn breaks(&self) -> bool {
        let effect = self.effect();
        let asks_more = effect.severity != Severity::Widened
            && effect.areas.iter().any(|area| matches!(area, Area::Validation | Area::Access | Area::States));
        self.waits(Stage::Production) || matches!(self.safety, Safety::Refused { .. }) || asks_more
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, breaking) = (self.steps.len(), self.breaking().count());
        match (all, breaking) {
            (0, _) => return writeln!(f, "no difference"),
            (1, 0) => writeln!(f, "1 difference, which breaks nobody")?,
            (1, _) => writeln!(f, "1 difference, to be looked at")?,
            (all, 0) => writeln!(f, "{all} differences, which break nobody")?,
            (all, breaking) => writeln!(f, "{all} differences, {breaking} to be looked at")?,
        }
        self.steps.iter().try_for_each(|step| write!(f, "\n{step}"))
    }
}
