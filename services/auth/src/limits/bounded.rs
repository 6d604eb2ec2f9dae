use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// Most keys that are remembered for one limit. Each takes some 32 bytes.
pub const MAX_KEYS: usize = 32 * 1024;

/// What is known of each key: a number that only grows with use. Where there is no room for another key, those with the
/// lowest numbers are forgotten: for a limit they are the ones that are nearest to having used up nothing. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Bounded(Arc<Mutex<HashMap<u64, u64>>>);

impl Bounded {
    /// Notes a number for a key.
    pub fn note(&self, key: u64, number: u64) {
        put(&mut self.entries(), key, number);
    }

    /// Says whether anything is known of a key.
    pub fn knows(&self, key: u64) -> bool {
        self.entries().contains_key(&key)
    }

    /// Takes some of a key's number back.
    pub fn lower(&self, key: u64, by: u64) {
        if let Some(number) = self.entries().get_mut(&key) {
            *number = number.saturating_sub(by);
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(entries: &mut HashMap<u64, u64>, key: u64, number: u64) {
    if entries.len() >= MAX_KEYS && !entries.contains_key(&key) {
        forget_lowest(entries);
    }
    match entries.entry(key) {
        Entry::Occupied(mut entry) => *entry.get_mut() = number,
        Entry::Vacant(entry) => drop(entry.insert(number)),
    }
}

/// Forgets a quarter, so that room is not made again with the next key.
fn forget_lowest(entries: &mut HashMap<u64, u64>) {
    let mut numbers: Vec<u64> = entries.values().copied().collect();
    let mut left = numbers.len() / 4;
    let (_, floor, _) = numbers.select_nth_unstable(left);
    let floor = *floor;
    entries.retain(|_, number| {
        let stays = *number > floor || left == 0;
        left -= usize::from(!stays);
        stays
    });
}

impl StateStore for Bounded {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut entries = self.entries();
        let (outcome, number) = measure(entries.get(key).copied().map(Nanos::from))?;
        put(&mut entries, *key, number.as_u64());
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<u64> for Bounded {
    fn retain_recent(&self, drop_below: Nanos) {
        self.entries().retain(|_, number| *number > drop_below.as_u64());
    }

    fn shrink_to_fit(&self) {
        self.entries().shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.entries().len()
    }

    fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }
}
