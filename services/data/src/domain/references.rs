//! What a row refers to: its parent and its references.

use mainstay_record::Value;

use super::acyclic;
use super::context::Operation;
use super::record::{in_request, is_itself, set_references};
use super::tx::Tx;
use crate::error::{Error, Result};

/// Checks that a new row's parent exists and may be read by the writer.
pub async fn check_parent(tx: &mut Tx<'_, '_>, op: &Operation, record: &[Value]) -> Result<()> {
    let plan = op.plan();
    let Some(parent) = plan.resource.parent else { return Ok(()) };
    let key = &record[..plan.resource.parent_keys()];
    if tx.stays_readable(op, parent, key).await? {
        return Ok(());
    }
    Err(Error::ReferenceNotFound { field: "parent".to_owned(), name: op.snapshot.resource(parent).name(key) })
}

/// Checks that what a record refers to exists and may be read by the writer; which of the two fails is not said.
pub async fn check_references(tx: &mut Tx<'_, '_>, op: &Operation, old: Option<&[Value]>, new: &[Value]) -> Result<()> {
    for (reference, key) in set_references(op, old, new) {
        if reference.acyclic && is_itself(op, reference, new) {
            acyclic::check(tx, op, (reference, &key), old, new).await?;
        }
        if !tx.stays_readable(op, reference.resource, &key).await? {
            let field = in_request(op.plan(), &reference.field);
            return Err(Error::ReferenceNotFound { field, name: op.snapshot.resource(reference.resource).name(&key) });
        }
        acyclic::check(tx, op, (reference, &key), old, new).await?;
    }
    Ok(())
}
