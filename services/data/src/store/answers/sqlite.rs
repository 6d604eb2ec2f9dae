//! Answers on SQLite: in the order in which they were given.

use std::sync::{Arc, LazyLock};

use diesel::prelude::*;
use mainstay_db::{Atomic, Conn, Database, Error, Gate, Statement, Step, execute, first, load};
use mainstay_record::{Kind, Value};

use super::places::{NOWHERE, Places};
use super::{Answers, Claim, Purged, Request, Stored};
use crate::schema::{mainstay_reply_log as log, mainstay_reply_places as stored};

/// How many places one statement stores.
const STORED_AT_ONCE: usize = 128;

/// How many are stored in one transaction: others write between.
const STORED_TOGETHER: usize = 1_024;

/// How many times as many answers are looked at behind the oldest.
const LOOKED_AT: i64 = 8;

/// The request with no bytes: under it stands the last answer whose place is stored.
const LAST: &[u8] = &[];

static TAKEN: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "SELECT 1 FROM mainstay_replies WHERE id IN (?, (SELECT reply FROM mainstay_reply_places WHERE request = ?)) \
                AND request = ? AND expires_at > ?";
    Statement::with_binds(text, &[Kind::Int, Kind::Bytes, Kind::Bytes, Kind::Int])
});

static KEEP: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "INSERT INTO mainstay_replies (id, request, fingerprint, resource_key, answer, expires_at) \
                VALUES (?, ?, ?, ?, ?, ?)";
    Statement::with_binds(text, &[Kind::Int, Kind::Bytes, Kind::Bytes, Kind::Text, Kind::Bytes, Kind::Int])
});

static STORE_MANY: LazyLock<Arc<Statement>> = LazyLock::new(|| store_statement(STORED_AT_ONCE));
static STORE_ONE: LazyLock<Arc<Statement>> = LazyLock::new(|| store_statement(1));

static FORGET: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "DELETE FROM mainstay_reply_places WHERE request = ? AND reply = ?";
    Statement::with_binds(text, &[Kind::Bytes, Kind::Int])
});

fn store_statement(places: usize) -> Arc<Statement> {
    let rows = vec!["(?, ?)"; places].join(", ");
    let binds = [Kind::Bytes, Kind::Int].repeat(places);
    Statement::with_binds(
        &format!("INSERT OR REPLACE INTO mainstay_reply_places (request, reply) VALUES {rows}"),
        &binds,
    )
}

/// The place of a write that is known before the store is asked.
pub(super) struct Place {
    pub(super) answers: Arc<Answers>,
    pub(super) claim: Claim,
}

impl Place {
    fn places(&self) -> Option<&Places> {
        if let Answers::Sqlite(places) = &*self.answers { Some(places) } else { None }
    }
}

impl Gate for Place {
    fn taken(&self) -> Option<Step> {
        let Claim { request, now, .. } = self.claim;
        let place = self.places()?.find(request)?;
        let binds = [Value::Int(place), request.value(), request.value(), Value::Int(now)];
        Some(Step { statement: Arc::clone(&TAKEN), binds: Arc::new(binds) })
    }

    fn take(&self) -> Step {
        let place = self.places().map_or(NOWHERE, |places| places.take(self.claim.request));
        Step { statement: Arc::clone(&KEEP), binds: Arc::new(values(&self.claim, place)) }
    }
}

fn values(claim: &Claim, place: i64) -> [Value; 6] {
    [
        Value::Int(place),
        claim.request.value(),
        Value::Bytes(claim.fingerprint.clone()),
        Value::Text(claim.key.clone()),
        Value::Bytes(claim.answer.to_vec()),
        Value::Int(claim.expires_at()),
    ]
}

pub(super) async fn find(
    conn: &mut Conn<'_>,
    places: &Places,
    request: Request,
    now: i64,
) -> Result<Option<Stored>, Error> {
    let Some(place) = places.find(request) else { return Ok(None) };
    let of_old = stored::table.filter(stored::request.eq(&request.0[..])).select(stored::reply);
    first!(
        conn,
        log::table
            .filter(log::id.eq(place).or(log::id.eq_any(of_old)))
            .filter(log::request.eq(&request.0[..]))
            .filter(log::expires_at.gt(now))
            .select((log::fingerprint, log::resource_key, log::answer))
            .limit(1) => Stored
    )
}

pub(super) async fn keep(conn: &mut Conn<'_>, places: &Places, claim: &Claim) -> Result<(), Error> {
    conn.execute(&KEEP, &values(claim, places.take(claim.request))).await?;
    Ok(())
}

/// Forgets what has expired of the oldest answers. They lie in the order in which they were given, which is nearly that in which
/// they expire: a clock that was set back leaves some in front that stay longer. So where none of the oldest has expired, some
/// of those behind them are looked at, others each time.
pub(super) async fn purge(conn: &mut Conn<'_>, places: &Places, now: i64, most: i64) -> Result<Purged, Error> {
    let (forgotten, _) = forget(conn, places, now, (NOWHERE, most)).await?;
    if forgotten > 0 {
        return Ok(Purged { forgotten, more: true });
    }
    let (forgotten, last) = forget(conn, places, now, (places.looked_at(), LOOKED_AT * most)).await?;
    places.look_behind(last);
    Ok(Purged { forgotten, more: forgotten > 0 })
}

/// Forgets what has expired of so many answers behind a place, and where it was. Returns how many that were, and the place of
/// the last one that was looked at.
async fn forget(
    conn: &mut Conn<'_>,
    places: &Places,
    now: i64,
    (behind, most): (i64, i64),
) -> Result<(usize, i64), Error> {
    let some = log::table.filter(log::id.gt(behind)).order(log::id).limit(most);
    let looked_at = load!(conn, some.select((log::id, log::request, log::expires_at)) => (i64, Vec<u8>, i64))?;
    let last = looked_at.last().map_or(NOWHERE, |(id, ..)| *id);
    let mut expired: Vec<_> = looked_at.into_iter().filter(|(_, _, expires_at)| *expires_at <= now).collect();
    let ids: Vec<i64> = expired.iter().map(|(id, ..)| *id).collect();
    execute!(conn, diesel::delete(log::table.filter(log::id.eq_any(&ids))))?;
    expired.sort_by(|(_, one, _), (_, other, _)| one.cmp(other));
    for (id, request, _) in expired {
        if places.forget(&request, id) {
            conn.execute(&FORGET, &[Value::Bytes(request), Value::Int(id)]).await?;
        }
    }
    Ok((ids.len(), last))
}

/// Gives where answers are that still hold something, and the keys of their rows, of so many behind a place.
pub(super) async fn kept(
    conn: &mut Conn<'_>,
    behind: Option<&super::Place>,
    most: i64,
) -> Result<Vec<(super::Place, String)>, Error> {
    let behind = if let Some(super::Place::Number(number)) = behind { *number } else { NOWHERE };
    let some = log::table.filter(log::id.gt(behind)).order(log::id).limit(most);
    let found = load!(conn, some.select((log::id, log::resource_key)) => (i64, String))?;
    Ok(found.into_iter().map(|(number, key)| (super::Place::Number(number), key)).collect())
}

pub(super) async fn empty(conn: &mut Conn<'_>, places: &[super::Place]) -> Result<usize, Error> {
    let number = |place: &super::Place| if let super::Place::Number(number) = place { Some(*number) } else { None };
    let numbers: Vec<i64> = places.iter().filter_map(number).collect();
    let target = log::table.filter(log::id.eq_any(&numbers));
    execute!(conn, diesel::update(target).set(log::answer.eq(Vec::new())))
}

/// Reads what a start has to know: where the answers are whose places are not stored, and which number the next one has.
pub(super) async fn places(conn: &mut Conn<'_>) -> Result<Places, Error> {
    let last = first!(conn, stored::table.find(LAST).select(stored::reply).limit(1) => i64)?;
    let since = log::table.filter(log::id.gt(last.unwrap_or(NOWHERE))).order(log::id).select((log::request, log::id));
    let since = load!(conn, since => (Vec<u8>, i64))?;
    let newest = first!(conn, log::table.order(log::id.desc()).select(log::id).limit(1) => i64)?;
    Ok(Places::new(since, newest.max(last).unwrap_or(NOWHERE), last.is_some()))
}

impl Places {
    /// Stores all places that are in memory, a bounded number at a time.
    pub async fn store(&self, db: &Database) -> Result<(), Error> {
        let (places, last) = self.to_store();
        if places.is_empty() {
            return Ok(());
        }
        for some in places.chunks(STORED_TOGETHER) {
            let together: Arc<[(Request, i64)]> = some.into();
            let written = db.write(Atomic::Locked, move |conn| {
                let together = Arc::clone(&together);
                Box::pin(async move { store(conn, &together).await })
            });
            let written: Result<(), Error> = written.await;
            written?;
            self.stored(some);
        }
        db.write(Atomic::Statement, move |conn| Box::pin(async move { all_are_stored(conn, last).await })).await
    }
}

/// Stores where answers are; `places` come in the order of their requests.
async fn store(conn: &mut Conn<'_>, places: &[(Request, i64)]) -> Result<(), Error> {
    let values = |places: &[(Request, i64)]| -> Vec<Value> {
        places.iter().flat_map(|(request, place)| [request.value(), Value::Int(*place)]).collect()
    };
    let (many, rest) = places.as_chunks::<STORED_AT_ONCE>();
    for places in many {
        conn.execute(&STORE_MANY, &values(places)).await?;
    }
    for place in rest {
        conn.execute(&STORE_ONE, &values(std::slice::from_ref(place))).await?;
    }
    Ok(())
}

/// Takes note that the places of all answers up to this one are stored.
async fn all_are_stored(conn: &mut Conn<'_>, last: i64) -> Result<(), Error> {
    conn.execute(&STORE_ONE, &[Value::Bytes(LAST.to_vec()), Value::Int(last)]).await?;
    Ok(())
}
