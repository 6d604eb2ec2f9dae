//! The ledger of what was applied last.

use std::borrow::Cow;

use mainstay_ledger::Ledger;

use crate::store::contracts::Applied;

/// The ledger to plan from. One that an earlier version stored without the contract's terms has them from the contract.
pub(super) fn ledger_of(before: Option<&Applied>) -> Cow<'_, Ledger> {
    let Some(applied) = before else { return Cow::Owned(Ledger::empty()) };
    if applied.ledger.has_terms() {
        return Cow::Borrowed(&applied.ledger);
    }
    match mainstay_contract::compile_applied(applied.sources.clone()) {
        Ok(contract) => Cow::Owned(applied.ledger.with_terms_of(&contract)),
        Err(_) => Cow::Borrowed(&applied.ledger),
    }
}
