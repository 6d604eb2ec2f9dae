//! What a plan asks about the rows that exist.

use std::collections::BTreeMap;

use mainstay_sql::Probe;

/// The answer to a [`Probe`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub count: u64,
    /// The key columns of at most five such rows, in the order of the key.
    pub sample: Vec<Vec<String>>,
}

/// Who can answer questions about the rows.
pub trait Facts {
    /// Answers, or says nothing where it does not know; the plan then fails with [`crate::PlanError::Unanswered`].
    fn answer(&self, probe: &Probe) -> Option<Answer>;
}

/// Answers that were collected before: ask [`probes`], run their statements, fill this, then [`plan`].
#[derive(Debug, Clone, Default)]
pub struct Answers(pub BTreeMap<Probe, Answer>);

impl Facts for Answers {
    fn answer(&self, probe: &Probe) -> Option<Answer> {
        self.0.get(probe).cloned()
    }
}

/// A database without rows: nothing stands against anything.
pub(crate) struct NoRows;

impl Facts for NoRows {
    fn answer(&self, _: &Probe) -> Option<Answer> {
        Some(Answer::default())
    }
}
