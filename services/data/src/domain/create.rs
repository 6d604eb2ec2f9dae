//! Create (AIP-133).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Role, Verb};
use mainstay_db::BoxFuture;
use mainstay_expr::Root;
use mainstay_record::Value;
use mainstay_wire::WireError;

use super::answer::Form;
use super::around::Ruled;
use super::checks::{Check, Checked, WriteOp};
use super::context::Operation;
use super::draft::Draft;
use super::record::{is_id, new_id, new_record, set_references, shape, validate};
use super::references::{check_parent, check_references};
use super::request::{Message, Request, Terms, fingerprint};
use super::tx::Tx;
use crate::error::{Error, Result};

/// Reads a Create.
pub fn read(op: Operation, message: Bytes) -> Request {
    let create = Create::new(op, Verb::Create.read(message), None);
    let terms = Terms::read(&create.message, |message| Ok(fingerprint(&parts(message)?)));
    Request::one("Create", create, terms, Form::Record)
}

/// A Create request.
pub struct Create {
    op: Operation,
    message: std::result::Result<Message, WireError>,
    /// What the row lies below, where the request itself does not say it.
    below: Option<String>,
}

/// The request's parent, id and resource.
fn parts(message: &Message) -> std::result::Result<[&[u8]; 3], WireError> {
    Ok([message.text(Role::Parent)?.as_bytes(), message.text(Role::Id)?.as_bytes(), message.bytes(Role::Body)])
}

impl Checked for Create {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        let plan = self.op.plan();
        let refers = |row: &Arc<[Value]>| !set_references(&self.op, None, row).is_empty();
        check == Check::Constraints && (plan.resource.parent.is_some() || draft.new.as_ref().is_some_and(refers))
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match check {
            Check::AuthRule => op.admit(plan.create.as_ref()),
            Check::Shape => {
                draft.new = Some(self.record()?.into());
                Ok(())
            }
            Check::NewRule => {
                draft.new_row()?;
                self.allow(check, draft)
            }
            Check::Validation => validate(plan, draft.new_row()?),
            Check::Readable | Check::OldRule | Check::Etag | Check::Constraints => Ok(()),
        }
    }

    fn rule<'d>(&'d self, check: Check, draft: &'d Draft) -> Option<Ruled<'d>> {
        let op = &self.op;
        let new = draft.new.as_deref().filter(|_| check == Check::NewRule)?;
        let (guard, scope) = (op.plan().create.as_ref(), op.caller.on_resource(new));
        Some(Ruled { op, guard, scope, proposed: Some(Root::Resource) })
    }

    fn ask<'a>(&'a self, _: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let record = draft.new_row()?;
            check_parent(tx, &self.op, record).await?;
            check_references(tx, &self.op, None, record).await
        })
    }
}

impl WriteOp for Create {
    fn op(&self) -> &Operation {
        &self.op
    }
}

impl Create {
    /// A Create of this message; `below` is the parent that it does not name itself.
    pub fn new(op: Operation, message: std::result::Result<Message, WireError>, below: Option<String>) -> Create {
        Create { op, message, below }
    }

    /// The row to be.
    fn record(&self) -> Result<Vec<Value>> {
        let plan = self.op.plan();
        let message = self.message.as_ref().map_err(Clone::clone)?;
        let (id, body) = (message.text(Role::Id)?, message.bytes(Role::Body));
        let parent = self.below.as_deref().map_or_else(|| message.text(Role::Parent), Ok)?;
        let parents = plan.parse_parent(parent).ok_or_else(|| Error::parent(plan, parent))?;
        let mut key: Vec<String> = parents.into_iter().map(str::to_owned).collect();
        // A parent that is a resource must exist, which says more; one that is not has only its form.
        if let (Some(part), None) = (key.iter().find(|part| !is_id(part)), plan.resource.parent) {
            return Err(Error::Id { field: "parent".to_owned(), id: part.clone() });
        }
        key.push(new_id(plan, id)?);
        let decoded = plan.record.decode(body).map_err(|error| shape(plan, error))?;
        Ok(new_record(&self.op, key, decoded))
    }
}
