//! How long a statement takes, and whether it may run inline.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Below this part of the limit a statement that was sent to the heavy lane comes back.
const AGAIN: u32 = 4;

/// One run counts as at most this many times the limit, so that a single cold read demotes nothing.
const SAMPLE_CAP: u32 = 4;

/// A moving average of how long a statement takes, in nanoseconds, and what follows from it.
#[derive(Default)]
pub(crate) struct Pace {
    average: AtomicU32,
    slow: AtomicU32,
}

impl Pace {
    /// Takes note of a run. Above `limit` on average a statement leaves the inline lane, because it would hold up every
    /// other call of its worker.
    pub fn record(&self, elapsed: Duration, limit: Duration) {
        let limit = u32::try_from(limit.as_nanos()).unwrap_or(u32::MAX);
        let sample = u32::try_from(elapsed.as_nanos()).unwrap_or(u32::MAX).min(limit.saturating_mul(SAMPLE_CAP));
        let old = self.average.load(Ordering::Relaxed);
        let new = old - old / 8 + sample / 8;
        self.average.store(new, Ordering::Relaxed);
        if new > limit {
            self.slow.store(1, Ordering::Relaxed);
        } else if new < limit / AGAIN {
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
        const LIMIT: Duration = Duration::from_micros(250);
        let pace = Pace::default();
        pace.record(Duration::from_secs(5), LIMIT);
        assert!(!pace.is_slow());
        for _ in 0..20 {
            pace.record(Duration::from_millis(3), LIMIT);
        }
        assert!(pace.is_slow());
        for _ in 0..50 {
            pace.record(Duration::from_micros(5), LIMIT);
        }
        assert!(!pace.is_slow());
    }
}
