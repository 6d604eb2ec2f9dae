//! Folders and files as a restore leaves them.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::{Error, Manifest};

/// In a data directory while it is being restored. A server does not start beside it.
pub const UNFINISHED_RESTORE: &str = "restore.unfinished";

/// What an empty data directory may hold: its lock, and what a disk of its own begins with.
const NOTHING: [&str; 3] = ["lock", "lost+found", ".mainstay-unfinished"];

/// Makes a folder with mode 0700, and those above that are missing.
pub fn make_private(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::file("made", folder))
}

/// Says whether something is a symbolic link.
pub fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Makes sure that a folder's entries survive a loss of power.
pub fn sync(folder: &Path) -> Result<(), Error> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|open| open.sync_all()).map_err(Error::file("synced", folder))
}

/// Refuses a data directory in which there is anything, and forgets what an interrupted restore left in it.
pub fn refuse_filled(folder: &Path) -> Result<(), Error> {
    if is_link(folder) && !folder.exists() {
        return Err(Error::DeadLink { path: folder.to_owned() });
    }
    if !folder.exists() {
        return Ok(());
    }
    if folder.join(UNFINISHED_RESTORE).is_dir() {
        return forget_unfinished(folder);
    }
    match names(folder)?.into_iter().find(|name| !NOTHING.contains(&name.as_str())) {
        Some(found) => Err(Error::NotEmpty { path: folder.to_owned(), found }),
        None => Ok(()),
    }
}

/// All that is in the folder came from a restore: it was empty before, and no server started in it since.
fn forget_unfinished(folder: &Path) -> Result<(), Error> {
    let names = names(folder)?;
    let others = names.iter().filter(|name| *name != UNFINISHED_RESTORE && !NOTHING.contains(&name.as_str()));
    for name in others.map(String::as_str).chain([UNFINISHED_RESTORE]) {
        let path = folder.join(name);
        let removed = if path.is_dir() && !is_link(&path) { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(Error::file("removed", &path))?;
    }
    sync(folder)
}

fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let read = || Error::file("read", folder);
    let entries = fs::read_dir(folder).map_err(read())?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect::<Result<_, _>>().map_err(read())
}

/// Moves what was unpacked into `folder`'s [`UNFINISHED_RESTORE`] to its place. Keys come first: a store beside keys that are
/// not its own would be refused for another reason.
pub fn put_in_place(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let staged = folder.join(UNFINISHED_RESTORE);
    let is_store = |path: &str| manifest.stores.iter().any(|store| store.file == path);
    let (stores, keys): (Vec<_>, Vec<_>) = manifest.files.iter().partition(|file| is_store(&file.path));
    for file in keys.into_iter().chain(stores) {
        let (from, to) = (staged.join(&file.path), folder.join(&file.path));
        // What is no store's file of ours was used on the way, and stays behind.
        if !from.exists() {
            continue;
        }
        if let Some(parent) = to.parent() {
            make_private(parent)?;
            fs::rename(&from, &to).map_err(Error::file("written", &to))?;
            sync(parent)?;
        }
    }
    sync(folder)?;
    fs::remove_dir_all(&staged).map_err(Error::file("removed", &staged))?;
    sync(folder)
}
