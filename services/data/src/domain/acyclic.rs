//! References that never come back to where they began.
//!
//! What is asked here is decided by rows that others may move at the same time: the transaction is one that runs as if it
//! were alone, so of two moves that would make a circle together one is repeated, and finds the other.

use mainstay_contract::Reference;
use mainstay_record::Value;

use super::context::Operation;
use super::record::in_request;
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::{Chain, MAX_DEPTH};

/// Checks a reference that is set to another row than before, as the writes before this one leave the rows.
pub async fn check(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    (reference, target): (&Reference, &[Value]),
    old: Option<&[Value]>,
    new: &[Value],
) -> Result<()> {
    let Some(chain) = op.plan().chain(reference) else { return Ok(()) };
    let key = &new[..op.plan().resource.layout.keys()];
    let field = || in_request(op.plan(), &reference.field);
    let named = |key: &[Value]| op.plan().classes.name(&reference.field, op.plan().name(key));
    if target == key {
        return Err(Error::Cycle { field: field(), name: named(key) });
    }
    let above = tx.above(op, chain, target).await?;
    if above.iter().any(|above| above.as_slice() == key) {
        return Err(Error::Cycle { field: field(), name: named(target) });
    }
    let is_too_deep = above.len() > MAX_DEPTH || reaches_too_deep(tx, op, chain, (old, key), above.len()).await?;
    if is_too_deep { Err(Error::TooDeep { field: field(), most: MAX_DEPTH }) } else { Ok(()) }
}

/// Says whether a row below this one would be too deep. What is no deeper than before cannot be.
async fn reaches_too_deep(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    chain: &Chain,
    (old, key): (Option<&[Value]>, &[Value]),
    depth: usize,
) -> Result<bool> {
    let Some(old) = old else { return Ok(false) };
    let before: Option<Vec<Value>> =
        chain.columns.iter().map(|column| Some(old[*column].clone()).filter(|part| !part.is_null())).collect();
    let before = match before {
        Some(target) => tx.above(op, chain, &target).await?.len(),
        None => 0,
    };
    if depth <= before { Ok(false) } else { tx.reaches_below(op, chain, key, MAX_DEPTH + 1 - depth).await }
}
