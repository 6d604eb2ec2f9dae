//! The memory that passwords are hashed in: one area for each hash under way, used again by the next.
//!
//! A hash takes megabytes. Left to the allocator, each thread that ever hashed keeps some of it, and none comes back. The
//! areas here are as many as hashes are made at once, whatever threads make them, and go back to the system when nothing
//! has been hashed for a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::{Block, Params};
use tokio::time::Instant;

/// How long an area is kept for the next hash. What looks after it as often gives it back within twice this time after its
/// last use.
pub const KEPT_IDLE: Duration = Duration::from_secs(5);

/// What is reserved for an area at least, in blocks of 1 KiB; only what is used of it is ever resident. glibc keeps what it
/// frees up to 32 MiB for later, and maps and unmaps what is larger (`M_MMAP_THRESHOLD` in mallopt(3)).
const RESERVED_BLOCKS: usize = 33 << 10;

/// The areas of one hasher. There are never more than those taken at once.
#[derive(Debug, Default)]
pub(super) struct Areas {
    /// What is idle. The last that was given back is the last here, and the first to be taken again.
    kept: Mutex<Vec<(Area, Instant)>>,
    /// How many there are.
    now: Arc<AtomicUsize>,
    /// How many there were at most.
    most: AtomicUsize,
}

impl Areas {
    /// Takes an area that is idle, or a new one.
    pub fn take(&self) -> Area {
        self.kept().pop().map_or_else(|| self.make(), |(area, _)| area)
    }

    fn make(&self) -> Area {
        let now = self.now.fetch_add(1, Ordering::AcqRel) + 1;
        self.most.fetch_max(now, Ordering::AcqRel);
        Area { blocks: Vec::new(), count: Arc::clone(&self.now) }
    }

    /// Keeps an area for the next hash.
    pub fn give_back(&self, area: Area) {
        self.kept().push((area, Instant::now()));
    }

    /// How many areas there are, and how many there were at most.
    pub fn count(&self) -> (usize, usize) {
        (self.now.load(Ordering::Acquire), self.most.load(Ordering::Acquire))
    }

    /// Gives back to the system what has been idle for long enough.
    pub fn end_idle(&self) {
        let mut kept = self.kept();
        let young = kept.partition_point(|(_, since)| since.elapsed() >= KEPT_IDLE);
        let old: Vec<_> = kept.drain(..young).collect();
        drop(kept);
        drop(old);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Area, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory for one hash at a time.
#[derive(Debug)]
pub(super) struct Area {
    blocks: Vec<Block>,
    count: Arc<AtomicUsize>,
}

impl Area {
    /// Hands out the blocks that a hash with these parameters takes. Fails when the system has no room for them.
    pub fn blocks(&mut self, params: &Params) -> Result<&mut [Block], argon2::Error> {
        let count = params.block_count();
        if self.blocks.capacity() < count {
            // What is too small is given back first: both together would be more than one hash takes.
            self.blocks = Vec::new();
            let reserved = self.blocks.try_reserve_exact(count.max(RESERVED_BLOCKS));
            reserved.map_err(|_| argon2::Error::OutOfMemory)?;
        }
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        Ok(&mut self.blocks[..count])
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }
}
