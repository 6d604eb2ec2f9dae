//! What the gateway served when it ran last: its routes are known before the data service answers.

use mainstay_db::Database;
use mainstay_telemetry::Metrics;

use crate::backends::Backends;
use crate::limits::Limits;
use crate::snapshot::{Compiled, Snapshot};
use crate::store::StoredContract;

/// The stored contract, compiled.
pub struct Restored {
    pub compiled: Compiled,
    pub hash: String,
}

/// Compiles the stored contract. Nothing where there is none; one that cannot be read or compiled is passed over, since
/// the data service will say what the contract is.
pub async fn restore(database: &Database, made_with: (&Metrics, &Backends, &Limits)) -> Option<Restored> {
    let stored = StoredContract::load(database).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "the stored contract cannot be read; waiting for the data service");
        None
    })?;
    let revision = stored.revision;
    match Snapshot::build(made_with, revision, stored.descriptor_set.into()) {
        Ok(compiled) => {
            tracing::info!(revision, "serving the contract that was served last, until the data service answers");
            Some(Restored { compiled, hash: stored.hash })
        }
        Err(error) => {
            tracing::warn!(revision, error = %error, "the stored contract cannot be served and is passed over");
            None
        }
    }
}
