//! Codes that are good in the place of a factor.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::recovery_codes;
use crate::domain::one_time_secret::SecretHash;

/// Gives an account these codes in the place of all that it had.
pub async fn replace(conn: &mut Conn<'_>, account: &str, hashes: &[SecretHash]) -> Result<(), db::Error> {
    remove_all(conn, account).await?;
    for hash in hashes {
        let row = (recovery_codes::account_uid.eq(account), recovery_codes::code_hash.eq(&hash.0[..]));
        db::execute!(conn, diesel::insert_into(recovery_codes::table).values(row))?;
    }
    Ok(())
}

/// Uses a code: the compare-and-swap that every use goes through. False where it was used before, or is none.
pub async fn use_up(conn: &mut Conn<'_>, account: &str, hash: SecretHash, now: i64) -> Result<bool, db::Error> {
    let target = recovery_codes::table
        .filter(recovery_codes::account_uid.eq(account))
        .filter(recovery_codes::code_hash.eq(&hash.0[..]))
        .filter(recovery_codes::use_time.is_null());
    Ok(db::execute!(conn, diesel::update(target).set(recovery_codes::use_time.eq(now)))? > 0)
}

/// Counts the codes that are left.
pub async fn left(conn: &mut Conn<'_>, account: &str) -> Result<i64, db::Error> {
    let rows = recovery_codes::table.filter(recovery_codes::account_uid.eq(account));
    let rows = rows.filter(recovery_codes::use_time.is_null());
    Ok(db::first!(conn, rows.count() => i64)?.unwrap_or_default())
}

/// Removes all codes of an account.
pub async fn remove_all(conn: &mut Conn<'_>, account: &str) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(recovery_codes::table.filter(recovery_codes::account_uid.eq(account))))
}
