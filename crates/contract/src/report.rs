//! Collects problems while the pipeline goes on.

use std::collections::HashSet;

use crate::file::{Files, Spot};
use crate::text::Step;
use crate::{Diagnostic, Severity};

/// How many errors are told at most, and how many warnings; a broken generator would fill the screen for ever.
pub const MAX_DIAGNOSTICS: usize = 500;

/// How many of each are collected, to be sorted; what comes after is only counted.
const MAX_COLLECTED: usize = 10 * MAX_DIAGNOSTICS;

/// The problems found so far.
pub(crate) struct Report<'f> {
    pub files: &'f Files,
    pub found: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    /// Takes what is beyond `MAX_COLLECTED`.
    spare: Diagnostic,
    /// Stands for everything inside types that are not the contract's own (`google.type.Money`): the field that has one.
    pub anchor: Option<Spot>,
    /// Full names of fields whose type is not defined: told already, and passed over by everything that comes after.
    pub undefined: HashSet<String>,
    /// The names of those fields and the parts of their types' names: who uses them is not to blame.
    pub undefined_words: HashSet<String>,
    /// The contract was applied by a version that may have refused less: what goes on working is warned about.
    pub applied: bool,
}

/// A problem that can still be given its cause and its remedy.
pub(crate) struct Draft<'r>(&'r mut Diagnostic);

impl Draft<'_> {
    pub(crate) fn because(self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }
}

impl<'f> Report<'f> {
    /// Goes on from what was found before.
    pub(crate) fn new(files: &'f Files, found: Vec<Diagnostic>) -> Report<'f> {
        let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        let warnings = found.len() - errors;
        Report {
            files,
            found,
            errors,
            warnings,
            spare: Diagnostic::general("", None, None),
            anchor: None,
            undefined: HashSet::new(),
            undefined_words: HashSet::new(),
            applied: false,
        }
    }

    /// The place that `find` knows in a written file, else the anchor's.
    fn place_in(&self, file: &str, find: impl FnOnce(&Files) -> Spot) -> Spot {
        let start = Spot { file: 0, range: 0..0 };
        let written = self.files.index(file).map(|_| find(self.files));
        written.or_else(|| self.anchor.clone()).unwrap_or(start)
    }

    /// The name of the element at `path`.
    pub(crate) fn name(&self, file: &str, path: &[i32]) -> Spot {
        self.place_in(file, |files| files.name(file, path))
    }

    /// The whole element at `path`.
    pub(crate) fn element(&self, file: &str, path: &[i32]) -> Spot {
        self.place_in(file, |files| files.element(file, path))
    }

    /// The type of the field at `path`.
    pub(crate) fn field_type(&self, file: &str, path: &[i32]) -> Spot {
        self.place_in(file, |files| files.field_type(file, path))
    }

    /// The JSON name of the field at `path`, where one is written; else its name.
    pub(crate) fn json_name(&self, file: &str, path: &[i32]) -> Spot {
        self.place_in(file, |files| files.json_name(file, path))
    }

    /// A part of an option of the element at `path`; as near to it as can be found.
    pub(crate) fn option(&self, file: &str, path: &[i32], options: i32, extension: &str, steps: &[Step<'_>]) -> Spot {
        self.place_in(file, |files| files.option(file, path, options, extension, steps))
    }

    pub(crate) fn error(&mut self, spot: &Spot, message: impl Into<String>) -> Draft<'_> {
        self.add(Severity::Error, spot, message.into())
    }

    /// Something that earlier versions took: an error, and a warning where the contract was applied already, since what
    /// was applied keeps starting.
    pub(crate) fn tightened(&mut self, spot: &Spot, message: impl Into<String>) -> Draft<'_> {
        let severity = if self.applied { Severity::Warning } else { Severity::Error };
        self.add(severity, spot, message.into())
    }

    pub(crate) fn warning(&mut self, spot: &Spot, message: impl Into<String>) -> Draft<'_> {
        self.add(Severity::Warning, spot, message.into())
    }

    /// Something that is standard and understood, but that this version does not do.
    pub(crate) fn unsupported(&mut self, spot: &Spot, what: impl std::fmt::Display) -> Draft<'_> {
        self.error(spot, format!("{what} is not supported yet"))
    }

    fn add(&mut self, severity: Severity, spot: &Spot, message: String) -> Draft<'_> {
        let collected = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *collected += 1;
        let full = *collected > MAX_COLLECTED;
        let diagnostic = self.files.diagnostic(severity, spot, message);
        if full {
            self.spare = diagnostic;
            return Draft(&mut self.spare);
        }
        let index = self.found.len();
        self.found.push(diagnostic);
        Draft(&mut self.found[index])
    }

    /// Whether what is found next is shown; else it is not worth finding out what was meant.
    pub(crate) fn is_shown(&self) -> bool {
        self.errors < MAX_DIAGNOSTICS
    }

    /// How many errors there are, shown or not.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Adds a problem of no file.
    pub(crate) fn general(&mut self, problem: Diagnostic) {
        self.errors += 1;
        self.found.push(problem);
    }
}

/// Sorts by place and leaves out what is said twice. Errors and warnings are counted apart: no number of warnings hides an
/// error.
pub(crate) fn sort(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.file.clone(), d.line, d.column, d.severity, d.message.clone());
        key(a).cmp(&key(b))
    });
    found.dedup();
    let mut counts = [(Severity::Error, 0_usize), (Severity::Warning, 0)];
    found.retain(|diagnostic| {
        let count = counts.iter_mut().find(|(severity, _)| *severity == diagnostic.severity);
        count.is_none_or(|(_, count)| {
            *count += 1;
            *count <= MAX_DIAGNOSTICS
        })
    });
    for (severity, count) in counts {
        let left_out = count.saturating_sub(MAX_DIAGNOSTICS);
        let (one, many) = match severity {
            Severity::Error => ("error is", "errors are"),
            Severity::Warning => ("warning is", "warnings are"),
        };
        if left_out > 0 {
            let are = if left_out == 1 { one } else { many };
            let message = format!("{left_out} more {are} not shown");
            found.push(Diagnostic { severity, ..Diagnostic::general(message, None, None) });
        }
    }
    found
}
