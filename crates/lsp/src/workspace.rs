//! The contract's folder as it would be if all open files were saved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use mainstay_contract::{Contract, Diagnostic, Diagnostics, Source, compile, read_folder};

/// What is open, and what was found in it.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The contract's folder, once it is known.
    root: Option<PathBuf>,
    /// The text of the open files with its version, by their paths.
    open: BTreeMap<PathBuf, (i32, String)>,
    /// The files that problems are shown in.
    pub shown: BTreeSet<PathBuf>,
    /// The contract when it last compiled.
    pub contract: Option<Arc<Contract>>,
    change: u64,
}

/// What compiling found.
pub struct Checked {
    pub root: PathBuf,
    pub sources: Vec<Source>,
    pub outcome: Result<Contract, Diagnostics>,
}

impl Checked {
    /// All problems.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match &self.outcome {
            Ok(contract) => &contract.warnings,
            Err(Diagnostics(found)) => found,
        }
    }
}

impl Workspace {
    /// Nothing is open yet. `root`: the contract's folder, where somebody named it.
    pub fn of(root: Option<PathBuf>) -> Workspace {
        Workspace { root, ..Workspace::default() }
    }

    /// Keeps the text of a file that is open. One that is older than what is known came late, and is passed over.
    pub fn put(&mut self, file: PathBuf, version: i32, text: String) {
        if self.open.get(&file).is_some_and(|(known, _)| *known >= version) {
            return;
        }
        if self.root.is_none() {
            self.root = root_of(&file, &text);
        }
        self.open.insert(file, (version, text));
        self.change += 1;
    }

    /// Forgets the text of a file that was closed: what is on the disk holds.
    pub fn close(&mut self, file: &Path) {
        self.open.remove(file);
        self.change += 1;
    }

    /// Notes that something on the disk is not as it was.
    pub fn disk_changed(&mut self) {
        self.change += 1;
    }

    /// Counts what changed: a check of an earlier count is late.
    pub fn change(&self) -> u64 {
        self.change
    }

    pub fn text(&self, file: &Path) -> Option<&str> {
        self.open.get(file).map(|(_, text)| text.as_str())
    }

    /// A file's path as the contract names it; nothing where it lies elsewhere.
    pub fn path(&self, file: &Path) -> Option<String> {
        relative(self.root.as_deref()?, file)
    }

    /// What is to be compiled; nothing before a file was opened.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let root = self.root.clone()?;
        let open =
            self.open.iter().filter_map(|(file, (_, text))| Some((relative(&root, file)?, text.clone()))).collect();
        Some(Snapshot { root, open })
    }
}

/// The open files of a folder, for a check that takes its time.
pub struct Snapshot {
    root: PathBuf,
    open: BTreeMap<String, String>,
}

impl Snapshot {
    /// Reads the folder, and compiles it with what is open.
    pub fn check(self) -> Checked {
        let Snapshot { root, mut open } = self;
        let read = if root.is_dir() { read_folder(&root) } else { Ok(Vec::new()) };
        let mut sources = match read {
            Ok(sources) => sources,
            // A folder without files may have one that was never saved.
            Err(Diagnostics(found)) if !open.is_empty() && found.iter().all(|problem| problem.file.is_empty()) => {
                Vec::new()
            }
            Err(found) => return Checked { root, sources: Vec::new(), outcome: Err(found) },
        };
        for source in &mut sources {
            if let Some(text) = open.remove(&source.path) {
                source.text = text;
            }
        }
        sources.extend(open.into_iter().map(|(path, text)| Source { path, text }));
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let outcome = compile(sources.clone());
        Checked { root, sources, outcome }
    }
}

/// A path below a folder, with forward slashes; only of files that a contract has.
fn relative(root: &Path, file: &Path) -> Option<String> {
    let below = file.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = below
        .components()
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    let path = parts?.join("/");
    (path.ends_with(".proto") || mainstay_contract::is_migration(&path)).then_some(path)
}

/// The folder below which a file's package begins: `shop/v1/shop.proto` of `shop.v1` lies below the one that has `shop`.
fn root_of(file: &Path, text: &str) -> Option<PathBuf> {
    let folder = file.parent()?;
    let package = text.lines().find_map(|line| {
        let name = line.trim().strip_prefix("package")?;
        name.starts_with(char::is_whitespace).then(|| name.split(';').next().unwrap_or_default().trim())
    });
    let inside: PathBuf = package.unwrap_or_default().split('.').collect();
    let depth = inside.components().count();
    let begins = if folder.ends_with(&inside) { folder.ancestors().nth(depth) } else { None };
    Some(begins.unwrap_or(folder).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_begins_where_the_package_begins() {
        let root = |file: &str, text: &str| root_of(Path::new(file), text).expect("a folder");
        assert_eq!(
            root("/app/contract/shop/v1/shop.proto", "syntax = 1;\n package  shop.v1 ;"),
            Path::new("/app/contract")
        );
        assert_eq!(root("/app/shop.proto", "package shop.v1;"), Path::new("/app"));
        assert_eq!(root("/app/shop.proto", "packages"), Path::new("/app"));
        assert_eq!(root("/v1/a.proto", "package shop.v1;"), Path::new("/v1"));
    }

    #[test]
    fn only_what_lies_in_the_folder_is_of_the_contract() {
        let path = |file: &str| relative(Path::new("/app"), Path::new(file));
        assert_eq!(path("/app/shop/v1/a.proto").as_deref(), Some("shop/v1/a.proto"));
        assert_eq!(path("/app/migrations/1.sqlite.sql").as_deref(), Some("migrations/1.sqlite.sql"));
        assert_eq!(path("/app/../etc/a.proto"), None);
        assert_eq!(path("/other/a.proto"), None);
        assert_eq!(path("/app/readme.md"), None);
    }
}
