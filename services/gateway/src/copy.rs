//! A copy of the gateway's store.

use std::path::Path;

use mainstay_db::{Conn, Error};

use crate::config::Config;
use crate::process::{Unusable, open_database};
use crate::store;

/// The contract that a store remembers: its revision and its hash. Nothing where none was ever seen.
pub async fn contract(conn: &mut Conn<'_>) -> Result<Option<(i64, String)>, Error> {
    store::revision(conn).await
}

/// Opens a copy in `folder` as a start would.
pub async fn open(config: &Config, folder: &Path) -> Result<(), Unusable> {
    let database = open_database(config, folder).await?;
    store::migrate(&database).await.map_err(Unusable)?;
    database.close().await;
    Ok(())
}
