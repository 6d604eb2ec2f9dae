//! The real binary as a child process: started on loopback ports, killed, and started again where it was.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::http::Http;
use crate::wait::{PATIENCE, PAUSE, until};

/// Servers are started again on their port, so it must stay free meanwhile: these are below those that the system gives
/// to outgoing connections.
const FIRST_PORT: u32 = 20_000;
const PORTS: u32 = 12_000;

/// Finds a port on the loopback interface that nobody uses.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let offset = std::process::id().wrapping_mul(131).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST_PORT + offset % PORTS).expect("the range ends below 65536");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The folder that cargo builds this profile's binaries into.
pub fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its executable");
    test.ancestors().nth(2).expect("tests are in target/PROFILE/deps").to_owned()
}

/// The `mainstay` binary beside the running test.
pub fn binary() -> PathBuf {
    built("mainstay")
}

/// Another binary of the workspace beside it.
pub fn built(name: &str) -> PathBuf {
    let path = target_folder().join(name);
    assert!(path.is_file(), "{} is missing: run `make test`, which builds it first", path.display());
    path
}

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Launch {
    role: Option<&'static str>,
    own_binary: bool,
    folder: PathBuf,
    port: u16,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    limits: Option<String>,
    tls: bool,
}

impl Launch {
    /// A server that works in `folder`, its data in `folder/data`, on a free port.
    pub fn new(folder: &Path) -> Launch {
        let launch = Launch {
            role: None,
            own_binary: false,
            folder: folder.to_owned(),
            port: free_port(),
            arguments: Vec::new(),
            environment: Vec::new(),
            limits: None,
            tls: false,
        };
        launch
            .environment("MAINSTAY__OPERATIONS_LISTEN", "127.0.0.1:0")
            .environment("MAINSTAY__DATA_DIR", folder.join("data").to_string_lossy())
    }

    /// Serves one of the three services only.
    #[must_use]
    pub fn role(mut self, role: &'static str) -> Launch {
        self.role = Some(role);
        self
    }

    /// Serves a role with the binary that serves nothing else: `mainstay-auth` for `mainstay serve auth`.
    #[must_use]
    pub fn own_binary(mut self) -> Launch {
        self.own_binary = true;
        self
    }

    /// Listens on another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Launch {
        self.port = port;
        self
    }

    /// Serves the contract in this folder.
    #[must_use]
    pub fn contracts(self, folder: &Path) -> Launch {
        self.environment("MAINSTAY__CONTRACTS", folder.to_string_lossy())
    }

    /// Adds arguments after `serve`.
    #[must_use]
    pub fn arguments<I: IntoIterator<Item: Into<String>>>(mut self, arguments: I) -> Launch {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the server's environment, or replaces it.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Launch {
        let name = name.into();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Unsets a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Launch {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// Serves under limits that a shell sets before: `ulimit -n 256`.
    #[must_use]
    pub fn limited(mut self, limits: &str) -> Launch {
        self.limits = Some(limits.to_owned());
        self
    }

    /// Serves TLS with this certificate and key.
    #[must_use]
    pub fn tls(mut self, certificate: &Path, key: &Path) -> Launch {
        self.tls = true;
        self.environment("MAINSTAY__TLS__CERT_FILE", certificate.to_string_lossy())
            .environment("MAINSTAY__TLS__KEY_FILE", key.to_string_lossy())
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address())
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(self) -> Server {
        let mut server = self.spawn();
        server.ready().await;
        server
    }

    /// Starts the server and does not wait for it.
    pub fn spawn(self) -> Server {
        fs::create_dir_all(&self.folder).expect("the server's folder can be made");
        let log = self.folder.join(format!("{}.log", self.role.unwrap_or("mainstay")));
        let (child, begin) = self.child(&log);
        Server { launch: self, child, log, begin }
    }

    /// Runs a server that is expected to refuse to start. Returns what it printed and its exit code.
    pub async fn refused(self) -> (String, Option<i32>) {
        let mut server = self.spawn();
        let status = server.ended().await;
        (server.log(), status.code())
    }

    /// Runs another command of the binary with the server's settings: `["admin", "grant", …]`.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = self.program(&binary());
        command.args(arguments).stdin(Stdio::null());
        command.output().expect("the binary runs")
    }

    /// Starts another command of the binary, and says nothing of what it prints.
    pub fn start_command(&self, arguments: &[&str]) -> Child {
        let mut command = self.program(&binary());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the binary runs")
    }

    fn child(&self, log: &Path) -> (Child, u64) {
        let out = append(log);
        let begin = out.metadata().map_or(0, |metadata| metadata.len());
        let binary = match self.role.filter(|_| self.own_binary) {
            Some(role) => built(&format!("mainstay-{role}")),
            None => binary(),
        };
        let mut command = match &self.limits {
            Some(limits) => {
                let mut shell = self.program(Path::new("sh"));
                shell.arg("-c").arg(format!("{limits} && exec \"$0\" \"$@\"")).arg(binary);
                shell
            }
            None => self.program(&binary),
        };
        if !self.own_binary {
            command.arg("serve").args(self.role);
        }
        command.arg("--listen").arg(self.address()).args(&self.arguments);
        let error = out.try_clone().expect("the log can be written by both streams");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(error).spawn();
        (child.expect("the binary starts"), begin)
    }

    fn program(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MAINSTAY__")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).current_dir(&self.folder);
        command
    }
}

fn append(log: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(log).expect("the log can be opened")
}

/// A running server. It is killed with this value.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    child: Child,
    log: PathBuf,
    begin: u64,
}

impl Server {
    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Changes how it is started the next time.
    pub fn relaunch(&mut self, change: impl FnOnce(Launch) -> Launch) {
        self.launch = change(self.launch.clone());
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.launch.url()
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.launch.address()
    }

    /// A client that is not signed in.
    pub fn http(&self) -> Http {
        Http::new(&self.url())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed and logged since its last start.
    pub fn log(&self) -> String {
        let mut text = Vec::new();
        let mut file = File::open(&self.log).expect("the log can be read");
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(self.begin)).expect("the log is at least that long");
        file.read_to_end(&mut text).expect("the log can be read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits until the log says something.
    pub async fn logged(&self, text: &str) {
        let found = || async { self.log().contains(text).then_some(()) };
        until(&format!("the log says {text:?}"), found).await;
    }

    /// Waits until the server says that it is ready. Panics with its log if it ends instead.
    pub async fn ready(&mut self) {
        self.answers("/readyz").await;
    }

    /// Waits until the server answers at all, ready or not.
    pub async fn alive(&mut self) {
        self.answers("/healthz").await;
    }

    /// Over TLS only the connection is tried: the client here does not speak it.
    async fn answers(&mut self, path: &str) {
        let http = self.http();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answered = match self.launch.tls {
                true => tokio::net::TcpStream::connect(self.address()).await.is_ok(),
                false => http.try_get(path).await.is_ok_and(|answer| answer.status == 200),
            };
            if answered {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "the server does not answer {path}:\n{}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The exit status, if it has ended.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Waits for the end. Panics with the log if it does not come.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end:\n{}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Ends it as `kill -9` does.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        assert_eq!(self.ended().await.signal(), Some(9), "somebody else ended it:\n{}", self.log());
    }

    /// Asks it to end, and waits. Returns the exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.ended().await.code()
    }

    /// Asks it to end, and does not wait.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Tells it to read again what it can.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Lets it run no further until [`Server::thaw`]. Its connections stay open.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        kill_process(pid, signal).expect("one's own child can be signalled");
    }

    /// Starts it again on the same port and data, and does not wait.
    pub fn respawn(&mut self) {
        assert!(self.has_ended().is_some(), "it still runs");
        (self.child, self.begin) = self.launch.child(&self.log);
    }

    /// Starts it again on the same port and data, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.respawn();
        self.ready().await;
    }

    /// Runs another command of the binary with the server's settings. Panics where it fails; returns what it printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let output = self.launch.command(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "mainstay {}: {text}{error}", arguments.join(" "));
        text
    }
}

/// How much memory a process has, bytes; nothing where the system does not show it, or it has ended.
pub fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib << 10)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
