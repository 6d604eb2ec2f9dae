//! A throw-away PostgreSQL on a core of its own, and `pgbench` as the peer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{LOAD_CORE, Server, free_port};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A cluster that is removed with this value.
pub struct Postgres {
    server: Option<Server>,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes and starts a cluster in `folder`, as an unprivileged user where this one is root.
    pub fn start(folder: &Path, log: &Path) -> Result<Postgres, Failure> {
        let binaries = binaries()?;
        let cluster = folder.join("postgres");
        fs::create_dir_all(&cluster)?;
        let root = Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0";
        if root {
            run(Command::new("chown").arg("postgres").arg(&cluster))?;
        }
        let as_user = |program: PathBuf| {
            if root {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
                command
            } else {
                Command::new(program)
            }
        };
        let mut init = as_user(binaries.join("initdb"));
        init.arg("--pgdata").arg(&cluster).args(["--auth=trust", "--username=bench", "--no-sync"]);
        run(init.stdout(Stdio::null()).current_dir("/"))?;
        let port = free_port()?;
        let mut serve = as_user(binaries.join("postgres"));
        serve.arg("-D").arg(&cluster).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        serve.arg("-c").arg(format!("unix_socket_directories={}", cluster.display()));
        let server = Some(Server::start(&mut serve, port, log)?.wait()?);
        let postgres = Postgres { server, binaries, port };
        // The port is open before the server takes connections.
        let deadline = Instant::now() + Duration::from_secs(30);
        while postgres.client("pg_isready", &[]).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        for database in ["mainstay", "pgbench"] {
            postgres.client("createdb", &[database])?;
        }
        Ok(postgres)
    }

    /// Where Mainstay connects.
    pub fn url(&self) -> String {
        format!("postgres://bench@127.0.0.1:{}/mainstay", self.port)
    }

    /// Transactions per second of `pgbench -S -M prepared` with this many connections, median of three.
    pub fn pgbench(&self, connections: usize, seconds: u64) -> Result<f64, Failure> {
        self.client("pgbench", &["--initialize", "--quiet", "--scale=10", "pgbench"])?;
        self.rate(&["-S"], connections, seconds)
    }

    /// How many orders are placed in a second by a procedure that is written by hand, median of three.
    pub fn place(&self, folder: &Path, connections: usize, seconds: u64) -> Result<f64, Failure> {
        let (schema, script) = (folder.join("place.sql"), folder.join("place.pgbench"));
        fs::write(&schema, include_str!("place.sql"))?;
        fs::write(&script, "\\set placed random(0, 999)\nSELECT place('p' || lpad(:placed::text, 14, '0'));\n")?;
        let (schema, script) = (schema.to_string_lossy(), script.to_string_lossy());
        self.client("psql", &["-d", "pgbench", "-q", "-v", "ON_ERROR_STOP=1", "-f", &schema])?;
        self.rate(&["-n", "-f", &script], connections, seconds)
    }

    fn rate(&self, what: &[&str], connections: usize, seconds: u64) -> Result<f64, Failure> {
        let (connections, seconds) = (connections.to_string(), seconds.to_string());
        let mut rates = Vec::new();
        for _ in 0..3 {
            let load = ["-M", "prepared", "-c", &connections, "-j", "1", "-T", &seconds, "pgbench"];
            let output = self.client("pgbench", &[what, &load].concat())?;
            let rate = output.lines().find_map(|line| line.strip_prefix("tps = "));
            let rate = rate.and_then(|rate| rate.split_whitespace().next()).ok_or("pgbench printed no rate")?;
            rates.push(rate.parse::<f64>()?);
        }
        rates.sort_by(f64::total_cmp);
        Ok(rates[1])
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Result<String, Failure> {
        let output = Command::new("taskset")
            .args(["-c", LOAD_CORE])
            .arg(self.binaries.join(program))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "bench"])
            .args(arguments)
            .current_dir("/")
            .output()?;
        if !output.status.success() {
            return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.stderr(Stdio::piped()).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

fn binaries() -> Result<PathBuf, Failure> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("pgbench").exists())
        .collect();
    found.sort();
    found.pop().ok_or_else(|| "no PostgreSQL with pgbench was found below /usr/lib/postgresql".into())
}
