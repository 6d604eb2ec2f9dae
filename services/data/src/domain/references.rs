//! What a row refers to: its parent and its references.

use mainstay_record::Value;

use super::acyclic;
use super::context::Operation;
use super::links::Referred;
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

/// Says whether it takes a look at the row that one lies below to know that the caller may still name it. It is there, since no
/// row goes before what lies below it.
pub fn may_be_below_hidden(op: &Operation) -> bool {
    op.plan().resource.parent.is_some_and(|parent| !op.snapshot.resource(parent).parent_of(&op.caller).is_public())
}

/// Checks that the caller may still name what a row lies below: where a parent is not there for him, nothing below it is his to
/// write.
pub async fn check_still_below(tx: &mut Tx<'_, '_>, op: &Operation, row: &[Value]) -> Result<()> {
    let plan = op.plan();
    let Some(parent) = plan.resource.parent.filter(|_| may_be_below_hidden(op)) else { return Ok(()) };
    let key = &row[..plan.resource.layout.keys() - 1];
    if tx.is_above(op, parent, key).await? {
        return Ok(());
    }
    Err(Error::ReferenceNotFound { field: "parent".to_owned(), name: op.snapshot.resource(parent).name(key) })
}

/// Checks that what a record refers to exists and may be read by the writer; which of the two fails is not said.
pub async fn check_references(tx: &mut Tx<'_, '_>, op: &Operation, old: Option<&[Value]>, new: &[Value]) -> Result<()> {
    for Referred { field, resource, key, reference } in set_references(op, old, new) {
        let acyclic = reference.map(|position| &op.plan().resource.references[position]).filter(|it| it.acyclic);
        if let Some(reference) = acyclic.filter(|reference| is_itself(op, reference, new)) {
            acyclic::check(tx, op, (reference, &key), old, new).await?;
        }
        if !tx.stays_readable(op, resource, &key).await? {
            let field = in_request(op.plan(), &field);
            return Err(Error::ReferenceNotFound { field, name: op.snapshot.resource(resource).name(&key) });
        }
        if let Some(reference) = acyclic {
            acyclic::check(tx, op, (reference, &key), old, new).await?;
        }
    }
    Ok(())
}
