use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::signing_keys;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub struct SigningKeyRow {
    pub sequence: i64,
    pub key_id: String,
    pub public_key: Vec<u8>,
    pub sealed_private_key: Vec<u8>,
    pub create_time: i64,
    pub activate_time: i64,
    pub algorithm: String,
}

/// The primary key that says that another process has made this key already.
pub const SEQUENCE_TAKEN: &str = "signing_keys_pkey";

/// Gives all keys, by sequence.
pub async fn all(conn: &mut Conn<'_>) -> Result<Vec<SigningKeyRow>, db::Error> {
    db::load!(
        conn,
        signing_keys::table.order(signing_keys::sequence).select(SigningKeyRow::as_select()) => SigningKeyRow
    )
}

/// Adds a key. Violates [`SEQUENCE_TAKEN`] when there is one of this sequence.
pub async fn insert(conn: &mut Conn<'_>, row: &SigningKeyRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(signing_keys::table).values(row)).map(drop)
}

/// Removes the keys up to and including this sequence.
pub async fn remove_up_to(conn: &mut Conn<'_>, sequence: i64) -> Result<usize, db::Error> {
    db::execute!(conn, diesel::delete(signing_keys::table.filter(signing_keys::sequence.le(sequence))))
}
