//! What owners are known by at providers of identities.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::identities;

/// The unique index that says that a user of a provider is known already.
pub const IDENTITY_TAKEN: &str = "identities_taken";

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = identities)]
pub struct IdentityRow {
    pub uid: String,
    pub account_uid: String,
    pub provider: String,
    pub issuer: String,
    pub subject: String,
    pub display_name: String,
    pub create_time: i64,
    pub use_time: i64,
}

/// Adds an identity. Violates [`IDENTITY_TAKEN`] where the user of the provider is known.
pub async fn insert(conn: &mut Conn<'_>, row: &IdentityRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(identities::table).values(row)).map(drop)
}

/// Finds whom a provider knows by a subject.
pub async fn of_subject(
    conn: &mut Conn<'_>,
    (issuer, subject): (&str, &str),
) -> Result<Option<IdentityRow>, db::Error> {
    let rows = identities::table.filter(identities::issuer.eq(issuer)).filter(identities::subject.eq(subject));
    db::first!(conn, rows.select(IdentityRow::as_select()) => IdentityRow)
}

/// Finds an account's identity.
pub async fn find(conn: &mut Conn<'_>, account: &str, uid: &str) -> Result<Option<IdentityRow>, db::Error> {
    let row = identities::table.find(uid).filter(identities::account_uid.eq(account));
    db::first!(conn, row.select(IdentityRow::as_select()) => IdentityRow)
}

/// Gives the identities of an account, the oldest first.
pub async fn of_account(conn: &mut Conn<'_>, account: &str) -> Result<Vec<IdentityRow>, db::Error> {
    let rows = identities::table.filter(identities::account_uid.eq(account)).order(identities::uid);
    db::load!(conn, rows.select(IdentityRow::as_select()) => IdentityRow)
}

/// Notes that somebody has come in by an identity, and what the provider calls them now.
pub async fn touch(
    conn: &mut Conn<'_>,
    uid: &str,
    (provider, display_name): (&str, &str),
    now: i64,
) -> Result<(), db::Error> {
    let used =
        (identities::use_time.eq(now), identities::provider.eq(provider), identities::display_name.eq(display_name));
    db::execute!(conn, diesel::update(identities::table.find(uid)).set(used)).map(drop)
}

/// Removes an account's identity. False where there is none.
pub async fn remove(conn: &mut Conn<'_>, account: &str, uid: &str) -> Result<bool, db::Error> {
    let target = identities::table.find(uid).filter(identities::account_uid.eq(account));
    Ok(db::execute!(conn, diesel::delete(target))? > 0)
}

/// Removes all identities of an account. Says how many there were.
pub async fn remove_all(conn: &mut Conn<'_>, account: &str) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(identities::table.filter(identities::account_uid.eq(account))))
}
