//! Undelete (AIP-164).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Request as Asked, Role, Trigger, Verb};
use mainstay_db::BoxFuture;
use mainstay_record::Value;
use mainstay_sql::Lock;
use mainstay_wire::WireError;

use super::answer::Form;
use super::around::Ruled;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::fields::validate_seen;
use super::record::{revise, set_references};
use super::references::{check_parent, check_references};
use super::request::{Request, Terms};
use super::tx::Tx;
use super::update::check_etag;
use crate::error::{Error, Result};

/// Reads an Undelete.
pub fn read(op: Operation, message: Bytes) -> Request {
    let undelete = Undelete { op, asked: Verb::Undelete.read(message.clone()) };
    let terms = Terms::read(&undelete.asked);
    Request::one("Undelete", message, undelete, terms, Form::Record)
}

/// An Undelete request. Who may delete the row may bring it back; nothing of it is the caller's to set.
pub struct Undelete {
    op: Operation,
    asked: std::result::Result<Asked<Bytes>, WireError>,
}

impl Checked for Undelete {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        let plan = self.op.plan();
        match (check, &draft.new) {
            (Check::Readable, _) => true,
            (Check::Constraints, Some(new)) => {
                plan.resource.parent.is_some() || !set_references(&self.op, None, new).is_empty()
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
                draft.new = Some(self.live(old));
                Ok(())
            }
            (Check::Etag, Some(old)) if !plan.is_deleted(old) => Err(Error::NotDeleted { name: plan.name(old) }),
            (Check::Etag, Some(old)) => {
                check_etag(&old[plan.resource.layout.revision()], Some(self.asked()?.text(Role::Etag)?))
            }
            // What stands in the row was valid when it was deleted, unless effects have set something since.
            (Check::Validation, Some(_)) if !draft.settled.is_empty() || !draft.unfit.is_empty() => {
                validate_seen(op, draft)
            }
            _ => Ok(()),
        }
    }

    fn cause<'w>(&'w self, _: &Draft) -> Option<(&'w Operation, Trigger)> {
        Some((&self.op, Trigger::Undelete))
    }

    fn rule<'d>(&'d self, check: Check, draft: &'d Draft) -> Option<Ruled<'d>> {
        let op = &self.op;
        let old = draft.old.as_deref().filter(|_| check == Check::OldRule)?;
        let (guard, scope) = (op.plan().delete.as_ref(), op.caller.on_resource(old));
        Some(Ruled { op, guard, scope, proposed: None, blind: &[], of_everybody: false })
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let op = &self.op;
            if check == Check::Readable {
                let key = op.key("name", self.asked()?.text(Role::Name)?)?;
                draft.old = tx.find(op, Lock::Change, &key).await?;
                return match draft.old {
                    None => Err(tx.missing(op, &key).await),
                    Some(_) => Ok(()),
                };
            }
            // What it lay below or referred to may have gone the same way meanwhile.
            check_parent(tx, op, draft.new_row()?).await?;
            check_references(tx, op, (None, draft.new_row()?), &draft.settled).await
        })
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        Some((self.op.resource, self.asked().ok()?.text(Role::Name).ok()?))
    }
}

impl WriteOp for Undelete {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn content(&self, content: &mut Content) {
        content.text("Undelete");
        if let Ok(asked) = &self.asked {
            [Role::Name, Role::Etag].into_iter().for_each(|role| content.bytes(asked.bytes(role)));
        }
    }
}

impl Undelete {
    fn asked(&self) -> std::result::Result<&Asked<Bytes>, WireError> {
        self.asked.as_ref().map_err(Clone::clone)
    }

    /// The row as it is there again.
    fn live(&self, old: &[Value]) -> Arc<[Value]> {
        let mut new = old.to_vec();
        if let Some(kept) = self.op.plan().resource.soft_delete {
            new[kept.delete_time] = Value::Null;
            if let Some(column) = kept.expire_time {
                new[column] = Value::Null;
            }
        }
        revise(&self.op, old, &mut new);
        new.into()
    }
}
