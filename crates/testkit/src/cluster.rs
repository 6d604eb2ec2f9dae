//! A PostgreSQL server of one test alone, which may stop and start it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tempfile::TempDir;

use crate::postgres;

/// A running cluster. It ends with this value.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    url: String,
}

impl Cluster {
    /// Starts a cluster with these databases.
    pub async fn with(databases: &[&str]) -> Cluster {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.expect("starting does not panic");
        let cluster = cluster.unwrap_or_else(|problem| panic!("no PostgreSQL for the test: {problem}"));
        let mut link = AsyncPgConnection::establish(&cluster.url).await.expect("a started cluster takes connections");
        for name in databases {
            link.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database can be created");
        }
        cluster
    }

    fn start() -> Result<Cluster, String> {
        let root = postgres::is_root()?;
        let parent = postgres::temporary_folder(root);
        let folder = tempfile::Builder::new().prefix("mainstay-test-cluster-").tempdir_in(parent);
        let folder = folder.map_err(|error| error.to_string())?;
        let binaries = postgres::binaries()?;
        let url = postgres::start(folder.path(), &binaries, root)?;
        Ok(Cluster { folder, binaries, url })
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        self.url.strip_suffix("postgres").unwrap_or(&self.url).to_owned() + database
    }

    /// Stops the server at once, as if its machine had failed.
    pub fn stop(&self) {
        self.control(&["-m", "immediate", "-w", "stop"]);
    }

    /// Starts the server again on the same port.
    pub fn resume(&self) {
        let port = self.url.rsplit(':').next().and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let options = format!("-h 127.0.0.1 -p {port} {}", postgres::SETTINGS);
        let log = self.folder.path().join("log");
        self.control(&["-l", &log.to_string_lossy(), "-w", "-t", "60", "-o", &options, "start"]);
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = self.pg_ctl();
        let status = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "pg_ctl {}", arguments.join(" "));
    }

    fn pg_ctl(&self) -> Command {
        let user =
            postgres::is_root().and_then(|root| if root { postgres::unprivileged_user().map(Some) } else { Ok(None) });
        let user = user.expect("the user that started the cluster still exists");
        let mut command = postgres::as_user(&self.binaries.join("pg_ctl"), user.as_ref());
        command.arg("-D").arg(self.folder.path().join("data")).current_dir(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut command = self.pg_ctl();
        command.args(["-m", "immediate", "stop"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.status();
    }
}
