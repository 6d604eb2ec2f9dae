//! The threads that a process works on.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Something that runs on a worker whenever it is about to sleep, for example to let go of a read snapshot.
pub type OnPark = Arc<dyn Fn() + Send + Sync>;

/// Builds the runtime: everything on the calling thread where there is one core, else one worker per core.
///
/// `cores` overrides what the system says this process may use. One worker beside a main thread is slower than the main
/// thread alone, which is why one core is a case of its own.
pub fn build(cores: Option<NonZeroUsize>, on_park: Option<OnPark>) -> io::Result<Runtime> {
    let cores = cores.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut builder = if cores == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if cores > 1 {
        builder.worker_threads(cores);
    }
    if let Some(on_park) = on_park {
        builder.on_thread_park(move || on_park());
    }
    builder.thread_name("mainstay").enable_all().build()
}
