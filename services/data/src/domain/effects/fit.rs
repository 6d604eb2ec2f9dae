//! Whether a row can be as effects make it.

use mainstay_contract::Trigger;
use mainstay_record::Value;

use super::settle::settle;
use crate::domain::context::Operation;
use crate::domain::event::nothing;
use crate::domain::record::violations;
use crate::domain::references::check_references_of_contract;
use crate::domain::tx::Tx;
use crate::error::{Error, Result};

/// Sets what the row's own effects set in it, and says whether it can be as it is then.
pub async fn fits(
    tx: &mut Tx<'_, '_>,
    (op, trigger): (&Operation, Trigger),
    old: Option<&[Value]>,
    new: &mut Vec<Value>,
) -> Result<bool> {
    let unset;
    let before = match old {
        Some(old) => old,
        None => {
            unset = nothing(op);
            &unset
        }
    };
    let settled = settle(tx, (op, trigger), new, before).await?;
    let plan = op.plan();
    let is_kept = old.is_none_or(|old| plan.fields.changed_immutable(old, new, &[]).is_empty());
    if !settled.unfit.is_empty() || !is_kept || !violations(plan, new, op.caller.now).is_empty() {
        return Ok(false);
    }
    match check_references_of_contract(tx, op, old, new).await {
        Ok(()) => Ok(true),
        // It leads to nothing, or back to where it began.
        Err(Error::ReferenceNotFound { .. } | Error::Cycle { .. } | Error::TooDeep { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
