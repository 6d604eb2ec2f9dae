//! What the doctor finds.

use std::fmt;

use serde::Serialize;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something does not work, loses data or lets somebody in. The exit status says so, too.
    Problem,
    /// It works, and will not always.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub level: Level,
    /// A setting, a file, a column, a service.
    pub place: String,
    pub what: String,
    pub remedy: String,
}

/// Everything that was looked at.
#[derive(Debug, Default)]
pub struct Findings {
    found: Vec<Finding>,
    fine: Vec<(String, String)>,
}

impl Findings {
    /// Notes something.
    pub fn add(&mut self, level: Level, place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Finding { level, place: place.into(), what: what.into(), remedy: remedy.into() });
    }

    /// Notes that a place is as it should be.
    pub fn fine(&self) -> &[(String, String)] {
        &self.fine
    }

    /// Says that a place was looked at, and in which state it is.
    pub fn looked(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.fine.push((place.into(), what.into()));
    }

    /// Everything found, what matters most first.
    pub fn all(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> = self.found.iter().collect();
        all.sort_by_key(|finding| finding.level);
        all
    }

    /// How many there are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.found.iter().filter(|finding| finding.level == level).count()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Problem => "problem",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        write!(f, "  {level:<9}  {}: {}\n             {}", self.place, self.what, self.remedy)
    }
}
