//! What was done to accounts, and where the chain of it begins and ends.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::{audit_ends, audit_events};

/// Where the chain begins: the last place that was removed.
pub const FIRST: &str = "first";

/// Where the chain ends: the last place.
pub const LAST: &str = "last";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
pub struct EventRow {
    pub uid: String,
    pub event_time: i64,
    pub action: String,
    pub account_uid: String,
    pub actor: String,
    pub subject: String,
    pub details: String,
    pub request_id: String,
    pub network: Option<String>,
    pub network_salt: Option<Vec<u8>>,
    pub network_hash: Vec<u8>,
    pub sequence: Option<i64>,
    pub hash: Option<Vec<u8>>,
    pub organisation_uid: Option<String>,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = audit_ends)]
pub struct EndRow {
    pub which: String,
    pub sequence: i64,
    pub hash: Vec<u8>,
    pub seal: Vec<u8>,
}

/// Whose events are listed, by uids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    All,
    Account(String),
    Organisation(String),
}

/// Which events are listed.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub whose: Whose,
    /// With this action; all where it is empty.
    pub action: String,
    /// From this time on, before that one, in microseconds since the Unix epoch.
    pub times: (i64, i64),
    /// Before this event; from the newest on where it is nothing.
    pub before: Option<String>,
}

pub async fn insert(conn: &mut Conn<'_>, event: &EventRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(audit_events::table).values(event)).map(drop)
}

/// Gives the oldest events that have no place.
pub async fn waiting(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<EventRow>, db::Error> {
    let rows = audit_events::table.filter(audit_events::sequence.is_null()).order(audit_events::uid).limit(limit);
    db::load!(conn, rows.select(EventRow::as_select()) => EventRow)
}

/// Counts the events that have no place.
pub async fn count_waiting(conn: &mut Conn<'_>) -> Result<i64, db::Error> {
    let rows = audit_events::table.filter(audit_events::sequence.is_null());
    Ok(db::first!(conn, rows.count() => i64)?.unwrap_or_default())
}

pub async fn give_place(conn: &mut Conn<'_>, uid: &str, sequence: i64, hash: &[u8]) -> Result<(), db::Error> {
    let event = audit_events::table.find(uid);
    let place = (audit_events::sequence.eq(sequence), audit_events::hash.eq(hash));
    db::execute!(conn, diesel::update(event).set(place)).map(drop)
}

/// Gives the events behind a place, in the order of the chain.
pub async fn after(conn: &mut Conn<'_>, sequence: i64, limit: i64) -> Result<Vec<EventRow>, db::Error> {
    let rows = audit_events::table.filter(audit_events::sequence.gt(sequence));
    let rows = rows.order(audit_events::sequence).limit(limit);
    db::load!(conn, rows.select(EventRow::as_select()) => EventRow)
}

/// Gives the first events of the chain.
pub async fn first_events(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<EventRow>, db::Error> {
    after(conn, 0, limit).await
}

/// Removes the events up to a place.
pub async fn remove_up_to(conn: &mut Conn<'_>, sequence: i64) -> Result<(), db::Error> {
    db::execute!(conn, diesel::delete(audit_events::table.filter(audit_events::sequence.le(sequence)))).map(drop)
}

pub async fn end(conn: &mut Conn<'_>, which: &str) -> Result<Option<EndRow>, db::Error> {
    db::first!(conn, audit_ends::table.find(which).select(EndRow::as_select()) => EndRow)
}

pub async fn put_end(conn: &mut Conn<'_>, end: &EndRow) -> Result<(), db::Error> {
    let changed = db::execute!(conn, diesel::update(audit_ends::table.find(&end.which)).set(end))?;
    if changed == 0 {
        db::execute!(conn, diesel::insert_into(audit_ends::table).values(end))?;
    }
    Ok(())
}

/// Gives a page of events, the newest first.
pub async fn page(conn: &mut Conn<'_>, wanted: &Wanted, limit: i64) -> Result<Vec<EventRow>, db::Error> {
    let Wanted { whose, action, times: (from, to), before } = wanted;
    // Sorts behind every UUID.
    let before = before.as_deref().unwrap_or("g");
    let rows = audit_events::table
        .filter(audit_events::uid.lt(before))
        .filter(audit_events::event_time.ge(*from))
        .filter(audit_events::event_time.lt(*to))
        .order(audit_events::uid.desc())
        .limit(limit);
    let of_account = |uid| audit_events::account_uid.eq(uid);
    let of_organisation = |uid| audit_events::organisation_uid.eq(uid);
    let is_it = audit_events::action.eq(action);
    match (whose, action.is_empty()) {
        (Whose::All, true) => db::load!(conn, rows.select(EventRow::as_select()) => EventRow),
        (Whose::All, false) => db::load!(conn, rows.filter(is_it).select(EventRow::as_select()) => EventRow),
        (Whose::Account(uid), true) => {
            db::load!(conn, rows.filter(of_account(uid)).select(EventRow::as_select()) => EventRow)
        }
        (Whose::Account(uid), false) => {
            db::load!(conn, rows.filter(of_account(uid)).filter(is_it).select(EventRow::as_select()) => EventRow)
        }
        (Whose::Organisation(uid), true) => {
            db::load!(conn, rows.filter(of_organisation(uid)).select(EventRow::as_select()) => EventRow)
        }
        (Whose::Organisation(uid), false) => {
            db::load!(conn, rows.filter(of_organisation(uid)).filter(is_it).select(EventRow::as_select()) => EventRow)
        }
    }
}
