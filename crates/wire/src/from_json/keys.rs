//! Which fields a JSON text names: the mask of a PATCH that gives none (AIP-134).

use crate::table::{FieldPlan, Leaf, Special, Table};

/// Collects dotted paths of proto names while objects are read.
#[derive(Debug, Default)]
pub(crate) struct PresentKeys<'o> {
    found: Option<&'o mut Vec<String>>,
    path: String,
}

/// What [`PresentKeys::enter`] hands to [`PresentKeys::leave`].
#[derive(Debug)]
pub(super) enum Kept<'o> {
    /// Nothing is collected.
    Off,
    /// The value goes on collecting: how long the path was, and how many paths there were.
    Nested { length: usize, count: usize },
    /// The value is collected as a whole; collecting stopped.
    Whole { found: &'o mut Vec<String>, length: usize },
}

impl<'o> PresentKeys<'o> {
    pub(crate) fn new(found: Option<&'o mut Vec<String>>) -> PresentKeys<'o> {
        PresentKeys { found, path: String::new() }
    }

    /// Goes into a field.
    #[inline]
    pub(super) fn enter(&mut self, table: &Table, field: &FieldPlan) -> Kept<'o> {
        let Some(found) = self.found.take() else { return Kept::Off };
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(&field.name);
        if !goes_on(table, field) {
            return Kept::Whole { found, length };
        }
        let count = found.len();
        self.found = Some(found);
        Kept::Nested { length, count }
    }

    /// Comes back from a field: it counts itself unless fields inside it did.
    #[inline]
    pub(super) fn leave(&mut self, kept: Kept<'o>) {
        match kept {
            Kept::Off => {}
            Kept::Nested { length, count } => {
                if let Some(found) = self.found.as_mut().filter(|found| found.len() == count) {
                    found.push(self.path.clone());
                }
                self.path.truncate(length);
            }
            Kept::Whole { found, length } => {
                found.push(self.path.clone());
                self.path.truncate(length);
                self.found = Some(found);
            }
        }
    }
}

/// Whether a mask can lead into the field: a singular message that is not stored as a whole.
fn goes_on(table: &Table, field: &FieldPlan) -> bool {
    let (Leaf::Message(index) | Leaf::Group(index)) = field.leaf else { return false };
    let plan = table.message(index);
    field.is_singular() && plan.special == Special::None && !plan.whole
}
