//! What a writer is answered, now and when the same request comes again.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_db::Lane;
use mainstay_record::{Value, etag_revision};
use mainstay_wire::Selection;

use super::change::Change;
use super::checks::WriteOp;
use super::context::{Context, Operation};
use super::read_mask::{self, Rows};
use super::record::shape;
use crate::error::{Error, Result};
use crate::store::answers::Answer;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The record of the one write.
    Record,
    /// An empty message.
    Nothing,
}

/// Compiles what the caller wants of an answer of this form.
pub fn wanted(op: &Operation, form: Form) -> Result<Rows> {
    match form {
        Form::Record => Ok(read_mask::of_record(op)?.map_or(Rows::Whole, Rows::Part)),
        Form::Nothing => Ok(Rows::Whole),
    }
}

/// What the writer sees of what was done.
pub fn answer(form: Form, writes: &[Arc<dyn WriteOp>], changes: &[Change], wanted: &Rows) -> Result<Bytes> {
    match (form, writes, changes) {
        (Form::Record, [write], [Change { after: Some(record), .. }]) => {
            let mut out = Vec::with_capacity(512);
            put(write.op(), record, wanted, &mut out)?;
            Ok(Bytes::from(out))
        }
        _ => Ok(Bytes::new()),
    }
}

/// Writes the record, or what the writer wants of it, or only the name where the writer may not read it.
fn put(op: &Operation, record: &[Value], wanted: &Rows, out: &mut Vec<u8>) -> Result<()> {
    if !op.may_read(record) {
        return name_only(op, record, out);
    }
    let record_plan = &op.plan().record;
    let encoded = match wanted {
        Rows::Part(selection) => record_plan.encode_masked(record, selection, out),
        Rows::Whole | Rows::Hidden => record_plan.encode(record, out),
    };
    encoded.map_err(Error::Damaged)
}

fn name_only(op: &Operation, key: &[Value], out: &mut Vec<u8>) -> Result<()> {
    match &op.plan().name_only {
        Some(selection) => op.plan().record.encode_masked(key, selection, out).map_err(Error::Damaged),
        None => Ok(()),
    }
}

/// The keys of what was written, as they are remembered.
pub fn keys(changes: &[Change]) -> Vec<Value> {
    match changes {
        [change] => change.key.clone(),
        changes => changes.iter().flat_map(|change| change.key.iter().cloned()).collect(),
    }
}

/// Gives an earlier answer again, to a caller who may still read what it holds.
pub async fn replay(cx: &Context, op: &Operation, before: Answer) -> Result<Bytes> {
    if before.answer.is_empty() {
        return Ok(Bytes::new());
    }
    let (op_inside, key) = (op.clone(), before.key.clone());
    let row = cx.db.read(Lane::Inline, move |conn| {
        let (op, key) = (op_inside.clone(), key.clone());
        Box::pin(async move { op.find(conn, &op.plan().get(&op.caller), &key).await })
    });
    let row: Option<Vec<Value>> = row.await?;
    match (row, read_mask::of_record(op)?) {
        (None, _) => {
            let mut out = Vec::new();
            name_only(op, &before.key, &mut out)?;
            Ok(Bytes::from(out))
        }
        (Some(_), None) => Ok(Bytes::from(before.answer)),
        (Some(_), Some(selection)) => part_of(op, &before, &selection),
    }
}

/// Takes the wanted part out of an answer that was given whole.
fn part_of(op: &Operation, before: &Answer, selection: &Selection) -> Result<Bytes> {
    let plan = op.plan();
    let decoded = plan.record.decode(&before.answer).map_err(|error| shape(plan, error))?;
    let mut record = decoded.values;
    for (column, part) in record.iter_mut().zip(&before.key) {
        column.clone_from(part);
    }
    let revision = decoded.etag.as_deref().and_then(etag_revision);
    record[plan.resource.layout.revision()] = Value::Int(revision.unwrap_or_default());
    let mut out = Vec::new();
    plan.record.encode_masked(&record[..], selection, &mut out).map_err(Error::Damaged)?;
    Ok(Bytes::from(out))
}
