//! What is kept of callers in this process, in bounded memory.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::rate::{Rate, Short};

/// Most callers that are remembered for one policy. Each takes some 20 bytes.
pub const MAX_KEYS: usize = 65_536;

/// Calls that come at once seldom want the same part.
const PARTS: usize = 16;
const PART_KEYS: usize = MAX_KEYS / PARTS;

/// When everything is there again that each caller may use, in nanoseconds since the process began to count.
///
/// Where there is no room for another caller, those are forgotten to whom it does least: first who has everything again, then who is
/// nearest to it. So nobody who has used much is forgotten because others, with however many addresses, come who use little.
#[derive(Debug)]
pub struct Local {
    parts: [Mutex<HashMap<u64, u64, RandomState>>; PARTS],
    hasher: std::hash::RandomState,
}

impl Default for Local {
    fn default() -> Local {
        // No caller can choose whose number theirs is: the names are hashed with a key.
        Local { parts: std::array::from_fn(|_| Mutex::default()), hasher: std::hash::RandomState::new() }
    }
}

impl Local {
    /// Takes `cost` of what a caller may use, and says how long it is until everything is there again: after that, or now where it
    /// is refused.
    pub fn take(&self, caller: &str, (rate, cost): (Rate, u32), now_ns: u64) -> Result<u64, (Short, u64)> {
        let key = self.hasher.hash_one(caller);
        let mut part = self.part(key);
        let rest = part.get(&key).map_or(0, |full_at| full_at.saturating_sub(now_ns));
        let after = rate.take(rest, cost).map_err(|short| (short, rest))?;
        if part.len() >= PART_KEYS && !part.contains_key(&key) {
            forget(&mut part, now_ns);
        }
        part.insert(key, now_ns.saturating_add(after));
        Ok(after)
    }

    /// How long it is until everything is there again that a caller may use.
    pub fn rest(&self, caller: &str, now_ns: u64) -> u64 {
        let key = self.hasher.hash_one(caller);
        self.part(key).get(&key).map_or(0, |full_at| full_at.saturating_sub(now_ns))
    }

    /// Gives back what was taken for a call that was refused for another reason.
    pub fn give_back(&self, caller: &str, (rate, cost): (Rate, u32)) {
        let key = self.hasher.hash_one(caller);
        if let Some(full_at) = self.part(key).get_mut(&key) {
            *full_at = full_at.saturating_sub(rate.spent_ns(cost));
        }
    }

    fn part(&self, key: u64) -> MutexGuard<'_, HashMap<u64, u64, RandomState>> {
        let which = usize::try_from(key % PARTS as u64).unwrap_or_default();
        self.parts[which].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap().len()).sum()
    }
}

/// Forgets a quarter at least, so that room is not made again with the next caller.
fn forget(part: &mut HashMap<u64, u64, RandomState>, now_ns: u64) {
    let before = part.len();
    part.retain(|_, full_at| *full_at > now_ns);
    let mut excess = part.len().saturating_sub(before - before / 4);
    if excess == 0 {
        return;
    }
    let mut all: Vec<u64> = part.values().copied().collect();
    let (_, floor, _) = all.select_nth_unstable(excess);
    let floor = *floor;
    part.retain(|_, full_at| {
        let stays = *full_at > floor || excess == 0;
        excess -= usize::from(!stays);
        stays
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rate(quota: u32) -> Rate {
        Rate::new(quota, Duration::from_secs(60), quota)
    }

    #[test]
    fn each_caller_has_their_own() {
        let local = Local::default();
        for caller in ["ada", "bob"] {
            for _ in 0..3 {
                assert!(local.take(caller, (rate(3), 1), 0).is_ok());
            }
            assert!(local.take(caller, (rate(3), 1), 0).is_err());
            assert!(local.take(caller, (rate(3), 1), 20 * SECOND).is_ok());
        }
    }

    #[test]
    fn what_is_given_back_is_there_again() {
        let local = Local::default();
        assert!(local.take("ada", (rate(3), 3), 0).is_ok());
        local.give_back("ada", (rate(3), 2));
        assert!(local.take("ada", (rate(3), 2), 0).is_ok());
        assert!(local.take("ada", (rate(3), 1), 0).is_err());
    }

    #[test]
    fn a_million_addresses_take_no_more_memory_than_is_set_aside_and_hide_nobody() {
        let local = Local::default();
        let greedy: Vec<String> = (0..100).map(|number| format!("greedy {number}")).collect();
        for caller in &greedy {
            assert!(local.take(caller, (rate(100), 100), 0).is_ok());
        }
        for number in 0..1_000_000 {
            assert!(local.take(&format!("10.0.0.{number}"), (rate(100), 1), SECOND).is_ok());
        }
        assert!(local.len() <= MAX_KEYS, "{}", local.len());
        for caller in &greedy {
            assert!(local.take(caller, (rate(100), 50), SECOND).is_err(), "{caller} was forgotten");
        }
    }

    #[test]
    fn those_who_have_everything_again_are_forgotten_first() {
        let local = Local::default();
        for number in 0..2 * MAX_KEYS {
            assert!(local.take(&format!("early {number}"), (rate(100), 1), 0).is_ok());
        }
        assert!(local.take("late", (rate(100), 1), 100 * SECOND).is_ok());
        for number in 0..MAX_KEYS / 2 {
            assert!(local.take(&format!("later {number}"), (rate(100), 1), 100 * SECOND + 1).is_ok());
        }
        assert!(local.len() < MAX_KEYS * 3 / 4, "who has everything again is forgotten: {}", local.len());
        assert!(local.take("late", (rate(100), 100), 100 * SECOND + 2).is_err(), "who has not is remembered");
    }
}
