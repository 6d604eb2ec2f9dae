//! Delete (AIP-135, AIP-164).

use bytes::Bytes;
use mainstay_contract::{OnDelete, Role, Trigger, Verb};
use mainstay_db::BoxFuture;
use mainstay_record::Value;
use mainstay_sql::Lock;
use mainstay_wire::WireError;

use super::along::along;
use super::answer::Form;
use super::around::Ruled;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::record::deleted;
use super::references::{check_still_below, may_be_below_hidden};
use super::request::{Message, Request, Terms};
use super::tx::Tx;
use super::update::{check_etag, check_missing_etag};
use crate::error::{Error, Keeper, Result};
use crate::plans::Dependent;
use crate::rights::Denial;

/// Reads a Delete.
pub fn read(op: Operation, message: Bytes) -> Request {
    let form = if op.plan().resource.soft_delete.is_some() { Form::Record } else { Form::Nothing };
    let delete = Delete::new(op, Verb::Delete.read(message.clone()));
    let terms = Terms::read(&delete.asked);
    Request::one("Delete", message, delete, terms, form)
}

/// A Delete request.
pub struct Delete {
    op: Operation,
    asked: std::result::Result<Message, WireError>,
    told: Option<Message>,
}

impl Checked for Delete {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        let plan = self.op.plan();
        match (check, &draft.old) {
            (Check::Readable, _) => true,
            (Check::Constraints, Some(old)) => {
                let force = self.asked.as_ref().is_ok_and(|asked| asked.flag(Role::Force));
                let asks = |dependent: &Dependent| force || !dependent.is_enforced;
                (plan.dependents.iter().any(asks) && !plan.is_deleted(old)) || may_be_below_hidden(&self.op)
            }
            _ => false,
        }
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match (check, &draft.old) {
            (Check::AuthRule, _) => op.admit(plan.delete.as_ref()),
            (Check::OldRule, _) => self.allow(check, draft),
            (Check::Shape, Some(old)) => {
                draft.new = plan.resource.soft_delete.map(|kept| deleted(op, &kept, old));
                Ok(())
            }
            (Check::Etag, Some(old)) if plan.is_deleted(old) => {
                if self.asked()?.flag(Role::AllowMissing) {
                    Ok(())
                } else {
                    Err(Denial::NotFound.into())
                }
            }
            (Check::Etag, Some(old)) => {
                check_etag(&old[plan.resource.layout.revision()], Some(self.asked()?.text(Role::Etag)?))
            }
            (Check::Etag, None) => check_missing_etag(Some(self.asked()?.text(Role::Etag)?)),
            _ => Ok(()),
        }
    }

    fn rule<'d>(&'d self, check: Check, draft: &'d Draft) -> Option<Ruled<'d>> {
        let op = &self.op;
        let old = draft.old.as_deref().filter(|_| check == Check::OldRule)?;
        let (guard, scope) = (op.plan().delete.as_ref(), op.caller.on_resource(old));
        Some(Ruled { op, guard, scope, proposed: None, blind: &[], of_everybody: false })
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (op, key) = (&self.op, self.key()?);
            if check == Check::Readable {
                draft.old = tx.find(op, Lock::Remove, &key).await?;
                return match draft.old {
                    None if !self.asked()?.flag(Role::AllowMissing) => Err(tx.missing(op, &key).await),
                    None => {
                        draft.absent = Some(key);
                        Ok(())
                    }
                    Some(_) => Ok(()),
                };
            }
            let old = draft.old.as_ref().ok_or(Error::OutOfTurn)?;
            check_still_below(tx, op, old).await?;
            if op.plan().is_deleted(old) {
                return Ok(());
            }
            let force = self.asked()?.flag(Role::Force);
            let dependents = &op.plan().dependents;
            if force || dependents.iter().any(|dependent| dependent.on_delete != OnDelete::Restrict) {
                draft.along = along(tx, op, old, force).await?;
            } else if tx.has_dependents(op, dependents, &key).await? {
                return Err(Error::StillReferenced {
                    name: self.asked()?.text(Role::Name)?.to_owned(),
                    by: Keeper::Unknown,
                });
            }
            Ok(())
        })
    }

    fn cause<'w>(&'w self, draft: &Draft) -> Option<(&'w Operation, Trigger)> {
        let goes = |old: &Vec<Value>| !self.op.plan().is_deleted(old);
        draft.old.as_ref().is_some_and(goes).then_some((&self.op, Trigger::Delete))
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        Some((self.op.resource, self.asked().ok()?.text(Role::Name).ok()?))
    }
}

impl WriteOp for Delete {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn content(&self, content: &mut Content) {
        content.text("Delete");
        if let Ok(asked) = self.told.as_ref().map_or(self.asked.as_ref(), Ok) {
            [Role::Name, Role::Etag].into_iter().for_each(|role| content.bytes(asked.bytes(role)));
            [Role::AllowMissing, Role::Force].into_iter().for_each(|role| content.flag(asked.flag(role)));
        }
    }
}

impl Delete {
    /// A Delete of this message.
    pub fn new(op: Operation, asked: std::result::Result<Message, WireError>) -> Delete {
        Delete { op, asked, told: None }
    }

    /// The same, told from others by another message: one in which labels have names that are always the same.
    pub fn told(self, told: Option<Message>) -> Delete {
        Delete { told, ..self }
    }

    fn asked(&self) -> std::result::Result<&Message, WireError> {
        self.asked.as_ref().map_err(Clone::clone)
    }

    /// The name of the row, as the request has it.
    pub fn name(&self) -> std::result::Result<&str, WireError> {
        self.asked()?.text(Role::Name)
    }

    fn key(&self) -> Result<Vec<Value>> {
        self.op.key("name", self.asked()?.text(Role::Name)?)
    }
}
