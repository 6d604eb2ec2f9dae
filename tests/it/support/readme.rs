//! What the README shows, as it is printed.

use std::process::{Command, Stdio};

use mainstay_testkit::tools::{grpcurl, must_have};
use serde_json::Value;

use super::repository;

/// Stands before the output of each command, with the command's number.
const MARK: &str = "@@command";

/// All of it.
pub fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).expect("the README is there")
}

/// The first block in a language behind these words.
pub fn block(behind: &str, language: &str) -> String {
    let readme = readme();
    let (_, rest) = readme.split_once(behind).unwrap_or_else(|| panic!("the README does not say {behind:?}"));
    let (_, block) = rest.split_once(&format!("```{language}\n")).expect("a block follows");
    block.split_once("```").expect("the block ends").0.to_owned()
}

/// The commands of the first block of shell behind these words, one a line.
pub fn commands(behind: &str) -> Vec<String> {
    let block = block(behind, "sh");
    let lines = block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// A command and what it printed.
pub struct Step {
    pub command: String,
    pub output: String,
}

impl Step {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|error| panic!("{}: {error}: {}", self.command, self.output))
    }
}

/// Runs all commands in one shell, with the server at this address in the place of the usual port.
pub fn run(commands: &[String], address: &str) -> Vec<Step> {
    let port = address.rsplit(':').next().unwrap_or_default();
    let tools = grpcurl().parent().expect("a program is in a folder").to_owned();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    must_have("curl");
    must_have("jq");
    let script: String = commands
        .iter()
        .enumerate()
        .map(|(number, command)| format!("echo '{MARK}{number}'\n{}\necho\n", command.replace("8080", port)))
        .collect();
    let output = Command::new(must_have("bash"))
        .args(["-u", "-c", &script])
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .expect("the shell runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outputs = text.split(MARK).skip(1).map(|part| part.split_once('\n').map_or("", |(_, output)| output.trim()));
    let steps: Vec<Step> = commands
        .iter()
        .zip(outputs)
        .map(|(command, output)| Step { command: command.clone(), output: output.to_owned() })
        .collect();
    assert_eq!(steps.len(), commands.len(), "the shell ended early:\n{text}");
    steps
}
