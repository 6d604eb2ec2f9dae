//! The ledger of what was applied last.

use mainstay_ledger::Ledger;

use crate::store::contracts::Applied;

/// The ledger to plan from. One that an earlier version stored without the contract's terms has them from the contract.
pub(super) fn ledger_of(before: Option<&Applied>) -> Ledger {
    let Some(applied) = before else { return Ledger::empty() };
    if applied.ledger.has_terms() {
        return applied.ledger.clone();
    }
    match mainstay_contract::compile_applied(applied.sources.clone()) {
        Ok(contract) => applied.ledger.with_terms_of(&contract),
        Err(_) => applied.ledger.clone(),
    }
}
