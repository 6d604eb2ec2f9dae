//! Invitations that were not taken up so far.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::invitations;
use crate::domain::organisation::OrganisationId;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations)]
pub struct InvitationRow {
    pub uid: String,
    pub organisation_uid: String,
    pub email: String,
    pub email_key: String,
    pub roles: String,
    pub inviter_uid: Option<String>,
    pub create_time: i64,
    pub expire_time: i64,
}

impl InvitationRow {
    /// Gives the roles, sorted.
    pub fn roles(&self) -> Vec<String> {
        self.roles.split_whitespace().map(str::to_owned).collect()
    }
}

pub async fn insert(conn: &mut Conn<'_>, row: &InvitationRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(invitations::table).values(row)).map(drop)
}

pub async fn find(conn: &mut Conn<'_>, uid: &str) -> Result<Option<InvitationRow>, db::Error> {
    db::first!(conn, invitations::table.find(uid).select(InvitationRow::as_select()) => InvitationRow)
}

/// Finds what was said to an address by its canonical form.
pub async fn find_to(
    conn: &mut Conn<'_>,
    organisation: OrganisationId,
    email_key: &str,
) -> Result<Option<InvitationRow>, db::Error> {
    let found = invitations::table
        .filter(invitations::organisation_uid.eq(organisation.to_string()))
        .filter(invitations::email_key.eq(email_key));
    db::first!(conn, found.select(InvitationRow::as_select()) => InvitationRow)
}

/// Finds what was said to an address by all organisations.
pub async fn to_address(conn: &mut Conn<'_>, email_key: &str) -> Result<Vec<InvitationRow>, db::Error> {
    let rows = invitations::table.filter(invitations::email_key.eq(email_key)).order(invitations::uid);
    db::load!(conn, rows.select(InvitationRow::as_select()) => InvitationRow)
}

/// Gives an organisation's invitations that are good at `now`, by their ids after `uid`: the oldest first.
pub async fn page(
    conn: &mut Conn<'_>,
    organisation: OrganisationId,
    uid: &str,
    now: i64,
    limit: i64,
) -> Result<Vec<InvitationRow>, db::Error> {
    let rows = invitations::table
        .filter(invitations::organisation_uid.eq(organisation.to_string()))
        .filter(invitations::uid.gt(uid))
        .filter(invitations::expire_time.gt(now));
    let rows = rows.order(invitations::uid).limit(limit);
    db::load!(conn, rows.select(InvitationRow::as_select()) => InvitationRow)
}

/// Counts an organisation's invitations.
pub async fn count(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<i64, db::Error> {
    let all = invitations::table.filter(invitations::organisation_uid.eq(organisation.to_string()));
    Ok(db::first!(conn, all.count() => i64)?.unwrap_or_default())
}

/// Removes an invitation. Says whether there was one.
pub async fn remove(conn: &mut Conn<'_>, uid: &str) -> Result<bool, db::Error> {
    Ok(db::execute!(conn, diesel::delete(invitations::table.find(uid)))? > 0)
}

/// Removes all of an organisation.
pub async fn remove_all(conn: &mut Conn<'_>, organisation: OrganisationId) -> Result<usize, db::Error> {
    let all = invitations::table.filter(invitations::organisation_uid.eq(organisation.to_string()));
    db::execute!(conn, diesel::delete(all))
}

/// Removes those whose time is over at `now`.
pub async fn remove_expired(conn: &mut Conn<'_>, now: i64) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(invitations::table.filter(invitations::expire_time.le(now))))
}
