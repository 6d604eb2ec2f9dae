//! A copy of the service's store: what it knows, and whether this program could serve it.

use mainstay_db::{Conn, Error};

use crate::config::{Config, Options};
use crate::drift::{self, Found};
use crate::start::{self, StartError};
use crate::store::contracts::{self, ReadError};

/// The newest contract of a store: its revision and its hash. Nothing where none was applied, or no table for it was made.
pub async fn contract(conn: &mut Conn<'_>) -> Result<Option<(i64, String)>, Error> {
    contracts::newest_hash(conn).await
}

/// Opens a copy with its keys as a start would, compiles what was applied last and compares the tables with the ledger. The
/// copy is changed where this program is newer than it.
pub async fn open(config: &Config, options: &Options, now: i64) -> Result<Found, StartError> {
    let db = start::open(config, options).await?;
    start::page_key(&db, config, options, now).await?;
    if let Some(applied) = start::newest(&db).await? {
        start::compile_stored(&applied)?;
    }
    let found: Result<Found, ReadError> = db.snapshot(|conn| Box::pin(drift::find(conn))).await;
    db.close().await;
    Ok(found?)
}
