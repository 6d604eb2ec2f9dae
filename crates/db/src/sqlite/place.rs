//! Whether the files of a store are still where it has them.
//!
//! What is written into a file that was deleted or replaced goes with the process: nobody may be told that it is stored.

use std::ffi::CString;
use std::path::Path;
use std::sync::OnceLock;

use crate::error::Error;

/// What tells one file from another, whatever its name.
type Identity = (u64, u64);

/// Where a store's files were when it was opened. This is looked at with every commit.
pub(super) struct Place {
    path: CString,
    log: CString,
    file: Option<Identity>,
    /// The write-ahead log, from the first commit on.
    log_file: OnceLock<Identity>,
}

impl Place {
    /// Remembers the file that has just been opened.
    pub fn of(path: &Path) -> Place {
        let path = path.as_os_str().as_encoded_bytes();
        // A path that was opened has no NUL in it.
        let name = |bytes: Vec<u8>| CString::new(bytes).unwrap_or_default();
        let (path, log) = (name(path.to_vec()), name([path, b"-wal"].concat()));
        Place { file: identity(&path), path, log, log_file: OnceLock::new() }
    }

    /// Fails where another file, or none, has the name of one that is open.
    pub fn check(&self) -> Result<(), Error> {
        let log = identity(&self.log);
        let known = log.map(|log| *self.log_file.get_or_init(|| log)).or_else(|| self.log_file.get().copied());
        if identity(&self.path) != self.file {
            return Err(gone(&self.path));
        }
        if log != known {
            return Err(gone(&self.log));
        }
        Ok(())
    }
}

#[cold]
fn gone(path: &CString) -> Error {
    Error::unavailable(format!(
        "{} was deleted or replaced while it is in use: what is written now would be lost. Put the file back, or stop the server \
         and restore a backup",
        path.to_string_lossy()
    ))
}

fn identity(path: &CString) -> Option<Identity> {
    rustix::fs::stat(path.as_c_str()).ok().map(|file| (file.st_dev, file.st_ino))
}
