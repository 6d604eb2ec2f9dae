//! Python with packages of PyPI, in virtual environments.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{named_for, once, run};

/// The Python of a virtual environment that has a package of PyPI (`google-re2==1.1.20251105`): in cargo's target folder,
/// made once for all test processes. Panics with what is missing.
pub fn python_with(package: &str) -> PathBuf {
    let environment = environment(package).unwrap_or_else(|problem| lacking(package, &problem));
    environment.join("bin").join("python")
}

/// The same with everything that a `requirements.txt` names, and nothing else: every package is written there with its
/// version, those that others need included.
pub fn python_from(requirements: &Path) -> PathBuf {
    let environment = named_for("python", requirements).and_then(|name| {
        once(&name, |place| {
            let mut install = installer(place)?;
            run(install.args(["--no-deps", "--requirement"]).arg(requirements)).map(drop)
        })
    });
    let environment = environment.unwrap_or_else(|problem| lacking(&requirements.display().to_string(), &problem));
    environment.join("bin").join("python")
}

pub(super) fn environment(package: &str) -> Result<PathBuf, String> {
    once(package, |place| run(installer(place)?.arg(package)).map(drop))
}

/// Makes a virtual environment, and the beginning of the command that installs something there.
fn installer(place: &Path) -> Result<Command, String> {
    run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let mut pip = Command::new(place.join("bin").join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    Ok(pip)
}

fn lacking(what: &str, problem: &str) -> ! {
    panic!(
        "{what} of PyPI is needed and could not be installed: {problem}. It takes `python3` with `venv` (Debian, Ubuntu: \
         `apt-get install python3-venv`) and the network, once"
    )
}
