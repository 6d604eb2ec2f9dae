//! When a signing key is published, used and withdrawn. All replicas decide from the same rows, so they agree.
//!
//! ```text
//! published ├──────────────────────────────────────────────────────────────────────┤
//! signs            ├──────────────── rotation period ─────────────┤
//!           created  activated                    next one activated   + access token lifetime
//!           ├ lead ──┤                                              ├ overlap ──────┤
//! ```

use std::time::Duration;

use mainstay_identity::{Algorithm, KEYS_FRESH_FOR, MAX_CLOCK_SKEW};

use super::session::micros;

/// How long before its first use a key is published. Longer than verifiers keep a key set, with room for a replica that
/// looks at the rows late.
pub const LEAD: Duration = Duration::from_secs(3 * KEYS_FRESH_FOR.as_secs());

/// When keys follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How long a key signs.
    pub rotation_period: Duration,
    /// How long a token that it signed is valid.
    pub access_token_lifetime: Duration,
    /// How the next key signs. Where the last one does otherwise, the next is made at once.
    pub algorithm: Algorithm,
}

/// The times of one key, in microseconds since the Unix epoch. `sequence` is 1 for the first key and unique: two replicas
/// that make the next key at once cannot both succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub sequence: i64,
    pub activate_time: i64,
    pub algorithm: Algorithm,
}

impl Schedule {
    /// Says whether a key has to be made now, and which. `terms` are those of all keys, by sequence.
    pub fn next(&self, terms: &[Term], now: i64) -> Option<Term> {
        let algorithm = self.algorithm;
        let Some(last) = terms.last() else { return Some(Term { sequence: 1, activate_time: now, algorithm }) };
        // While replicas are told one after the other, each waits for the key of the other to sign, so that they do not make
        // key after key.
        let is_wanted = last.algorithm == algorithm || last.activate_time > now;
        let due = if is_wanted { last.activate_time.saturating_add(micros(self.rotation_period)) } else { now };
        let make_at = due.saturating_sub(micros(LEAD));
        let activate_time = due.max(now.saturating_add(micros(LEAD)));
        (now >= make_at).then_some(Term { sequence: last.sequence.saturating_add(1), activate_time, algorithm })
    }

    /// Gives the index of the key that signs at `now`: the last one activated. When none is (the clock went back), the first.
    pub fn signing(terms: &[Term], now: i64) -> Option<usize> {
        let activated = terms.iter().rposition(|term| term.activate_time <= now);
        activated.or((!terms.is_empty()).then_some(0))
    }

    /// Says whether the key at `index` may still have signed a token that is valid at `now`, or will sign.
    pub fn is_published(&self, terms: &[Term], index: usize, now: i64) -> bool {
        let overlap = micros(self.access_token_lifetime).saturating_add(micros(MAX_CLOCK_SKEW));
        match terms.get(index + 1) {
            Some(successor) => successor.activate_time.saturating_add(overlap) > now,
            None => true,
        }
    }
}
