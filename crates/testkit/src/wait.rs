//! Waiting for something to become true: asked again and again, never slept for blindly.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a test waits before it says that something does not happen. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How long a test waits between two questions.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Asks until there is an answer. Panics with `what` if none comes.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain until {what}", PATIENCE.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
}
