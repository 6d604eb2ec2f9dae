//! Patterns that stand as they stood, and mean something else than to the version that applied them.

use mainstay_contract::{Check, Contract, FieldModel, JsonChecks, Place};
use mainstay_expr::re2::{Pattern, Rereading};

use super::planner::{Planner, Standing};
use super::{Change, Safety};
use crate::Ledger;

/// A pattern that an applied contract has, which is read otherwise since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reread {
    /// `contact.phone`
    pub field: String,
    pub pattern: String,
    /// How the two readings differ, in words.
    pub differs: String,
    pub place: Place,
}

impl Ledger {
    /// The patterns of a contract that was applied with this ledger, and that this version reads otherwise than the one that
    /// applied it: nobody has said yes to that. None where it was applied by a version that reads them as this one does.
    pub fn reread(&self, contract: &Contract) -> Vec<Reread> {
        if self.knows_patterns() {
            return Vec::new();
        }
        contract.resources.iter().flat_map(|resource| rereadings(&resource.fields)).collect()
    }
}

impl<'a> Planner<'a> {
    /// Tells the patterns that stand as they stood and are read otherwise.
    pub(super) fn reread(&mut self, known: &Standing<'a>) {
        if self.before.knows_patterns() {
            return;
        }
        for field in known.fields.iter().filter(|field| known.was.fields.contains_key(&field.path)) {
            for Reread { field: path, pattern, differs, .. } in of_field(field.model) {
                let why = "the version that applied the contract read the pattern in the dialect of Rust's regex crate, and it is \
                           read in RE2's since";
                let remedy =
                    "write what is meant in RE2's syntax (https://github.com/google/re2/wiki/Syntax), or accept";
                let safety = Safety::Reviewed { why: why.to_owned(), remedy: remedy.to_owned() };
                let change = Change::RereadPattern { field: path, pattern, differs };
                self.field_step(known, field, change, safety, Vec::new(), None);
            }
        }
    }
}

fn rereadings(fields: &[FieldModel]) -> Vec<Reread> {
    fields.iter().flat_map(|field| [of_field(field), rereadings(&field.children)].concat()).collect()
}

/// The patterns of a field itself, and of what lies in its JSON.
fn of_field(field: &FieldModel) -> Vec<Reread> {
    let mut patterns: Vec<&Pattern> =
        patterns(&field.checks).chain(field.json_checks.as_deref().into_iter().flat_map(inside)).collect();
    patterns.dedup_by_key(|pattern| &pattern.source);
    let told = patterns.into_iter().filter_map(|pattern| {
        let (path, place) = (field.field_path.clone(), field.place.clone());
        Some(Reread { field: path, pattern: pattern.source.clone(), differs: differs(&pattern.source)?, place })
    });
    told.collect()
}

fn inside(checks: &JsonChecks) -> impl Iterator<Item = &Pattern> {
    let fields = checks.messages.iter().flatten();
    let inner = fields.flat_map(|field| patterns(&field.checks).chain(patterns(&field.items.checks)));
    inner.chain(patterns(&checks.items.checks))
}

fn patterns(checks: &[Check]) -> impl Iterator<Item = &Pattern> {
    checks.iter().filter_map(|check| match check {
        Check::TextPattern(pattern) => Some(pattern),
        _ => None,
    })
}

fn differs(source: &str) -> Option<String> {
    Some(match Rereading::of(source) {
        Rereading::Same => return None,
        Rereading::Differs { text, matched: true } => format!("{text:?} matched it, and does not any more"),
        Rereading::Differs { text, matched: false } => format!("{text:?} did not match it, and does now"),
        Rereading::Untold => "it is too large to tell whether it means the same".to_owned(),
    })
}
