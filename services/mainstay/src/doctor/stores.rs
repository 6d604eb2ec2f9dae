//! The stores: whether they answer, and whether their tables are what the ledger says.

use std::collections::BTreeMap;

use mainstay_data::drift::{self, Difference, Kind};
use mainstay_data::store::contracts::ReadError;
use mainstay_db::{Database, copies};

use super::finding::{Findings, Level};
use super::postgres::{self, Servers};
use crate::backup::{Part, System, parts};
use crate::cli::ServeRole;

/// Looks at each store.
pub async fn look(system: &System, (strict, pages): (bool, bool), findings: &mut Findings) {
    let mut servers: Servers = BTreeMap::new();
    for part in parts(system) {
        match &part.url {
            None => sqlite(system, &part, pages, findings).await,
            Some(_) => on_postgres(system, &part, strict, &mut servers, findings).await,
        }
    }
    postgres::connections(&servers, findings);
}

async fn sqlite(system: &System, part: &Part, pages: bool, findings: &mut Findings) {
    let file = system.common.data_dir.join(part.file);
    let place = format!("{} ({})", part.service, file.display());
    if !file.is_file() {
        let what = "the store is not there: it is made at the first start, or is elsewhere";
        return findings.add(
            Level::Note,
            place,
            what,
            "where it should be here, restore a backup (`mainstay restore`)",
        );
    }
    if pages {
        match copies::look_into(&file, |conn| Box::pin(copies::faults(conn))).await {
            Ok(faults) => {
                for fault in faults {
                    findings.add(Level::Problem, place.clone(), fault, "restore a backup (`mainstay restore`)");
                }
            }
            Err(error) => return unusable(place, &error, findings),
        }
    }
    if part.role != ServeRole::Data {
        return match copies::look_into(&file, |conn| Box::pin(copies::inventory(conn))).await {
            Ok(found) => findings.looked(place, format!("answers, {} rows", found.tables.values().sum::<u64>())),
            Err(error) => unusable(place, &error, findings),
        };
    }
    let found: Result<drift::Found, ReadError> = copies::look_into(&file, |conn| Box::pin(drift::find(conn))).await;
    told(place, found, findings);
}

async fn on_postgres(system: &System, part: &Part, strict: bool, servers: &mut Servers, findings: &mut Findings) {
    let place = format!("{} (PostgreSQL)", part.service);
    let config = mainstay_db::Config { database_url: part.url.clone(), pool_size: 1, ..mainstay_db::Config::default() };
    let database = match Database::open(&config, &system.common.data_dir).await {
        Ok(database) => database,
        Err(error) => return unusable(place, &error, findings),
    };
    let pool = match part.role {
        ServeRole::Auth => system.auth.database_pool_size.unwrap_or(mainstay_db::Config::default().pool_size),
        ServeRole::Data => system.data.store.pool_size,
        ServeRole::Gateway => mainstay_db::Config::default().pool_size,
    };
    postgres::look(&database, &place, (pool, strict), servers, findings).await;
    if part.role == ServeRole::Data {
        let found: Result<drift::Found, ReadError> = database.snapshot(|conn| Box::pin(drift::find(conn))).await;
        told(place, found, findings);
    } else {
        findings.looked(place, "answers");
    }
    database.close().await;
}

fn told(place: String, found: Result<drift::Found, ReadError>, findings: &mut Findings) {
    match found {
        Err(error) => unusable(place, &error, findings),
        Ok(found) => {
            let state = format!("contract revision {}, {} resources", found.revision, found.resources);
            for Difference { kind, place, what, remedy } in found.differences {
                let level = match kind {
                    Kind::Breaks => Level::Problem,
                    Kind::Weakens => Level::Warning,
                    Kind::Stranger => Level::Note,
                };
                findings.add(level, format!("data: {place}"), what, remedy);
            }
            findings.looked(place, state);
        }
    }
}

fn unusable(place: String, error: &dyn std::error::Error, findings: &mut Findings) {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    findings.add(
        Level::Problem,
        place,
        format!("{error}{cause}"),
        "mend that first: nothing else of this store could be looked at",
    );
}
