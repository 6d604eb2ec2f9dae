use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::mails;

/// A mail that waits, or lies in the mailbox of development.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = mails)]
pub struct MailRow {
    pub uid: String,
    pub sealed_content: Vec<u8>,
    pub create_time: i64,
    pub expire_time: i64,
    pub attempts: i64,
    pub attempt_time: i64,
    pub deliver_time: Option<i64>,
    /// Whose account it is about.
    pub account_uid: Option<String>,
}

/// Adds a mail.
pub async fn insert(conn: &mut Conn<'_>, row: &MailRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(mails::table).values(row)).map(drop)
}

/// Gives mails that are to be tried at `now`: those that wait longest first.
pub async fn due(conn: &mut Conn<'_>, now: i64, limit: i64) -> Result<Vec<MailRow>, db::Error> {
    let due = mails::table.filter(mails::deliver_time.is_null()).filter(mails::attempt_time.le(now));
    db::load!(conn, due.order(mails::attempt_time).limit(limit).select(MailRow::as_select()) => MailRow)
}

/// Counts the mails that wait.
pub async fn waiting(conn: &mut Conn<'_>) -> Result<i64, db::Error> {
    let waiting = mails::table.filter(mails::deliver_time.is_null());
    Ok(db::first!(conn, waiting.count() => i64)?.unwrap_or_default())
}

/// Notes how many attempts there were, and when the next one is. False where it was not so many before.
pub async fn defer(conn: &mut Conn<'_>, uid: &str, (before, after): (i64, i64), next: i64) -> Result<bool, db::Error> {
    let target = mails::table.find(uid).filter(mails::attempts.eq(before));
    let deferred = (mails::attempts.eq(after), mails::attempt_time.eq(next));
    Ok(db::execute!(conn, diesel::update(target).set(deferred))? > 0)
}

/// Puts a mail into the mailbox, for so long.
pub async fn deliver(conn: &mut Conn<'_>, uid: &str, now: i64, expires: i64) -> Result<(), db::Error> {
    let delivered = (mails::deliver_time.eq(now), mails::expire_time.eq(expires));
    db::execute!(conn, diesel::update(mails::table.find(uid)).set(delivered)).map(drop)
}

/// Removes a mail.
pub async fn remove(conn: &mut Conn<'_>, uid: &str) -> Result<(), db::Error> {
    db::execute!(conn, diesel::delete(mails::table.find(uid))).map(drop)
}

/// Gives mails that are about no account, by their ids after `uid`.
pub async fn of_nobody(conn: &mut Conn<'_>, uid: &str, limit: i64) -> Result<Vec<MailRow>, db::Error> {
    let some = mails::table.filter(mails::account_uid.is_null()).filter(mails::uid.gt(uid));
    db::load!(conn, some.order(mails::uid).limit(limit).select(MailRow::as_select()) => MailRow)
}

/// Removes mails. Says how many of them there were.
pub async fn remove_all(conn: &mut Conn<'_>, uids: &[String]) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(mails::table.filter(mails::uid.eq_any(uids))))
}

/// Removes mails of the mailbox whose time is over at `now`. Those that wait are the business of who sends them.
pub async fn remove_expired(conn: &mut Conn<'_>, now: i64) -> Result<usize, db::Error> {
    let expired = mails::table.filter(mails::deliver_time.is_not_null()).filter(mails::expire_time.le(now));
    db::execute!(conn, diesel::delete(expired))
}

/// Gives mails of the mailbox, the newest first: those before the one with this uid where it is not empty.
pub async fn delivered(conn: &mut Conn<'_>, before: &str, limit: i64) -> Result<Vec<MailRow>, db::Error> {
    // Ids are hexadecimal: all of them come before this.
    let before = if before.is_empty() { "g" } else { before };
    let delivered = mails::table.filter(mails::deliver_time.is_not_null()).filter(mails::uid.lt(before));
    db::load!(conn, delivered.order(mails::uid.desc()).limit(limit).select(MailRow::as_select()) => MailRow)
}

/// Finds a mail of the mailbox.
pub async fn find_delivered(conn: &mut Conn<'_>, uid: &str) -> Result<Option<MailRow>, db::Error> {
    let found = mails::table.find(uid).filter(mails::deliver_time.is_not_null());
    db::first!(conn, found.select(MailRow::as_select()) => MailRow)
}
