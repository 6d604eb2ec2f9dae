//! Update (AIP-134, AIP-154, AIP-161, AIP-203).

use std::sync::OnceLock;

use bytes::Bytes;
use mainstay_db::BoxFuture;
use mainstay_record::{Value, etag_text};
use mainstay_sql::Lock;
use mainstay_wire::{Decoded, MaskSelection, WireError, frame};

use super::answer::Form;
use super::checks::{Check, Checked, Draft, WriteOp};
use super::context::Operation;
use super::record::{check_live, in_request, is_id, new_record, revise, shape, validate};
use super::references::{check_parent, check_references, set_references};
use super::request::{Request, Terms, fingerprint};
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::Guard;
use crate::rights::Obstacle;

/// The numbers of an Update request's fields.
mod number {
    pub const RESOURCE: u32 = 1;
    pub const UPDATE_MASK: u32 = 2;
    pub const ALLOW_MISSING: u32 = 3;
    pub const REQUEST_ID: u32 = 4;
    pub const VALIDATE_ONLY: u32 = 5;
}

/// Reads an Update.
pub fn read(op: Operation, message: Bytes) -> Request {
    let update = Update { op, message, asked: OnceLock::new() };
    let terms = Terms::read(&update.message, number::REQUEST_ID, number::VALIDATE_ONLY, || update.fingerprint());
    Request::one("Update", update, terms, Form::Record)
}

/// An Update request.
pub struct Update {
    op: Operation,
    message: Bytes,
    /// Read when the first check needs it.
    asked: OnceLock<Asked>,
}

struct Asked {
    name: String,
    key: Vec<Value>,
    body: Vec<u8>,
    mask: Option<Vec<String>>,
    allow_missing: bool,
}

impl Checked for Update {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        match (check, &draft.new) {
            (Check::Readable, _) => true,
            (Check::Constraints, Some(new)) => {
                let plan = self.op.plan();
                let makes_child = draft.old.is_none() && plan.resource.parent.is_some();
                makes_child || !set_references(plan, draft.old.as_deref(), new).is_empty()
            }
            _ => false,
        }
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match (check, &draft.old) {
            (Check::AuthRule, _) => {
                op.admit(plan.update.as_ref())?;
                let creates = frame::boolean(&self.message, number::ALLOW_MISSING)?;
                if creates { op.admit(plan.create.as_ref()) } else { Ok(()) }
            }
            (Check::OldRule, Some(old)) => self.check_old(old),
            (Check::Shape, _) => self.shape(draft),
            (Check::NewRule, Some(old)) => {
                op.allow(plan.update.as_ref(), &op.caller.on_change(old, Some(draft.new_row()?)))
            }
            (Check::NewRule, None) => op.allow(plan.create.as_ref(), &op.caller.on_resource(draft.new_row()?)),
            (Check::Etag, Some(old)) => {
                check_live(plan, old)?;
                check_etag(&old[plan.resource.layout.revision()], draft.etag.as_deref())
            }
            (Check::Validation, Some(old)) => {
                self.check_immutable(old, draft.new_row()?)?;
                validate(plan, draft.new_row()?)
            }
            (Check::Validation, None) => validate(plan, draft.new_row()?),
            (Check::Readable | Check::OldRule | Check::Etag | Check::Constraints, _) => Ok(()),
        }
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match (check, &draft.old) {
                (Check::Readable, _) => self.find(draft, tx).await,
                (_, Some(old)) => check_references(tx, &self.op, Some(old), draft.new_row()?).await,
                // Where the row is hidden it is denied in the end, as a create with its id.
                (_, None) => {
                    check_parent(tx, &self.op, draft.new_row()?).await?;
                    check_references(tx, &self.op, None, draft.new_row()?).await
                }
            }
        })
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        self.asked().ok().map(|asked| (self.op.resource, asked.name.as_str()))
    }
}

impl WriteOp for Update {
    fn op(&self) -> &Operation {
        &self.op
    }
}

impl Update {
    fn asked(&self) -> Result<&Asked> {
        if let Some(asked) = self.asked.get() {
            return Ok(asked);
        }
        let asked = self.read()?;
        Ok(self.asked.get_or_init(|| asked))
    }

    fn read(&self) -> Result<Asked> {
        let plan = self.op.plan();
        let body = frame::message(&self.message, number::RESOURCE)?.unwrap_or_default();
        let name = match plan.resource.name_field {
            Some(field) => frame::string(&body, field)?.unwrap_or_default().to_owned(),
            None => String::new(),
        };
        Ok(Asked {
            key: self.op.key(&in_request(plan, "name"), &name)?,
            name,
            mask: frame::field_mask(&self.message, number::UPDATE_MASK)?,
            body: body.into_owned(),
            allow_missing: frame::boolean(&self.message, number::ALLOW_MISSING)?,
        })
    }

    fn fingerprint(&self) -> std::result::Result<Vec<u8>, WireError> {
        let body = frame::message(&self.message, number::RESOURCE)?.unwrap_or_default();
        let mask = frame::message(&self.message, number::UPDATE_MASK)?.unwrap_or_default();
        let allow_missing = frame::boolean(&self.message, number::ALLOW_MISSING)?;
        Ok(fingerprint(&[&body, &mask, &[u8::from(allow_missing)]]))
    }

    async fn find(&self, draft: &mut Draft, tx: &mut Tx<'_, '_>) -> Result<()> {
        let asked = self.asked()?;
        draft.old = tx.find(&self.op, Lock::Change, &asked.key).await?;
        match draft.old {
            None if !asked.allow_missing => Err(tx.missing(&self.op, &asked.key).await),
            _ => Ok(()),
        }
    }

    /// The rule, as far as it can be said to fail before the new row is known.
    fn check_old(&self, old: &[Value]) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        let scope = op.caller.on_change(old, None);
        let forbids = |rule: &Guard| rule.forbids(&scope);
        if !op.caller.is_system() && plan.update.as_ref().is_some_and(forbids) {
            op.explain(plan.update.as_ref(), &scope);
            return Err(op.caller.denied(Obstacle::Refused).into());
        }
        Ok(())
    }

    /// Puts the row together as it would be: changed, or new where it is missing and may be.
    fn shape(&self, draft: &mut Draft) -> Result<()> {
        let (op, asked) = (&self.op, self.asked()?);
        let new = match &draft.old {
            Some(old) => {
                let decoded = self.decode()?;
                let new = self.merged(old, &decoded)?;
                draft.etag = decoded.etag;
                new
            }
            None => {
                let key: Vec<String> = asked.key.iter().filter_map(text).collect();
                if let Some(id) = key.last().filter(|id| !is_id(id)) {
                    return Err(Error::Id { field: in_request(op.plan(), "name"), id: id.clone() });
                }
                new_record(op, key, self.decode()?)
            }
        };
        draft.new = Some(new.into());
        Ok(())
    }

    fn decode(&self) -> Result<Decoded> {
        let plan = self.op.plan();
        plan.record.decode(&self.asked()?.body).map_err(|error| shape(plan, error))
    }

    /// The record as it would be. What the server sets is set; what a client may not set is as it was.
    fn merged(&self, old: &[Value], decoded: &Decoded) -> Result<Vec<Value>> {
        let (op, plan) = (&self.op, self.op.plan());
        let mut selection = self.selection(decoded)?;
        selection.retain(|column| op.caller.is_system() || plan.fields.is_writable(column));
        let mut new = old.to_vec();
        plan.record.merge(&selection, &mut new, &decoded.values);
        if !op.caller.is_system() {
            plan.fields.keep_output_only(old, &mut new);
        }
        revise(op, old, &mut new);
        Ok(new)
    }

    fn selection(&self, decoded: &Decoded) -> Result<MaskSelection> {
        let plan = self.op.plan();
        match self.asked()?.mask.as_deref() {
            None | Some([]) => Ok(plan.record.populated(decoded)),
            Some(paths) => {
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                plan.record.resolve(&paths).map_err(|error| Error::Mask { field: "update_mask", error })
            }
        }
    }

    fn check_immutable(&self, old: &[Value], new: &[Value]) -> Result<()> {
        let plan = self.op.plan();
        let immutable = plan.fields.changed_immutable(old, new);
        if immutable.is_empty() {
            return Ok(());
        }
        Err(Error::Immutable(immutable.iter().map(|field| in_request(plan, field)).collect()))
    }
}

/// Compares the etag that the client sent, if any, with the row's.
pub fn check_etag(revision: &Value, etag: Option<&str>) -> Result<()> {
    match etag {
        Some(etag) if !etag.is_empty() && etag != etag_text(revision_of(revision)) => Err(Error::EtagMismatch),
        _ => Ok(()),
    }
}

fn revision_of(value: &Value) -> i64 {
    if let Value::Int(revision) = value { *revision } else { 0 }
}

fn text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}
