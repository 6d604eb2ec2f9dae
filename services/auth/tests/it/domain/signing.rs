use std::time::Duration;

use mainstay_auth::domain::signing::{LEAD, Schedule, Term};
use mainstay_identity::Algorithm;
use proptest::prelude::*;

const DAY: u64 = 24 * 3600;

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap()
}

fn term(sequence: i64, activate_time: i64, algorithm: Algorithm) -> Term {
    Term { sequence, activate_time, algorithm }
}

fn schedule(access_token_lifetime: Duration, algorithm: Algorithm) -> Schedule {
    Schedule { rotation_period: Duration::from_secs(DAY), access_token_lifetime, algorithm }
}

#[test]
fn another_algorithm_has_its_key_made_at_once_and_published_before_it_signs() {
    let wants = schedule(Duration::from_secs(300), Algorithm::Es256);
    let first = term(1, 0, Algorithm::EdDsa);
    let next = term(2, 10 + micros(LEAD), Algorithm::Es256);
    assert_eq!(wants.next(&[first], 10), Some(next));
    assert_eq!(wants.next(&[first, next], 11), None);
    // A replica that is not told yet waits until that one signs before it makes one of its own.
    let untold = schedule(Duration::from_secs(300), Algorithm::EdDsa);
    assert_eq!(untold.next(&[first, next], next.activate_time - 1), None);
    assert!(untold.next(&[first, next], next.activate_time).is_some());
}

#[test]
fn the_first_key_signs_at_once() {
    let schedule = schedule(Duration::from_secs(300), Algorithm::Es256);
    assert_eq!(schedule.next(&[], 42), Some(term(1, 42, Algorithm::Es256)));
}

#[test]
fn when_the_clock_went_back_the_first_key_signs() {
    let terms = [term(3, 1_000, Algorithm::EdDsa), term(4, 2_000, Algorithm::EdDsa)];
    assert_eq!(Schedule::signing(&terms, 10), Some(0));
    assert_eq!(Schedule::signing(&[], 10), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whenever rounds happen, a token that is valid was signed with a key that is published, by whoever signed last.
    #[test]
    fn a_valid_token_always_finds_its_key(gaps in proptest::collection::vec((1u64..200_000, any::<bool>()), 1..60), lifetime in 1u64..3_600) {
        let lifetime = Duration::from_secs(lifetime);
        let (mut now, mut terms, mut signed) = (0, Vec::<Term>::new(), Vec::<(i64, i64)>::new());
        for (gap, is_curve) in gaps {
            let schedule = schedule(lifetime, if is_curve { Algorithm::Es256 } else { Algorithm::EdDsa });
            if let Some(term) = schedule.next(&terms, now) {
                let published_for = term.activate_time - now;
                prop_assert!(terms.is_empty() || published_for >= micros(LEAD), "published before it signs");
                terms.push(term);
            }
            let signing = Schedule::signing(&terms, now).unwrap();
            signed.push((terms[signing].sequence, now));
            for (sequence, at) in &signed {
                if now < at + micros(lifetime) {
                    let index = terms.iter().position(|term| term.sequence == *sequence);
                    prop_assert!(index.is_some_and(|index| schedule.is_published(&terms, index, now)));
                }
            }
            let done = (0..terms.len()).take_while(|&index| !schedule.is_published(&terms, index, now)).count();
            terms.drain(..done);
            prop_assert!(terms.len() <= 4);
            now += micros(Duration::from_secs(gap));
        }
    }
}
