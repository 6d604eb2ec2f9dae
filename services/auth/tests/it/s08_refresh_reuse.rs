//! S8: a refresh token that was copied is noticed, and never more than one token of a session can be exchanged.

use std::time::Duration;

use mainstay_auth::domain::account::AccountId;
use mainstay_auth::domain::authentication::{Authentication, Method};
use mainstay_auth::domain::refresh_token::RefreshToken;
use mainstay_auth::domain::session::{REUSE_GRACE, Session, Timeouts, Verdict};
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use proptest::prelude::*;

use crate::harness::{Harness, PASSWORD, reason};

both_engines! {
    async fn the_token_just_used_comes_again_and_gets_the_same_successor(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.clock.advance_seconds(10);
        let repeated = harness.caller.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(repeated.refresh_token, second.refresh_token);
        harness.caller.refresh(&second.refresh_token).await.unwrap();
    }

    async fn the_token_just_used_ends_the_session_when_it_comes_late(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.clock.advance_seconds(11);
        assert_eq!(reason(harness.caller.refresh(&first.refresh_token).await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.refresh(&second.refresh_token).await), Reason::SessionEnded);
    }

    async fn an_older_token_ends_the_session_within_one_call(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        let third = harness.caller.refresh(&second.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.refresh(&first.refresh_token).await), Reason::SessionEnded);
        for token in [&second, &third] {
            assert_eq!(reason(harness.caller.refresh(&token.refresh_token).await), Reason::SessionEnded);
        }
    }

    async fn knowing_the_id_of_a_session_is_not_enough_to_end_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        let sid = harness.verify(&credentials).await.unwrap().session_id().unwrap().parse().unwrap();
        let forged = RefreshToken::first_of(sid).unwrap().to_text();
        assert_eq!(reason(harness.caller.refresh(&forged).await), Reason::SessionEnded);
        harness.caller.sign_out(&forged).await.unwrap();
        harness.caller.refresh(&credentials.refresh_token).await.unwrap();
    }

    async fn of_thirty_two_refreshes_at_once_all_get_the_same_successor(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let calls: Vec<_> = (0..32)
            .map(|_| {
                let (caller, token) = (harness.caller.clone(), first.refresh_token.clone());
                tokio::spawn(async move { caller.refresh(&token).await })
            })
            .collect();
        let mut successors = std::collections::BTreeSet::new();
        for call in calls {
            successors.insert(call.await.unwrap().unwrap().refresh_token);
        }
        assert_eq!(successors.len(), 1);
        let successor = successors.into_iter().next().unwrap();
        harness.caller.refresh(&successor).await.unwrap();
    }

    async fn a_thief_and_the_owner_cannot_both_go_on(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, owner) = harness.user("ada@example.org").await;
        let mut thief = owner.refresh_token.clone();
        for _ in 0..3 {
            thief = harness.caller.refresh(&thief).await.unwrap().refresh_token;
            harness.clock.advance_seconds(60);
        }
        assert_eq!(reason(harness.caller.refresh(&owner.refresh_token).await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.refresh(&thief).await), Reason::SessionEnded);
    }
}

/// A small generator of numbers, the same ones in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

both_engines! {
    /// The model below, against the running service: several presentations at once, in random order.
    async fn random_interleavings_never_leave_two_live_tokens(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        let mut numbers = Numbers(8);
        for _ in 0..12 {
            let first = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
            let mut issued = vec![first.refresh_token];
            for _ in 0..8 {
                let back = numbers.below(issued.len().min(3));
                let token = issued[issued.len() - 1 - back].clone();
                let calls: Vec<_> = (0..1 + numbers.below(4))
                    .map(|_| {
                        let (caller, token) = (harness.caller.clone(), token.clone());
                        tokio::spawn(async move { caller.refresh(&token).await })
                    })
                    .collect();
                let mut successors = std::collections::BTreeSet::new();
                for call in calls {
                    match call.await.unwrap() {
                        Ok(credentials) => drop(successors.insert(credentials.refresh_token)),
                        Err(fault) => assert_eq!(fault.reason(), Some(Reason::SessionEnded)),
                    }
                }
                match back {
                    0 => issued.extend(successors.iter().cloned()),
                    1 => assert_eq!(successors.first(), issued.last(), "the same successor again"),
                    _ => assert!(successors.is_empty(), "a copy was noticed"),
                }
                assert!(successors.len() <= 1, "one chain");
                if back > 1 {
                    for token in &issued {
                        assert_eq!(reason(harness.caller.refresh(token).await), Reason::SessionEnded);
                    }
                    break;
                }
            }
        }
    }
}

/// What somebody does with a refresh token that they hold.
#[derive(Debug, Clone)]
enum Step {
    /// Presents the n-th token that was ever issued, counted from the newest.
    Present(usize),
    /// Time passes, or the clock is set back.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0usize..4).prop_map(Step::Present),
        1 => (-15i64..20).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The model is a list of issued tokens: only the newest may be exchanged, the one before may be repeated for a while,
    /// everything else ends the session for good.
    #[test]
    fn whatever_the_order_one_token_is_live_and_a_copy_is_noticed(steps in steps()) {
        let timeouts = Timeouts { idle: Duration::from_secs(1 << 30), absolute: Duration::from_secs(1 << 30) };
        let mut now = 1_000_000_000_000;
        let (mut session, first) = Session::begin(AccountId::generate(), Authentication::by(Method::Password, now), now, &timeouts).unwrap();
        let mut issued = vec![first];
        let mut rotated_at = now;
        for step in steps {
            let back = match step {
                Step::Wait(seconds) => {
                    now += seconds * 1_000_000;
                    continue;
                }
                Step::Present(back) => back.min(issued.len() - 1),
            };
            let token = issued[issued.len() - 1 - back].clone();
            let in_grace = (now - rotated_at).abs() <= i64::try_from(REUSE_GRACE.as_micros()).unwrap();
            let verdict = session.judge(&token, now, &timeouts);
            match back {
                0 => {
                    prop_assert_eq!(verdict, Verdict::Rotate);
                    let successor = token.successor().unwrap();
                    session = session.rotated(&token, &successor, now).unwrap();
                    issued.push(successor);
                    rotated_at = now;
                }
                1 if in_grace => {
                    prop_assert_eq!(verdict, Verdict::Repeat);
                    let sealed = &session.previous.as_ref().unwrap().sealed_successor;
                    let successor = token.open_successor(sealed).unwrap();
                    prop_assert_eq!(successor.to_text(), issued.last().unwrap().to_text());
                }
                _ => {
                    prop_assert_eq!(verdict, Verdict::Stolen);
                    return Ok(());
                }
            }
            let live = issued.iter().filter(|token| session.judge(token, now, &timeouts) == Verdict::Rotate).count();
            prop_assert_eq!(live, 1);
        }
    }
}
