//! A bounded map that keeps what is used.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;

/// Keeps at most `2 * half` entries: those that were used lately stay, and what comes only once goes again.
///
/// Two generations: what is new or used again is in the young one. When that is full it becomes the old one, and what was
/// in the old one and was not used meanwhile is forgotten.
#[derive(Debug)]
pub struct Recent<K, V> {
    generations: RwLock<Generations<K, V>>,
    half: usize,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V, RandomState>,
    old: HashMap<K, V, RandomState>,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    /// Makes an empty map.
    pub fn new(half: usize) -> Recent<K, V> {
        let generations = Generations { young: HashMap::default(), old: HashMap::default() };
        Recent { generations: RwLock::new(generations), half: half.max(1) }
    }

    /// Finds an entry.
    pub fn get(&self, key: &K) -> Option<V> {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = generations.young.get(key) {
            return Some(value.clone());
        }
        let value = generations.old.get(key)?.clone();
        drop(generations);
        self.insert(key.clone(), value.clone());
        Some(value)
    }

    /// Adds an entry as the one that was used last.
    pub fn insert(&self, key: K, value: V) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= self.half && !generations.young.contains_key(&key) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.old.remove(&key);
        generations.young.insert(key, value);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.young.len() + generations.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_among_many_that_come_once() {
        let recent = Recent::new(4);
        recent.insert(0, "used");
        for once in 1..1_000 {
            recent.insert(once, "once");
            assert_eq!(recent.get(&0), Some("used"), "after {once}");
            assert!(recent.len() <= 8, "{} after {once}", recent.len());
        }
        assert_eq!(recent.get(&1), None);
    }
}
