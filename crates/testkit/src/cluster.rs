//! A PostgreSQL server of one test alone, which may stop and start it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tempfile::TempDir;

use crate::postgres;

/// A running cluster. It ends with this value.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    url: String,
    settings: String,
}

/// What a server keeps its promises with, after the settings of tests: the last one counts.
const DURABLE: &str = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c autovacuum=on";

impl Cluster {
    /// Starts a cluster with these databases.
    pub async fn with(databases: &[&str]) -> Cluster {
        Cluster::start_with(databases, "").await
    }

    /// Starts one that stores what it acknowledges, whatever ends it.
    pub async fn durable_with(databases: &[&str]) -> Cluster {
        Cluster::start_with(databases, DURABLE).await
    }

    async fn start_with(databases: &[&str], more: &'static str) -> Cluster {
        let started = tokio::task::spawn_blocking(move || Cluster::start(format!("{} {more}", postgres::SETTINGS)));
        let cluster = started.await.expect("starting does not panic");
        let cluster = cluster.unwrap_or_else(|problem| panic!("no PostgreSQL for the test: {problem}"));
        let mut link = AsyncPgConnection::establish(&cluster.url).await.expect("a started cluster takes connections");
        for name in databases {
            link.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database can be created");
        }
        cluster
    }

    fn start(settings: String) -> Result<Cluster, String> {
        let root = postgres::is_root()?;
        let parent = postgres::temporary_folder(root);
        let folder = tempfile::Builder::new().prefix("mainstay-test-cluster-").tempdir_in(parent);
        let folder = folder.map_err(|error| error.to_string())?;
        let binaries = postgres::binaries()?;
        let url = postgres::start(folder.path(), &binaries, root, &settings)?;
        Ok(Cluster { folder, binaries, url, settings })
    }

    /// Runs SQL on the server's own database, and returns what it prints.
    pub fn run(&self, sql: &str) -> String {
        self.run_in("postgres", sql)
    }

    /// Runs SQL on a database.
    pub fn run_in(&self, database: &str, sql: &str) -> String {
        self.try_run(database, sql).unwrap_or_else(|why| panic!("{sql}: {why}"))
    }

    /// Runs SQL that may fail.
    pub fn try_run(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(self.binaries.join("psql")).args(["-qAt", "-c", sql, &self.url(database)]).output();
        let output = output.expect("psql is beside the server");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        self.url.strip_suffix("postgres").unwrap_or(&self.url).to_owned() + database
    }

    /// Stops the server at once, as if its machine had failed.
    pub fn stop(&self) {
        self.control(&["-m", "immediate", "-w", "stop"]);
    }

    /// Ends every process of the server as `kill -9` does.
    pub fn kill(&self) {
        let processes = self.processes();
        signal("KILL", &processes);
        let deadline = Instant::now() + Duration::from_secs(30);
        while processes.iter().any(|pid| is_alive(pid)) {
            assert!(Instant::now() < deadline, "processes of PostgreSQL do not end: {processes:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Lets no process of the server run until [`Cluster::thaw`]. Its connections stay open.
    pub fn freeze(&self) {
        // The one that makes others first.
        signal("STOP", &self.processes()[..1]);
        signal("STOP", &self.processes());
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        signal("CONT", &self.processes());
    }

    /// Stops the server as an upgrade does, and starts it again: who is connected is sent away.
    pub fn restart(&self) {
        self.control(&["-m", "fast", "-w", "stop"]);
        self.resume();
    }

    /// Where it keeps its files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The server's processes, the one that makes the others first.
    fn processes(&self) -> Vec<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        let first = file.lines().next().unwrap_or_default().trim().to_owned();
        let table = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).stdin(Stdio::null()).output();
        let table = String::from_utf8_lossy(&table.expect("ps lists processes").stdout).into_owned();
        let pairs = table.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        let others = pairs.filter(|(_, parent)| parent.trim() == first).map(|(pid, _)| pid.to_owned());
        std::iter::once(first.clone()).chain(others).collect()
    }

    /// Starts the server again on the same port.
    pub fn resume(&self) {
        let port = self.url.rsplit(':').next().and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let options = format!("-h 127.0.0.1 -p {port} {}", self.settings);
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

/// Some may have ended by themselves meanwhile.
fn signal(name: &str, processes: &[String]) {
    let _ = Command::new("kill").arg(format!("-{name}")).args(processes).stderr(Stdio::null()).status();
}

/// What has ended and is waited for by nobody is not alive.
fn is_alive(pid: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).stdin(Stdio::null()).output();
    state.is_ok_and(|state| !matches!(state.stdout.first(), None | Some(b'Z')))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.thaw();
        }
        let mut command = self.pg_ctl();
        command.args(["-m", "immediate", "stop"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.status();
    }
}
