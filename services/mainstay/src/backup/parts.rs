//! What there is to back up.

use std::fs;
use std::path::{Path, PathBuf};

use mainstay_auth as auth;
use mainstay_backup::{ContractRevision, Store};
use mainstay_data as data;
use mainstay_db::copies::{self, Inventory};
use mainstay_db::{Conn, Engine};
use mainstay_gateway as gateway;
use mainstay_runtime::process::Failure;
use secrecy::SecretString;

use super::System;
use crate::cli::ServeRole;

/// The folder of the keys that development made, below the data directory.
const KEYS: &str = "keys";

/// The store of a service.
#[derive(Clone)]
pub struct Part {
    pub role: ServeRole,
    /// `auth`
    pub service: &'static str,
    /// Its SQLite file below the data directory.
    pub file: &'static str,
    /// Where it is on PostgreSQL.
    pub url: Option<SecretString>,
}

/// All stores, in the order in which they are copied.
///
/// What a store refers to in another one is copied after it, so that everything that is referred to is there: the gateway
/// remembers a revision of the contract that data has, records in data name accounts that auth has. Keys are made before
/// anything is sealed with them, and are never replaced, so they come last.
pub fn parts(system: &System) -> [Part; 3] {
    let part = |role, service, file, url: &Option<SecretString>| Part { role, service, file, url: url.clone() };
    [
        part(ServeRole::Gateway, "gateway", gateway::process::SQLITE_FILE, &system.gateway.database_url),
        part(ServeRole::Data, "data", data::start::SQLITE_FILE, &system.data.database_url),
        part(ServeRole::Auth, "auth", auth::SQLITE_FILE, &system.auth.database_url),
    ]
}

impl Part {
    pub fn engine(&self) -> Engine {
        if self.url.is_some() { Engine::Postgres } else { Engine::Sqlite }
    }

    /// Describes what is in an SQLite file.
    pub async fn describe_file(&self, path: &Path) -> Result<Store, mainstay_db::Error> {
        let (part, file) = (self.clone(), self.file.to_owned());
        copies::look_into(path, move |conn| Box::pin(async move { part.describe(conn, file).await })).await
    }

    /// Describes what is in a store.
    pub async fn describe(&self, conn: &mut Conn<'_>, file: String) -> Result<Store, mainstay_db::Error> {
        let Inventory { migration, tables } = copies::inventory(conn).await?;
        let contract = match self.role {
            ServeRole::Data if tables.contains_key("mainstay_contracts") => data::copy::contract(conn).await?,
            ServeRole::Gateway if tables.contains_key("gateway_contract") => gateway::copy::contract(conn).await?,
            _ => None,
        };
        Ok(Store {
            service: self.service.to_owned(),
            engine: engine_word(conn.engine()).to_owned(),
            file,
            schema: None,
            migration,
            contract: contract.map(|(revision, hash)| ContractRevision { revision, hash }),
            tables,
        })
    }
}

/// The engine as a manifest writes it.
pub fn engine_word(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

/// The key files of a data directory, by their paths below it.
pub fn key_files(data_dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    if data_dir.join(auth::KEY_FILE).is_file() {
        found.push(PathBuf::from(auth::KEY_FILE));
    }
    let folder = data_dir.join(KEYS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(format!("{} cannot be read: {error}", folder.display()).into()),
    };
    for entry in entries {
        let entry = entry.map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
        // A key that is being made has a second name for a moment.
        if entry.path().is_file() && !entry.file_name().to_string_lossy().contains('.') {
            found.push(Path::new(KEYS).join(entry.file_name()));
        }
    }
    found.sort();
    Ok(found)
}
