//! The files of a contract.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::hash::hash;
use crate::{Diagnostic, Diagnostics};

/// How many files a contract has at most.
pub const MAX_FILES: usize = 1_000;
/// How long one file is at most.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// How long all files together are at most.
pub const MAX_TOTAL_BYTES: usize = 16 << 20;
/// How deep folders may lie in the contract's folder.
pub const MAX_FOLDER_DEPTH: usize = 16;

/// The folder that migrations lie in.
pub(crate) const MIGRATIONS: &str = "migrations/";

/// Whether a file of this path is a migration's.
pub fn is_migration(path: &str) -> bool {
    path.starts_with(MIGRATIONS) && path.ends_with(".sql")
}

/// One file: a path relative to the contract's folder, with forward slashes, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// SHA-256 of the text, in lower-case hex.
    pub fn hash(&self) -> String {
        hash(self.text.as_bytes())
    }

    /// Some editors begin a file in UTF-8 with a byte order mark, which says nothing.
    pub(crate) fn drop_byte_order_mark(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.text.remove(0);
        }
    }
}

/// Reads all `.proto` files under `dir` and its migrations, sorted by path. Hidden files and folders are left out.
///
/// # Errors
/// The folder is missing, holds no `.proto` file, or a file cannot be read, is not UTF-8 or is over a limit; all at once.
pub fn read_folder(dir: &Path) -> Result<Vec<Source>, Diagnostics> {
    let mut found = Found::default();
    if dir.is_dir() {
        found.folder(dir, "", 0);
        if !found.sources.iter().any(|source| source.path.ends_with(".proto")) && found.problems.is_empty() {
            found.problems.push(Diagnostic::general(
                format!("the folder {} holds no .proto file", dir.display()),
                None,
                Some("put the contract's .proto files there, or name another folder with --contracts DIR".into()),
            ));
        }
    } else if dir.exists() {
        found.problems.push(Diagnostic::general(
            format!("{} is a file, not a folder", dir.display()),
            Some("a contract is all .proto files of a folder, because they import each other".into()),
            Some("name the folder below which the contract's .proto files lie".into()),
        ));
    } else {
        found.problems.push(Diagnostic::general(
            format!("the contract folder {} does not exist", dir.display()),
            None,
            Some("create it, or name another folder with --contracts DIR".into()),
        ));
    }
    if found.problems.is_empty() {
        found.sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found.sources)
    } else {
        found.problems.sort_by(|a, b| a.file.cmp(&b.file));
        Err(Diagnostics(found.problems))
    }
}

#[derive(Default)]
struct Found {
    sources: Vec<Source>,
    problems: Vec<Diagnostic>,
    bytes: usize,
}

impl Found {
    fn problem(&mut self, path: &str, message: String, help: &str) {
        self.problems.push(Diagnostic::of_file(path, message, Some(help.into())));
    }

    fn folder(&mut self, dir: &Path, prefix: &str, depth: usize) {
        if depth > MAX_FOLDER_DEPTH {
            let message = format!("the folder lies more than {MAX_FOLDER_DEPTH} folders deep");
            return self.problem(prefix, message, "move the files up, or remove a link that leads back up");
        }
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                return self.problem(prefix, format!("cannot list the folder: {error}"), "check its permissions");
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if entry.path().is_dir() {
                self.folder(&entry.path(), &path, depth + 1);
            } else if path.ends_with(".proto") || is_migration(&path) {
                self.file(&entry.path(), path);
            }
        }
    }

    fn file(&mut self, file: &Path, path: String) {
        if self.sources.len() >= MAX_FILES {
            if self.sources.len() == MAX_FILES && self.problems.iter().all(|p| !p.file.is_empty()) {
                self.problems.push(too_many_files());
            }
            return;
        }
        let length = fs::metadata(file).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
        if length > MAX_FILE_BYTES {
            return self.problems.push(too_long(&path, length));
        }
        self.bytes += length;
        if self.bytes > MAX_TOTAL_BYTES {
            if self.bytes - length <= MAX_TOTAL_BYTES {
                self.problems.push(too_much());
            }
            return;
        }
        match fs::read(file).map(String::from_utf8) {
            Ok(Ok(text)) => self.sources.push(Source { path, text }),
            Ok(Err(error))
                if error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff]) =>
            {
                self.problem(&path, "the file is UTF-16, as its byte order mark says".to_owned(), "save it as UTF-8");
            }
            Ok(Err(error)) => {
                let at = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                self.problem(&path, format!("the file is not valid UTF-8 (line {line})"), "save it as UTF-8");
            }
            Err(error) => self.problem(&path, format!("cannot read the file: {error}"), "check its permissions"),
        }
    }
}

/// The limits again, for sources that were not read by [`read_folder`].
pub(crate) fn check_limits(sources: &[Source]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if sources.is_empty() {
        let help = "add a .proto file with a message that has google.api.resource";
        problems.push(Diagnostic::general("the contract has no file", None, Some(help.into())));
    }
    if sources.len() > MAX_FILES {
        problems.push(too_many_files());
    }
    if sources.iter().map(|source| source.text.len()).sum::<usize>() > MAX_TOTAL_BYTES {
        problems.push(too_much());
    }
    let long = sources.iter().filter(|source| source.text.len() > MAX_FILE_BYTES);
    problems.extend(long.map(|source| too_long(&source.path, source.text.len())));
    problems
}

fn too_many_files() -> Diagnostic {
    let help = "split the contract over several deployments";
    Diagnostic::general(format!("the contract has more than {MAX_FILES} files"), None, Some(help.into()))
}

fn too_much() -> Diagnostic {
    let help = "split the contract over several deployments";
    Diagnostic::general(
        format!("the contract's files are longer than {MAX_TOTAL_BYTES} bytes together"),
        None,
        Some(help.into()),
    )
}

fn too_long(path: &str, length: usize) -> Diagnostic {
    let message = format!("the file is {length} bytes long; at most {MAX_FILE_BYTES} are read");
    Diagnostic::of_file(path, message, Some("split it into several files".into()))
}
