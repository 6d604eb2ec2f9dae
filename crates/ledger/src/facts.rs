//! What a plan asks about the rows that exist.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use mainstay_contract::Contract;
use mainstay_sql::Probe;

use crate::{Ledger, plan};

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

/// Finds every question that a plan could ask, in a fixed order; none for a database without tables.
pub fn probes(ledger: &Ledger, contract: &Contract) -> Vec<Probe> {
    let recorder = Recorder::default();
    // With an answer to everything a plan does not fail; the steps of this one are of no interest.
    let _ = plan(ledger, contract, &recorder);
    recorder.0.into_inner().into_iter().collect()
}

/// Answers everything with "yes, some", so that no question is left out because of an earlier answer.
#[derive(Default)]
struct Recorder(RefCell<BTreeSet<Probe>>);

impl Facts for Recorder {
    fn answer(&self, probe: &Probe) -> Option<Answer> {
        self.0.borrow_mut().insert(probe.clone());
        Some(Answer { count: 1, sample: Vec::new() })
    }
}
