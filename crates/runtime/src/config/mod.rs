//! Configuration: defaults, then a file, then the environment, then flags. The only place that reads the environment.

mod check;
mod problem;

pub use problem::{Problem, Problems};

use config::{Config, File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

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

    /// Puts everything together, or reports every problem at once.
    ///
    /// `T` denies unknown fields and has a default for every field that may be left out.
    pub fn load<T: DeserializeOwned>(self) -> Result<T, Problems> {
        let mut problems = self.problems.clone();
        let tree = match self.merge() {
            Ok(tree) => tree,
            Err(problem) => {
                problems.push(problem);
                return Err(Problems::new(problems));
            }
        };
        problems.extend(check::problems::<T>(&tree));
        if !problems.is_empty() {
            return Err(Problems::new(problems));
        }
        tree.try_deserialize().map_err(|error| Problems::new(vec![Problem::new("", error.to_string())]))
    }

    fn merge(&self) -> Result<Value, Problem> {
        let mut builder = Config::builder();
        if let Some(path) = &self.file {
            builder = builder.add_source(File::from_str(&read(path)?, FileFormat::Toml));
        }
        let overrides = Overrides { environment: self.environment.clone(), flags: self.flags.clone() };
        let origin = self.file.as_ref().map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        let merged = builder.add_source(overrides).build().map_err(|error| {
            let at = if self.file.is_some() { origin.as_str() } else { "" };
            Problem::new("", error.to_string().trim().to_owned()).at(at).help("the file is in TOML; https://toml.io")
        })?;
        Ok(with_origin(merged.cache, &origin))
    }
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        Problem::new("", format!("the configuration file {} cannot be read: {error}", path.display()))
            .help("check the path given with --config, or leave the flag out to run on defaults")
    })
}

/// What came as text from a file has no origin of its own; gives it the file's.
fn with_origin(value: Value, origin: &str) -> Value {
    let own = value.origin().map_or_else(|| origin.to_owned(), str::to_owned);
    let kind = match value.kind {
        ValueKind::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, value)| (key, with_origin(value, origin))).collect())
        }
        other => other,
    };
    Value::new(Some(&own), kind)
}

/// Environment and flags: text under a path.
#[derive(Debug, Clone)]
struct Overrides {
    environment: Vec<(String, String)>,
    flags: Vec<(String, String, String)>,
}

impl Source for Overrides {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let mut root = Map::new();
        for (name, text) in &self.environment {
            let path = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name).to_ascii_lowercase();
            let path: Vec<&str> = path.split(ENVIRONMENT_SEPARATOR).collect();
            insert(&mut root, &path, text, &format!("the environment variable {name}"));
        }
        for (flag, path, text) in &self.flags {
            let path: Vec<&str> = path.split('.').collect();
            insert(&mut root, &path, text, &format!("the flag {flag}"));
        }
        Ok(root)
    }
}

fn insert(table: &mut Map<String, Value>, path: &[&str], text: &str, origin: &str) {
    let origin = origin.to_owned();
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), Value::new(Some(&origin), text));
        }
        [key, rest @ ..] => {
            let entry = table
                .entry((*key).to_owned())
                .or_insert_with(|| Value::new(Some(&origin), ValueKind::Table(Map::new())));
            if !matches!(entry.kind, ValueKind::Table(_)) {
                entry.kind = ValueKind::Table(Map::new());
            }
            if let ValueKind::Table(inner) = &mut entry.kind {
                insert(inner, rest, text, &origin);
            }
        }
    }
}
