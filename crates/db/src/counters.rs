//! What a store counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of a store's counters since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transactions of the SQLite writer; each holds the writes of one or many callers.
    pub batches: u64,
    /// Writes that were run.
    pub jobs: u64,
    /// Commits that reached the disk before their answers left.
    pub syncs: u64,
    /// Reads on the caller's own thread (SQLite) or connection (PostgreSQL).
    pub inline_reads: u64,
    /// Reads in the lane for long queries.
    pub heavy_reads: u64,
    /// Calls that were refused because a queue or the pool was full.
    pub refusals: u64,
    /// Transactions that were run again after a conflict.
    pub retries: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub batches: AtomicU64,
    pub jobs: AtomicU64,
    pub syncs: AtomicU64,
    pub inline_reads: AtomicU64,
    pub heavy_reads: AtomicU64,
    pub refusals: AtomicU64,
    pub retries: AtomicU64,
}

impl Tally {
    pub fn read(&self) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            batches: get(&self.batches),
            jobs: get(&self.jobs),
            syncs: get(&self.syncs),
            inline_reads: get(&self.inline_reads),
            heavy_reads: get(&self.heavy_reads),
            refusals: get(&self.refusals),
            retries: get(&self.retries),
        }
    }
}

/// Counts one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
