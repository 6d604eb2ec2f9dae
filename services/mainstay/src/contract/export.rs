//! `mainstay contract export`: writes the files, and takes away those that an earlier export left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use mainstay_contract::{Contract, Source};
use mainstay_runtime::process::Failure;

use crate::say::say;

/// What an export wrote: each path with the hash of its text. Only what stands here, and is still what was written, is
/// ever taken away.
const RECORD: &str = ".mainstay-export.json";

type Record = BTreeMap<String, String>;

/// Writes the contract in `folder` to `out`.
pub fn export(contract: &Contract, folder: &Path, out: &Path) -> Result<ExitCode, Failure> {
    let files = mainstay_contract::export(contract);
    fs::create_dir_all(out).map_err(|error| cannot("written", out, &error))?;
    refuse_sources(folder, out, &files)?;
    let before = read(out)?;
    let now: Record = files.iter().map(|file| (file.path.clone(), file.hash())).collect();
    // Both, until all is done: what a crash leaves is known to the next export.
    let mut both = before.clone();
    both.extend(now.clone());
    record(out, &both)?;
    for file in &files {
        let path = out.join(&file.path);
        let parent = path.parent().unwrap_or(out);
        let write = fs::create_dir_all(parent).and_then(|()| fs::write(&path, &file.text));
        write.map_err(|error| cannot("written", &path, &error))?;
    }
    let stale = before.iter().filter(|(path, _)| !now.contains_key(*path));
    let (mut removed, mut kept) = (0, Vec::new());
    for (path, hash) in stale {
        match remove(out, path, hash)? {
            Removal::Removed => removed += 1,
            Removal::Changed => kept.push(path),
            Removal::Gone => {}
        }
    }
    record(out, &now)?;
    say!("wrote {} files to {}", files.len(), out.display());
    if removed > 0 {
        say!("removed {removed} that an earlier export left");
    }
    for path in kept {
        say!("left {path}, which an earlier export wrote and somebody has changed since");
    }
    Ok(ExitCode::SUCCESS)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    format!("{} cannot be {what}: {error}", path.display()).into()
}

/// The derived services are no part of the contract: beside its sources they would be compiled with it.
fn refuse_sources(folder: &Path, out: &Path, files: &[Source]) -> Result<(), Failure> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (folder, out_folder) = (real(folder), real(out));
    if files.iter().any(|file| out_folder.join(&file.path).starts_with(&folder)) {
        let (out, folder) = (out.display(), folder.display());
        return Err(format!(
            "{out} would put derived files into the contract's own folder, {folder}: name another --out"
        )
        .into());
    }
    Ok(())
}

fn read(out: &Path) -> Result<Record, Failure> {
    let path = out.join(RECORD);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            format!("{} is damaged ({error}): remove it, and no file is taken away", path.display()).into()
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Record::new()),
        Err(error) => Err(cannot("read", &path, &error)),
    }
}

fn record(out: &Path, record: &Record) -> Result<(), Failure> {
    let (path, new) = (out.join(RECORD), out.join(format!("{RECORD}.new")));
    let text = serde_json::to_string_pretty(record)?;
    fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(|error| cannot("written", &path, &error))
}

enum Removal {
    Removed,
    /// Somebody has changed it, so it is theirs.
    Changed,
    Gone,
}

/// Removes a file that an export wrote, and the folders that are empty then.
fn remove(out: &Path, path: &str, hash: &str) -> Result<Removal, Failure> {
    let within = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let file = out.join(path);
    if !within || !file.is_file() {
        return Ok(Removal::Gone);
    }
    let unchanged = fs::read_to_string(&file).is_ok_and(|text| Source { path: path.to_owned(), text }.hash() == hash);
    if !unchanged {
        return Ok(Removal::Changed);
    }
    fs::remove_file(&file).map_err(|error| cannot("removed", &file, &error))?;
    let parents: Vec<PathBuf> =
        file.ancestors().skip(1).take_while(|parent| *parent != out).map(Path::to_owned).collect();
    // A folder that holds something else stays.
    let _ = parents.iter().try_for_each(fs::remove_dir);
    Ok(Removal::Removed)
}
