use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as Ticking;
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};
use mainstay_identity::Clock;

use super::bounded::Bounded;
use super::{Allowance, Exceeded, Limit};

const MINUTE: Duration = Duration::from_secs(60);

/// One limit: how much each key has used up of its allowance, which fills again with time.
pub(super) struct Bucket {
    limit: Limit,
    limiter: RateLimiter<u64, Bounded, Uptime, NoOpMiddleware<Duration>>,
    /// What the limiter keeps its state in.
    used: Bounded,
    /// How long it takes until one use is allowed again.
    refill: Duration,
}

/// The service's clock as a limiter reads it.
struct Uptime(Arc<dyn Clock>);

impl Ticking for Uptime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.uptime()
    }
}

impl Bucket {
    pub(super) fn new(limit: Limit, allowance: Allowance, clock: &Arc<dyn Clock>) -> Bucket {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let refill = MINUTE / at_least_one(allowance.per_minute).get();
        let burst = at_least_one(allowance.burst);
        let quota = Quota::with_period(refill).unwrap_or_else(|| Quota::per_minute(burst)).allow_burst(burst);
        let used = Bounded::default();
        let limiter = RateLimiter::new(quota, used.clone(), Uptime(Arc::clone(clock)));
        Bucket { limit, limiter, used, refill }
    }

    /// Counts one use for a key, or says when there is one again.
    pub(super) fn take(&self, key: u64) -> Result<(), Exceeded> {
        self.limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.limiter.clock().now());
            Exceeded { limit: self.limit, wait }
        })
    }

    /// Takes one use of a key back.
    pub(super) fn give_back(&self, key: u64) {
        self.used.lower(key, u64::try_from(self.refill.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Forgets the keys whose whole allowance is there again.
    pub(super) fn forget_the_rested(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// Says how many keys are remembered.
    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }
}
