//! What a bad machine does to a server: a disk that takes no more, is read-only or does not sync, and a clock that jumps.
//!
//! A small library is loaded into the server before the C library, so that neither root nor another file system is needed.
//! It is made by the C compiler that the build needs as well.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::server::{Launch, target_folder};

const SOURCE: &str = include_str!("faults.c");

/// No space is left on the device.
pub const ENOSPC: i32 = 28;

/// The file system is read-only.
pub const EROFS: i32 = 30;

/// The file is on a disk of another machine, and that is away.
pub const ESTALE: i32 = 116;

/// The device failed.
pub const EIO: i32 = 5;

/// Where each fault stands in the shared file; `faults.c` has the same.
const CLOCK: u64 = 0;
const WRITES: u64 = 8;
const SYNCS: u64 = 12;
const READS: u64 = 16;
const SIZE: u64 = 24;

/// The faults of the processes that were started with them. Nothing is wrong until a test says so.
#[derive(Debug)]
pub struct Faults {
    shared: File,
    variables: Vec<(&'static str, String)>,
    _folder: Option<TempDir>,
}

const SHARED: &str = "MAINSTAY_TEST_FAULTS";

impl Faults {
    /// Faults of the files below a folder, and of the clock. Fails where this machine cannot have them, and says why.
    pub fn below(folder: &Path) -> Result<Faults, String> {
        let library = library()?;
        let own =
            tempfile::Builder::new().prefix("mainstay-test-faults-").tempdir().map_err(|error| error.to_string())?;
        let path = own.path().join("faults");
        let shared = File::create_new(&path).and_then(|file| file.set_len(SIZE).map(|()| file));
        let shared = shared.map_err(|error| format!("{}: {error}", path.display()))?;
        let folder = fs::canonicalize(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let variables = vec![
            ("LD_PRELOAD", library.to_string_lossy().into_owned()),
            (SHARED, path.to_string_lossy().into_owned()),
            ("MAINSTAY_TEST_FAULTS_BELOW", folder.to_string_lossy().into_owned()),
        ];
        Ok(Faults { shared, variables, _folder: Some(own) })
    }

    /// The faults that this process was started with; nothing where it was started without.
    pub fn of_this_process() -> Option<Faults> {
        let shared =
            File::options().write(true).open(std::env::var_os(SHARED)?).expect("the file of the faults is there");
        Some(Faults { shared, variables: Vec::new(), _folder: None })
    }

    /// The variables that a process must be started with.
    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// Starts a server with them.
    #[must_use]
    pub fn of(&self, launch: Launch) -> Launch {
        self.variables.iter().fold(launch, |launch, (name, value)| launch.environment(*name, value))
    }

    /// Lets each write of a file fail with this error; 0 heals.
    pub fn writes_fail_with(&self, error: i32) {
        self.set(WRITES, &error.to_ne_bytes());
    }

    /// Lets each sync of a file fail with this error; 0 heals.
    pub fn syncs_fail_with(&self, error: i32) {
        self.set(SYNCS, &error.to_ne_bytes());
    }

    /// Lets each read of a file fail with this error; 0 heals.
    pub fn reads_fail_with(&self, error: i32) {
        self.set(READS, &error.to_ne_bytes());
    }

    /// Sets the clock of the wall so many seconds away from the machine's.
    pub fn clock_is_off_by(&self, seconds: i64) {
        self.set(CLOCK, &seconds.to_ne_bytes());
    }

    fn set(&self, place: u64, value: &[u8]) {
        self.shared.write_all_at(value, place).expect("the shared file can be written");
    }
}

/// The library, made once for all test processes.
fn library() -> Result<PathBuf, String> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    LIBRARY.get_or_init(build).clone()
}

fn build() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Err("faults are loaded before glibc, on Linux; this system has another way".to_owned());
    }
    let folder = tempfile::Builder::new().prefix("mainstay-test-faults-").tempdir_in(target_folder());
    let folder = folder.map_err(|error| error.to_string())?;
    let (source, made) = (folder.path().join("faults.c"), folder.path().join("faults.so"));
    fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
    let output = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&made, &source]).arg("-ldl").output();
    let output = output.map_err(|error| format!("cc, the C compiler that the build needs: {error}"))?;
    if !output.status.success() {
        return Err(format!("cc: {}", String::from_utf8_lossy(&output.stderr)));
    }
    // Whoever loads it meanwhile has the old file or the new one.
    let library = target_folder().join("libmainstay_test_faults.so");
    fs::rename(&made, &library).map_err(|error| error.to_string())?;
    Ok(library)
}
