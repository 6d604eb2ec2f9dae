//! What a data directory tells of former starts: whether a store that has nothing in it is a first start, or a loss.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::data_dir;
use crate::database::Database;
use crate::error::Error;

/// The folder of the data directory in which each service leaves word that it has stored something.
const FOLDER: &str = "stores";

const WORD: &str = "This service has stored something. As long as this file is here, a database with nothing in it is taken for a \
                    loss, and no first start.\n";

/// What is known of a service's former starts. It is to be looked for before the service makes keys of its own.
#[derive(Debug, Clone)]
pub struct Former {
    service: &'static str,
    record: PathBuf,
    /// What shows that the service has stored something, if anything does.
    evidence: Option<PathBuf>,
    accept_empty: bool,
}

impl Former {
    /// Looks at what the data directory has of a service: its word, and the key that it makes for itself. `accept_empty`: to
    /// begin anew is what its operator wants.
    pub fn of(data_dir: &Path, service: &'static str, key: &str, accept_empty: bool) -> Former {
        let record = data_dir.join(FOLDER).join(service);
        let evidence = [record.clone(), data_dir.join(key)].into_iter().find(|path| path.exists());
        Former { service, record, evidence, accept_empty }
    }

    /// Opens the service's store, as [`Database::open`] does. Fails with [`Error::Emptied`] where the service has stored
    /// before and there is nothing: a missing file is not even made.
    pub async fn open(&self, config: &Config, path: &Path) -> Result<Database, Error> {
        let is_file = config.database_url.is_none();
        if is_file && fs::metadata(path).map_or(true, |file| file.len() == 0) {
            self.refuse_empty(|| path.display().to_string())?;
        }
        let database = Database::open(config, path).await?;
        if database.is_blank().await? {
            let place = || match &config.database_url {
                Some(url) => crate::postgres::shown(url.expose_secret()),
                None => path.display().to_string(),
            };
            if let Err(refused) = self.refuse_empty(place) {
                database.close().await;
                return Err(refused);
            }
        }
        Ok(database)
    }

    /// Fails where something that every used store has is missing in one that the service has stored in before.
    pub fn refuse_empty(&self, place: impl FnOnce() -> String) -> Result<(), Error> {
        match &self.evidence {
            Some(evidence) if !self.accept_empty => {
                Err(Error::Emptied { service: self.service, place: place(), evidence: evidence.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Leaves word that the service has stored something.
    pub fn record(&self) -> Result<(), Error> {
        let write = || -> io::Result<()> {
            if let Some(folder) = self.record.parent() {
                data_dir::make_directory(folder)?;
            }
            data_dir::touch_private(&self.record)?;
            fs::write(&self.record, WORD)
        };
        if self.record.exists() {
            return Ok(());
        }
        write().map_err(|error| data_dir::unusable(&self.record, &error))
    }
}
