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
    // Absolute, as the events are told; and with its parent, which tells when the folder itself is replaced.
    let folder = folder.canonicalize().map_err(notify::Error::io)?;
    let (changed, watched) = (Arc::new(Notify::new()), folder.clone());
    let wake = Arc::clone(&changed);
    let mut watcher: RecommendedWatcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let inside = |event: &notify::Event| event.paths.iter().any(|path| path.starts_with(&watched));
        let relevant = event.is_ok_and(|event| !event.kind.is_access() && inside(&event));
        if relevant {
            wake.notify_one();
        }
    })?;
    watcher.watch(&folder, RecursiveMode::Recursive)?;
    if let Some(parent) = folder.parent() {
        watcher.watch(parent, RecursiveMode::NonRecursive)?;
    }
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed.notified() => {}
            }
            while tokio::time::timeout(QUIET, changed.notified()).await.is_ok() {}
            // A folder that was replaced is another one to the system, so it is watched anew; while it is away that fails.
            let _ = watcher.unwatch(&folder);
            let _ = watcher.watch(&folder, RecursiveMode::Recursive);
            reconciler.reload().await;
        }
    });
    Ok(())
}
