//! What owners show beside the password or in its place.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::factors;

/// The unique index that says that a passkey is known.
pub const CREDENTIAL_TAKEN: &str = "factors_credential_taken";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = factors)]
pub struct FactorRow {
    pub uid: String,
    pub account_uid: String,
    pub kind: String,
    pub display_name: String,
    pub sealed_content: Vec<u8>,
    pub credential_id: Option<Vec<u8>>,
    pub counter: i64,
    pub create_time: i64,
    pub confirm_time: Option<i64>,
    pub use_time: Option<i64>,
}

/// Adds a factor. Violates [`CREDENTIAL_TAKEN`] where its passkey is known.
pub async fn insert(conn: &mut Conn<'_>, row: &FactorRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(factors::table).values(row)).map(drop)
}

/// Finds an account's factor. It may be one that was only begun.
pub async fn find(conn: &mut Conn<'_>, account: &str, uid: &str) -> Result<Option<FactorRow>, db::Error> {
    let row = factors::table.find(uid).filter(factors::account_uid.eq(account));
    db::first!(conn, row.select(FactorRow::as_select()) => FactorRow)
}

/// Finds the passkey that an authenticator knows by this.
pub async fn of_credential(conn: &mut Conn<'_>, id: &[u8]) -> Result<Option<FactorRow>, db::Error> {
    let row = factors::table.filter(factors::credential_id.eq(id));
    db::first!(conn, row.select(FactorRow::as_select()) => FactorRow)
}

/// Notes what a passkey says how often it signed: the compare-and-swap that every use goes through. Those that do not count say 0
/// each time (WebAuthn section 6.1.1). False where the passkey is not there any more, or has signed as often before.
pub async fn use_passkey(
    conn: &mut Conn<'_>,
    uid: &str,
    (counter, content): (i64, &[u8]),
    now: i64,
) -> Result<bool, db::Error> {
    let never = if counter == 0 { 0 } else { -1 };
    let target = factors::table.find(uid).filter(factors::counter.lt(counter).or(factors::counter.eq(never)));
    let used = (factors::counter.eq(counter), factors::sealed_content.eq(content), factors::use_time.eq(now));
    Ok(db::execute!(conn, diesel::update(target).set(used))? > 0)
}

/// Gives the factors of an account that count, the oldest first.
pub async fn of_account(conn: &mut Conn<'_>, account: &str) -> Result<Vec<FactorRow>, db::Error> {
    let rows = factors::table.filter(factors::account_uid.eq(account)).filter(factors::confirm_time.is_not_null());
    db::load!(conn, rows.order(factors::uid).select(FactorRow::as_select()) => FactorRow)
}

/// Gives the kinds of the factors of an account that count.
pub async fn kinds(conn: &mut Conn<'_>, account: &str) -> Result<Vec<String>, db::Error> {
    let rows = factors::table.filter(factors::account_uid.eq(account)).filter(factors::confirm_time.is_not_null());
    db::load!(conn, rows.order(factors::uid).select(factors::kind) => String)
}

/// Uses a step of an app that makes codes: the compare-and-swap that every use goes through. False where it, or a later one, was
/// used before.
pub async fn use_counter(conn: &mut Conn<'_>, uid: &str, counter: i64, now: i64) -> Result<bool, db::Error> {
    let target = factors::table.find(uid).filter(factors::confirm_time.is_not_null());
    let used = (factors::counter.eq(counter), factors::use_time.eq(now));
    Ok(db::execute!(conn, diesel::update(target.filter(factors::counter.lt(counter))).set(used))? > 0)
}

/// Lets a factor that was begun since `since` count, by its first code. False where there is none.
pub async fn confirm(
    conn: &mut Conn<'_>,
    (account, uid): (&str, &str),
    counter: i64,
    since: i64,
    now: i64,
) -> Result<bool, db::Error> {
    let target = factors::table
        .find(uid)
        .filter(factors::account_uid.eq(account))
        .filter(factors::confirm_time.is_null())
        .filter(factors::create_time.gt(since));
    let confirmed = (factors::counter.eq(counter), factors::confirm_time.eq(now), factors::use_time.eq(now));
    Ok(db::execute!(conn, diesel::update(target).set(confirmed))? > 0)
}

/// Calls an account's factor that counts otherwise. False where there is none.
pub async fn rename(conn: &mut Conn<'_>, (account, uid): (&str, &str), name: &str) -> Result<bool, db::Error> {
    let target = factors::table.find(uid).filter(factors::account_uid.eq(account));
    let target = target.filter(factors::confirm_time.is_not_null());
    Ok(db::execute!(conn, diesel::update(target).set(factors::display_name.eq(name)))? > 0)
}

/// Removes an account's factor that counts. False where there is none.
pub async fn remove(conn: &mut Conn<'_>, account: &str, uid: &str) -> Result<bool, db::Error> {
    let target = factors::table.find(uid).filter(factors::account_uid.eq(account));
    Ok(db::execute!(conn, diesel::delete(target.filter(factors::confirm_time.is_not_null())))? > 0)
}

/// Removes what an account has begun and not finished.
pub async fn remove_begun(conn: &mut Conn<'_>, account: &str) -> Result<usize, db::Error> {
    let target = factors::table.filter(factors::account_uid.eq(account)).filter(factors::confirm_time.is_null());
    db::execute!(conn, diesel::delete(target))
}

/// Removes all factors of an account. Says how many counted.
pub async fn remove_all(conn: &mut Conn<'_>, account: &str) -> Result<usize, db::Error> {
    remove_begun(conn, account).await?;
    db::execute!(conn, diesel::delete(factors::table.filter(factors::account_uid.eq(account))))
}

/// Removes what anybody has begun before `then` and not finished.
pub async fn sweep(conn: &mut Conn<'_>, then: i64) -> Result<usize, db::Error> {
    let target = factors::table.filter(factors::confirm_time.is_null()).filter(factors::create_time.lt(then));
    db::execute!(conn, diesel::delete(target))
}
