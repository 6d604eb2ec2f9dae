use diesel::prelude::*;
use mainstay_db::{self as db, Conn};
use uuid::Uuid;

use super::DamagedRow;
use super::schema::one_time_secrets;
use crate::domain::one_time_secret::{Issued, MAX_TRIES, Purpose, SecretHash};

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_secrets)]
pub struct SecretRow {
    pub uid: String,
    pub purpose: String,
    pub account_uid: Option<String>,
    pub address_hash: Vec<u8>,
    pub link_hash: Vec<u8>,
    pub code_hash: Option<Vec<u8>>,
    pub tries: i64,
    pub create_time: i64,
    pub expire_time: i64,
    pub use_time: Option<i64>,
}

/// Adds a secret.
pub async fn insert(conn: &mut Conn<'_>, row: &SecretRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(one_time_secrets::table).values(row)).map(drop)
}

/// Finds a secret. It may be used or over.
pub async fn find(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<SecretRow>, db::Error> {
    let uid = text(id);
    db::first!(conn, one_time_secrets::table.find(&uid).select(SecretRow::as_select()) => SecretRow)
}

/// Counts one try of a code. False where none is left, or where there is nothing that could be tried.
pub async fn take_try(conn: &mut Conn<'_>, id: Uuid, now: i64) -> Result<bool, db::Error> {
    let uid = text(id);
    let target = one_time_secrets::table
        .find(&uid)
        .filter(one_time_secrets::tries.lt(MAX_TRIES))
        .filter(one_time_secrets::code_hash.is_not_null())
        .filter(one_time_secrets::use_time.is_null())
        .filter(one_time_secrets::expire_time.gt(now));
    Ok(db::execute!(conn, diesel::update(target).set(one_time_secrets::tries.eq(one_time_secrets::tries + 1)))? > 0)
}

/// Uses a secret: the compare-and-swap that every use goes through. False where it was used before.
pub async fn use_up(conn: &mut Conn<'_>, id: Uuid, now: i64) -> Result<bool, db::Error> {
    let uid = text(id);
    let target = one_time_secrets::table.find(&uid).filter(one_time_secrets::use_time.is_null());
    Ok(db::execute!(conn, diesel::update(target).set(one_time_secrets::use_time.eq(now)))? > 0)
}

/// Uses up all secrets of an account for some purposes, so that none is good any more.
pub async fn use_up_all(
    conn: &mut Conn<'_>,
    account: &str,
    purposes: &[Purpose],
    now: i64,
) -> Result<usize, db::Error> {
    let words: Vec<&str> = purposes.iter().map(|purpose| purpose.word()).collect();
    let target = one_time_secrets::table
        .filter(one_time_secrets::account_uid.eq(account))
        .filter(one_time_secrets::purpose.eq_any(words))
        .filter(one_time_secrets::use_time.is_null());
    db::execute!(conn, diesel::update(target).set(one_time_secrets::use_time.eq(now)))
}

/// Gives when secrets were sent to an address after `since`, the newest first.
pub async fn sent_since(
    conn: &mut Conn<'_>,
    address: SecretHash,
    since: i64,
    limit: i64,
) -> Result<Vec<i64>, db::Error> {
    let sent = one_time_secrets::table
        .filter(one_time_secrets::address_hash.eq(&address.0[..]))
        .filter(one_time_secrets::create_time.gt(since))
        .order(one_time_secrets::create_time.desc());
    db::load!(conn, sent.limit(limit).select(one_time_secrets::create_time) => i64)
}

/// Gives up to `limit` secrets that were over before `then`.
pub async fn over(conn: &mut Conn<'_>, then: i64, limit: i64) -> Result<Vec<String>, db::Error> {
    let over = one_time_secrets::table.filter(one_time_secrets::expire_time.lt(then));
    db::load!(conn, over.select(one_time_secrets::uid).limit(limit) => String)
}

/// Removes secrets.
pub async fn remove(conn: &mut Conn<'_>, uids: &[String]) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(one_time_secrets::table.filter(one_time_secrets::uid.eq_any(uids))))
}

impl From<&Issued> for SecretRow {
    fn from(issued: &Issued) -> SecretRow {
        SecretRow {
            uid: text(issued.id),
            purpose: issued.purpose.word().to_owned(),
            account_uid: issued.account.map(|account| account.to_string()),
            address_hash: issued.address.0.to_vec(),
            link_hash: issued.link.0.to_vec(),
            code_hash: issued.code.map(|code| code.0.to_vec()),
            tries: 0,
            create_time: issued.create_time,
            expire_time: issued.expire_time,
            use_time: issued.use_time,
        }
    }
}

impl TryFrom<SecretRow> for Issued {
    type Error = DamagedRow;

    fn try_from(row: SecretRow) -> Result<Issued, DamagedRow> {
        let damaged = |column| DamagedRow { table: "one_time_secrets", column };
        let hash = |column, bytes: &[u8]| bytes.try_into().map(SecretHash).map_err(|_| damaged(column));
        let account = row.account_uid.map(|uid| uid.parse().map_err(|_| damaged("account_uid"))).transpose()?;
        Ok(Issued {
            id: Uuid::parse_str(&row.uid).map_err(|_| damaged("uid"))?,
            purpose: Purpose::from_word(&row.purpose).ok_or_else(|| damaged("purpose"))?,
            account,
            address: hash("address_hash", &row.address_hash)?,
            link: hash("link_hash", &row.link_hash)?,
            code: row.code_hash.map(|code| hash("code_hash", &code)).transpose()?,
            create_time: row.create_time,
            expire_time: row.expire_time,
            use_time: row.use_time,
        })
    }
}

fn text(id: Uuid) -> String {
    id.as_hyphenated().to_string()
}
