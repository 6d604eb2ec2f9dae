//! What can go wrong with a backup, each with its place and its remedy.

use std::io;
use std::path::{Path, PathBuf};

/// Fewest characters of a passphrase.
pub const MIN_PASSPHRASE: usize = 12;

/// Why a backup cannot be made, opened or put in place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} cannot be {what}: {source}{}", path.display(), remedy(source))]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is no backup of mainstay: its first line is another one. Name the file that `mainstay backup` wrote", path.display())]
    NoBackup { path: PathBuf },
    #[error(
        "{} has format {found}, and this program knows formats up to {known}: restore it with the version that made it, or \
         a newer one",
        path.display()
    )]
    NewerFormat { path: PathBuf, found: u32, known: u32 },
    #[error("{} is sealed with a passphrase: give it on standard input, --passphrase-stdin", path.display())]
    WantsPassphrase { path: PathBuf },
    #[error("{} is sealed with a key file: name it with --key-file FILE", path.display())]
    WantsKeyFile { path: PathBuf },
    #[error(
        "{} does not open with this {secret}: it was sealed with another one (or its first lines were changed since)",
        path.display()
    )]
    AnotherSecret { path: PathBuf, secret: &'static str },
    #[error(
        "{} was cut off or changed: its block at byte {at} does not open. Nothing of it was restored; take another copy of \
         this backup, or an earlier one",
        path.display()
    )]
    Damaged { path: PathBuf, at: u64 },
    #[error("{} does not hold what its manifest says ({what}). Take an earlier backup", path.display())]
    Inconsistent { path: PathBuf, what: String },
    #[error("a passphrase has at least {} characters: a few words that nobody guesses", MIN_PASSPHRASE)]
    ShortPassphrase,
    #[error(transparent)]
    Key(#[from] mainstay_keys::Error),
    #[error("the passphrase cannot be stretched: {0}")]
    Stretch(argon2::Error),
    #[error("{} exists, and a backup overwrites nothing: name another file, or a folder, in which each backup has a name of its own", path.display())]
    Exists { path: PathBuf },
    #[error("{} is not empty ({found} is in it), and a restore goes over nothing: move it aside (`mv {} {}.before`), or restore elsewhere with --data-dir DIR", path.display(), path.display(), path.display())]
    NotEmpty { path: PathBuf, found: String },
    #[error("{} is a symbolic link that leads nowhere: remove it, or make the folder that it names", path.display())]
    DeadLink { path: PathBuf },
    #[error("another backup or restore works in {} just now{}: wait for its end", folder.display(), process(*pid))]
    Busy { folder: PathBuf, pid: Option<u32> },
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => ". Make room there, or name a place on another disk; nothing half-made is left",
        io::ErrorKind::PermissionDenied => ". Run the command as the user that the server runs as",
        io::ErrorKind::ReadOnlyFilesystem => ". Name a place that can be written",
        _ => "",
    }
}

impl Error {
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::File { what, path, source }
    }
}
