//! What is wrong with a contract, where, why, and what to do about it.

use std::fmt;

use serde::Serialize;

/// A position in a written file; line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Relative path of the file; empty where the problem is of no one file.
    pub file: String,
    /// Counts from 1; 0 where the problem is of the file as a whole.
    pub line: u32,
    /// Counts from 1, in characters.
    pub column: u32,
    /// One past the last column; at least one more than `column`. What goes on over more lines ends with its first.
    pub end_column: u32,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line that the problem is in, to show it.
    #[serde(skip)]
    pub source_line: Option<String>,
}

/// All problems of a contract, sorted by file, line and column. Never empty when it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostic {
    /// Makes an error of no particular file.
    pub fn general(message: impl Into<String>, cause: Option<String>, help: Option<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: String::new(),
            line: 0,
            column: 0,
            end_column: 0,
            message: message.into(),
            cause,
            help,
            source_line: None,
        }
    }

    /// The same for the file at `file` as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        Diagnostic { file: file.into(), ..Diagnostic::general(message, None, help) }
    }

    /// Draws the line with what is wrong underlined.
    fn fmt_excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(line) = &self.source_line else { return Ok(()) };
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let start = self.column.saturating_sub(1) as usize;
        let width = self.end_column.saturating_sub(self.column).max(1) as usize;
        // Tabs stay tabs, so that the marks stand under what they mark whatever a tab's width is.
        let lead: String = line.chars().take(start).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let visible: String = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        writeln!(f, "  {gutter} |")?;
        writeln!(f, "  {number} | {visible}")?;
        writeln!(f, "  {gutter} | {lead}{}", "^".repeat(width))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity}: {}", self.message)?;
        match (self.file.is_empty(), self.line) {
            (true, _) => {}
            (false, 0) => writeln!(f, "  --> {}", self.file)?,
            (false, line) => writeln!(f, "  --> {}:{line}:{}", self.file, self.column)?,
        }
        self.fmt_excerpt(f)?;
        if let Some(cause) = &self.cause {
            writeln!(f, "  because: {cause}")?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "  help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
