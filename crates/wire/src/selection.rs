//! Read masks (AIP-157): which fields an answer carries.

/// A compiled read mask, valid for the message type for which it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The selected fields, ascending by number. Without any, the selection stands for the whole message.
    fields: Vec<(u32, Selection)>,
}

impl Selection {
    /// Says whether every field is selected.
    pub fn is_whole(&self) -> bool {
        self.fields.is_empty()
    }

    /// What is selected below the field `number`: nothing where the field is not selected at all.
    ///
    /// For an answer that holds a resource (`products.title` of a list), the data service hands the part below
    /// `products` to [`crate::RecordPlan::encode_masked`].
    pub fn below(&self, number: u32) -> Option<&Selection> {
        match self.fields.binary_search_by_key(&number, |(n, _)| *n) {
            Ok(at) => Some(&self.fields[at].1),
            Err(_) if self.is_whole() => Some(self),
            Err(_) => None,
        }
    }

    /// Adds a path of field numbers; a whole field swallows the paths below it.
    pub(crate) fn add(&mut self, path: &[u32]) {
        let Some((number, rest)) = path.split_first() else {
            self.fields.clear();
            return;
        };
        match self.fields.binary_search_by_key(number, |(n, _)| *n) {
            Ok(at) if self.fields[at].1.is_whole() => {}
            Ok(at) => self.fields[at].1.add(rest),
            Err(at) => {
                let mut below = Selection::default();
                if !rest.is_empty() {
                    below.add(rest);
                }
                self.fields.insert(at, (*number, below));
            }
        }
    }
}

/// Looks a field up in a selection that may be absent: not selected, selected whole (no selection), or in part.
pub(crate) fn child(selection: Option<&Selection>, number: u32) -> Option<Option<&Selection>> {
    match selection {
        None => Some(None),
        Some(selection) => selection.below(number).map(|below| (!below.is_whole()).then_some(below)),
    }
}
