//! `mainstay init`: a folder to begin an application in, a contract and a seed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mainstay_runtime::process::{self, Failure};

use crate::say::say;

/// What stands in the starter where the application's name belongs.
const PLACEHOLDER: &str = "APPLICATION";

/// The files of a new application, by their paths in its folder.
const STARTER: [(&str, &str); 2] =
    [("v1/note.proto", include_str!("../starter/note.proto")), ("seed.json", include_str!("../starter/seed.json"))];

/// The longest name of an application, in characters.
const MAX_NAME: usize = 40;

/// Roots of packages that are not an application's.
const TAKEN: [&str; 8] = ["mainstay", "google", "buf", "auth", "data", "gateway", "docs", "metrics"];

/// Makes the folder and says how to go on.
pub fn run(name: &str, folder: Option<PathBuf>) -> ExitCode {
    let folder = folder.unwrap_or_else(|| PathBuf::from(name));
    match check(name).and_then(|()| write(name, &folder)) {
        Ok(()) => {
            say!("{}", next_steps(name, &folder));
            ExitCode::SUCCESS
        }
        Err(error) => process::failed(error.as_ref()),
    }
}

/// The name becomes the contract's package, a part of every URL and a part of table names.
fn check(name: &str) -> Result<(), Failure> {
    let is_word = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= MAX_NAME;
    if !is_word {
        return Err(format!(
            "`{name}` cannot be an application's name: it becomes the contract's package and part of its URLs; take a \
             lower-case letter, then lower-case letters, digits or `_`, {MAX_NAME} at most"
        )
        .into());
    }
    if TAKEN.contains(&name) {
        return Err(format!("`{name}` is a name of the platform's own; take another one").into());
    }
    Ok(())
}

/// Writes the files into a folder that is not there yet, or empty.
fn write(name: &str, folder: &Path) -> Result<(), Failure> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => {
            return Err(format!("{} is not empty; name another folder with --dir DIR", folder.display()).into());
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{} cannot be used: {error}", folder.display()).into()),
    }
    for (path, text) in STARTER {
        let path = folder.join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, text.replace(PLACEHOLDER, name)))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(())
}

fn next_steps(name: &str, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "  {folder}/v1/note.proto   the contract: one resource, its rules and an index\n  \
         {folder}/seed.json       the first records\n\n  \
         mainstay serve --contracts {folder} --seed {folder}/seed.json --data-dir var/{name}\n\n  \
         serves it; then `curl http://127.0.0.1:8080/{name}/v1/notes` lists what is published."
    )
}
