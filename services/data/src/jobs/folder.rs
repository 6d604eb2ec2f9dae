//! Watches the contract folder in development: a saved file is planned and, where it is safe, applied.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mainstay_runtime::{Failure, Work};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::reconciler::Reconciler;

/// How long the folder must be quiet before it is read: editors save in several steps.
const QUIET: Duration = Duration::from_millis(80);

/// The folder, watched.
pub struct Folder {
    folder: PathBuf,
    watcher: RecommendedWatcher,
    changed: Arc<Notify>,
    reconciler: Arc<Reconciler>,
}

impl Folder {
    /// Begins to watch.
    ///
    /// # Errors
    /// The system cannot watch the folder (it may be out of watches).
    pub fn watch(folder: &Path, reconciler: &Arc<Reconciler>) -> notify::Result<Folder> {
        // Absolute, as the events are told; and with its parent, which tells when the folder itself is replaced.
        let folder = folder.canonicalize().map_err(notify::Error::io)?;
        let (changed, watched) = (Arc::new(Notify::new()), folder.clone());
        let wake = Arc::clone(&changed);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
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
        Ok(Folder { folder, watcher, changed, reconciler: Arc::clone(reconciler) })
    }
}

impl Work for Folder {
    async fn due(&mut self) {
        self.changed.notified().await;
        while tokio::time::timeout(QUIET, self.changed.notified()).await.is_ok() {}
    }

    async fn round(&mut self) -> Result<(), Failure> {
        // A folder that was replaced is another one to the system, so it is watched anew; while it is away that fails.
        let _ = self.watcher.unwatch(&self.folder);
        let _ = self.watcher.watch(&self.folder, RecursiveMode::Recursive);
        self.reconciler.reload().await.inspect_err(|_| self.changed.notify_one())?;
        Ok(())
    }
}
