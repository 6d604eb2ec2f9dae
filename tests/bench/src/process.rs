//! Child processes on a core of their own, and what the system says of them.

use std::fs;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core that servers run on.
pub const SERVER_CORE: &str = "0";
/// The core that load runs on.
pub const LOAD_CORE: &str = "1";

/// How long a server may take to answer for the first time.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a server may take to end; under callgrind everything takes fifty times as long.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A server that ends with this value.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// Starts a server on its core; what it prints goes to `log`.
    pub fn start(command: &mut Command, port: u16, log: &Path) -> io::Result<Server> {
        let log = fs::File::create(log)?;
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", SERVER_CORE]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                pinned.env(name, value);
            }
        }
        let child = pinned.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Server { child, port })
    }

    /// Waits until the port is open.
    pub fn wait(self) -> io::Result<Server> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if started.elapsed() > START_LIMIT {
                return Err(io::Error::other(format!("nothing listens on port {}", self.port)));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(self)
    }

    /// The process id. `taskset` becomes the server, so it is the server's.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end and waits for it.
    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// CPU time that a process has used, with all its threads.
pub fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything; user and system time are the 14th and 15th field.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Resident memory of a process in KiB.
pub fn resident_kib(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Runs this binary as a load generator on its core, with a plan on standard input, and gives what it prints.
pub fn generate(kind: &str, plan: &str) -> io::Result<(String, u32)> {
    let mut child = Command::new("taskset")
        .args(["-c", LOAD_CORE])
        .arg(std::env::current_exe()?)
        .arg(kind)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let pid = child.id();
    child.stdin.take().ok_or_else(|| io::Error::other("no standard input"))?.write_all(plan.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("the {kind} load failed")));
    }
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), pid))
}
