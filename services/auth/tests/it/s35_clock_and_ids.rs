//! S35: ids are no secrets, secrets are not guessed, and a clock that jumps revives nothing.

use std::collections::HashSet;

use mainstay_auth::domain::refresh_token::RefreshToken;
use mainstay_fault::Reason;
use mainstay_identity::TokenError;
use mainstay_testkit::both_engines;
use uuid::Uuid;

use crate::harness::{Harness, reason};

const DAY: i64 = 24 * 3600;

#[test]
fn what_a_token_draws_anew_is_random_in_every_byte() {
    let session = Uuid::now_v7();
    let mut seen: Vec<HashSet<u8>> = vec![HashSet::new(); 48];
    for _ in 0..200 {
        let text = RefreshToken::first_of(session).unwrap().to_text();
        let bytes = crate::harness::base64url(text.strip_prefix("mrt_").unwrap());
        assert_eq!(&bytes[..16], session.as_bytes());
        for (position, byte) in bytes[16..].iter().enumerate() {
            seen[position].insert(*byte);
        }
    }
    assert!(seen.iter().all(|values| values.len() > 80), "384 bits: 128 of the family and 256 of the token's own");
}

both_engines! {
    async fn a_clock_that_goes_back_does_not_revive_a_session_that_was_over(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        harness.clock.advance_seconds(15 * DAY);
        assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
        harness.clock.advance_seconds(-2 * DAY);
        assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
    }

    async fn a_clock_that_goes_back_does_not_revive_an_access_token(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        harness.clock.advance_seconds(400);
        assert!(matches!(harness.verify(&credentials).await, Err(TokenError::Expired)));
        harness.clock.advance_seconds(-DAY);
        assert!(matches!(harness.verify(&credentials).await, Err(TokenError::Claim("iat"))));
    }

    async fn a_clock_that_goes_a_day_forward_and_back_ends_access_tokens_and_keeps_sessions(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        harness.clock.advance_seconds(DAY);
        let ahead = harness.caller.refresh(&credentials.refresh_token).await.unwrap();
        harness.clock.advance_seconds(-DAY);
        harness.caller.refresh(&ahead.refresh_token).await.unwrap();
    }

    async fn a_clock_that_goes_back_does_not_lengthen_the_grace_of_a_used_refresh_token(engine: Engine) {
        for back in [11, 3_600, DAY] {
            let harness = Harness::start(engine).await;
            let (_, first) = harness.user("ada@example.org").await;
            let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
            harness.clock.advance_seconds(-back);
            assert_eq!(reason(harness.caller.refresh(&first.refresh_token).await), Reason::SessionEnded, "{back}");
            assert_eq!(reason(harness.caller.refresh(&second.refresh_token).await), Reason::SessionEnded, "{back}");
        }
    }

    async fn clocks_of_two_replicas_that_differ_a_little_do_not_end_a_session(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.clock.advance_seconds(-2);
        let repeated = harness.caller.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(repeated.refresh_token, second.refresh_token);
        harness.caller.refresh(&second.refresh_token).await.unwrap();
    }
}
