//! A data service's store that nobody serves: it is looked into, changed, copied, and given to the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use mainstay_contract::{Contract, Source};
use mainstay_data::apply::{self, ApplyError, Consent, Made, PURGE_AFTER_MICROS};
use mainstay_data::{Config, Options, start};
use mainstay_db::{Database, Lane, Rows, Statement};
use mainstay_ledger::{Plan, Stage};
use mainstay_record::{Kind, Value};
use mainstay_testkit::Engine;
use mainstay_testkit::database::{Place, copy_of, place};
use mainstay_testkit::server::binary;
use tempfile::TempDir;

/// Microseconds since 1970 UTC, at which everything is applied.
const NOW: i64 = 1_700_000_000_000_000;

/// Compiles a contract of one file, which must be right.
pub fn compiled(text: &str, migrations: &[(&str, &str)]) -> Arc<Contract> {
    let file = |path: String, text: &str| Source { path, text: text.to_owned() };
    let mut sources = vec![file("golden/v1/golden.proto".to_owned(), text)];
    sources.extend(migrations.iter().map(|(name, text)| file(format!("migrations/{name}.sql"), text)));
    let contract = mainstay_contract::compile(sources);
    Arc::new(contract.unwrap_or_else(|problems| panic!("{problems}\n{text}")))
}

pub struct Store {
    /// With the store, where that is a file.
    directory: TempDir,
    /// The database, where that is a server's.
    place: Option<Place>,
}

impl Store {
    pub async fn new(engine: Engine) -> Store {
        let directory = tempfile::tempdir().expect("a folder can be made");
        let place = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(place(engine).await),
        };
        Store { directory, place }
    }

    pub async fn copy(&self) -> Store {
        let directory = tempfile::tempdir().expect("a folder can be made");
        for entry in std::fs::read_dir(self.directory.path()).expect("the folder is there").flatten() {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("a file can be copied");
            }
        }
        let place = match &self.place {
            None => None,
            Some(place) => Some(copy_of(place).await),
        };
        Store { directory, place }
    }

    pub async fn open(&self) -> Open {
        let database_url = self.place.as_ref().and_then(|place| place.config.database_url.clone());
        let config = Config { database_url, ..Config::default() };
        let data_dir = self.directory.path().to_owned();
        let options = Options { data_dir, accept_empty: false, contracts: None, development: true };
        Open { db: start::open(&config, &options).await.unwrap_or_else(|error| panic!("{error}")) }
    }

    /// Runs `contract apply` on it, which dies at the failpoint if it comes there.
    pub fn apply_by_command(&self, folder: &Path, (accepted, purge): (&[&str], bool), failpoint: &str) -> Output {
        let mut command = Command::new(binary());
        command.env_clear().env("MAINSTAY__FAILPOINT", format!("{failpoint}=abort"));
        if let Some(url) = self.place.as_ref().and_then(Place::url) {
            command.env("MAINSTAY__DATA__DATABASE_URL", url);
        }
        command.args(["contract", "apply"]).arg(folder).arg("--data-dir").arg(self.directory.path());
        command.args(purge.then_some("--purge"));
        command.args(accepted.iter().flat_map(|id| ["--accept", id]));
        command.output().expect("the binary runs")
    }
}

pub struct Open {
    db: Database,
}

impl Open {
    pub async fn plan(&self, contract: &Arc<Contract>, purge: bool) -> Plan {
        let purge = purge.then_some(NOW + PURGE_AFTER_MICROS + 1);
        apply::plan_with(&self.db, Arc::clone(contract), purge).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Applies a contract to its end, as far as that is accepted.
    pub async fn apply(&self, contract: &Arc<Contract>, accepted: &[&str], purge: bool) -> Result<Made, ApplyError> {
        let accepted = accepted.iter().map(|id| (*id).to_owned()).collect();
        let consent = Consent { accepted, purge, ..Consent::to_nothing(Stage::Development) };
        let now = if purge { NOW + PURGE_AFTER_MICROS + 1 } else { NOW };
        let made = apply::apply(&self.db, Arc::clone(contract), consent, now).await?;
        apply::finish(&self.db, Arc::clone(contract)).await?;
        start::snapshot(&self.db, Contract::clone(contract), &made.applied).unwrap_or_else(|error| panic!("{error}"));
        Ok(made)
    }

    pub async fn run(&self, sql: String) {
        let run = self.db.exclusive(move |conn| Box::pin(async move { conn.batch(&sql).await }));
        run.await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// One text for each row.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        let rows = self.db.fetch(Lane::Heavy, &Statement::text(sql), Vec::new(), Rows::of(&[Kind::Text])).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}: {sql}"));
        let text = |value: Value| if let Value::Text(text) = value { text } else { "NULL".to_owned() };
        rows.rows.into_iter().flatten().map(text).collect()
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}

/// A folder with a contract of one file.
pub struct ContractFolder(TempDir);

impl ContractFolder {
    pub fn with(text: &str, migrations: &[(&str, &str)]) -> ContractFolder {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path: PathBuf = folder.path().join("golden/v1");
        std::fs::create_dir_all(&path).expect("a folder can be made");
        std::fs::write(path.join("golden.proto"), text).expect("a file can be written");
        for (name, text) in migrations {
            let path = folder.path().join("migrations");
            std::fs::create_dir_all(&path).expect("a folder can be made");
            std::fs::write(path.join(format!("{name}.sql")), text).expect("a file can be written");
        }
        ContractFolder(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
