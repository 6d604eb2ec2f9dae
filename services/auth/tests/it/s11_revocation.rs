//! S11: what was revoked lets nobody in any more: no token, no refresh, on no replica.

use std::time::Duration;

use mainstay_fault::Reason;
use mainstay_identity::TokenError;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, KEY, PASSWORD, config, fields, reason, serve, start_on};

/// How long a token could be valid, with the clocks' difference.
const MEMORY: i64 = 360;

async fn is_in(harness: &Harness, credentials: &pb::Credentials) -> Result<(), Reason> {
    let answered = harness.caller.as_user(credentials).get_account("accounts/me").await;
    answered.map(drop).map_err(|fault| fault.reason().unwrap())
}

async fn session_name(harness: &Harness, credentials: &pb::Credentials) -> String {
    let sessions = harness.caller.as_user(credentials).list_sessions("accounts/me", 0, "").await.unwrap().sessions;
    sessions.into_iter().find(|session| session.current).unwrap().name
}

both_engines! {
    async fn a_session_that_is_revoked_lets_nobody_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, one) = harness.user("ada@example.org").await;
        let other = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let name = session_name(&harness, &one).await;
        harness.caller.as_user(&other).revoke_session(&name).await.unwrap();
        assert_eq!(is_in(&harness, &one).await, Err(Reason::SessionEnded));
        assert_eq!(reason(harness.caller.refresh(&one.refresh_token).await), Reason::SessionEnded);
        is_in(&harness, &other).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&other).revoke_session(&name).await), Reason::ResourceNotFound, "again");
    }

    async fn signing_out_and_a_stolen_refresh_token_end_access_tokens_too(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, signed_out) = harness.user("ada@example.org").await;
        harness.caller.sign_out(&signed_out.refresh_token).await.unwrap();
        assert_eq!(is_in(&harness, &signed_out).await, Err(Reason::SessionEnded));
        let own = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        harness.caller.as_user(&own).sign_out("").await.unwrap();
        assert_eq!(is_in(&harness, &own).await, Err(Reason::SessionEnded));

        let first = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        let third = harness.caller.refresh(&second.refresh_token).await.unwrap();
        is_in(&harness, &third).await.unwrap();
        assert_eq!(reason(harness.caller.refresh(&first.refresh_token).await), Reason::SessionEnded);
        for credentials in [&first, &second, &third] {
            assert_eq!(is_in(&harness, credentials).await, Err(Reason::SessionEnded));
        }
    }

    async fn all_sessions_end_or_all_others(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, one) = harness.user("ada@example.org").await;
        let two = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let (_, bob) = harness.user("bob@example.org").await;
        let one_caller = harness.caller.as_user(&one);
        assert_eq!(one_caller.revoke_all("accounts/me", true).await.unwrap(), 1);
        is_in(&harness, &one).await.unwrap();
        assert_eq!(is_in(&harness, &two).await, Err(Reason::SessionEnded));
        assert_eq!(reason(harness.caller.refresh(&two.refresh_token).await), Reason::SessionEnded);
        let one = harness.caller.refresh(&one.refresh_token).await.unwrap();
        is_in(&harness, &one).await.unwrap();

        // A session that began after it is not concerned.
        let three = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        is_in(&harness, &three).await.unwrap();
        assert_eq!(harness.caller.as_user(&three).revoke_all(&ada.name, false).await.unwrap(), 2);
        for credentials in [&one, &three] {
            assert_eq!(is_in(&harness, credentials).await, Err(Reason::SessionEnded));
            assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
        }
        is_in(&harness, &bob).await.unwrap();
        let four = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        is_in(&harness, &four).await.unwrap();
        let admin = harness.caller.as_operator();
        assert_eq!(fields(admin.revoke_all(&ada.name, true).await), ["keep_current"]);
        assert_eq!(admin.revoke_all(&ada.name, false).await.unwrap(), 1);
        assert_eq!(is_in(&harness, &four).await, Err(Reason::SessionEnded));
    }

    async fn a_disabled_account_is_out_at_once_and_comes_back_with_a_new_sign_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let admin = harness.caller.as_operator();
        let disabled = admin.disable(&ada.name, &ada.etag).await.unwrap();
        assert!(disabled.disable_time.is_some() && disabled.etag != ada.etag);
        assert_eq!(admin.disable(&ada.name, "").await.unwrap(), disabled, "again changes nothing");
        assert_eq!(is_in(&harness, &credentials).await, Err(Reason::SessionEnded));
        assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", PASSWORD).await), Reason::AccountDisabled);
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", "wrong password").await), Reason::WrongCredentials);
        assert_eq!(reason(admin.enable(&ada.name, &ada.etag).await), Reason::EtagMismatch);
        let enabled = admin.enable(&ada.name, &disabled.etag).await.unwrap();
        assert_eq!(enabled.disable_time, None);
        assert_eq!(admin.get_account(&ada.name).await.unwrap(), enabled);
        assert_eq!(is_in(&harness, &credentials).await, Err(Reason::SessionEnded), "what ended stays so");
        let again = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        is_in(&harness, &again).await.unwrap();
    }

    async fn an_administrator_does_not_lock_themselves_out(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("root@example.org").await;
        harness.auth.grant_role("root@example.org", "mainstay.admin").await.unwrap();
        let root = harness.caller.sign_in("root@example.org", PASSWORD).await.unwrap();
        let caller = harness.caller.as_user(&root);
        for name in ["accounts/me", &root.account.clone().unwrap().name] {
            assert_eq!(fields(caller.disable(name, "").await), ["name"]);
        }
        is_in(&harness, &root).await.unwrap();
    }

    async fn a_role_that_is_taken_away_has_tokens_refreshed_and_one_that_is_given_does_not(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let admin = harness.caller.as_operator();
        admin.set_roles(&ada.name, &["editor", "merchant"], "").await.unwrap();
        is_in(&harness, &credentials).await.unwrap();
        let before = harness.caller.refresh(&credentials.refresh_token).await.unwrap();
        assert!(harness.verify(&before).await.unwrap().has_role("merchant"));
        admin.set_roles(&ada.name, &["editor", "writer"], "").await.unwrap();
        assert_eq!(is_in(&harness, &before).await, Err(Reason::TokenExpired));
        let after = harness.caller.refresh(&before.refresh_token).await.unwrap();
        is_in(&harness, &after).await.unwrap();
        assert_eq!(harness.verify(&after).await.unwrap().roles(), ["editor", "writer"]);
    }

    async fn what_was_revoked_stays_so_over_a_restart_and_is_forgotten_with_the_last_token(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        harness.caller.sign_out(&credentials.refresh_token).await.unwrap();
        let harness = harness.restart(&config()).await;
        assert_eq!(is_in(&harness, &credentials).await, Err(Reason::SessionEnded));
        assert_eq!(harness.auth.revocations().len(), 1);
        harness.clock.advance_seconds(MEMORY - 1);
        harness.auth.maintain().await.unwrap();
        assert_eq!(harness.auth.revocations().len(), 1);
        harness.clock.advance_seconds(1);
        harness.auth.maintain().await.unwrap();
        assert!(harness.auth.revocations().is_empty());
        let harness = harness.restart(&config()).await;
        assert!(harness.auth.revocations().is_empty());
    }

    async fn another_replica_learns_of_it_by_the_store(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        let replica = start_on(&harness.database, &harness.clock, &config(), &KEY).await.unwrap();
        let (_, elsewhere) = serve(&replica, &harness.clock);
        let elsewhere = elsewhere.as_user(&credentials);
        elsewhere.get_account("accounts/me").await.unwrap();
        harness.caller.sign_out(&credentials.refresh_token).await.unwrap();
        replica.maintain().await.unwrap();
        assert_eq!(reason(elsewhere.get_account("accounts/me").await), Reason::SessionEnded);
    }

    async fn many_that_are_revoked_at_once_on_two_replicas_are_all_heard_of(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        let replica = start_on(&harness.database, &harness.clock, &config(), &KEY).await.unwrap();
        let (_, elsewhere) = serve(&replica, &harness.clock);
        let mut calls = Vec::new();
        for n in 0..24 {
            let credentials = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
            let caller = if n % 2 == 0 { harness.caller.clone() } else { elsewhere.clone() };
            calls.push(tokio::spawn(async move { caller.sign_out(&credentials.refresh_token).await }));
            // What is read while others are being written is never read past.
            replica.maintain().await.unwrap();
        }
        for call in calls {
            call.await.unwrap().unwrap();
        }
        replica.maintain().await.unwrap();
        harness.auth.maintain().await.unwrap();
        assert_eq!((replica.revocations().len(), harness.auth.revocations().len()), (24, 24));
    }

    async fn the_feed_begins_with_all_and_goes_on_with_what_is_new(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, one) = harness.user("ada@example.org").await;
        let two = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        harness.caller.sign_out(&one.refresh_token).await.unwrap();
        let mut feed = harness.caller.as_service("gateway").watch_revocations().await.unwrap();
        let first = feed.message().await.unwrap().unwrap();
        assert_eq!((first.revocations.len(), first.age.is_some(), first.access_token_seconds), (1, true, 300));
        harness.caller.as_user(&two).revoke_all("accounts/me", false).await.unwrap();
        let second = tokio::time::timeout(Duration::from_millis(500), feed.message()).await.expect("at once").unwrap().unwrap();
        let [revocation] = &second.revocations[..] else { panic!("{second:?}") };
        assert_eq!(revocation.account, ada.uid);
        assert!(matches!(&revocation.what, Some(pb::revocation::What::Sessions(all)) if all.except_session.is_empty()));
        let pulse = tokio::time::timeout(Duration::from_secs(3), feed.message()).await.expect("a pulse").unwrap().unwrap();
        assert_eq!(pulse.revocations.len(), 0);
    }

    async fn a_token_does_not_outlive_its_session(engine: Engine) {
        let mut short = config();
        (short.session_idle_seconds, short.session_absolute_seconds) = (300, 400);
        let harness = Harness::with_config(engine, &short).await;
        let (_, first) = harness.user("ada@example.org").await;
        assert_eq!(first.expires_in, 300);
        harness.clock.advance_seconds(250);
        let last = harness.caller.refresh(&first.refresh_token).await.unwrap();
        assert_eq!(last.expires_in, 150);
        harness.clock.advance_seconds(149);
        harness.verify(&last).await.unwrap();
        harness.clock.advance_seconds(1);
        assert!(matches!(harness.verify(&last).await, Err(TokenError::Expired)));
    }

    async fn tokens_of_before_their_lifetime_was_lowered_have_to_be_refreshed(engine: Engine) {
        let mut long = config();
        long.access_token_seconds = 3_600;
        let harness = Harness::with_config(engine, &long).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        is_in(&harness, &credentials).await.unwrap();
        let harness = harness.restart(&config()).await;
        assert_eq!(is_in(&harness, &credentials).await, Err(Reason::TokenExpired));
        let credentials = harness.caller.refresh(&credentials.refresh_token).await.unwrap();
        is_in(&harness, &credentials).await.unwrap();
    }
}
