//! What a writer is answered, now and when the same request comes again.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::BATCH_ROWS;
use mainstay_contract::commit::response::RESULTS;
use mainstay_record::{Value, Violation};
use mainstay_wire::frame;

use super::change::Change;
use super::checks::WriteOp;
use super::context::Operation;
use super::read_mask::{self, Rows};
use super::record_size::{self, MAX_RECORD_BYTES};
use crate::error::{Error, Result};
use crate::plans::Hidden;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The record of the one write.
    Record,
    /// The records of all writes, in their order.
    Rows,
    /// What became of each of the first writes, by the Commit with this index.
    Results { commit: usize, writes: usize },
    /// An empty message.
    Nothing,
}

/// The most bytes that the records of a batch take as messages: what gRPC's clients take unless told otherwise.
pub const MAX_ANSWER_BYTES: usize = MAX_RECORD_BYTES;

/// Compiles what the caller wants of an answer of this form.
pub fn wanted(op: &Operation, form: Form) -> Result<Rows> {
    match form {
        Form::Record => Ok(read_mask::of_record(op)?.map_or(Rows::Whole, Rows::Part)),
        Form::Rows => read_mask::of_batch(op),
        Form::Results { .. } => read_mask::none(op).map(|()| Rows::Whole),
        Form::Nothing => Ok(Rows::Whole),
    }
}

/// What the writer sees of what was done.
pub fn answer(form: Form, writes: &[Arc<dyn WriteOp>], changes: &[Change], wanted: &Rows) -> Result<Bytes> {
    match (form, writes, changes) {
        (Form::Record, [write], [change @ Change { after: Some(record), .. }]) => {
            let mut out = Vec::with_capacity(512);
            put(write.op(), record, change.seen(), wanted, &mut out)?;
            Ok(Bytes::from(out))
        }
        (Form::Rows, writes, changes) => {
            let mut out = Vec::new();
            for (write, change) in writes.iter().zip(changes) {
                if let Some(record) = &change.after {
                    put_row(write.op(), record, change.seen(), wanted, &mut out)?;
                }
            }
            Ok(Bytes::from(out))
        }
        (Form::Results { commit, writes: count }, writes, changes) => {
            let mut out = Vec::new();
            for (write, change) in writes.iter().zip(changes).take(count) {
                let mut record = None;
                if let Some(row) = &change.after {
                    let mut message = Vec::with_capacity(512);
                    put(write.op(), row, change.seen(), wanted, &mut message)?;
                    record = Some(message);
                }
                put_result(write.op(), commit, record.as_deref(), &mut out);
            }
            Ok(Bytes::from(out))
        }
        _ => Ok(Bytes::new()),
    }
}

/// Writes what became of one write into the answer of a Commit.
pub fn put_result(op: &Operation, commit: usize, record: Option<&[u8]>, out: &mut Vec<u8>) {
    let mut result = Vec::new();
    if let Some((record, number)) = record.zip(record_number(op, commit)) {
        frame::put_message(number, record, &mut result);
    }
    frame::put_message(RESULTS, &result, out);
}

/// The number of a resource's records in the results of a Commit.
pub fn record_number(op: &Operation, commit: usize) -> Option<u32> {
    op.snapshot.contract.commits.get(commit)?.record(op.resource)
}

/// Checks that what was done can be answered: no client would get more.
pub fn check_size(form: Form, list: &str, writes: &[Arc<dyn WriteOp>], changes: &[Change]) -> Result<()> {
    let sizes = writes.iter().zip(changes).map(|(write, change)| match &change.after {
        Some(record) => record_size::at_most(write.op().plan(), record),
        None => 0,
    });
    let has_many = matches!(form, Form::Rows | Form::Results { .. });
    if !has_many || sizes.sum::<usize>() <= MAX_ANSWER_BYTES {
        return Ok(());
    }
    let whole = answer(form, writes, changes, &Rows::Whole)?;
    if whole.len() <= MAX_ANSWER_BYTES { Ok(()) } else { Err(too_large(list)) }
}

/// Refuses a batch that is too large; `list` is the field that has too many elements.
pub fn too_large(list: &str) -> Error {
    Error::Violations(vec![Violation {
        field: list.to_owned(),
        description: format!("would be answered with more than {MAX_ANSWER_BYTES} bytes; name fewer at once"),
    }])
}

/// Writes the record into the answer's list. `seen` says what of it the caller does not see, and nothing inside where he may not
/// read it, where that is known.
pub fn put_row(
    op: &Operation,
    record: &[Value],
    seen: Option<Option<&Hidden>>,
    wanted: &Rows,
    out: &mut Vec<u8>,
) -> Result<()> {
    if *wanted == Rows::Hidden {
        return Ok(());
    }
    let mut row = Vec::with_capacity(512);
    put(op, record, seen, wanted, &mut row)?;
    frame::put_message(BATCH_ROWS, &row, out);
    Ok(())
}

/// Writes the record, or what the writer wants of it, or only the name where the writer may not read it.
fn put(
    op: &Operation,
    record: &[Value],
    seen: Option<Option<&Hidden>>,
    wanted: &Rows,
    out: &mut Vec<u8>,
) -> Result<()> {
    let known;
    let hidden = match seen {
        Some(hidden) => hidden,
        None => {
            known = op.may_read(record).then(|| op.hidden(record));
            known.as_ref()
        }
    };
    let Some(hidden) = hidden else { return name_only(op, record, out) };
    let wanted = if let Rows::Part(selection) = wanted { Some(selection) } else { None };
    op.plan().encode_without(hidden, record, wanted, out).map_err(Error::Damaged)
}

pub fn name_only(op: &Operation, key: &[Value], out: &mut Vec<u8>) -> Result<()> {
    match &op.plan().name_only {
        Some(selection) => op.plan().record.encode_masked(key, selection, out).map_err(Error::Damaged),
        None => Ok(()),
    }
}

/// The keys of what was written, as they are remembered.
pub fn keys(writes: &[Arc<dyn WriteOp>], changes: &[Change]) -> Vec<Value> {
    match changes {
        [change] => change.key.clone(),
        changes => {
            let keys = writes.iter().zip(changes).map(|(write, change)| {
                let mut key = change.key.clone();
                // Where there was no row, its place is kept.
                key.resize(write.op().plan().resource.layout.keys(), Value::Text(String::new()));
                key
            });
            keys.flatten().collect()
        }
    }
}
