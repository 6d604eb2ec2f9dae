//! Who uses a data directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

const RUN_FILE: &str = "run.json";
const LOCK_FILE: &str = "lock";

/// The data directory of a running server, which no other process can use meanwhile.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Lock,
}

impl DataDir {
    /// Makes the directory where it is missing (mode 0700) and takes its lock. Fails with [`Error::Locked`], naming
    /// process and address, while another process has it.
    pub fn lock(path: &Path) -> Result<DataDir, Error> {
        prepare(path)?;
        let lock = lock_file(&path.join(LOCK_FILE), path)?;
        Ok(DataDir { path: path.to_owned(), _lock: lock })
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other programs of this machine's user how to reach this server.
    pub fn publish(&self, info: &RunInfo) -> Result<(), Error> {
        info.write(&self.path).map_err(|error| unusable(&self.path, &error))
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        RunInfo::remove(&self.path);
    }
}

/// What `run.json` says: how the command line reaches the server that has the directory.
#[derive(Debug, Clone)]
pub struct RunInfo {
    pub pid: u32,
    pub address: String,
    /// An administrator's secret; the file has mode 0600.
    pub secret: SecretString,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct RunFile {
    pid: u32,
    address: String,
    secret: String,
}

impl RunInfo {
    /// Writes `run.json` whole or not at all.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let secret = self.secret.expose_secret().to_owned();
        let file = RunFile { pid: self.pid, address: self.address.clone(), secret };
        let temporary = directory.join(format!("{RUN_FILE}.{}", std::process::id()));
        let mut out = private().write(true).create(true).truncate(true).open(&temporary)?;
        out.write_all(&serde_json::to_vec(&file)?)?;
        out.sync_all()?;
        fs::rename(&temporary, directory.join(RUN_FILE))
    }

    /// Reads `run.json`; nothing where there is none, or none that can be read. It may be left over from a process that
    /// was killed: only the lock says whether a server runs.
    pub fn read(directory: &Path) -> Option<RunInfo> {
        let file: RunFile = serde_json::from_slice(&fs::read(directory.join(RUN_FILE)).ok()?).ok()?;
        Some(RunInfo { pid: file.pid, address: file.address, secret: SecretString::from(file.secret) })
    }

    /// Removes `run.json`.
    pub fn remove(directory: &Path) {
        if let Err(error) = fs::remove_file(directory.join(RUN_FILE))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, directory = %directory.display(), "run.json cannot be removed");
        }
    }
}

/// An exclusive lock, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Closing the file would not do: a child process that is just being started has it open, too, until it runs its own
    /// program, and keeps the lock for so long (flock(2)).
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a lock cannot be given back");
        }
    }
}

/// Takes the lock of a file. The file holds the process id, for the error of who comes second.
pub(crate) fn lock_file(path: &Path, directory: &Path) -> Result<Lock, Error> {
    let mut file = private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| unusable(path, &error))?;
    match file.try_lock() {
        Ok(()) => {
            let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            written.map_err(|error| unusable(path, &error))?;
            Ok(Lock(file))
        }
        Err(TryLockError::WouldBlock) => Err(locked(path, &mut file, directory)),
        Err(TryLockError::Error(error)) => Err(unusable(path, &error)),
    }
}

fn locked(path: &Path, file: &mut File, directory: &Path) -> Error {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let pid = read.ok().and_then(|_| text.trim().parse().ok());
    let info = RunInfo::read(directory).filter(|info| pid.is_none_or(|pid| pid == info.pid));
    Error::Locked {
        path: path.to_owned(),
        pid: pid.or_else(|| info.as_ref().map(|info| info.pid)),
        address: info.map(|info| info.address),
    }
}

/// In a data directory that a restore is filling: a server that started in it would take half of a backup for the whole.
const UNFINISHED_RESTORE: &str = "restore.unfinished";

/// Makes a data directory where it is missing (mode 0700), and refuses one in which nothing is safe.
pub(crate) fn prepare(path: &Path) -> Result<(), Error> {
    make_directory(path).map_err(|error| unusable(path, &error))?;
    if path.join(UNFINISHED_RESTORE).exists() {
        let path = path.display();
        return Err(Error::Config(format!(
            "{path} holds a part of a backup: a restore into it has not ended. Wait for it, or run `mainstay restore FILE` \
             again, which begins anew"
        )));
    }
    refuse_open_to_all(path)
}

/// Who may write into the directory may put another store, or another key, in the place of ours.
#[cfg(unix)]
fn refuse_open_to_all(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(|error| unusable(path, &error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o002 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Error::Config(format!(
        "every user of this machine may write into {path} (mode {mode:04o}), and could put other data or keys there: run \
         `chmod 700 {path}` after making sure that nobody has, or name another directory with --data-dir DIR"
    )))
}

#[cfg(not(unix))]
fn refuse_open_to_all(_path: &Path) -> Result<(), Error> {
    Ok(())
}

pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes an empty file that only its owner can read, unless it exists. SQLite gives its other files the same mode.
pub(crate) fn touch_private(path: &Path) -> io::Result<()> {
    private().write(true).create(true).truncate(false).open(path).map(drop)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(crate) fn unusable(path: &Path, error: &io::Error) -> Error {
    if let io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory = error.kind()
        && let Some(file) = path.ancestors().find(|ancestor| ancestor.is_file())
    {
        return Error::Config(format!("{} is a file, and must be a folder. Name another place", file.display()));
    }
    Error::Config(format!("{} cannot be used: {error}. Check the path and its permissions", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_dropped_is_free_although_a_starting_child_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        let lock = lock_file(&path, folder.path()).unwrap();
        let _inherited = lock.0.try_clone().unwrap();
        assert!(matches!(lock_file(&path, folder.path()), Err(Error::Locked { .. })));
        drop(lock);
        assert!(lock_file(&path, folder.path()).is_ok());
    }
}
