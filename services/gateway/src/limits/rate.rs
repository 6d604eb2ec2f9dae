//! The arithmetic of a limit: the generic cell rate algorithm (ITU-T I.371), in which what was used comes back evenly with time.
//!
//! All that has to be known of a caller is one span: the `rest` until everything that they may use is there again. Whoever keeps it
//! (this process, or a Redis) keeps one number for each caller, and forgets it once that span is over.

use std::time::Duration;

/// How much is allowed: so many at once, and one more with each interval. Spans are nanoseconds here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval_ns: u64,
    burst: u32,
}

/// Why something is not allowed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// It would be, after so long.
    For(Duration),
    /// It is more than there ever is at once.
    Ever,
}

impl Rate {
    /// Allows `quota` in each `per`, and `burst` at once.
    pub fn new(quota: u32, per: Duration, burst: u32) -> Rate {
        let interval = per / quota.max(1);
        Rate { interval_ns: u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1), burst: burst.max(1) }
    }

    /// The part of it that each of so many has, a whole one at least.
    pub fn shared_by(self, many: u32) -> Rate {
        let many = many.max(1);
        Rate { interval_ns: self.interval_ns.saturating_mul(many.into()), burst: self.burst.div_ceil(many) }
    }

    pub fn interval_ns(self) -> u64 {
        self.interval_ns
    }

    pub fn burst(self) -> u32 {
        self.burst
    }

    /// Takes `cost` where everything is there again after `rest_ns`: then it is there after what is returned.
    pub fn take(self, rest_ns: u64, cost: u32) -> Result<u64, Short> {
        let after = rest_ns.saturating_add(self.spent_ns(cost));
        match after.checked_sub(self.spent_ns(self.burst)) {
            None | Some(0) => Ok(after),
            Some(_) if cost > self.burst => Err(Short::Ever),
            Some(over) => Err(Short::For(Duration::from_nanos(over))),
        }
    }

    /// How much can be used at once where everything is there again after `rest_ns`.
    pub fn left(self, rest_ns: u64) -> u32 {
        let free = self.spent_ns(self.burst).saturating_sub(rest_ns) / self.interval_ns;
        u32::try_from(free).unwrap_or(u32::MAX).min(self.burst)
    }

    /// How long it takes until so much is there again.
    pub fn spent_ns(self, cost: u32) -> u64 {
        self.interval_ns.saturating_mul(cost.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn so_many_at_once_and_then_one_with_each_interval() {
        let rate = Rate::new(60, MINUTE, 3);
        let mut rest = 0;
        for left in [2, 1, 0] {
            rest = rate.take(rest, 1).unwrap();
            assert_eq!(rate.left(rest), left);
        }
        assert_eq!(rate.take(rest, 1), Err(Short::For(Duration::from_secs(1))));
        assert_eq!(rate.take(rest - 1_000_000_000, 1), Ok(rest));
    }

    #[test]
    fn what_is_more_than_there_ever_is_has_no_time() {
        let rate = Rate::new(60, MINUTE, 10);
        assert_eq!(rate.take(0, 11), Err(Short::Ever));
        assert_eq!(rate.take(0, u32::MAX), Err(Short::Ever));
        assert!(rate.take(0, 10).is_ok());
    }

    #[test]
    fn a_part_is_never_nothing() {
        let rate = Rate::new(60, MINUTE, 2).shared_by(3);
        assert_eq!((rate.burst(), rate.interval_ns()), (1, 3_000_000_000));
    }

    proptest! {
        /// In any span, no more is allowed than what there is at once and what comes back meanwhile; and whoever waits as long as
        /// they are told is let in.
        #[test]
        fn no_more_than_the_quota_is_allowed(
            quota in 1_u32..10_000,
            per_seconds in 1_u64..86_400,
            burst in 1_u32..2_000,
            calls in prop::collection::vec((0_u64..5_000_000_000, 1_u32..50), 1..200),
        ) {
            let rate = Rate::new(quota, Duration::from_secs(per_seconds), burst);
            let (mut now, mut full_at, mut allowed) = (0_u64, 0_u64, 0_u64);
            for (pause, cost) in calls {
                now += pause;
                match rate.take(full_at.saturating_sub(now), cost) {
                    Ok(rest) => {
                        full_at = now + rest;
                        allowed += u64::from(cost);
                    }
                    Err(Short::Ever) => prop_assert!(cost > burst),
                    Err(Short::For(wait)) => {
                        let then = now + u64::try_from(wait.as_nanos()).unwrap();
                        prop_assert!(rate.take(full_at.saturating_sub(then), cost).is_ok());
                        prop_assert!(rate.take(full_at.saturating_sub(then - 1), cost).is_err());
                    }
                }
                let most = u64::from(burst) + now / rate.interval_ns();
                prop_assert!(allowed <= most, "{allowed} of {most}");
            }
        }
    }
}
