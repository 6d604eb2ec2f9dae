//! curl, as it is installed.

use std::process::Command;

use serde_json::Value;

use super::{must_have, run};

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
