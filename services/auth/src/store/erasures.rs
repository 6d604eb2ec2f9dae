//! Documents that certify that accounts were erased.

use diesel::prelude::*;
use mainstay_db::{self as db, Conn};

use super::schema::erasures;

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = erasures)]
pub struct ErasureRow {
    pub uid: String,
    pub account_uid: String,
    pub create_time: i64,
    pub certificate: String,
}

pub async fn insert(conn: &mut Conn<'_>, row: &ErasureRow) -> Result<(), db::Error> {
    db::execute!(conn, diesel::insert_into(erasures::table).values(row)).map(drop)
}

/// Finds the last document of an account.
pub async fn last(conn: &mut Conn<'_>, account: &str) -> Result<Option<ErasureRow>, db::Error> {
    let rows = erasures::table.filter(erasures::account_uid.eq(account)).order(erasures::uid.desc());
    db::first!(conn, rows.limit(1).select(ErasureRow::as_select()) => ErasureRow)
}
