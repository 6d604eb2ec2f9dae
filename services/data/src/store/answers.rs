//! Answers to requests that carried a request id (AIP-155).

use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use mainstay_db::{Conn, Engine, Error, Gate, Statement, Step, execute, first, load};
use mainstay_record::{Kind, Value};
use mainstay_sql::Claim;
use ring::digest::{Context, Digest, SHA256};

use crate::schema::{mainstay_answers as former, mainstay_replies as replies};

/// How long an answer is kept, in microseconds: a day.
pub const KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Takes a request's place: changes one row where it is free, or was taken so long ago that it is free again.
pub const CLAIM: Claim<'static> = Claim {
    text: include_str!("claim.sql").trim_ascii_end(),
    binds: &[Kind::Bytes, Kind::Bytes, Kind::Text, Kind::Bytes, Kind::Int, Kind::Int],
};

static CLAIM_STATEMENT: LazyLock<Arc<Statement>> = LazyLock::new(|| Statement::with_binds(CLAIM.text, CLAIM.binds));

static TAKEN: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    Statement::with_binds(
        "SELECT 1 FROM mainstay_replies WHERE request = ? AND expires_at > ?",
        &[Kind::Bytes, Kind::Int],
    )
});

/// The oldest answers that have expired, a bounded number. Two processes that purge at once take different ones.
const PURGE: &str = "DELETE FROM mainstay_replies WHERE request IN \
     (SELECT request FROM mainstay_replies WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";

/// An answer that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Tells the request from others with its id.
    pub fingerprint: Vec<u8>,
    /// The key of the row that was written.
    pub key: Vec<Value>,
    pub answer: Vec<u8>,
}

/// How many bytes a [`Request`] has.
const REQUEST_BYTES: usize = 16;

/// Which request an answer belongs to: a digest, so that its index stays small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request([u8; REQUEST_BYTES]);

impl Request {
    /// The request with this id, of this caller, of this method.
    pub fn new(principal: &str, method: &str, request_id: &str) -> Request {
        let digest = digest(&[principal.as_bytes(), method.as_bytes(), request_id.as_bytes()]);
        let mut request = [0; REQUEST_BYTES];
        request.iter_mut().zip(digest.as_ref()).for_each(|(byte, digest)| *byte = *digest);
        Request(request)
    }
}

/// A digest of parts that cannot run into each other.
pub fn digest(parts: &[&[u8]]) -> Digest {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finish()
}

/// The values of a claim, in the order of its binds.
pub type ClaimValues = [Value; 6];

/// Puts a claim together. `known` is the key of the row and the answer, where they are known before the work is done.
pub fn claim(request: Request, fingerprint: &[u8], known: Option<(&[Value], &[u8])>, now: i64) -> ClaimValues {
    let (key, answer) = known.unwrap_or_default();
    [
        Value::Bytes(request.0.to_vec()),
        Value::Bytes(fingerprint.to_vec()),
        Value::Text(key_text(key)),
        Value::Bytes(answer.to_vec()),
        Value::Int(now.saturating_add(KEPT_US)),
        Value::Int(now),
    ]
}

/// The same for a write that is known before the store is asked.
pub fn gate(claim: ClaimValues) -> Gate {
    let [request, .., now] = &claim;
    let taken = Step { statement: Arc::clone(&TAKEN), binds: Arc::new([request.clone(), now.clone()]) };
    Gate { taken, take: Step { statement: Arc::clone(&CLAIM_STATEMENT), binds: Arc::new(claim) } }
}

/// Finds the answer to an earlier request of this caller with this id, or else takes the request's place until the
/// transaction ends.
///
/// On PostgreSQL the place is taken by a row: of several at once the first gets it, and the others wait for its transaction
/// to end. On SQLite nobody else writes meanwhile, so that nothing need be changed before the work is known to succeed.
pub async fn begin(conn: &mut Conn<'_>, request: Request, claim: &ClaimValues) -> Result<Option<Answer>, Error> {
    if conn.engine() == Engine::Postgres && conn.execute(&CLAIM_STATEMENT, claim).await? == 1 {
        return Ok(None);
    }
    let [.., now] = claim;
    find(conn, request, int(now)).await
}

/// Finds the answer to an earlier request of this caller with this id, unless it has expired at `now`.
pub async fn find(conn: &mut Conn<'_>, request: Request, now: i64) -> Result<Option<Answer>, Error> {
    let row = first!(
        conn,
        replies::table
            .find(&request.0[..])
            .filter(replies::expires_at.gt(now))
            .select((replies::fingerprint, replies::resource_key, replies::answer))
            .limit(1) => (Vec<u8>, String, Vec<u8>)
    )?;
    Ok(row.map(|(fingerprint, key, answer)| Answer { fingerprint, key: parse_key(&key), answer }))
}

/// Keeps the answer of a request that [`begin`] was asked about with this claim. `found` is the key of the row and the
/// answer, where the claim did not hold them yet.
pub async fn keep(
    conn: &mut Conn<'_>,
    request: Request,
    mut claim: ClaimValues,
    found: Option<(&[Value], &[u8])>,
) -> Result<(), Error> {
    match (conn.engine(), found) {
        (Engine::Sqlite, _) => {
            if let Some((key, answer)) = found {
                claim[2] = Value::Text(key_text(key));
                claim[3] = Value::Bytes(answer.to_vec());
            }
            conn.execute(&CLAIM_STATEMENT, &claim).await?;
        }
        (Engine::Postgres, Some((key, answer))) => {
            execute!(
                conn,
                diesel::update(replies::table.find(&request.0[..]))
                    .set((replies::resource_key.eq(key_text(key)), replies::answer.eq(answer)))
            )?;
        }
        (Engine::Postgres, None) => {}
    }
    Ok(())
}

/// Forgets answers that have expired, `most` at once. Returns how many.
pub async fn purge(conn: &mut Conn<'_>, now: i64, most: usize) -> Result<usize, Error> {
    static SQLITE: LazyLock<Arc<Statement>> =
        LazyLock::new(|| Statement::with_binds(&format!("{PURGE})"), &[Kind::Int, Kind::Int]));
    static POSTGRES: LazyLock<Arc<Statement>> =
        LazyLock::new(|| Statement::with_binds(&format!("{PURGE} FOR UPDATE SKIP LOCKED)"), &[Kind::Int, Kind::Int]));
    let statement = match conn.engine() {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    conn.execute(statement, &[Value::Int(now), Value::Int(most)]).await
}

/// Moves some of the answers that a former version kept under long keys. Returns how many there were to move.
pub async fn move_former(conn: &mut Conn<'_>, most: i64) -> Result<usize, Error> {
    let rows = load!(
        conn,
        former::table.order(former::expires_at).limit(most) =>
            (String, String, String, Vec<u8>, String, Vec<u8>, i64)
    )?;
    for (principal, method, id, fingerprint, key, answer, expires_at) in &rows {
        let (request, key) = (Request::new(principal, method, id), parse_key(key));
        let claim = claim(request, fingerprint, Some((&key, answer)), expires_at.saturating_sub(KEPT_US));
        conn.execute(&CLAIM_STATEMENT, &claim).await?;
        execute!(conn, diesel::delete(former::table.find((principal, method, id))))?;
    }
    Ok(rows.len())
}

fn int(value: &Value) -> i64 {
    if let Value::Int(int) = value { *int } else { 0 }
}

fn key_text(key: &[Value]) -> String {
    let key: Vec<&str> = key.iter().map(|part| if let Value::Text(part) = part { part } else { "" }).collect();
    serde_json::json!(key).to_string()
}

fn parse_key(text: &str) -> Vec<Value> {
    let parts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    parts.into_iter().map(Value::Text).collect()
}
