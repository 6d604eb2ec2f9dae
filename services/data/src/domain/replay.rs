//! The answer to a request that has been answered before (AIP-155).

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::BATCH_ROWS;
use mainstay_contract::commit::response::RESULTS;
use mainstay_record::{Value, etag_revision};
use mainstay_wire::{Selection, frame};

use super::answer::{Form, name_only, put_result, record_number, wanted};
use super::checks::WriteOp;
use super::context::{Context, Operation};
use super::read_mask::Rows;
use super::record::shape;
use super::request::Request;
use crate::error::{Error, Result};
use crate::plans::{Hidden, lane_for};
use crate::store::answers::Answer;

/// Gives an earlier answer again, to a caller who may still read what it holds.
pub async fn replay(cx: &Context, request: &Arc<Request>, before: Answer) -> Result<Bytes> {
    if before.answer.is_empty() {
        return Ok(Bytes::new());
    }
    let (form, writes) = (request.form, &request.writes);
    let wanted = wanted(&request.op, form)?;
    let keys = split(writes, &before.key);
    let hidden = hidden(cx, request, keys.clone()).await?;
    let parts = match form {
        Form::Rows => frame::messages(&before.answer, BATCH_ROWS)?,
        Form::Results { .. } => frame::messages(&before.answer, RESULTS)?,
        Form::Record | Form::Nothing => vec![&before.answer[..]],
    };
    let mut out = Vec::with_capacity(before.answer.len());
    let written = writes.iter().zip(keys).zip(hidden).zip(parts);
    for (((write, key), hidden), part) in written.filter(|_| wanted != Rows::Hidden) {
        if let Form::Results { commit, .. } = form {
            let record = record_number(write.op(), commit).map_or(Ok(None), |number| frame::message(part, number))?;
            let again = record.map(|record| -> Result<_> {
                let mut again = Vec::new();
                match &hidden {
                    None => name_only(write.op(), &key, &mut again)?,
                    Some(hidden) => part_of((write.op(), &key), &record, (None, hidden), &mut again)?,
                }
                Ok(again)
            });
            put_result(write.op(), commit, again.transpose()?.as_deref(), &mut out);
            continue;
        }
        let mut again = Vec::with_capacity(part.len());
        let selection = if let Rows::Part(selection) = &wanted { Some(selection) } else { None };
        match &hidden {
            None => name_only(write.op(), &key, &mut again)?,
            Some(hidden) => part_of((write.op(), &key), part, (selection, hidden), &mut again)?,
        }
        match form {
            Form::Rows => frame::put_message(BATCH_ROWS, &again, &mut out),
            Form::Record | Form::Nothing | Form::Results { .. } => out = again,
        }
    }
    Ok(Bytes::from(out))
}

/// Takes the keys of what was written apart.
fn split(writes: &[Arc<dyn WriteOp>], all: &[Value]) -> Vec<Vec<Value>> {
    let mut left = all.iter();
    writes.iter().map(|write| left.by_ref().take(write.op().plan().resource.layout.keys()).cloned().collect()).collect()
}

/// What of each row the caller does not see now; nothing of one that the caller may not read.
async fn hidden(cx: &Context, request: &Arc<Request>, keys: Vec<Vec<Value>>) -> Result<Vec<Option<Hidden>>> {
    let lane = lane_for(keys.len());
    let asked = Arc::new((Arc::clone(request), keys));
    let found = cx.db.read(lane, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            let mut found = Vec::with_capacity(asked.1.len());
            for (write, key) in asked.0.writes.iter().zip(&asked.1) {
                let seen = write.op().find_seen(conn, key).await?;
                found.push(seen.map(|(_, hidden)| hidden));
            }
            Ok(found)
        })
    });
    found.await
}

/// Takes out of a record, as it was given before, what is wanted of it, without what is hidden by now.
fn part_of(
    (op, key): (&Operation, &[Value]),
    whole: &[u8],
    (wanted, hidden): (Option<&Selection>, &[usize]),
    out: &mut Vec<u8>,
) -> Result<()> {
    if wanted.is_none() && hidden.is_empty() {
        out.extend_from_slice(whole);
        return Ok(());
    }
    let plan = op.plan();
    let decoded = plan.record.decode(whole).map_err(|error| shape(plan, error))?;
    let mut record = decoded.values;
    for (column, part) in record.iter_mut().zip(key) {
        column.clone_from(part);
    }
    let revision = decoded.etag.as_deref().and_then(etag_revision);
    record[plan.resource.layout.revision()] = Value::Int(revision.unwrap_or_default());
    plan.encode_without(hidden, &record[..], wanted, out).map_err(Error::Damaged)
}
