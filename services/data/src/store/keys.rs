//! Keys that every replica needs, sealed.

use diesel::prelude::*;
use mainstay_db::{Conn, Error, execute, first};

use crate::schema::mainstay_keys as keys;

/// Reads the sealed key for a purpose.
pub async fn find(conn: &mut Conn<'_>, purpose: &str) -> Result<Option<Vec<u8>>, Error> {
    first!(conn, keys::table.find(purpose).select(keys::sealed).limit(1) => Vec<u8>)
}

/// Stores the sealed key for a purpose, unless another replica was first.
pub async fn insert(conn: &mut Conn<'_>, purpose: &str, sealed: &[u8], now: i64) -> Result<(), Error> {
    execute!(
        conn,
        diesel::insert_into(keys::table)
            .values((keys::purpose.eq(purpose), keys::sealed.eq(sealed), keys::created_at.eq(now)))
            .on_conflict_do_nothing()
    )?;
    Ok(())
}
