//! Update (AIP-134, AIP-154, AIP-161, AIP-203).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mainstay_db::Conn;
use mainstay_record::{Value, etag_text};
use mainstay_sql::Lock;
use mainstay_wire::{Decoded, MaskSelection, frame};

use super::checks::{Check, Checked, Draft};
use super::constraints::constraint;
use super::context::{Context, Operation};
use super::create::{in_request, insert, is_id, new_record, shape, validate};
use super::read_mask;
use super::references::{check_parent, check_references};
use super::write::{Outcome, Terms, Write, run};
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

/// Answers an Update.
pub async fn update(cx: &Context, op: Operation, message: Bytes) -> Result<Bytes> {
    let write = Arc::new(Update { op, message, request: OnceLock::new() });
    for _ in 1..MAX_UPSERTS {
        match run(cx, Arc::clone(&write)).await {
            // It was missing when it was looked for, and is there now: it is to be changed.
            Err(Error::AlreadyExists { .. }) => {}
            other => return other,
        }
    }
    run(cx, write).await
}

/// How often an update with `allow_missing` looks again because somebody else made the row meanwhile.
const MAX_UPSERTS: usize = 4;

struct Update {
    op: Operation,
    message: Bytes,
    /// Read when the first check needs it.
    request: OnceLock<Request>,
}

struct Request {
    key: Vec<Value>,
    body: Vec<u8>,
    mask: Option<Vec<String>>,
    allow_missing: bool,
}

impl Checked for Update {
    fn asks_the_store(check: Check) -> bool {
        matches!(check, Check::Readable | Check::Constraints)
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
            (Check::Etag, Some(old)) => check_etag(&old[plan.resource.layout.revision()], draft.etag.as_deref()),
            (Check::Validation, Some(old)) => {
                self.check_immutable(old, draft.new_row()?)?;
                validate(plan, draft.new_row()?)
            }
            (Check::Validation, None) => validate(plan, draft.new_row()?),
            (Check::Readable | Check::OldRule | Check::Etag | Check::Constraints, _) => Ok(()),
        }
    }

    async fn ask(&self, check: Check, draft: &mut Draft, conn: &mut Conn<'_>) -> Result<()> {
        let op = &self.op;
        match (check, &draft.old) {
            (Check::Readable, _) => {
                let request = self.request()?;
                let readable = op.plan().get_locked(Lock::Change, &op.caller);
                draft.old = op.find(conn, &readable, &request.key).await?;
                if draft.old.is_none() && !request.allow_missing {
                    op.explain_hidden(conn, &request.key).await?;
                    return Err(op.caller.not_readable(readable.is_public()).into());
                }
                Ok(())
            }
            (_, Some(old)) => check_references(conn, op, Some(old), draft.new_row()?).await,
            (_, None) => {
                check_parent(conn, op, draft.new_row()?).await?;
                check_references(conn, op, None, draft.new_row()?).await
            }
        }
    }
}

impl Write for Update {
    const VERB: &'static str = "Update";

    fn op(&self) -> &Operation {
        &self.op
    }

    fn terms(&self) -> Result<Terms> {
        let body = frame::message(&self.message, number::RESOURCE)?.unwrap_or_default();
        let mask = frame::message(&self.message, number::UPDATE_MASK)?.unwrap_or_default();
        let allow_missing = frame::boolean(&self.message, number::ALLOW_MISSING)?;
        let parts: [&[u8]; 3] = [&body, &mask, &[u8::from(allow_missing)]];
        Terms::read(&self.message, number::REQUEST_ID, number::VALIDATE_ONLY, &parts)
    }

    async fn store(&self, draft: Draft, conn: &mut Conn<'_>) -> Result<Outcome> {
        let new = draft.new_row()?;
        match &draft.old {
            Some(old) => self.change(conn, old, new).await,
            // Where the row is hidden it is denied in the end, as a create with its id.
            None => insert(conn, &self.op, new).await,
        }
    }
}

impl Update {
    fn request(&self) -> Result<&Request> {
        if let Some(request) = self.request.get() {
            return Ok(request);
        }
        let request = self.read()?;
        Ok(self.request.get_or_init(|| request))
    }

    fn read(&self) -> Result<Request> {
        let plan = self.op.plan();
        let body = frame::message(&self.message, number::RESOURCE)?.unwrap_or_default();
        let name = match plan.resource.name_field {
            Some(field) => frame::string(&body, field)?.unwrap_or_default().to_owned(),
            None => String::new(),
        };
        Ok(Request {
            key: self.op.key(&in_request(plan, "name"), &name)?,
            mask: frame::field_mask(&self.message, number::UPDATE_MASK)?,
            body: body.into_owned(),
            allow_missing: frame::boolean(&self.message, number::ALLOW_MISSING)?,
        })
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
        let (op, request) = (&self.op, self.request()?);
        read_mask::of_record(op)?;
        let new = match &draft.old {
            Some(old) => {
                let decoded = self.decode()?;
                let new = self.merged(old, &decoded)?;
                draft.etag = decoded.etag;
                new
            }
            None => {
                let key: Vec<String> = request.key.iter().filter_map(text).collect();
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
        plan.record.decode(&self.request()?.body).map_err(|error| shape(plan, error))
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
        let revision = plan.resource.layout.revision();
        new[revision] = Value::Int(op.caller.now.max(revision_of(&old[revision]).saturating_add(1)));
        if let Some(column) = plan.resource.update_time {
            new[column] = Value::Timestamp(op.caller.now);
        }
        Ok(new)
    }

    fn selection(&self, decoded: &Decoded) -> Result<MaskSelection> {
        let plan = self.op.plan();
        match self.request()?.mask.as_deref() {
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

    async fn change(&self, conn: &mut Conn<'_>, old: &[Value], new: &Arc<[Value]>) -> Result<Outcome> {
        let plan = self.op.plan();
        let keys = plan.resource.layout.keys();
        let changed: Vec<usize> = (keys..new.len()).filter(|index| old[*index] != new[*index]).collect();
        let statement = plan.update(&changed);
        let key = &self.request()?.key;
        let mut params = Vec::with_capacity(key.len() + 1 + changed.len());
        params.extend_from_slice(key);
        params.push(old[plan.resource.layout.revision()].clone());
        params.extend(changed.iter().map(|index| new[*index].clone()));
        let binds = statement.taken(&self.op.caller, params);
        match conn.execute(&statement.statement, &binds).await {
            Ok(0) => Err(Error::EtagMismatch),
            Ok(_) => Ok(Outcome::Record(Arc::clone(new))),
            Err(error) => Err(constraint(plan, new, false, error)),
        }
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
