//! Configuration: defaults, then a file, then the environment, then flags. The only place that reads the environment.

mod check;
mod file;
mod overrides;
mod problem;
mod texts;

pub use problem::{Problem, Problems};
pub use texts::Texts;

use check::Broken;
use config::{Value, ValueKind};
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// What the names of environment variables begin with: `MAINSTAY__GATEWAY__LISTEN` is `gateway.listen`.
pub const ENVIRONMENT_PREFIX: &str = "MAINSTAY__";

/// What stands between the parts of a path in the name of an environment variable.
const ENVIRONMENT_SEPARATOR: &str = "__";

/// Collects settings from everywhere, the later ones winning.
#[derive(Debug, Clone, Default)]
pub struct Loader {
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    flags: Vec<(String, String, String)>,
    problems: Vec<Problem>,
}

impl Loader {
    /// Makes a loader that knows only the defaults.
    pub fn new() -> Loader {
        Loader::default()
    }

    /// Adds a TOML file. One that was named must exist.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Loader {
        self.file = Some(path.into());
        self
    }

    /// Adds the variables of the process that begin with [`ENVIRONMENT_PREFIX`].
    #[must_use]
    pub fn environment(self) -> Loader {
        let ours = std::env::vars_os()
            .filter(|(name, _)| name.as_encoded_bytes().starts_with(ENVIRONMENT_PREFIX.as_bytes()))
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_string()));
        ours.fold(self, |mut loader, (name, value)| {
            match value {
                Ok(value) => loader.environment.push((name, value)),
                Err(_) => loader.problems.push(Problem::new(&name, "the variable is not valid UTF-8")),
            }
            loader
        })
    }

    /// Adds one variable, as if the process had it.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Loader {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds what a command-line flag said, for example `--listen` for `gateway.listen`.
    #[must_use]
    pub fn flag(mut self, flag: &str, path: &str, value: impl Into<String>) -> Loader {
        self.flags.push((flag.to_owned(), path.to_owned(), value.into()));
        self
    }

    /// Puts everything together, or reports every problem of its form at once.
    ///
    /// `T` denies unknown fields and has a default for every field that may be left out.
    pub fn load<T: DeserializeOwned>(self) -> Result<T, Problems> {
        self.load_checked(|_| Vec::new())
    }

    /// Puts everything together, or reports every problem at once: those of its form, and what `check` finds wrong with
    /// the values. Values are judged also where others have no form; what rests on one of those is not.
    pub fn load_checked<T: DeserializeOwned>(self, check: impl FnOnce(&T) -> Vec<Problem>) -> Result<T, Problems> {
        let mut problems = self.problems.clone();
        let file = self.file.as_deref().map(file::read).transpose();
        // A file that cannot be read may have held anything: without it nothing can be said to be missing.
        let is_whole = file.is_ok();
        let file = file.unwrap_or_else(|unreadable| {
            problems.extend(unreadable);
            None
        });
        let tree = overrides::put_over(file.unwrap_or_default(), &self.environment, &self.flags);
        let broken = check::problems::<T>(&tree);
        let settings = is_whole.then(|| readable(&tree, &broken)).flatten();
        if let Some(settings) = &settings {
            let values = check(settings).into_iter().filter(|problem| !rests_on(problem, &broken));
            problems.extend(values.map(|problem| with_origin(problem, &tree)));
        }
        problems.extend(broken.into_iter().map(|broken| broken.problem));
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            None if problems.is_empty() => {
                Err(Problems::new(vec![Problem::new("", "the configuration cannot be read")]))
            }
            _ => Err(Problems::new(problems)),
        }
    }
}

/// Reads what has the right form; the rest is as if nobody had set it.
fn readable<T: DeserializeOwned>(tree: &Value, broken: &[Broken]) -> Option<T> {
    let mut tree = tree.clone();
    broken.iter().for_each(|broken| remove(&mut tree, &broken.place));
    tree.try_deserialize().ok()
}

fn remove(tree: &mut Value, place: &[String]) {
    let ValueKind::Table(table) = &mut tree.kind else { return };
    match place {
        [] => {}
        [key] => {
            table.remove(key);
        }
        [key, rest @ ..] => {
            if let Some(inner) = table.get_mut(key) {
                remove(inner, rest);
            }
        }
    }
}

/// Tells whether a value was judged by one that has no form: it is there, above it, or named in what is said.
fn rests_on(problem: &Problem, broken: &[Broken]) -> bool {
    broken.iter().any(|broken| {
        let place = broken.place.join(".");
        let inside = problem.path.strip_prefix(&place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let named = broken.place.last().is_some_and(|name| problem.message.contains(name.as_str()));
        inside || named
    })
}

/// Says where the value was set, if somebody set it.
fn with_origin(problem: Problem, tree: &Value) -> Problem {
    let mut node = Some(tree);
    for part in problem.path.split('.') {
        node = node.and_then(|node| match &node.kind {
            ValueKind::Table(table) => table.get(part),
            _ => None,
        });
    }
    match node.and_then(Value::origin) {
        Some(origin) if problem.origin.is_none() => problem.at(origin),
        _ => problem,
    }
}

/// The environment variable that sets `path`.
pub fn variable(path: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", path.replace('.', ENVIRONMENT_SEPARATOR).to_ascii_uppercase())
}
