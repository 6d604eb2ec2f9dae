//! The threads that a process works on.

use std::io;
use std::num::NonZeroUsize;
use tokio::runtime::{Builder, Runtime};

/// Builds the runtime: everything on the calling thread where there is one core, else one worker per core.
///
/// `cores` overrides what the system says this process may use. One worker beside a main thread is slower than the main
/// thread alone, which is why one core is a case of its own.
pub fn build(cores: Option<NonZeroUsize>) -> io::Result<Runtime> {
    let cores = cores.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut builder = if cores == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if cores > 1 {
        builder.worker_threads(cores);
    }
    builder.thread_name("mainstay").enable_all().build()
}
