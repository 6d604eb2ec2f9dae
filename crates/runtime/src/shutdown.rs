//! The end of a process, in steps: say that it comes, let calls finish, then let go.

use futures_util::{Stream, StreamExt as _};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells everything in a process when to end. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    announced: CancellationToken,
    draining: CancellationToken,
    forced: CancellationToken,
}

impl Shutdown {
    /// Makes one that nobody has asked for yet.
    pub fn new() -> Shutdown {
        Shutdown::default()
    }

    /// Announces the end on SIGTERM or SIGINT, and begins the drain after `delay`: until then everything is served, and whoever
    /// asks whether this process is ready learns that it is not. A second signal begins the drain at once, or ends it. Must be
    /// called inside a runtime.
    pub fn on_signals(delay: Duration) -> std::io::Result<Shutdown> {
        let shutdown = Shutdown::new();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = shutdown.clone();
        let mut signalled = async move || {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        };
        tokio::spawn(async move {
            signalled().await;
            if !delay.is_zero() {
                tracing::info!(seconds = delay.as_secs(), "shutting down soon; not ready any more, and still serving");
                asked.announce();
                tokio::select! { () = tokio::time::sleep(delay) => {} () = signalled() => {} }
            }
            tracing::info!("shutting down; calls in flight may finish");
            asked.begin();
            signalled().await;
            asked.force();
        });
        Ok(shutdown)
    }

    /// Says that the drain will begin: whoever sends requests should send them elsewhere.
    pub fn announce(&self) {
        self.announced.cancel();
    }

    /// Waits until the end is announced.
    pub async fn announced(&self) {
        self.announced.cancelled().await;
    }

    /// Tells whether the end is announced, or there already.
    pub fn is_announced(&self) -> bool {
        self.announced.is_cancelled()
    }

    /// Begins the drain: no new connections, streams end, calls in flight may finish.
    pub fn begin(&self) {
        self.announced.cancel();
        self.draining.cancel();
    }

    /// Ends the drain: whatever is still open is closed.
    pub fn force(&self) {
        self.begin();
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
