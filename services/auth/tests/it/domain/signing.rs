use std::time::Duration;

use mainstay_auth::domain::signing::{LEAD, Schedule, Term};
use proptest::prelude::*;

const DAY: u64 = 24 * 3600;

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap()
}

#[test]
fn the_first_key_signs_at_once() {
    let schedule =
        Schedule { rotation_period: Duration::from_secs(DAY), access_token_lifetime: Duration::from_secs(300) };
    assert_eq!(schedule.next(&[], 42), Some(Term { sequence: 1, activate_time: 42 }));
}

#[test]
fn when_the_clock_went_back_the_first_key_signs() {
    let terms = [Term { sequence: 3, activate_time: 1_000 }, Term { sequence: 4, activate_time: 2_000 }];
    assert_eq!(Schedule::signing(&terms, 10), Some(0));
    assert_eq!(Schedule::signing(&[], 10), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whenever rounds happen, a token that is valid was signed with a key that is published, by whoever signed last.
    #[test]
    fn a_valid_token_always_finds_its_key(gaps in proptest::collection::vec(1u64..200_000, 1..60), lifetime in 1u64..3_600) {
        let lifetime = Duration::from_secs(lifetime);
        let schedule = Schedule { rotation_period: Duration::from_secs(DAY), access_token_lifetime: lifetime };
        let (mut now, mut terms, mut signed) = (0, Vec::<Term>::new(), Vec::<(i64, i64)>::new());
        for gap in gaps {
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
            prop_assert!(terms.len() <= 3);
            now += micros(Duration::from_secs(gap));
        }
    }
}
