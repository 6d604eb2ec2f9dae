use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. A capability, so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// Gives the microseconds since the Unix epoch.
    fn now_micros(&self) -> i64;

    /// Gives the whole seconds since the Unix epoch.
    fn now_seconds(&self) -> i64 {
        self.now_micros().div_euclid(1_000_000)
    }
}

/// Tells the machine's time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        }
    }
}
