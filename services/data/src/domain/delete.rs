//! Delete (AIP-135).

use bytes::Bytes;
use mainstay_db::BoxFuture;
use mainstay_record::Value;
use mainstay_sql::Lock;
use mainstay_wire::{WireError, frame};

use super::answer::Form;
use super::checks::{Check, Checked, Draft, WriteOp};
use super::context::Operation;
use super::request::{Request, Terms, fingerprint};
use super::tx::Tx;
use super::update::check_etag;
use crate::error::{Error, Result};

/// The numbers of a Delete request's fields.
mod number {
    pub const NAME: u32 = 1;
    pub const ETAG: u32 = 2;
    pub const ALLOW_MISSING: u32 = 3;
    pub const FORCE: u32 = 4;
    pub const REQUEST_ID: u32 = 5;
    pub const VALIDATE_ONLY: u32 = 6;
}

/// Reads a Delete.
pub fn read(op: Operation, message: Bytes) -> Request {
    let delete = Delete { op, message };
    let terms = Terms::read(&delete.message, number::REQUEST_ID, number::VALIDATE_ONLY, || delete.fingerprint());
    Request::one("Delete", delete, terms, Form::Nothing)
}

/// A Delete request.
pub struct Delete {
    op: Operation,
    message: Bytes,
}

impl Checked for Delete {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        match check {
            Check::Readable => true,
            Check::Constraints => draft.old.is_some() && !self.op.plan().children.is_empty(),
            _ => false,
        }
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match (check, &draft.old) {
            (Check::AuthRule, _) => op.admit(plan.delete.as_ref()),
            (Check::OldRule, Some(old)) => op.allow(plan.delete.as_ref(), &op.caller.on_resource(old)),
            (Check::Shape, Some(_)) if frame::boolean(&self.message, number::FORCE)? => {
                Err(Error::NotSupported { field: "force" })
            }
            (Check::Etag, Some(old)) => {
                let etag = frame::string(&self.message, number::ETAG)?;
                check_etag(&old[plan.resource.layout.revision()], etag)
            }
            _ => Ok(()),
        }
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = self.key()?;
            if check == Check::Readable {
                draft.old = tx.find(&self.op, Lock::Remove, &key).await?;
                return match draft.old {
                    None if !frame::boolean(&self.message, number::ALLOW_MISSING)? => {
                        Err(tx.missing(&self.op, &key).await)
                    }
                    _ => Ok(()),
                };
            }
            if tx.has_children(&self.op, &key).await? {
                return Err(Error::StillReferenced { name: self.name()?.to_owned() });
            }
            Ok(())
        })
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        self.name().ok().map(|name| (self.op.resource, name))
    }
}

impl WriteOp for Delete {
    fn op(&self) -> &Operation {
        &self.op
    }
}

impl Delete {
    fn name(&self) -> std::result::Result<&str, WireError> {
        Ok(frame::string(&self.message, number::NAME)?.unwrap_or_default())
    }

    fn key(&self) -> Result<Vec<Value>> {
        self.op.key("name", self.name()?)
    }

    fn fingerprint(&self) -> std::result::Result<Vec<u8>, WireError> {
        let etag = frame::string(&self.message, number::ETAG)?.unwrap_or_default();
        let flag = |number| frame::boolean(&self.message, number).map(u8::from);
        let flags = [flag(number::ALLOW_MISSING)?, flag(number::FORCE)?];
        Ok(fingerprint(&[self.name()?.as_bytes(), etag.as_bytes(), &flags]))
    }
}
