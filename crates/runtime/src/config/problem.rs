//! What is wrong with a configuration, and what to do about it.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, for example `gateway.listen`; empty where it is the whole.
    pub path: String,
    /// Where it was set: a file, a variable, a flag.
    pub origin: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// Makes a problem of a setting.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { path: path.into(), origin: None, message: message.into(), help: None }
    }

    /// Makes a problem of a setting out of an error and its causes.
    pub fn of(path: impl Into<String>, error: &dyn std::error::Error) -> Problem {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Problem::new(path, message)
    }

    /// Says where it was set.
    #[must_use]
    pub fn at(mut self, origin: impl Into<String>) -> Problem {
        self.origin = Some(origin.into()).filter(|origin| !origin.is_empty());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(origin) = &self.origin {
            // What has no path was not set: it is a part of a file that cannot be read.
            let how = if self.path.is_empty() { "in" } else { "set by" };
            write!(f, "\n    {how} {origin}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n    {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// Everything that is wrong, in the order of the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Collects problems, for example those that a service finds in settings which only make sense together.
    pub fn new(mut problems: Vec<Problem>) -> Problems {
        problems.sort_by(|a, b| a.path.cmp(&b.path));
        problems.dedup();
        Problems(problems)
    }

    /// Returns them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "the configuration has a problem:")?,
            count => writeln!(f, "the configuration has {count} problems:")?,
        }
        for problem in &self.0 {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
