//! How long a statement takes, and whether it may run inline.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Above this average a statement leaves the inline lane, because it would hold up every other call of its worker.
const INLINE_LIMIT: Duration = Duration::from_micros(250);

/// Below this average a statement that was sent to the heavy lane comes back.
const INLINE_AGAIN: Duration = Duration::from_micros(60);

/// One run counts as at most this much, so that a single cold read demotes nothing.
const SAMPLE_CAP: Duration = Duration::from_millis(1);

/// A moving average of how long a statement takes, in nanoseconds, and what follows from it.
#[derive(Default)]
pub(crate) struct Pace {
    average: AtomicU32,
    slow: AtomicU32,
}

impl Pace {
    pub fn record(&self, elapsed: Duration) {
        let sample = elapsed.min(SAMPLE_CAP).as_nanos() as u32;
        let old = self.average.load(Ordering::Relaxed);
        let new = old - old / 8 + sample / 8;
        self.average.store(new, Ordering::Relaxed);
        if u128::from(new) > INLINE_LIMIT.as_nanos() {
            self.slow.store(1, Ordering::Relaxed);
        } else if u128::from(new) < INLINE_AGAIN.as_nanos() {
            self.slow.store(0, Ordering::Relaxed);
        }
    }

    pub fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cold_read_demotes_nothing_and_a_slow_statement_comes_back_when_it_is_quick_again() {
        let pace = Pace::default();
        pace.record(Duration::from_secs(5));
        assert!(!pace.is_slow());
        for _ in 0..20 {
            pace.record(Duration::from_millis(3));
        }
        assert!(pace.is_slow());
        for _ in 0..50 {
            pace.record(Duration::from_micros(5));
        }
        assert!(!pace.is_slow());
    }
}
