//! Watches the contract folder in development: a saved file is planned and, where it is safe, applied.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::reconciler::Reconciler;

/// How long the folder must be quiet before it is read: editors save in several steps.
const QUIET: Duration = Duration::from_millis(80);

/// Watches `folder` until the server stops.
///
/// # Errors
/// The system cannot watch the folder (it may be out of watches).
pub fn watch(folder: &Path, reconciler: Arc<Reconciler>, stop: CancellationToken) -> notify::Result<()> {
    let changed = Arc::new(Notify::new());
    let wake = Arc::clone(&changed);
    let mut watcher: RecommendedWatcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let relevant = event.is_ok_and(|event| !event.kind.is_access());
        if relevant {
            wake.notify_one();
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    tokio::spawn(async move {
        // The watcher lives as long as this task.
        let _watcher = watcher;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed.notified() => {}
            }
            while tokio::time::timeout(QUIET, changed.notified()).await.is_ok() {}
            reconciler.reload().await;
        }
    });
    Ok(())
}
