//! What went wrong, in a visitor's words.

use std::collections::BTreeMap;

use mainstay_fault::{Fault, Reason};
use serde::Serialize;

use super::languages::Language;

/// What a page says of it: as a whole, and beside each field that it is about.
#[derive(Debug, Serialize)]
pub struct Problem {
    message: String,
    fields: BTreeMap<String, String>,
}

impl Problem {
    /// Tells a fault. The usual reasons have texts in every language; what is wrong with a field is told as the service says it.
    pub fn of(fault: &Fault, language: &Language) -> Problem {
        let fields: BTreeMap<_, _> =
            fault.violations().iter().map(|of| (of.field.to_string(), of.description.to_string())).collect();
        let reason = fault.reason().map(Reason::name).unwrap_or_default().to_ascii_lowercase();
        let known = language.text(&format!("reason_{reason}"));
        let message = match known {
            Some(text) => text.to_owned(),
            None if !fields.is_empty() => language.text("problem_fields").unwrap_or_default().to_owned(),
            None => fault.text().to_owned(),
        };
        Problem { message, fields }
    }
}
