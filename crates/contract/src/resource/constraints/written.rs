//! Conditions as a contract writes them, on one field or for many.

use mainstay_expr::Said;
use prost_reflect::ExtensionDescriptor;

use crate::file::{Spot, tag};
use crate::options::PREDEFINED;
use crate::report::Report;
use crate::text::Step;

/// A condition as it is written.
pub(crate) struct Written {
    pub id: String,
    pub message: String,
    pub source: String,
    /// Whether it has an id of its own, as it must have; one that is an expression alone is its own id.
    pub bare: bool,
    /// Where it stands in the option: the list, and its place in it.
    pub list: &'static str,
    pub position: usize,
    /// It is written elsewhere, for many.
    pub predefined: Option<Predefined>,
}

/// Where a condition is written that is asked of many fields, and what a field says to it.
pub(crate) struct Predefined {
    pub extension: ExtensionDescriptor,
    /// Nothing where it is what no condition can be asked with.
    pub said: Option<Said>,
}

impl Predefined {
    /// Where the expression is written.
    pub fn spot(&self, report: &Report<'_>, position: usize) -> Spot {
        let steps = [Step::Item("cel", position), Step::Field("expression")];
        let file = self.extension.parent_file();
        report.option(file.name(), self.extension.path(), tag::FIELD_OPTIONS, PREDEFINED, &steps)
    }

    /// The source as the ledger knows it: with what the field says.
    pub fn source(&self, source: &str) -> String {
        let said = self.said.as_ref().map_or_else(String::new, |said| said.rule.to_string());
        format!("{source} (rule: {said})")
    }
}
