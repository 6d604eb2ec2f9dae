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

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub principal: &'a str,
    pub method: &'a str,
    pub request_id: &'a str,
}

/// Takes the request's place, before its work is done: of several at once the first gets it, and the others wait for its
/// transaction to end. Forgets what has expired. Returns false where an answer is there.
pub async fn claim(conn: &mut Conn<'_>, request: Request<'_>, hash: &[u8], now: i64) -> Result<bool, Error> {
    execute!(conn, diesel::delete(answers::table.filter(answers::expires_at.le(now))))?;
    let claimed = execute!(
        conn,
        diesel::insert_into(answers::table)
            .values((
                answers::principal.eq(request.principal),
                answers::method.eq(request.method),
                answers::request_id.eq(request.request_id),
                answers::request_hash.eq(hash),
                answers::resource_key.eq("[]"),
                answers::answer.eq(&[] as &[u8]),
                answers::expires_at.eq(now.saturating_add(KEPT_US)),
            ))
            .on_conflict_do_nothing()
    )?;
    Ok(claimed == 1)
}

/// Finds the answer to an earlier request of this caller with this id.
pub async fn find(conn: &mut Conn<'_>, request: Request<'_>) -> Result<Option<Answer>, Error> {
    let row = first!(
        conn,
        answers::table
            .find((request.principal, request.method, request.request_id))
            .select((answers::request_hash, answers::resource_key, answers::answer))
            .limit(1) => (Vec<u8>, String, Vec<u8>)
    )?;
    Ok(row.map(|(request_hash, key, answer)| Answer { request_hash, key: parse_key(&key), answer }))
}

/// Keeps the answer in the place that was claimed.
pub async fn keep(conn: &mut Conn<'_>, request: Request<'_>, key: &[Value], answer: &[u8]) -> Result<(), Error> {
    let key: Vec<&str> = key.iter().map(|part| if let Value::Text(part) = part { part } else { "" }).collect();
    execute!(
        conn,
        diesel::update(answers::table.find((request.principal, request.method, request.request_id)))
            .set((answers::resource_key.eq(serde_json::json!(key).to_string()), answers::answer.eq(answer)))
    )?;
    Ok(())
}

fn parse_key(text: &str) -> Vec<Value> {
    let parts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    parts.into_iter().map(Value::Text).collect()
}
