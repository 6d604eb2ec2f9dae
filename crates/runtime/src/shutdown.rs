//! The end of a process, in two steps: let calls finish, then let go.

use futures_util::{Stream, StreamExt as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells everything in a process when to end. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    forced: CancellationToken,
}

impl Shutdown {
    /// Makes one that nobody has asked for yet.
    pub fn new() -> Shutdown {
        Shutdown::default()
    }

    /// Begins the drain on SIGTERM or SIGINT, and ends it at once on a second one. Must be called inside a runtime.
    pub fn on_signals() -> std::io::Result<Shutdown> {
        let shutdown = Shutdown::new();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = shutdown.clone();
        tokio::spawn(async move {
            for name in ["begin", "force"] {
                tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
                if name == "begin" {
                    tracing::info!("shutting down; calls in flight may finish");
                    asked.begin();
                } else {
                    asked.force();
                }
            }
        });
        Ok(shutdown)
    }

    /// Begins the drain: no new connections, streams end, calls in flight may finish.
    pub fn begin(&self) {
        self.draining.cancel();
    }

    /// Ends the drain: whatever is still open is closed.
    pub fn force(&self) {
        self.draining.cancel();
        self.forced.cancel();
    }

    /// Waits until the drain begins.
    pub async fn begun(&self) {
        self.draining.cancelled().await;
    }

    /// Tells whether the drain has begun.
    pub fn is_begun(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits until the drain is over.
    pub async fn forced(&self) {
        self.forced.cancelled().await;
    }

    /// Returns the token that is cancelled when the drain begins.
    pub fn token(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Ends a stream when the drain begins. Every stream without an end of its own must pass through here: a drain waits
    /// for open answers.
    pub fn end_stream<S: Stream>(&self, stream: S) -> impl Stream<Item = S::Item> + use<S> {
        stream.take_until(self.draining.clone().cancelled_owned())
    }
}
