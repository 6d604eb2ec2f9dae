//! Update (AIP-134, AIP-154, AIP-161, AIP-203).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::Conn;
use mainstay_record::{Value, etag_text};
use mainstay_wire::{Decoded, MaskSelection, frame};

use super::constraints::constraint;
use super::context::{Context, Operation};
use super::create::{check_record, in_request, insert, is_id, new_record, shape, violations};
use super::read_mask;
use super::write::{Outcome, Terms, allowed, check_references, run};
use crate::error::{Error, Result};
use crate::plans::{Readable, admit};

/// The numbers of an Update request's fields.
mod number {
    pub const RESOURCE: u32 = 1;
    pub const UPDATE_MASK: u32 = 2;
    pub const ALLOW_MISSING: u32 = 3;
    pub const REQUEST_ID: u32 = 4;
    pub const VALIDATE_ONLY: u32 = 5;
}

/// An Update that was read. The shape is checked only after the row was found and its rule asked.
struct Request {
    op: Operation,
    key: Vec<Value>,
    readable: Readable,
    body: Vec<u8>,
    mask: Option<Vec<String>>,
    allow_missing: bool,
}

/// Answers an Update.
pub async fn update(cx: &Context, op: &Operation, message: &[u8]) -> Result<Bytes> {
    let plan = op.plan();
    admit(plan.update.as_ref(), &op.caller)?;
    read_mask::of_record(op)?;
    let body = frame::message(message, number::RESOURCE)?.unwrap_or_default();
    let allow_missing = frame::boolean(message, number::ALLOW_MISSING)?;
    if allow_missing {
        admit(plan.create.as_ref(), &op.caller)?;
    }
    let name = match plan.resource.name_field {
        Some(field) => frame::string(&body, field)?.unwrap_or_default().to_owned(),
        None => String::new(),
    };
    let mask = frame::message(message, number::UPDATE_MASK)?.unwrap_or_default();
    let parts: [&[u8]; 3] = [&body, &mask, &[u8::from(allow_missing)]];
    let terms = Terms::read(message, number::REQUEST_ID, number::VALIDATE_ONLY, &parts)?;
    let request = Arc::new(Request {
        op: op.clone(),
        key: op.key(&in_request(plan, "name"), &name)?,
        readable: plan.get_locked(&op.caller),
        mask: frame::field_mask(message, number::UPDATE_MASK)?,
        body: body.into_owned(),
        allow_missing,
    });
    run(cx, op, terms, false, move |conn| {
        let request = Arc::clone(&request);
        Box::pin(async move { request.run(conn).await })
    })
    .await
}

impl Request {
    /// The checks in the order of [`super::checks::Check`], then the write.
    async fn run(&self, conn: &mut Conn<'_>) -> Result<Outcome> {
        let (op, plan) = (&self.op, self.op.plan());
        let Some(old) = op.find(conn, &self.readable, &self.key).await? else { return self.missing(conn).await };
        if let (Some(rule), false) = (&plan.update, op.caller.is_system()) {
            allowed(op, !rule.forbids(&op.caller.on_change(&old, None)))?;
        }
        let decoded = self.decode()?;
        let new = self.merged(&old, &decoded)?;
        let holds = plan.update.as_ref().is_some_and(|rule| rule.allows(&op.caller.on_change(&old, Some(&new))));
        allowed(op, holds)?;
        check_etag(&old[plan.resource.layout.revision()], decoded.etag.as_deref())?;
        self.validate(&old, &new)?;
        check_references(conn, op, Some(&old), &new).await?;
        self.store(conn, &old, new).await
    }

    fn decode(&self) -> Result<Decoded> {
        let plan = self.op.plan();
        plan.record.decode(&self.body).map_err(|error| shape(plan, error))
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
        match self.mask.as_deref() {
            None | Some([]) => Ok(plan.record.populated(decoded)),
            Some(paths) => {
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                plan.record.resolve(&paths).map_err(|error| Error::Mask { field: "update_mask", error })
            }
        }
    }

    fn validate(&self, old: &[Value], new: &[Value]) -> Result<()> {
        let plan = self.op.plan();
        let immutable = plan.fields.changed_immutable(old, new);
        if !immutable.is_empty() {
            return Err(Error::Immutable(immutable.iter().map(|field| in_request(plan, field)).collect()));
        }
        let violations = violations(plan, new);
        if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
    }

    async fn store(&self, conn: &mut Conn<'_>, old: &[Value], new: Vec<Value>) -> Result<Outcome> {
        let plan = self.op.plan();
        let keys = plan.resource.layout.keys();
        let changed: Vec<usize> = (keys..new.len()).filter(|index| old[*index] != new[*index]).collect();
        let statement = plan.update(&changed);
        let mut params = Vec::with_capacity(self.key.len() + 1 + changed.len());
        params.extend_from_slice(&self.key);
        params.push(old[plan.resource.layout.revision()].clone());
        params.extend(changed.iter().map(|index| new[*index].clone()));
        let binds = statement.taken(&self.op.caller, params);
        match conn.execute(&statement.statement, &binds).await {
            Ok(0) => Err(Error::EtagMismatch),
            Ok(_) => Ok(Outcome::Record(new)),
            Err(error) => Err(constraint(plan, &new, false, error)),
        }
    }

    /// The row is missing or hidden. With `allow_missing` the update becomes a create, under the create rule; where the row
    /// is hidden it is denied in the end, as a create with its id.
    async fn missing(&self, conn: &mut Conn<'_>) -> Result<Outcome> {
        let op = &self.op;
        let public = matches!(self.readable, Readable::By { public: true, .. });
        if !self.allow_missing {
            return Err(op.caller.not_readable(public));
        }
        let key: Vec<String> = self.key.iter().filter_map(text).collect();
        if let Some(id) = key.last().filter(|id| !is_id(id)) {
            return Err(Error::Id { field: in_request(op.plan(), "name"), id: id.clone() });
        }
        let record = new_record(op, key, self.decode()?);
        check_record(op, &record)?;
        insert(conn, op, &record).await
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
