//! Answers to requests that carried a request id (AIP-155).

use diesel::prelude::*;
use mainstay_db::{Conn, Error, execute, first};
use mainstay_record::Value;

use crate::schema::mainstay_answers as answers;

/// How long an answer is kept, in microseconds: a day.
pub const KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

/// An answer that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub request_hash: Vec<u8>,
    /// The key of the row that was written.
    pub key: Vec<Value>,
    pub answer: Vec<u8>,
}

/// An answer to keep.
#[derive(Debug)]
pub struct NewAnswer<'a> {
    pub principal: &'a str,
    pub method: &'a str,
    pub request_id: &'a str,
    pub request_hash: &'a [u8],
    pub key: &'a [Value],
    pub answer: &'a [u8],
    /// Microseconds since 1970 UTC.
    pub now: i64,
}

/// Finds the answer to an earlier request of this caller with this id.
pub async fn find(
    conn: &mut Conn<'_>,
    principal: &str,
    method: &str,
    request_id: &str,
    now: i64,
) -> Result<Option<Answer>, Error> {
    let row = first!(
        conn,
        answers::table
            .find((principal, method, request_id))
            .filter(answers::expires_at.gt(now))
            .select((answers::request_hash, answers::resource_key, answers::answer))
            .limit(1) => (Vec<u8>, String, Vec<u8>)
    )?;
    Ok(row.map(|(request_hash, key, answer)| Answer { request_hash, key: parse_key(&key), answer }))
}

/// Keeps an answer, and forgets those that have expired.
pub async fn insert(conn: &mut Conn<'_>, new: &NewAnswer<'_>) -> Result<(), Error> {
    execute!(conn, diesel::delete(answers::table.filter(answers::expires_at.le(new.now))))?;
    let key: Vec<&str> = new.key.iter().map(|part| if let Value::Text(part) = part { part } else { "" }).collect();
    execute!(
        conn,
        diesel::insert_into(answers::table).values((
            answers::principal.eq(new.principal),
            answers::method.eq(new.method),
            answers::request_id.eq(new.request_id),
            answers::request_hash.eq(new.request_hash),
            answers::resource_key.eq(serde_json::json!(key).to_string()),
            answers::answer.eq(new.answer),
            answers::expires_at.eq(new.now.saturating_add(KEPT_US)),
        ))
    )?;
    Ok(())
}

fn parse_key(text: &str) -> Vec<Value> {
    let parts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    parts.into_iter().map(Value::Text).collect()
}
