//! Answers to requests that carried a request id (AIP-155).
//!
//! PostgreSQL has a row for each under its request, which is also what a request takes its place with. On SQLite one process
//! writes and nobody else meanwhile: there answers lie in the order in which they were given, and [`Places`] knows where.

mod places;
mod postgres;
mod sqlite;

use std::sync::Arc;

use bytes::Bytes;
use diesel::prelude::*;
use mainstay_db::{Conn, Database, Engine, Error, Gate, Lane, execute, load};
use mainstay_record::Value;
use ring::digest::{Context, Digest, SHA256};

pub use places::Places;
pub use postgres::CLAIM;

use crate::schema::mainstay_answers as former;

/// How long an answer is kept, in microseconds: a day.
pub const KEPT_US: i64 = 24 * 60 * 60 * 1_000_000;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request([u8; REQUEST_BYTES]);

impl Request {
    /// The request with this id, of this caller, of this method.
    pub fn new(principal: &str, method: &str, request_id: &str) -> Request {
        let digest = digest(&[principal.as_bytes(), method.as_bytes(), request_id.as_bytes()]);
        let mut request = [0; REQUEST_BYTES];
        request.iter_mut().zip(digest.as_ref()).for_each(|(byte, digest)| *byte = *digest);
        Request(request)
    }

    fn value(self) -> Value {
        Value::Bytes(self.0.to_vec())
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

/// What a request takes its place with.
#[derive(Debug, Clone)]
pub struct Claim {
    pub request: Request,
    /// Tells it from others with its id.
    pub fingerprint: Vec<u8>,
    /// The key of the row and the answer; empty where they are not known before the work is done.
    pub key: String,
    pub answer: Bytes,
    pub now: i64,
}

impl Claim {
    /// Puts a claim together. `known` is the key of the row and the answer.
    pub fn new(request: Request, fingerprint: &[u8], known: Option<(&[Value], Bytes)>, now: i64) -> Claim {
        let (key, answer) = known.unwrap_or_default();
        Claim { request, fingerprint: fingerprint.to_vec(), key: key_text(key), answer, now }
    }

    fn expires_at(&self) -> i64 {
        self.now.saturating_add(KEPT_US)
    }
}

/// All answers that were given.
#[derive(Debug)]
pub enum Answers {
    Sqlite(Places),
    Postgres,
}

impl Answers {
    /// Finds out where they are.
    pub async fn open(db: &Database) -> Result<Arc<Answers>, Error> {
        let answers = match db.engine() {
            Engine::Sqlite => {
                let places = db.read(Lane::Heavy, |conn| Box::pin(async move { sqlite::places(conn).await }));
                Answers::Sqlite(places.await?)
            }
            Engine::Postgres => Answers::Postgres,
        };
        Ok(Arc::new(answers))
    }

    /// Stores where they are, as far as only the memory of this process knows: the next one need not look for them.
    pub async fn settle(&self, db: &Database) -> Result<(), Error> {
        match self {
            Answers::Sqlite(places) => places.store(db).await,
            Answers::Postgres => Ok(()),
        }
    }

    /// The place of a write that is known before the store is asked.
    pub fn gate(self: &Arc<Self>, claim: Claim) -> Arc<dyn Gate> {
        match &**self {
            Answers::Sqlite(_) => Arc::new(sqlite::Place { answers: Arc::clone(self), claim }),
            Answers::Postgres => Arc::new(postgres::Place(claim)),
        }
    }

    /// Finds the answer to an earlier request of this caller with this id, or else takes the request's place until the
    /// transaction ends.
    ///
    /// On PostgreSQL the place is taken by a row: of several at once the first gets it, and the others wait for its
    /// transaction to end. On SQLite nobody else writes meanwhile, so that nothing need be changed before the work is known
    /// to succeed.
    pub async fn begin(&self, conn: &mut Conn<'_>, claim: &Claim) -> Result<Option<Answer>, Error> {
        match self {
            Answers::Postgres if postgres::claim(conn, claim).await? => Ok(None),
            _ => self.find(conn, claim.request, claim.now).await,
        }
    }

    /// Finds the answer to an earlier request of this caller with this id, unless it has expired at `now`.
    pub async fn find(&self, conn: &mut Conn<'_>, request: Request, now: i64) -> Result<Option<Answer>, Error> {
        let row = match self {
            Answers::Sqlite(places) => sqlite::find(conn, places, request, now).await?,
            Answers::Postgres => postgres::find(conn, request, now).await?,
        };
        Ok(row.map(|(fingerprint, key, answer)| Answer { fingerprint, key: parse_key(&key), answer }))
    }

    /// Keeps the answer of a request that [`begin`](Answers::begin) was asked about with this claim. `found` is the key of
    /// the row and the answer, where the claim did not hold them yet.
    pub async fn keep(
        &self,
        conn: &mut Conn<'_>,
        mut claim: Claim,
        found: Option<(Vec<Value>, Bytes)>,
    ) -> Result<(), Error> {
        let is_found = found.is_some();
        if let Some((key, answer)) = found {
            (claim.key, claim.answer) = (key_text(&key), answer);
        }
        match self {
            Answers::Sqlite(places) => sqlite::keep(conn, places, &claim).await,
            Answers::Postgres if is_found => postgres::complete(conn, &claim).await,
            Answers::Postgres => Ok(()),
        }
    }

    /// Forgets answers that have expired, about `most` at once.
    pub async fn purge(&self, conn: &mut Conn<'_>, now: i64, most: usize) -> Result<Purged, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        match self {
            Answers::Sqlite(places) => sqlite::purge(conn, places, now, most).await,
            Answers::Postgres => postgres::purge(conn, now, most).await,
        }
    }

    /// Gives the keys of the rows that answers hold, of at most so many behind one, in some order, with where they are.
    pub async fn kept(&self, conn: &mut Conn<'_>, behind: Option<&Place>, most: usize) -> Result<Vec<Kept>, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = match self {
            Answers::Sqlite(_) => sqlite::kept(conn, behind, most).await?,
            Answers::Postgres => postgres::kept(conn, behind, most).await?,
        };
        Ok(rows.into_iter().map(|(place, key)| Kept { place, key: parse_key(&key) }).collect())
    }

    /// Empties answers. They stay remembered, so that what they answered is not done again.
    pub async fn empty(&self, conn: &mut Conn<'_>, places: &[Place]) -> Result<usize, Error> {
        match self {
            Answers::Sqlite(_) => sqlite::empty(conn, places).await,
            Answers::Postgres => postgres::empty(conn, places).await,
        }
    }

    /// Moves some of the answers that a former version kept under long keys. Returns how many there were to move.
    pub async fn move_former(&self, conn: &mut Conn<'_>, most: i64) -> Result<usize, Error> {
        let rows = load!(
            conn,
            former::table.order(former::expires_at).limit(most) =>
                (String, String, String, Vec<u8>, String, Vec<u8>, i64)
        )?;
        for (principal, method, id, fingerprint, key, answer, expires_at) in &rows {
            let request = Request::new(principal, method, id);
            let (answer, now) = (Bytes::copy_from_slice(answer), expires_at.saturating_sub(KEPT_US));
            let claim = Claim { request, fingerprint: fingerprint.clone(), key: key.clone(), answer, now };
            match self {
                Answers::Sqlite(places) => sqlite::keep(conn, places, &claim).await?,
                Answers::Postgres => _ = postgres::claim(conn, &claim).await?,
            }
            execute!(conn, diesel::delete(former::table.find((principal, method, id))))?;
        }
        Ok(rows.len())
    }
}

/// Where an answer is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Number(i64),
    Request(Vec<u8>),
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub place: Place,
    /// The keys of the rows in it, one behind the other.
    pub key: Vec<Value>,
}

/// What came of a look for answers that have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    pub forgotten: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// An answer as it is stored: what tells its request from others with its id, the key of the row, the answer.
type Stored = (Vec<u8>, String, Vec<u8>);

fn key_text(key: &[Value]) -> String {
    let key: Vec<&str> = key.iter().map(|part| if let Value::Text(part) = part { part } else { "" }).collect();
    // A list of texts has a form in JSON.
    serde_json::to_string(&key).unwrap_or_default()
}

fn parse_key(text: &str) -> Vec<Value> {
    let parts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    parts.into_iter().map(Value::Text).collect()
}
