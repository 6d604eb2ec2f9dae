use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What [`SystemClock`] counts from.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the time. A capability, so that tests can move it.
pub trait Clock: Send + Sync + 'static {
    /// Gives the microseconds since the Unix epoch.
    fn now_micros(&self) -> i64;

    /// Gives the whole seconds since the Unix epoch.
    fn now_seconds(&self) -> i64 {
        self.now_micros().div_euclid(1_000_000)
    }

    /// Gives the time since a moment that stays the same while the process lives. Setting the clock does not move it, so
    /// this is what waits are measured with.
    fn uptime(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.now_micros()).unwrap_or_default())
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

    fn uptime(&self) -> Duration {
        BEGINNING.elapsed()
    }
}
