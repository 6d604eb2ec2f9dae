//! The ledger after a step, and with the terms of its contract.

use std::sync::Arc;

use mainstay_contract::Contract;

use super::planner::plan;
use super::{Change, Step};
use crate::entry::PATTERNS;
use crate::facts::NoRows;
use crate::{Ledger, MigrationEntry, TERMS_VERSION};

impl Ledger {
    /// The ledger after one step that runs outside the transaction: what to store when the step is done. A step inside the
    /// transaction changes nothing here; [`crate::Plan::transaction`] has them all.
    #[must_use]
    pub fn after(&self, step: &Step) -> Ledger {
        let mut ledger = self.clone();
        if let Change::RunMigration { number, hash, statements } = &step.change {
            // What it changed is known when it ran.
            let (name, hash) = (step.resource.clone(), hash.clone());
            ledger
                .migrations
                .insert(*number, MigrationEntry { name, hash, statement: *statements, rows: 0, done: true });
            return ledger;
        }
        let Some(entry) = ledger.resources.get_mut(&step.resource).map(Arc::make_mut) else { return ledger };
        match &step.change {
            Change::AddIndex { index } => {
                if !entry.indexes.contains(index) {
                    entry.indexes.push(index.clone());
                }
                ledger.names.insert(index.name.to_ascii_lowercase(), index.owner(&step.resource));
            }
            Change::DropIndex { index } => entry.indexes.retain(|known| known != index),
            _ => {}
        }
        ledger
    }

    /// The ledger with the terms of the contract that it was stored with, where it has none or has them in the words of
    /// another version; so that what is changed later is told, and nothing else.
    #[must_use]
    pub fn with_terms_of(&self, contract: &Contract) -> Ledger {
        if self.has_terms() {
            return self.clone();
        }
        let bare = self.without_terms();
        // Nobody has said yes to what patterns mean now: they are told still.
        let read = Ledger { patterns: PATTERNS, ..bare.clone() };
        match plan(&read, contract, &NoRows) {
            Ok(plan) if plan.steps.iter().all(Step::is_outside) => {
                Ledger { terms: TERMS_VERSION, patterns: self.patterns, ..plan.transaction }
            }
            _ => bare,
        }
    }

    /// The ledger without the terms that may be in other words. What numbers mean is in nobody's words.
    fn without_terms(&self) -> Ledger {
        let mut bare = self.clone();
        for entry in bare.resources.values_mut().map(Arc::make_mut) {
            entry.terms = None;
            for field in entry.fields.values_mut() {
                field.terms = None;
                let messages = field.json.iter_mut().flat_map(|json| &mut json.messages);
                messages.flat_map(|message| &mut message.fields).for_each(|inner| inner.terms = None);
            }
        }
        bare
    }
}
