//! Answers to requests that carried a request id (AIP-155).

use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use mainstay_db::{Conn, Engine, Error, Statement, Step, execute, first};
use mainstay_record::{Kind, Piece, Value};
use mainstay_sql::Claim;

use crate::schema::mainstay_answers as answers;

/// How long an answer is kept, in microseconds: a day.
pub const KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Takes a request's place: changes one row where it is free, or was taken so long ago that it is free again.
pub const CLAIM: Claim<'static> = Claim {
    text: include_str!("claim.sql").trim_ascii_end(),
    binds: &[Kind::Text, Kind::Text, Kind::Text, Kind::Bytes, Kind::Text, Kind::Bytes, Kind::Int, Kind::Int],
};

static CLAIMING: LazyLock<Arc<Statement>> = LazyLock::new(|| statement(CLAIM.text, CLAIM.binds));

/// The oldest answers that have expired, a bounded number. Two processes that purge at once take different ones.
const PURGE: &str = "DELETE FROM mainstay_answers WHERE (principal, method, request_id) IN \
     (SELECT principal, method, request_id FROM mainstay_answers WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";

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

/// The values of a claim, in the order of its binds. `known` is the key of the row and the answer, where they are known
/// before the work is done.
pub fn claim_values(request: Request<'_>, hash: &[u8], known: Option<(&[Value], &[u8])>, now: i64) -> [Value; 8] {
    let (key, answer) = known.unwrap_or_default();
    [
        Value::Text(request.principal.to_owned()),
        Value::Text(request.method.to_owned()),
        Value::Text(request.request_id.to_owned()),
        Value::Bytes(hash.to_vec()),
        Value::Text(key_text(key)),
        Value::Bytes(answer.to_vec()),
        Value::Int(now.saturating_add(KEPT_US)),
        Value::Int(now),
    ]
}

/// Takes the request's place, before its work is done: of several at once the first gets it, and the others wait for its
/// transaction to end. Returns false where an answer is there.
pub async fn claim(conn: &mut Conn<'_>, values: &[Value; 8]) -> Result<bool, Error> {
    Ok(conn.execute(&CLAIMING, values).await? == 1)
}

/// The same for a write that is known before the store is asked: it changes a row where the place is free.
pub fn claim_step(values: [Value; 8]) -> Step {
    Step { statement: Arc::clone(&CLAIMING), binds: Arc::new(values) }
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
    execute!(
        conn,
        diesel::update(answers::table.find((request.principal, request.method, request.request_id)))
            .set((answers::resource_key.eq(key_text(key)), answers::answer.eq(answer)))
    )?;
    Ok(())
}

/// Forgets answers that have expired, `most` at once. Returns how many.
pub async fn purge(conn: &mut Conn<'_>, now: i64, most: usize) -> Result<usize, Error> {
    static SQLITE: LazyLock<Arc<Statement>> =
        LazyLock::new(|| statement(&format!("{PURGE})"), &[Kind::Int, Kind::Int]));
    static POSTGRES: LazyLock<Arc<Statement>> =
        LazyLock::new(|| statement(&format!("{PURGE} FOR UPDATE SKIP LOCKED)"), &[Kind::Int, Kind::Int]));
    let statement = match conn.engine() {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    conn.execute(statement, &[Value::Int(now), Value::Int(most)]).await
}

/// A statement with a bind for each `?` of its text.
fn statement(text: &str, binds: &[Kind]) -> Arc<Statement> {
    let mut pieces = Vec::new();
    for (slot, part) in text.split('?').enumerate() {
        pieces.push(Piece::Text(part.to_owned()));
        pieces.extend(binds.get(slot).map(|kind| Piece::Bind { slot, kind: *kind }));
    }
    Statement::new(pieces, true)
}

fn key_text(key: &[Value]) -> String {
    let key: Vec<&str> = key.iter().map(|part| if let Value::Text(part) = part { part } else { "" }).collect();
    serde_json::json!(key).to_string()
}

fn parse_key(text: &str) -> Vec<Value> {
    let parts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    parts.into_iter().map(Value::Text).collect()
}
