//! The workspace as cargo and the file system know it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value as Json;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_owned()
}

/// What `cargo metadata` says of all packages, on every platform. A build fetches only what its own platform needs: cargo
/// gets the rest where it is not here yet, and asks nobody where it is.
static METADATA: LazyLock<Result<Json, String>> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "cargo cannot tell what the workspace is made of (`cargo fetch --locked` tries again):\n{said}"
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is no JSON: {error}"))
});

/// Our packages and what they depend on of ours (not for tests), by their names without the prefix; services are
/// `services/auth` and so on.
pub fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let ours = ours();
    let mut edges = BTreeMap::new();
    for package in packages() {
        let Some(name) = ours.get(text(package, "name")) else { continue };
        let dependencies = package["dependencies"].as_array().expect("a list");
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        let known = normal.filter_map(|dependency| ours.get(text(dependency, "name")).cloned());
        edges.insert(name.clone(), known.collect());
    }
    edges
}

fn ours() -> BTreeMap<String, String> {
    let root = root().canonicalize().expect("the workspace is there");
    packages()
        .filter(|package| package["source"].is_null())
        .filter_map(|package| {
            let manifest = PathBuf::from(text(package, "manifest_path"));
            let folder = manifest.parent()?.strip_prefix(&root).ok()?.to_string_lossy().into_owned();
            let short = folder.strip_prefix("crates/").unwrap_or(&folder).to_owned();
            Some((text(package, "name").to_owned(), short))
        })
        .collect()
}

/// All packages, ours and others'.
pub fn packages() -> impl Iterator<Item = &'static Json> {
    let metadata = METADATA.as_ref().unwrap_or_else(|problem| panic!("{problem}"));
    metadata["packages"].as_array().expect("a list").iter()
}

/// A text field of a JSON object.
pub fn text<'j>(json: &'j Json, field: &str) -> &'j str {
    json[field].as_str().unwrap_or_default()
}

/// Every Rust file that is part of the product: its path below the workspace and its text.
pub fn rust_files() -> Vec<(String, String)> {
    files(&["crates", "services"], "rs").into_iter().filter(|(path, _)| !path.contains("/tests/")).collect()
}

/// Every file with this extension below the folders, sorted.
pub fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).expect("a text file")));
            }
        }
    }
    found.sort();
    found
}
