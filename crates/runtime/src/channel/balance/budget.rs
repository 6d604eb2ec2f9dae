//! How many calls may be asked again: where everything fails, asking everything twice makes it worse.

use std::sync::atomic::{AtomicI64, Ordering};

/// What a call that is asked again costs; what each call adds is a fifth of it.
const COST: i64 = 1_000;
const EARNED: i64 = COST / 5;

/// Most that is kept: so many may be asked again at once.
const MOST: i64 = 20 * COST;

/// Lets a fifth of the calls be asked again, and twenty at once.
#[derive(Debug)]
pub(super) struct Budget(AtomicI64);

impl Budget {
    pub(super) fn full() -> Budget {
        Budget(AtomicI64::new(MOST))
    }

    /// Counts a call.
    pub(super) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < MOST {
            self.0.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Takes what it costs to ask once more; false where there is not so much left.
    pub(super) fn spend(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left >= COST).then(|| left - COST)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_calls_may_be_asked_again() {
        let budget = Budget::full();
        let at_once = (0..100).filter(|_| budget.spend()).count();
        assert_eq!(at_once, 20);
        let later = (0..1_000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        assert_eq!(later.count(), 200);
        (0..1_000).for_each(|_| budget.earn());
        assert!((20..=21).contains(&(0..100).filter(|_| budget.spend()).count()), "what is not used does not pile up");
    }
}
