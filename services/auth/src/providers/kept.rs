//! What was fetched from a provider and is kept for a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::error::ProviderError;

/// How long a provider that has failed is left alone: whoever calls meanwhile is refused without it.
pub(crate) const RESTS: Duration = Duration::from_secs(5);

/// Something that is fetched at most so often, by one caller at a time. Times are those of a clock that nobody sets.
pub(crate) struct Kept<T> {
    good_for: Duration,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Option<(Arc<T>, Duration)>,
    failed: Option<Duration>,
}

impl<T> Kept<T> {
    pub(crate) fn new(good_for: Duration) -> Kept<T> {
        Kept { good_for, state: Mutex::new(State { value: None, failed: None }) }
    }

    /// Gives what is kept, where it is younger than `at_most` and than it is good for; fetches it otherwise. Where that fails, what
    /// was kept is given as long as it is not twice as old as it is good for.
    pub(crate) async fn get<F>(&self, now: Duration, at_most: Duration, fetch: F) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let mut state = self.state.lock().await;
        let age = |fetched: Duration| now.saturating_sub(fetched);
        if let Some((value, fetched)) = &state.value
            && age(*fetched) < self.good_for.min(at_most)
        {
            return Ok(Arc::clone(value));
        }
        let old = state.value.as_ref().filter(|(_, fetched)| age(*fetched) < 2 * self.good_for);
        let old = old.map(|(value, _)| Arc::clone(value));
        if state.failed.is_some_and(|failed| age(failed) < RESTS) {
            return old.ok_or(ProviderError::Resting);
        }
        match fetch.await {
            Ok(value) => {
                let value = Arc::new(value);
                *state = State { value: Some((Arc::clone(&value), now)), failed: None };
                Ok(value)
            }
            Err(error) => {
                state.failed = Some(now);
                old.ok_or(error)
            }
        }
    }
}
