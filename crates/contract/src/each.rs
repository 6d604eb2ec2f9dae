//! Work that is done for each of many files, by all cores.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

use crate::Source;

/// Less text than this is read by one core: to start another takes as long.
const WORTHWHILE_BYTES: usize = 256 << 10;
/// More cores are left to others.
const MAX_THREADS: usize = 4;

/// Does something for each file; the outcomes are in the files' order.
pub(crate) fn each<T: Send>(sources: &[Source], work: impl Fn(&Source) -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    if cores < 2 || bytes < WORTHWHILE_BYTES {
        return sources.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let parts = sources.chunks(sources.len().div_ceil(cores).max(1));
        let threads: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<T>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}
