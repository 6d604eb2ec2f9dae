//! What a row refers to: its parent and its references.

use mainstay_record::Value;

use super::acyclic;
use super::context::Operation;
use super::links::Referred;
use super::record::{in_request, is_itself, not_found, set_references};
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
    let is_public = |parent: usize| op.snapshot.resource(parent).parent_of(&op.caller).is_public();
    op.plan().resource.parent.is_some_and(|parent| !is_public(parent) || is_of_kept(op, parent))
}

/// Says whether a row is a part of one that may be deleted and kept: then it is not changed either.
fn is_of_kept(op: &Operation, parent: usize) -> bool {
    op.plan().resource.singleton && op.snapshot.resource(parent).resource.soft_delete.is_some()
}

/// Checks that the caller may still name what a row lies below: where a parent is not there for him, nothing below it is his to
/// write.
pub async fn check_still_below(tx: &mut Tx<'_, '_>, op: &Operation, row: &[Value]) -> Result<()> {
    let plan = op.plan();
    let Some(parent) = plan.resource.parent.filter(|_| may_be_below_hidden(op)) else { return Ok(()) };
    let key = &row[..plan.resource.parent_keys()];
    if tx.is_above(op, parent, key).await? {
        return match is_of_kept(op, parent) && !tx.stays_readable(op, parent, key).await? {
            true => Err(Error::Deleted { name: op.snapshot.resource(parent).name(key) }),
            false => Ok(()),
        };
    }
    Err(Error::ReferenceNotFound { field: "parent".to_owned(), name: op.snapshot.resource(parent).name(key) })
}

/// Who refers to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Namer {
    /// What he may not name is not there for him.
    Caller,
    /// It names rows by what refers to them already, and asks nobody.
    Contract,
}

/// Checks that what a record refers to exists and may be read by the writer; which of the two fails is not said. What an effect
/// has set (`settled`, as requests name it) is named by the contract.
pub async fn check_references(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    (old, new): (Option<&[Value]>, &[Value]),
    settled: &[String],
) -> Result<()> {
    let by = |field: &str| {
        let is_settled = !settled.is_empty() && settled.contains(&in_request(op.plan(), field));
        if is_settled { Namer::Contract } else { Namer::Caller }
    };
    check_named(tx, op, &by, (old, new)).await
}

/// Checks the same, and the parent of a new row, where it is the contract that makes the record what it is.
pub async fn check_references_of_contract(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    old: Option<&[Value]>,
    new: &[Value],
) -> Result<()> {
    let resource = &op.plan().resource;
    if let (Some(parent), None) = (resource.parent, old) {
        let key = &new[..resource.parent_keys()];
        if !tx.is_there(op, parent, key).await? {
            let name = op.snapshot.resource(parent).name(key);
            return Err(Error::ReferenceNotFound { field: "parent".to_owned(), name });
        }
    }
    check_named(tx, op, &|_| Namer::Contract, (old, new)).await
}

async fn check_named(
    tx: &mut Tx<'_, '_>,
    op: &Operation,
    namer: &(dyn Fn(&str) -> Namer + Sync),
    (old, new): (Option<&[Value]>, &[Value]),
) -> Result<()> {
    for Referred { field, resource, key, reference } in set_references(op, old, new) {
        let acyclic = reference.map(|position| &op.plan().resource.references[position]).filter(|it| it.acyclic);
        if let Some(reference) = acyclic.filter(|reference| is_itself(op, reference, new)) {
            acyclic::check(tx, op, (reference, &key), old, new).await?;
        }
        let stays = match namer(&field) {
            Namer::Caller => tx.stays_readable(op, resource, &key).await?,
            Namer::Contract => tx.is_there(op, resource, &key).await?,
        };
        if !stays || !tx.is_part_of_live(op, resource, &key).await? {
            return Err(not_found(op, &field, op.snapshot.resource(resource).name(&key)));
        }
        if let Some(reference) = acyclic {
            acyclic::check(tx, op, (reference, &key), old, new).await?;
        }
    }
    Ok(())
}
