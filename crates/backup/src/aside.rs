//! The folder in which something grows until it is whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::folder::{make_private, sync};

/// What it is called, beside what it grows for.
const NAME: &str = ".mainstay-unfinished";

const LOCK: &str = "lock";

/// A folder of one process, mode 0700. It is removed with this value; what a killed process left is cleared by the next.
#[derive(Debug)]
pub struct Aside {
    folder: PathBuf,
    lock: File,
}

impl Aside {
    /// Makes the folder in `parent`, which exists. Fails where another process has it.
    pub fn within(parent: &Path) -> Result<Aside, Error> {
        let folder = parent.join(NAME);
        make_private(&folder)?;
        let path = folder.join(LOCK);
        let options = || OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut lock = options().map_err(Error::file("written", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = lock.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(Error::Busy { folder: parent.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(Error::file("locked", &path)(error)),
        }
        let aside = Aside { folder, lock };
        aside.clear()?;
        let noted = aside.lock.set_len(0).and_then(|()| write!(&aside.lock, "{}", std::process::id()));
        noted.map_err(Error::file("written", &path))?;
        Ok(aside)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Gives a finished file its name, at once and for good. `target` must not exist.
    pub fn publish(&self, file: &Path, target: &Path) -> Result<(), Error> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(Error::Exists { path: target.to_owned() });
        }
        fs::rename(file, target).map_err(Error::file("written", target))?;
        sync(target.parent().unwrap_or(Path::new(".")))
    }

    fn clear(&self) -> Result<(), Error> {
        let cleared = || Error::file("cleared", &self.folder);
        for entry in fs::read_dir(&self.folder).map_err(cleared())? {
            let entry = entry.map_err(cleared())?;
            if entry.file_name() == LOCK {
                continue;
            }
            let is_folder = entry.file_type().map_err(cleared())?.is_dir();
            let path = entry.path();
            if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(cleared())?;
        }
        Ok(())
    }
}

/// How often the folder is tried to be removed: a copy that was broken off may make a file while it goes.
const TRIES: u32 = 5;

impl Drop for Aside {
    fn drop(&mut self) {
        let mut removed = fs::remove_dir_all(&self.folder);
        for _ in 1..TRIES {
            if removed.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
            removed = fs::remove_dir_all(&self.folder);
        }
        if let Err(error) = removed {
            tracing::warn!(%error, folder = %self.folder.display(), "an unfinished folder cannot be removed: remove it by hand");
        }
        let _ = self.lock.unlock();
    }
}
