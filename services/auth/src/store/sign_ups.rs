//! Accounts that the application's hook is still to be told of.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::sign_ups;

/// An account that was made, or got an address.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_ups)]
pub struct SignUpRow {
    pub uid: String,
    pub account_uid: String,
    pub method: String,
    pub provider: String,
    pub create_time: i64,
    pub attempts: i64,
    pub attempt_time: i64,
}

/// Adds one.
pub async fn insert(conn: &mut Conn<'_>, row: &SignUpRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(sign_ups::table).values(row)).map(drop)
}

/// Gives those that are to be told of at `now`: those that wait longest first.
pub async fn due(conn: &mut Conn<'_>, now: i64, limit: i64) -> Result<Vec<SignUpRow>, db::Error> {
    let due = sign_ups::table.filter(sign_ups::attempt_time.le(now));
    db::load!(conn, due.order(sign_ups::attempt_time).limit(limit).select(SignUpRow::as_select()) => SignUpRow)
}

/// Counts those that wait.
pub async fn waiting(conn: &mut Conn<'_>) -> Result<i64, db::Error> {
    Ok(db::first!(conn, sign_ups::table.count() => i64)?.unwrap_or_default())
}

/// Notes that another attempt begins, and when the next one is. False where it was another number of attempts before: another
/// replica has it.
pub async fn defer(conn: &mut Conn<'_>, row: &SignUpRow, next: i64) -> Result<bool, db::Error> {
    let target = sign_ups::table.find(&row.uid).filter(sign_ups::attempts.eq(row.attempts));
    let deferred = (sign_ups::attempts.eq(row.attempts + 1), sign_ups::attempt_time.eq(next));
    Ok(db::execute!(conn, diesel::update(target).set(deferred))? > 0)
}

/// Removes one.
pub async fn remove(conn: &mut Conn<'_>, uid: &str) -> Result<(), db::Error> {
    db::execute!(conn, diesel::delete(sign_ups::table.find(uid))).map(drop)
}

/// Removes those that were made before `then`: nobody is told of them any more.
pub async fn sweep(conn: &mut Conn<'_>, then: i64) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(sign_ups::table.filter(sign_ups::create_time.lt(then))))
}
