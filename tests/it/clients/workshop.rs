//! Where clients are made: the code that they generate from the exported contract, and the programs that run them.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use mainstay_testkit::tools::{Chromium, Node, python_from};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{System, repository};

/// Contracts that a client reads beside the exported one: what errors carry, and a stream that exists from the beginning.
const BESIDE: [&str; 2] = ["google/rpc", "mainstay/data/v1"];

/// Clients of one system.
pub struct Workshop {
    node: Node,
    folder: TempDir,
    /// The system's URL and who calls it, as every client reads them.
    environment: Vec<(&'static str, String)>,
}

impl Workshop {
    /// Exports the contract of a system as an application would, for clients that call as these callers.
    pub fn of(system: &System, user: &str, admin: &str) -> Workshop {
        let folder = tempfile::Builder::new().prefix("mainstay-test-clients-").tempdir().expect("a folder can be made");
        let protos = folder.path().join("protos");
        let contract = system.folder.contracts();
        let export = ["contract", "export", &contract.to_string_lossy(), "--out", &protos.to_string_lossy()];
        let exported = system.command(&export);
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        for package in BESIDE {
            copy(&repository().join("proto").join(package), &protos.join(package));
        }
        let clients = folder.path().join("clients");
        copy(&sources(), &clients);
        fs::write(clients.join("socket.js"), shown()).expect("a file can be written");
        let environment = vec![
            ("MAINSTAY_URL", system.gateway.url()),
            ("USER_TOKEN", user.to_owned()),
            ("ADMIN_TOKEN", admin.to_owned()),
        ];
        Workshop { node: Node::with_packages_of(&sources()), folder, environment }
    }

    /// Runs a client of Node's. Returns what it reports.
    pub fn program(&self, client: &str) -> Vec<Value> {
        let bundle = self.bundled(client, "node");
        self.reports(self.node.command().arg(bundle))
    }

    /// Starts a client of Node's that reports as long as it runs.
    pub fn follow(&self, client: &str) -> Follower {
        let bundle = self.bundled(client, "node");
        let mut command = self.node.command();
        Follower::start(command.arg(bundle).envs(self.environment.iter().map(|(name, value)| (name, value))))
    }

    /// Opens a page in Chromium that `http://127.0.0.1:port` serves. Returns what it reports.
    pub fn page(&self, client: &str, port: u16) -> Vec<Value> {
        let bundle = self.bundled(client, "browser");
        let browser = self.bundled("browser", "node");
        let mut command = self.node.command();
        Chromium::of(&self.node).told(command.arg(browser).arg(port.to_string()).arg(bundle));
        self.reports(&mut command)
    }

    /// Runs the client in Python. Returns what it reports.
    pub fn python(&self) -> Vec<Value> {
        let python = python_from(&sources().join("requirements.txt"));
        let modules = self.folder.path().join("python");
        fs::create_dir_all(&modules).expect("a folder can be made");
        let protos = self.folder.path().join("protos");
        // What googleapis' own package brings is not made twice.
        let files = files(&protos).into_iter().filter(|file| !file.starts_with("google/rpc"));
        let mut protoc = Command::new(&python);
        protoc.args(["-m", "grpc_tools.protoc", "-I."]).current_dir(&protos);
        protoc.arg(format!("--python_out={}", modules.display()));
        protoc.arg(format!("--grpc_python_out={}", modules.display())).args(files);
        ran(&mut protoc);
        self.reports(Command::new(python).arg(sources().join("python.py")).arg(modules))
    }

    /// Runs a client in Python that needs nothing generated, with the packages that a file names. Returns what it reports.
    pub fn script(&self, client: &str, requirements: &str) -> Vec<Value> {
        let python = python_from(&sources().join(requirements));
        self.reports(Command::new(python).arg(sources().join(client)))
    }

    /// `buf curl` over one of its protocols (`grpc`, `grpcweb`, `connect`), as nobody or with a token. Returns whether it went
    /// well, and what it printed: the answer, or the error.
    pub fn buf_curl(&self, protocol: &str, method: &str, request: &Value, token: Option<&str>) -> (bool, Value) {
        let mut command = self.node.program("buf");
        command.args(["curl", "--protocol", protocol, "--data", &request.to_string()]);
        command.arg("--schema").arg(self.folder.path().join("protos"));
        if protocol != "connect" {
            command.arg("--http2-prior-knowledge");
        }
        if let Some(token) = token {
            command.arg("--header").arg(format!("authorization: Bearer {token}"));
        }
        let output = command.arg(format!("{}/{method}", self.environment[0].1)).stdin(Stdio::null()).output();
        let output = output.expect("buf runs");
        let printed = if output.status.success() { &output.stdout } else { &output.stderr };
        let text = String::from_utf8_lossy(printed);
        let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("buf curl: {error}: {text}"));
        (output.status.success(), value)
    }

    /// One file with a client and everything that it imports.
    fn bundled(&self, client: &str, platform: &str) -> PathBuf {
        let folder = self.folder.path();
        self.generate();
        let bundle = folder.join(format!("{client}.mjs"));
        let mut esbuild = self.node.program("esbuild");
        esbuild.arg(folder.join("clients").join(format!("{client}.js")));
        esbuild.args(["--bundle", "--format=esm", "--log-level=warning"]).arg(format!("--platform={platform}"));
        ran(esbuild.arg(format!("--outfile={}", bundle.display())));
        bundle
    }

    /// The messages and services in JavaScript, once.
    fn generate(&self) {
        let (folder, generated) = (self.folder.path(), self.folder.path().join("generated"));
        if generated.exists() {
            return;
        }
        let mut buf = self.node.program("buf");
        buf.arg("generate").arg(folder.join("protos")).arg("--output").arg(generated);
        ran(buf.arg("--template").arg(sources().join("buf.gen.yaml")));
    }

    fn reports(&self, client: &mut Command) -> Vec<Value> {
        client.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let printed = ran(client);
        let lines = printed.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

/// A client that runs. It ends with this value.
pub struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    /// Starts a program that reports as long as it runs.
    pub fn start(command: &mut Command) -> Follower {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("its output is read")).lines();
        Follower { child, lines }
    }

    /// The next report. Panics where the client ends instead.
    pub fn report(&mut self) -> Value {
        let line = self.lines.next().expect("the client goes on").expect("its output is text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The client for WebSockets that the gateway's page about them shows.
fn shown() -> String {
    let page = fs::read_to_string(repository().join("services/gateway/WEBSOCKET.md")).expect("the page is there");
    let (_, program) = page.split_once("```js\n").expect("the page shows a program");
    program.split_once("```").expect("the program ends").0.to_owned()
}

/// The folder of the clients.
pub fn sources() -> PathBuf {
    repository().join("tests/clients")
}

/// Runs a program to its good end. Returns what it printed.
pub fn ran(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (printed, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{printed}{error}");
    printed.into_owned()
}

/// The contract files below a folder, from there.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in fs::read_dir(next).expect("a folder can be read").flatten().map(|entry| entry.path()) {
            match path.strip_prefix(folder) {
                _ if path.is_dir() => open.push(path),
                Ok(file) if file.extension().is_some_and(|kind| kind == "proto") => found.push(file.to_owned()),
                _ => {}
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for file in fs::read_dir(from).expect("the folder is there").flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(file.path(), to.join(file.file_name())).expect("a file can be copied");
    }
}
