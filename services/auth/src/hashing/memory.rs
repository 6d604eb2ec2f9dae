//! The memory that passwords are hashed in: one area for each hash under way, used again by the next.
//!
//! A hash takes megabytes. Left to the allocator, each thread that ever hashed keeps some of it, and none comes back. The
//! areas here are as many as hashes are made at once, whatever threads make them, and go back to the system when nothing
//! has been hashed for a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use argon2::{Block, Params};
use tokio::runtime::Handle;
use tokio::time::Instant;

/// How long an area is kept for the next hash. It is given back within twice this time after its last use.
pub const KEPT_IDLE: Duration = Duration::from_secs(5);

/// What is reserved for an area at least, in blocks of 1 KiB; only what is used of it is ever resident. glibc keeps what it
/// frees up to 32 MiB for later, and maps and unmaps what is larger (`M_MMAP_THRESHOLD` in mallopt(3)).
const RESERVED_BLOCKS: usize = 33 << 10;

/// The areas of one hasher. There are never more than those taken at once.
#[derive(Debug, Default)]
pub(super) struct Areas {
    kept: Mutex<Kept>,
    /// How many there are.
    now: Arc<AtomicUsize>,
    /// How many there were at most.
    most: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    /// The last that was given back is the last here, and the first to be taken again.
    idle: Vec<(Area, Instant)>,
    /// Whether a task looks after what is idle.
    swept: bool,
}

impl Areas {
    /// Takes an area that is idle, or a new one.
    pub fn take(&self) -> Area {
        self.kept().idle.pop().map_or_else(|| self.make(), |(area, _)| area)
    }

    fn make(&self) -> Area {
        let now = self.now.fetch_add(1, Ordering::AcqRel) + 1;
        self.most.fetch_max(now, Ordering::AcqRel);
        Area { blocks: Vec::new(), count: Arc::clone(&self.now) }
    }

    /// Keeps an area for the next hash. Outside of a runtime nobody would ever give it back, so there it ends.
    pub fn give_back(self: &Arc<Areas>, area: Area) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut kept = self.kept();
        kept.idle.push((area, Instant::now()));
        if !kept.swept {
            kept.swept = true;
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// How many areas there are, and how many there were at most.
    pub fn count(&self) -> (usize, usize) {
        (self.now.load(Ordering::Acquire), self.most.load(Ordering::Acquire))
    }

    /// Gives back what has been idle for long enough. False when nothing is left to look after.
    fn end_idle(&self) -> bool {
        let mut kept = self.kept();
        let young = kept.idle.partition_point(|(_, since)| since.elapsed() >= KEPT_IDLE);
        let old: Vec<_> = kept.idle.drain(..young).collect();
        kept.swept = !kept.idle.is_empty();
        let more = kept.swept;
        drop(kept);
        drop(old);
        more
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after what is idle as long as there is any.
async fn sweep(areas: Weak<Areas>) {
    loop {
        tokio::time::sleep(KEPT_IDLE).await;
        if !areas.upgrade().is_some_and(|areas| areas.end_idle()) {
            return;
        }
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
