use mainstay_db::Lane;
use mainstay_fault::Reason;
use mainstay_identity::TokenError;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, config, fields, reason};

const DAY: i64 = 24 * 3600;

async fn stored_sessions(harness: &Harness) -> usize {
    // A time at which every session is over lists them all.
    let timeouts = mainstay_auth::domain::session::Timeouts {
        idle: std::time::Duration::ZERO,
        absolute: std::time::Duration::ZERO,
    };
    let listed = harness
        .database
        .read(Lane::Inline, move |conn| Box::pin(mainstay_auth::store::sessions::over(conn, i64::MAX, timeouts, 1_000)))
        .await;
    listed.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}")).len()
}

both_engines! {
    async fn signing_in_gives_a_token_that_says_who_is_calling(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, credentials) = harness.user("Ada@example.org").await;
        assert_eq!(credentials.expires_in, 300);
        assert_eq!(credentials.token_type, "Bearer");

        let principal = harness.verify(&credentials).await.unwrap();
        assert_eq!(principal.uid(), Some(account.uid.as_str()));
        assert_eq!(principal.email(), Some("Ada@example.org"));
        assert!(!principal.email_verified() && principal.session_id().is_some());
        assert_eq!((principal.methods(), principal.level()), (&["pwd".to_owned()][..], 1));
        harness.clock.advance_seconds(299);
        harness.verify(&credentials).await.unwrap();
        harness.clock.advance_seconds(1);
        assert!(matches!(harness.verify(&credentials).await, Err(TokenError::Expired)));
    }

    async fn an_email_signs_in_in_any_case_and_a_password_in_any_composition(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.sign_up("ada@example.org", "pass\u{e9}word").await.unwrap();
        harness.caller.sign_in("ADA@EXAMPLE.ORG", "passe\u{301}word").await.unwrap();
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", "PASS\u{e9}WORD").await), Reason::WrongCredentials);
    }

    async fn refreshing_gives_new_tokens_of_the_same_session(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        harness.clock.advance_seconds(400);
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        assert_ne!(second.refresh_token, first.refresh_token);
        let sid = |credentials| { let harness = &harness; async move { harness.verify(credentials).await.unwrap().session_id().unwrap().to_owned() } };
        let again = harness.caller.refresh(&second.refresh_token).await.unwrap();
        assert_eq!(sid(&second).await, sid(&again).await);
        assert_eq!(stored_sessions(&harness).await, 1);
    }

    async fn an_access_token_is_not_a_refresh_token_nor_the_other_way_round(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        assert_eq!(reason(harness.caller.refresh(&credentials.access_token).await), Reason::SessionEnded);
        let confused = harness.caller.with_bearer(&credentials.refresh_token);
        assert_eq!(reason(confused.get_account("accounts/me").await), Reason::TokenInvalid);
    }

    async fn what_is_no_refresh_token_is_refused(engine: Engine) {
        let harness = Harness::start(engine).await;
        assert_eq!(fields(harness.caller.refresh("").await), ["refresh_token"]);
        for token in ["x", "mrt_", &format!("mrt_{}", "A".repeat(86)), &format!("mrt_{}", "A".repeat(50_000)), "mrt_é"] {
            assert_eq!(reason(harness.caller.refresh(token).await), Reason::SessionEnded);
        }
    }

    async fn sessions_survive_a_restart(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        let harness = harness.restart(&config()).await;
        harness.verify(&credentials).await.unwrap();
        harness.caller.refresh(&credentials.refresh_token).await.unwrap();
    }

    async fn a_session_that_is_not_used_ends(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, used) = harness.user("ada@example.org").await;
        let unused = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        harness.clock.advance_seconds(13 * DAY);
        let used = harness.caller.refresh(&used.refresh_token).await.unwrap();
        harness.clock.advance_seconds(2 * DAY);
        assert_eq!(reason(harness.caller.refresh(&unused.refresh_token).await), Reason::SessionEnded);
        harness.caller.refresh(&used.refresh_token).await.unwrap();
    }

    async fn a_session_ends_although_it_is_used(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, mut credentials) = harness.user("ada@example.org").await;
        for _ in 0..8 {
            harness.clock.advance_seconds(10 * DAY);
            credentials = harness.caller.refresh(&credentials.refresh_token).await.unwrap();
        }
        harness.clock.advance_seconds(10 * DAY);
        assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
    }

    async fn sessions_that_are_over_are_removed_without_a_call(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        harness.clock.advance_seconds(15 * DAY);
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(stored_sessions(&harness).await, 2);
        harness.auth.maintain().await.unwrap();
        assert_eq!(stored_sessions(&harness).await, 1);
    }

    async fn signing_out_ends_the_session_of_the_access_token(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, mine) = harness.user("ada@example.org").await;
        let other = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let own = harness.caller.as_user(&mine);
        own.sign_out("").await.unwrap();
        assert_eq!(reason(own.sign_out("").await), Reason::SessionEnded, "its access token is worth nothing any more");
        assert_eq!(reason(harness.caller.refresh(&mine.refresh_token).await), Reason::SessionEnded);
        harness.caller.refresh(&other.refresh_token).await.unwrap();
    }

    async fn signing_out_ends_the_session_of_the_refresh_token_even_of_an_old_one(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.user("ada@example.org").await;
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.caller.sign_out(&first.refresh_token).await.unwrap();
        harness.caller.sign_out(&first.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.refresh(&second.refresh_token).await), Reason::SessionEnded);
    }

    async fn signing_out_needs_a_token(engine: Engine) {
        let harness = Harness::start(engine).await;
        assert_eq!(reason(harness.caller.sign_out("").await), Reason::Unauthenticated);
        assert_eq!(reason(harness.caller.as_operator().sign_out("").await), Reason::Unauthenticated);
        assert_eq!(fields(harness.caller.sign_out("nonsense").await), ["refresh_token"]);
    }
}
