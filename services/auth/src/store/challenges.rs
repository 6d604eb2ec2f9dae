//! What was begun and waits for a factor.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};
use uuid::Uuid;

use super::DamagedRow;
use super::schema::challenges;
use crate::domain::authentication::Authentication;
use crate::domain::challenge::{Challenge, MAX_TRIES, Purpose};
use crate::domain::one_time_secret::SecretHash;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = challenges)]
pub struct ChallengeRow {
    pub uid: String,
    pub purpose: String,
    pub account_uid: Option<String>,
    pub secret_hash: Vec<u8>,
    pub methods: String,
    pub sealed_state: Option<Vec<u8>>,
    pub tries: i64,
    pub create_time: i64,
    pub expire_time: i64,
    pub use_time: Option<i64>,
}

/// Adds a challenge.
pub async fn insert(conn: &mut Conn<'_>, challenge: &Challenge) -> Result<(), db::Error> {
    let row = ChallengeRow::from(challenge);
    db::execute!(conn, diesel::insert_into(challenges::table).values(&row)).map(drop)
}

/// Adds a challenge unless there is one with its id. Says whether there was none: the compare-and-swap of what is good once and
/// comes from elsewhere.
pub async fn insert_once(conn: &mut Conn<'_>, challenge: &Challenge) -> Result<bool, db::Error> {
    let row = ChallengeRow::from(challenge);
    let once = diesel::insert_into(challenges::table).values(&row).on_conflict_do_nothing();
    Ok(db::execute!(conn, once)? > 0)
}

/// Finds a challenge. It may be used or over.
pub async fn find(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<ChallengeRow>, db::Error> {
    let uid = text(id);
    db::first!(conn, challenges::table.find(&uid).select(ChallengeRow::as_select()) => ChallengeRow)
}

/// Counts one try. False where none is left, or where there is nothing that could be tried.
pub async fn take_try(conn: &mut Conn<'_>, id: Uuid, now: i64) -> Result<bool, db::Error> {
    let uid = text(id);
    let target = challenges::table
        .find(&uid)
        .filter(challenges::tries.lt(MAX_TRIES))
        .filter(challenges::use_time.is_null())
        .filter(challenges::expire_time.gt(now));
    Ok(db::execute!(conn, diesel::update(target).set(challenges::tries.eq(challenges::tries + 1)))? > 0)
}

/// Uses a challenge: the compare-and-swap that every use goes through. False where it was used before.
pub async fn use_up(conn: &mut Conn<'_>, id: Uuid, now: i64) -> Result<bool, db::Error> {
    let uid = text(id);
    let target = challenges::table.find(&uid).filter(challenges::use_time.is_null());
    Ok(db::execute!(conn, diesel::update(target).set(challenges::use_time.eq(now)))? > 0)
}

/// Uses up all challenges of an account, so that none is good any more.
pub async fn use_up_all(conn: &mut Conn<'_>, account: &str, now: i64) -> Result<usize, db::Error> {
    let target = challenges::table.filter(challenges::account_uid.eq(account)).filter(challenges::use_time.is_null());
    db::execute!(conn, diesel::update(target).set(challenges::use_time.eq(now)))
}

/// Gives up to `limit` challenges that were over before `now`.
pub async fn over(conn: &mut Conn<'_>, now: i64, limit: i64) -> Result<Vec<String>, db::Error> {
    let over = challenges::table.filter(challenges::expire_time.lt(now));
    db::load!(conn, over.select(challenges::uid).limit(limit) => String)
}

/// Removes challenges.
pub async fn remove(conn: &mut Conn<'_>, uids: &[String]) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(challenges::table.filter(challenges::uid.eq_any(uids))))
}

impl From<&Challenge> for ChallengeRow {
    fn from(challenge: &Challenge) -> ChallengeRow {
        ChallengeRow {
            uid: text(challenge.id),
            purpose: challenge.purpose.word().to_owned(),
            account_uid: challenge.account.map(|account| account.to_string()),
            secret_hash: challenge.hash.0.to_vec(),
            methods: challenge.shown.as_ref().map(Authentication::stored).unwrap_or_default(),
            sealed_state: challenge.sealed_state.clone(),
            tries: 0,
            create_time: challenge.create_time,
            expire_time: challenge.expire_time,
            use_time: challenge.use_time,
        }
    }
}

impl TryFrom<ChallengeRow> for Challenge {
    type Error = DamagedRow;

    fn try_from(row: ChallengeRow) -> Result<Challenge, DamagedRow> {
        let damaged = |column| DamagedRow { table: "challenges", column };
        let account = row.account_uid.map(|uid| uid.parse().map_err(|_| damaged("account_uid"))).transpose()?;
        let shown = match row.methods.as_str() {
            "" => None,
            methods => {
                let shown = Authentication::from_stored(methods, row.create_time);
                Some(shown.ok_or_else(|| damaged("methods"))?)
            }
        };
        Ok(Challenge {
            id: Uuid::parse_str(&row.uid).map_err(|_| damaged("uid"))?,
            purpose: Purpose::from_word(&row.purpose).ok_or_else(|| damaged("purpose"))?,
            account,
            hash: row.secret_hash.as_slice().try_into().map(SecretHash).map_err(|_| damaged("secret_hash"))?,
            shown,
            sealed_state: row.sealed_state,
            create_time: row.create_time,
            expire_time: row.expire_time,
            use_time: row.use_time,
        })
    }
}

fn text(id: Uuid) -> String {
    id.as_hyphenated().to_string()
}
