//! The questions of a plan, found by planning.

use std::cell::RefCell;
use std::collections::BTreeSet;

use mainstay_contract::Contract;
use mainstay_sql::Probe;

use super::planner::plan;
use crate::{Answer, Facts, Ledger};

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
