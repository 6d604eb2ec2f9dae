//! The contracts that were applied, and the ledger after each.

use diesel::prelude::*;
use mainstay_contract::{Contract, Source};
use mainstay_db::{Conn, Error, execute, first};
use mainstay_ledger::{Ledger, LedgerError};

use crate::schema::mainstay_contracts as contracts;

/// An applied contract.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Counts from 1.
    pub revision: i64,
    pub hash: String,
    pub sources: Vec<Source>,
    pub ledger: Ledger,
    /// Microseconds since 1970 UTC.
    pub applied_at: i64,
}

impl Applied {
    /// Whether this is what was applied. The hash is of what a contract is compiled to, which another version of this program
    /// may make otherwise of the same sources.
    pub fn is(&self, contract: &Contract) -> bool {
        self.hash == contract.hash || self.sources == contract.sources
    }
}

/// Why the newest contract could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Storage(#[from] Error),
    #[error("the sources of contract revision {revision} are damaged in the store: restore it from a backup")]
    Sources {
        revision: i64,
        #[source]
        source: serde_json::Error,
    },
    #[error("the ledger of contract revision {revision} cannot be used")]
    Ledger {
        revision: i64,
        #[source]
        source: LedgerError,
    },
}

type Row = (i64, String, String, String, i64);

/// Reads the newest contract.
pub async fn newest(conn: &mut Conn<'_>) -> Result<Option<Applied>, ReadError> {
    let row = first!(conn, contracts::table.order(contracts::revision.desc()).limit(1) => Row)?;
    row.map(parse).transpose()
}

/// Reads the contract of a revision.
pub async fn at(conn: &mut Conn<'_>, revision: i64) -> Result<Option<Applied>, ReadError> {
    let row = first!(conn, contracts::table.find(revision).limit(1) => Row)?;
    row.map(parse).transpose()
}

/// Reads the newest revision number; 0 where nothing was applied.
pub async fn newest_revision(conn: &mut Conn<'_>) -> Result<i64, Error> {
    let newest = contracts::table.select(contracts::revision).order(contracts::revision.desc()).limit(1);
    Ok(first!(conn, newest => i64)?.unwrap_or(0))
}

/// Reads the newest revision with its hash.
pub async fn newest_hash(conn: &mut Conn<'_>) -> Result<Option<(i64, String)>, Error> {
    let newest =
        contracts::table.select((contracts::revision, contracts::hash)).order(contracts::revision.desc()).limit(1);
    first!(conn, newest => (i64, String))
}

/// Adds a revision.
pub async fn insert(conn: &mut Conn<'_>, applied: &Applied) -> Result<(), Error> {
    let sources = serde_json::to_string(&applied.sources).expect("sources have only text keys");
    execute!(
        conn,
        diesel::insert_into(contracts::table).values((
            contracts::revision.eq(applied.revision),
            contracts::hash.eq(&applied.hash),
            contracts::sources.eq(sources),
            contracts::ledger.eq(applied.ledger.to_json()),
            contracts::applied_at.eq(applied.applied_at),
        ))
    )?;
    Ok(())
}

/// Stores the ledger of a revision after a step outside the transaction.
pub async fn set_ledger(conn: &mut Conn<'_>, revision: i64, ledger: &Ledger) -> Result<(), Error> {
    execute!(conn, diesel::update(contracts::table.find(revision)).set(contracts::ledger.eq(ledger.to_json())))?;
    Ok(())
}

fn parse((revision, hash, sources, ledger, applied_at): Row) -> Result<Applied, ReadError> {
    let sources = serde_json::from_str(&sources).map_err(|source| ReadError::Sources { revision, source })?;
    let ledger = Ledger::from_json(&ledger).map_err(|source| ReadError::Ledger { revision, source })?;
    Ok(Applied { revision, hash, sources, ledger, applied_at })
}
