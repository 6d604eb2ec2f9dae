//! How large a record may be.

use mainstay_record::{Value, page};

use super::page_token::MAX_TOKEN_BYTES;
use crate::plans::ResourcePlan;

/// What gRPC's clients take in one message unless told otherwise: 4 MiB.
pub const CLIENT_MESSAGE_BYTES: usize = 4 << 20;

/// The most bytes that a record takes as a message, however many requests it was put together by. What is stored can be
/// read again by any client: with the token behind it, it is a page of a list.
pub const MAX_RECORD_BYTES: usize = CLIENT_MESSAGE_BYTES - MAX_TOKEN_BYTES - FRAME_BYTES;

/// The most bytes of the rows that the writes of one request are about: they are in memory together.
pub const MAX_FOUND_BYTES: usize = 16 * CLIENT_MESSAGE_BYTES;

/// Room for the tags and lengths of a list's answer.
const FRAME_BYTES: usize = 64;

/// More than any column takes besides its text: a number, and the tags and lengths of all the messages that it is in.
const COLUMN_BYTES: usize = 256;

/// How much longer a value can be in a message than in JSON: a double with a tag of five bytes takes 13 for the two of `0,`.
const JSON_GROWTH: usize = 8;

/// The size of a record that is too large; nothing where it is not.
pub fn too_large(plan: &ResourcePlan, record: &[Value]) -> Option<usize> {
    if at_most(plan, record) <= MAX_RECORD_BYTES {
        return None;
    }
    let mut message = Vec::with_capacity(MAX_RECORD_BYTES);
    // A record that has no message form is told when it is answered.
    plan.record.encode(record, &mut message).ok().filter(|()| message.len() > MAX_RECORD_BYTES).map(|()| message.len())
}

/// How many bytes of a page the row of a record would take, where that is more than a page has. Nearly no table has so many
/// columns that it could be.
pub fn too_wide(plan: &ResourcePlan, record: &[Value]) -> Option<usize> {
    plan.may_be_wide.then(|| page::row_bytes(record)).filter(|bytes| *bytes > page::MAX_ROW_BYTES)
}

/// What the texts of a row take in memory.
pub fn in_memory(row: &[Value]) -> usize {
    let text = |value: &Value| match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    row.iter().map(text).sum()
}

/// A bound of a record's size that needs no message: nearly every record is far below the limit.
pub fn at_most(plan: &ResourcePlan, record: &[Value]) -> usize {
    let text = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Json(json) => json.len().saturating_mul(JSON_GROWTH),
        _ => 0,
    };
    let texts = record.iter().fold(0, |sum: usize, value| sum.saturating_add(text(value)));
    texts.saturating_add(plan.resource.pattern.len()).saturating_add(COLUMN_BYTES * (record.len() + 1))
}
