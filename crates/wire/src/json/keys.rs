//! Finds a key that was already there, in maps and Structs of any size.

use std::{borrow::Cow, collections::HashSet};

/// Up to here the keys are compared one by one.
const COMPARED: usize = 16;

/// The keys of one JSON object so far. The set hashes with a random seed: clients choose the keys.
#[derive(Debug, Default)]
pub(crate) struct DistinctKeys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>, foldhash::quality::RandomState>,
}

impl<'a> DistinctKeys<'a> {
    /// Adds a key; false where it was there.
    pub(crate) fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.len() < COMPARED {
            if self.few.contains(&key) {
                return false;
            }
            self.few.push(key);
            return true;
        }
        !self.few.contains(&key) && self.many.insert(key)
    }
}
