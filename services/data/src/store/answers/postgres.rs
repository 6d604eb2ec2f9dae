//! Answers on PostgreSQL: a row for each, under its request.

use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use mainstay_db::{Conn, Error, Gate, Statement, Step, execute, first, load};
use mainstay_record::{Kind, Value};

use super::{Claim, Purged, Request, Stored};
use crate::schema::mainstay_replies as replies;

/// Takes a request's place: changes one row where it is free, or was taken so long ago that it is free again.
pub const CLAIM: mainstay_sql::Claim<'static> = mainstay_sql::Claim {
    text: include_str!("claim.sql").trim_ascii_end(),
    binds: &[Kind::Bytes, Kind::Bytes, Kind::Text, Kind::Bytes, Kind::Int, Kind::Int],
};

static CLAIM_STATEMENT: LazyLock<Arc<Statement>> = LazyLock::new(|| Statement::with_binds(CLAIM.text, CLAIM.binds));

/// The oldest answers that have expired, a bounded number. Two processes that purge at once take different ones.
static PURGE: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "DELETE FROM mainstay_replies WHERE request IN (SELECT request FROM mainstay_replies \
                WHERE expires_at <= ? ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED)";
    Statement::with_binds(text, &[Kind::Int, Kind::Int])
});

impl Claim {
    /// The values of [`CLAIM`], in the order of its binds.
    pub fn values(&self) -> [Value; 6] {
        [
            self.request.value(),
            Value::Bytes(self.fingerprint.clone()),
            Value::Text(self.key.clone()),
            Value::Bytes(self.answer.to_vec()),
            Value::Int(self.expires_at()),
            Value::Int(self.now),
        ]
    }
}

/// The place of a write that is known before the store is asked.
pub(super) struct Place(pub(super) Claim);

impl Gate for Place {
    /// What takes it finds that out.
    fn taken(&self) -> Option<Step> {
        None
    }

    fn take(&self) -> Step {
        Step { statement: Arc::clone(&CLAIM_STATEMENT), binds: Arc::new(self.0.values()) }
    }
}

/// Takes the place. False where somebody has it.
pub(super) async fn claim(conn: &mut Conn<'_>, claim: &Claim) -> Result<bool, Error> {
    Ok(conn.execute(&CLAIM_STATEMENT, &claim.values()).await? == 1)
}

pub(super) async fn find(conn: &mut Conn<'_>, request: Request, now: i64) -> Result<Option<Stored>, Error> {
    first!(
        conn,
        replies::table
            .find(&request.0[..])
            .filter(replies::expires_at.gt(now))
            .select((replies::fingerprint, replies::resource_key, replies::answer))
            .limit(1) => Stored
    )
}

/// Puts the answer into the place that was taken.
pub(super) async fn complete(conn: &mut Conn<'_>, claim: &Claim) -> Result<(), Error> {
    execute!(
        conn,
        diesel::update(replies::table.find(&claim.request.0[..]))
            .set((replies::resource_key.eq(&claim.key), replies::answer.eq(&claim.answer[..])))
    )?;
    Ok(())
}

pub(super) async fn kept(
    conn: &mut Conn<'_>,
    behind: Option<&super::Place>,
    most: i64,
) -> Result<Vec<(super::Place, String)>, Error> {
    let behind = if let Some(super::Place::Request(request)) = behind { request.clone() } else { Vec::new() };
    let some = replies::table.filter(replies::request.gt(behind)).order(replies::request).limit(most);
    let found = load!(conn, some.select((replies::request, replies::resource_key)) => (Vec<u8>, String))?;
    Ok(found.into_iter().map(|(request, key)| (super::Place::Request(request), key)).collect())
}

pub(super) async fn empty(conn: &mut Conn<'_>, places: &[super::Place]) -> Result<usize, Error> {
    let request = |place: &super::Place| match place {
        super::Place::Request(request) => Some(request.clone()),
        super::Place::Number(_) => None,
    };
    let requests: Vec<Vec<u8>> = places.iter().filter_map(request).collect();
    let target = replies::table.filter(replies::request.eq_any(&requests));
    execute!(conn, diesel::update(target).set(replies::answer.eq(Vec::new())))
}

pub(super) async fn purge(conn: &mut Conn<'_>, now: i64, most: i64) -> Result<Purged, Error> {
    let forgotten = conn.execute(&PURGE, &[Value::Int(now), Value::Int(most)]).await?;
    Ok(Purged { forgotten, more: i64::try_from(forgotten).is_ok_and(|forgotten| forgotten >= most) })
}
