//! Signed proofs of clients that were shown.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use crate::domain::oauth::secrets::Hash;
use crate::store::schema::oauth_assertions;

/// Notes one. False where it was shown before.
pub async fn note(conn: &mut Conn<'_>, hash: Hash, expire_time: i64) -> Result<bool, db::Error> {
    let row = (oauth_assertions::hash.eq(hash.0.to_vec()), oauth_assertions::expire_time.eq(expire_time));
    let insert = diesel::insert_into(oauth_assertions::table).values(row).on_conflict_do_nothing();
    Ok(db::execute!(conn, insert)? > 0)
}

/// Removes those that nobody would take any more.
pub async fn sweep(conn: &mut Conn<'_>, now: i64) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(oauth_assertions::table.filter(oauth_assertions::expire_time.lt(now))))
}
