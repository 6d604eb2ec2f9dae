//! Whether there has been an administrator, and the token that makes the first.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};
use mainstay_identity::roles;

use super::schema::{account_roles, first_administrator};

/// The only row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = first_administrator, treat_none_as_null = true)]
pub struct FirstRow {
    pub id: i64,
    pub token_hash: Option<Vec<u8>>,
    pub expire_time: i64,
    pub done_time: Option<i64>,
}

pub async fn find(conn: &mut Conn<'_>) -> Result<Option<FirstRow>, db::Error> {
    db::first!(conn, first_administrator::table.find(1_i64).select(FirstRow::as_select()) => FirstRow)
}

/// Puts the row in the place of the one that is there, unless that is done.
pub async fn put(conn: &mut Conn<'_>, row: &FirstRow) -> Result<(), db::Error> {
    let target = first_administrator::table.find(1_i64);
    let changed = db::execute!(conn, diesel::update(target).set(row))?;
    if changed == 0 {
        db::execute!(conn, diesel::insert_into(first_administrator::table).values(row))?;
    }
    Ok(())
}

/// Closes it for good: the compare-and-swap that the first administrator goes through. False where it was closed before.
pub async fn close(conn: &mut Conn<'_>, now: i64) -> Result<bool, db::Error> {
    let target = first_administrator::table.find(1_i64).filter(first_administrator::done_time.is_null());
    let closed = (first_administrator::done_time.eq(now), first_administrator::token_hash.eq(None::<Vec<u8>>));
    Ok(db::execute!(conn, diesel::update(target).set(closed))? > 0)
}

/// Says whether anybody administers.
pub async fn any_administrator(conn: &mut Conn<'_>) -> Result<bool, db::Error> {
    let held = account_roles::table.filter(account_roles::role.eq(roles::ADMIN)).limit(1);
    Ok(db::first!(conn, held.select(account_roles::account_uid) => String)?.is_some())
}
