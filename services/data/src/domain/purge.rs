//! The removal of a row that was deleted and kept, when its time is over (AIP-164): what nobody but the system does.

use bytes::Bytes;
use mainstay_contract::OnDelete;
use mainstay_db::BoxFuture;
use mainstay_record::Value;
use mainstay_sql::Lock;

use super::along;
use super::answer::Form;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::{Along, Draft, Then};
use super::request::{Request, Terms};
use super::tx::Tx;
use crate::error::{Error, Keeper, Result};
use crate::rights::Denial;

/// Makes the request to remove a row, told by its key and the time of its deletion.
pub fn read(op: Operation, key: Vec<Value>, delete_time: Value) -> Request {
    Request::one("Purge", Bytes::new(), Purge { op, key, delete_time }, Ok(Terms::default()), Form::Nothing)
}

struct Purge {
    op: Operation,
    key: Vec<Value>,
    delete_time: Value,
}

impl Checked for Purge {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        match check {
            Check::Readable => true,
            Check::Constraints => draft.old.is_some() && !self.op.plan().remains.is_empty(),
            _ => false,
        }
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let deleted = self.op.plan().resource.soft_delete.map(|kept| kept.delete_time);
        match (check, &draft.old, deleted) {
            // It was brought back, and perhaps deleted again.
            (Check::Etag, Some(old), Some(column)) if old[column] != self.delete_time => Err(Denial::NotFound.into()),
            _ => Ok(()),
        }
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let op = &self.op;
            if check == Check::Readable {
                draft.old = tx.find(op, Lock::Remove, &self.key).await?;
                return Ok(());
            }
            if tx.has_dependents(op, &op.plan().remains, &self.key).await? {
                return Err(Error::StillReferenced { name: op.plan().name(&self.key), by: Keeper::Unknown });
            }
            self.with_singletons(draft, tx).await
        })
    }
}

impl Purge {
    /// Lets what was made with the row go with it (AIP-156), and what hangs on that go or lose its reference as the contract says;
    /// what stays keeps all of it.
    async fn with_singletons(&self, draft: &mut Draft, tx: &mut Tx<'_, '_>) -> Result<()> {
        let op = &self.op;
        for dependent in op.plan().remains.iter().filter(|dependent| dependent.on_delete == OnDelete::Cascade) {
            let below = Operation { resource: dependent.resource, ..op.clone() };
            for old in tx.dependents(op, dependent, &self.key, 1).await? {
                draft.along.extend(along::along(tx, &below, &old, false).await?);
                draft.along.push(Along { resource: dependent.resource, old, then: Then::Becomes(None) });
            }
        }
        Ok(())
    }
}

impl WriteOp for Purge {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn content(&self, content: &mut Content) {
        content.text("Purge");
        self.key.iter().for_each(|part| content.value(part));
    }
}
