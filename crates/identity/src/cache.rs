use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::RandomState;

use crate::Principal;

/// Parts that lock independently.
const SHARDS: usize = 16;

/// Most tokens that are remembered; about 1 KiB each.
pub(crate) const MAX_CACHED_TOKENS: usize = 16 * 1024;

/// Remembers whose token was verified, until it expires. Bounded: when a shard is full, what expires first goes.
///
/// The key is the whole token: a prefix or a short hash could make one caller another. Only verified tokens come in, so
/// nobody can fill it, or steer its hashing, with tokens of their own making.
pub(crate) struct Cache {
    hasher: RandomState,
    shards: [RwLock<Shard>; SHARDS],
}

type Shard = HashMap<Box<str>, Entry, RandomState>;

struct Entry {
    principal: Principal,
    expires_at: i64,
}

impl Cache {
    pub(crate) fn new() -> Cache {
        let hasher = RandomState::default();
        Cache { shards: std::array::from_fn(|_| RwLock::new(HashMap::with_hasher(hasher.clone()))), hasher }
    }

    /// Finds the caller of a token that was verified before and is still valid at `now` (seconds).
    pub(crate) fn get(&self, token: &str, now: i64) -> Option<Principal> {
        let shard = read(self.shard(token));
        let entry = shard.get(token)?;
        (entry.expires_at > now).then(|| entry.principal.clone())
    }

    /// Remembers a verified token until `expires_at` (seconds).
    pub(crate) fn insert(&self, token: &str, principal: Principal, expires_at: i64, now: i64) {
        let mut shard = write(self.shard(token));
        if shard.len() >= MAX_CACHED_TOKENS / SHARDS {
            make_room(&mut shard, now);
        }
        shard.insert(token.into(), Entry { principal, expires_at });
    }

    /// Forgets every token; for when a key was withdrawn.
    pub(crate) fn clear(&self) {
        self.shards.iter().for_each(|shard| write(shard).clear());
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    fn shard(&self, token: &str) -> &RwLock<Shard> {
        let hash = self.hasher.hash_one(token);
        // The high bits: the map inside the shard uses the low ones.
        &self.shards[(hash >> 60) as usize % SHARDS]
    }
}

/// Drops what has expired; if that is little, also the half that expires first. So the cost of a full shard is paid once
/// in many insertions.
fn make_room(shard: &mut Shard, now: i64) {
    let before = shard.len();
    shard.retain(|_, entry| entry.expires_at > now);
    if shard.len() > before / 2 {
        let mut ends: Vec<i64> = shard.values().map(|entry| entry.expires_at).collect();
        let middle = ends.len() / 2;
        let (_, median, _) = ends.select_nth_unstable(middle);
        let median = *median;
        let mut to_drop = middle.max(1);
        shard.retain(|_, entry| {
            let drop = to_drop > 0 && entry.expires_at <= median;
            to_drop -= usize::from(drop);
            !drop
        });
    }
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_stays_within_its_bound_and_keeps_the_newest() {
        let cache = Cache::new();
        for n in 0..3 * MAX_CACHED_TOKENS {
            cache.insert(&format!("token {n}"), Principal::anonymous(), 1_000 + i64::try_from(n).unwrap(), 0);
        }
        assert!(cache.len() <= MAX_CACHED_TOKENS);
        assert!(cache.get(&format!("token {}", 3 * MAX_CACHED_TOKENS - 1), 0).is_some());
        assert!(cache.get("token 0", 0).is_none());
    }

    #[test]
    fn a_token_is_forgotten_when_it_expires() {
        let cache = Cache::new();
        cache.insert("token", Principal::anonymous(), 10, 0);
        assert!(cache.get("token", 9).is_some());
        assert!(cache.get("token", 10).is_none());
    }

    #[test]
    fn tokens_that_all_expire_together_do_not_block_the_cache() {
        let cache = Cache::new();
        for n in 0..2 * MAX_CACHED_TOKENS {
            cache.insert(&format!("token {n}"), Principal::anonymous(), 1_000, 0);
        }
        assert!(cache.len() <= MAX_CACHED_TOKENS);
        assert!(cache.get(&format!("token {}", 2 * MAX_CACHED_TOKENS - 1), 0).is_some());
    }
}
