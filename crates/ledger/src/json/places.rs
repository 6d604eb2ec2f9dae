//! Where in a JSON column a field lies.

use mainstay_sql::Hop;

use super::JsonEntry;
use crate::signature::Label;

/// Most fields that are looked at on the way: beyond that, a question would be longer than it is worth.
const MAX_FIELDS: usize = 1_000;

/// A field inside JSON: the key that is stored, and every way to it from the column's own message. No way is told where a
/// message can contain itself, since there is no end of them then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub key: String,
    pub places: Vec<Vec<Hop>>,
}

/// The spot of the field `number` of a message of the column.
pub(crate) fn spot(entry: &JsonEntry, message: usize, number: u32, key: &str) -> Spot {
    let mut walk = Walk {
        entry,
        wanted: (message, number),
        hops: Vec::new(),
        open: Vec::new(),
        found: Vec::new(),
        left: MAX_FIELDS,
    };
    let places = walk.message(0).map(|()| walk.found).unwrap_or_default();
    Spot { key: key.to_owned(), places }
}

/// How the values of a field with this label are reached from it.
pub(crate) fn into_values(label: Label) -> Option<Hop> {
    match label {
        Label::Repeated => Some(Hop::Elements),
        Label::Map => Some(Hop::Values),
        Label::Implicit | Label::Optional | Label::Oneof => None,
    }
}

struct Walk<'e> {
    entry: &'e JsonEntry,
    wanted: (usize, u32),
    hops: Vec<Hop>,
    open: Vec<usize>,
    found: Vec<Vec<Hop>>,
    left: usize,
}

impl Walk<'_> {
    /// Nothing where there is no end of ways, or too many.
    fn message(&mut self, at: usize) -> Option<()> {
        if self.open.contains(&at) {
            return None;
        }
        self.open.push(at);
        let entry = self.entry;
        for field in &entry.messages.get(at)?.fields {
            self.left = self.left.checked_sub(1)?;
            let before = self.hops.len();
            self.hops.push(Hop::Key(field.key.clone()));
            self.hops.extend(into_values(field.signature.label));
            if (at, field.number) == self.wanted {
                self.found.push(self.hops.clone());
            }
            if let Some(inner) = field.message {
                self.message(inner)?;
            }
            self.hops.truncate(before);
        }
        self.open.pop();
        Some(())
    }
}
