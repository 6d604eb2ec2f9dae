//! What a token says beside what it says anyway.

use std::time::Duration;

use mainstay_auth::domain::claims::is_reserved;
use mainstay_auth::hooks::OnFailure;
use mainstay_auth::{AnonymousSignIn, Config};
use mainstay_fault::Reason;
use mainstay_identity::roles::IMPERSONATOR;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use prost_types::Value;
use prost_types::value::Kind;
use serde_json::json;
use tonic::Status;

use super::fake::{App, claims};
use crate::harness::{Harness, PASSWORD, Shown, answer, base64url, limited, reason};

const ADA: &str = "ada@example.org";

/// How long a caller waits who does not wait for as long as the hook takes.
const PATIENCE: Duration = Duration::from_secs(3);

/// What an access token says under `claims`.
async fn said(harness: &Harness, credentials: &pb::Credentials) -> serde_json::Value {
    serde_json::to_value(harness.verify(credentials).await.unwrap().claims()).unwrap()
}

/// Gives an account claims, as an administrator does.
async fn hold(harness: &Harness, name: &str, held: &[(&str, &str)]) {
    let account = pb::Account { name: name.to_owned(), claims: Some(claims(held)), ..Default::default() };
    harness.caller.as_operator().update(account, &["claims"]).await.unwrap();
}

both_engines! {
    async fn a_hook_adds_to_every_token_of_a_person(engine: Engine) {
        let app = App::start().await;
        let config = Config { anonymous_sign_in: AnonymousSignIn::Open, ..app.minting(OnFailure::Closed) };
        let harness = Harness::with_config(engine, &config).await;
        let account = harness.caller.sign_up(ADA, PASSWORD).await.unwrap();
        hold(&harness, &account.name, &[("tier", "gold"), ("team", "red")]).await;
        let mut given = claims(&[("tier", "silver"), ("shop", "berlin")]);
        given.fields.insert("team".to_owned(), Value { kind: Some(Kind::NullValue(0)) });
        app.script().minted = Ok(Some(given));
        let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        let expected = json!({"tier": "silver", "shop": "berlin"});
        assert_eq!(said(&harness, &session).await, expected);
        assert_eq!(session.account.as_ref().unwrap().claims, Some(claims(&[("tier", "gold"), ("team", "red")])), "they stay its own");
        let refreshed = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(said(&harness, &refreshed).await, expected);
        let own = harness.caller.as_user(&refreshed);
        let stepped = own.step_up(Shown::Password(PASSWORD.to_owned())).await.unwrap();
        assert_eq!(said(&harness, &stepped).await, expected);
        let organisation = own.create_organisation("Acme").await.unwrap().name;
        let switched = own.switch(&organisation).await.unwrap();
        let as_credentials = pb::Credentials { access_token: switched.access_token, ..Default::default() };
        assert_eq!(said(&harness, &as_credentials).await, expected);
        let anonymous = harness.caller.sign_in_anonymously().await.unwrap();
        assert_eq!(said(&harness, &anonymous).await, expected);
        let asked = app.script().asked_to_mint.clone();
        assert_eq!(asked.len(), 5);
        let last = asked[3].clone();
        let (whose, session) = (last.account.unwrap(), last.session.unwrap());
        assert_eq!((whose.name.as_str(), whose.email.as_str(), &whose.claims), (account.name.as_str(), ADA, &Some(claims(&[("tier", "gold"), ("team", "red")]))));
        assert!(session.name.starts_with(&format!("{}/sessions/", account.name)));
        assert_eq!((session.acr.as_str(), &session.amr[..]), ("aal1", &["pwd".to_owned()][..]));
        assert_eq!((last.organisation.as_str(), &last.organisation_roles[..]), (organisation.as_str(), &["mainstay.owner".to_owned()][..]));
        assert!(asked[4].account.as_ref().unwrap().anonymous && asked[0].organisation.is_empty());
    }

    async fn no_claim_of_a_token_itself_is_one_that_a_hook_may_give(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user(ADA).await;
        let own = harness.caller.as_user(&session);
        let organisation = own.create_organisation("Acme").await.unwrap().name;
        let switched = own.switch(&organisation).await.unwrap().access_token;
        let (bob, _) = harness.user("bob@example.org").await;
        let (support, session) = crate::impersonation::support(&harness, &[]).await;
        let acting = harness.caller.as_user(&session).impersonate(&bob.name, "ticket 1", false).await.unwrap();
        assert_ne!(support.name, bob.name);
        for token in [switched, acting.access_token] {
            let said = base64url(token.split('.').nth(1).unwrap());
            let said: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&said).unwrap();
            let free: Vec<_> = said.keys().filter(|name| !is_reserved(name)).collect();
            assert!(said.len() > 10 && free.is_empty(), "{free:?}");
        }
        assert!(is_reserved("mainstay.admin") && !is_reserved("tier"));
    }

    async fn it_is_not_asked_for_programs_and_for_whoever_acts_as_somebody_else(engine: Engine) {
        let app = App::start().await;
        app.script().minted = Ok(Some(claims(&[("tier", "gold")])));
        let harness = Harness::with_config(engine, &app.minting(OnFailure::Closed)).await;
        let (bob, _) = harness.user("bob@example.org").await;
        let (support, _) = harness.user("support@example.org").await;
        harness.caller.as_operator().set_roles(&support.name, &[IMPERSONATOR], "").await.unwrap();
        let session = harness.caller.sign_in("support@example.org", PASSWORD).await.unwrap();
        let asked = app.script().asked_to_mint.len();
        let acting = harness.caller.as_user(&session).impersonate(&bob.name, "ticket 1", false).await.unwrap();
        let token = pb::Credentials { access_token: acting.access_token, ..Default::default() };
        assert_eq!(said(&harness, &token).await, json!({}));
        let robot = harness.caller.as_operator().create_service_account("", &[]).await.unwrap();
        let key = harness.caller.as_operator().create_key(&robot.name, &[]).await.unwrap();
        let exchanged = harness.caller.exchange_key(&key.secret).await.unwrap();
        let token = pb::Credentials { access_token: exchanged.access_token, ..Default::default() };
        assert_eq!(said(&harness, &token).await, json!({}));
        assert_eq!(app.script().asked_to_mint.len(), asked);
    }

    async fn where_it_fails_no_token_is_made_and_a_refresh_token_stays_good(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.minting(OnFailure::Closed)).await;
        let (account, session) = harness.user(ADA).await;
        let failures: [Result<Option<prost_types::Struct>, Status>; 5] = [
            Err(Status::internal("down")),
            Ok(Some(claims(&[("sub", "somebody else")]))),
            Ok(Some(claims(&[("mainstay", "x")]))),
            Ok(Some(claims(&[("a", &"x".repeat(4_090))]))),
            Ok(Some(claims(&[("", "x")]))),
        ];
        for failure in failures {
            app.script().minted = failure.clone();
            assert_eq!(reason(harness.caller.refresh(&session.refresh_token).await), Reason::HookUnavailable, "{failure:?}");
        }
        app.script().silent.push("MintToken");
        assert_eq!(reason(harness.caller.refresh(&session.refresh_token).await), Reason::HookUnavailable);
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::HookUnavailable);
        app.script().silent.clear();
        app.script().minted = Ok(None);
        // A minute later, which no token that was exchanged before would survive.
        harness.clock.advance_seconds(60);
        let refreshed = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let sessions = harness.caller.as_user(&refreshed).list_sessions(&account.name, 0, "").await.unwrap().sessions;
        assert_eq!(sessions.len(), 1, "a session of which nobody has a token is none");
    }

    async fn where_it_fails_a_session_acts_where_it_did_and_no_token_is_blamed(engine: Engine) {
        let app = App::start().await;
        let config = Config { limits: limited().limits, ..app.minting(OnFailure::Closed) };
        let harness = Harness::with_config(engine, &config).await;
        let (_, session) = harness.user(ADA).await;
        let own = harness.caller.as_user(&session);
        let organisation = own.create_organisation("Acme").await.unwrap().name;
        app.script().minted = Err(Status::internal("down"));
        assert_eq!(reason(own.switch(&organisation).await), Reason::HookUnavailable);
        let caller = harness.caller.from("198.51.100.66");
        for number in 0..100 {
            let refused = reason(caller.refresh(&session.refresh_token).await);
            assert_eq!(refused, Reason::HookUnavailable, "{number}: the token is as good as any");
        }
        app.script().minted = Ok(None);
        let refreshed = caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().organisation(), None);
    }

    async fn the_account_s_own_claims_and_the_hook_s_have_one_bound(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.minting(OnFailure::Open)).await;
        let (account, session) = harness.user(ADA).await;
        let long = "x".repeat(2_100);
        hold(&harness, &account.name, &[("own", &long)]).await;
        app.script().minted = Ok(Some(claims(&[("other", &long)])));
        let refreshed = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(said(&harness, &refreshed).await, json!({"own": long}), "where it is open, as if there were no hook");
        app.script().minted = Ok(Some(claims(&[("own", "short"), ("other", &long)])));
        let refreshed = harness.caller.refresh(&refreshed.refresh_token).await.unwrap();
        assert_eq!(said(&harness, &refreshed).await, json!({"own": "short", "other": long}));
        app.script().minted = Err(Status::unavailable("gone"));
        let refreshed = harness.caller.refresh(&refreshed.refresh_token).await.unwrap();
        assert_eq!(said(&harness, &refreshed).await, json!({"own": long}));
    }

    async fn who_refreshes_twice_at_once_gets_one_successor(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.minting(OnFailure::Closed)).await;
        let (_, session) = harness.user(ADA).await;
        let calls = (0..10).map(|_| harness.caller.refresh(&session.refresh_token));
        let refreshed: Vec<_> = futures_util::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert!(refreshed.iter().all(|one| one.refresh_token == refreshed[0].refresh_token));
        let again = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(again.refresh_token, refreshed[0].refresh_token);
    }

    async fn who_does_not_wait_for_it_gets_what_is_left_to_tell_and_leaves_no_session(engine: Engine) {
        let app = App::start().await;
        let mut config = app.minting(OnFailure::Open);
        config.hooks.mint_token.as_mut().unwrap().deadline_ms = 10_000;
        let harness = Harness::with_config(engine, &config).await;
        let (account, session) = harness.verified_user(ADA).await;
        let own = harness.caller.as_user(&session);
        let begun = own.enroll_totp("accounts/me", "phone").await.unwrap();
        let phone = crate::authenticator::App::of(&begun);
        let sessions = || own.list_sessions(&account.name, 0, "");
        let before = sessions().await.unwrap().sessions.len();
        app.script().silent.push("MintToken");
        let mut request = harness.caller.request(pb::SignInRequest { email: ADA.to_owned(), password: PASSWORD.to_owned() });
        request.set_timeout(PATIENCE);
        let refused = answer(harness.caller.sessions().sign_in(request).await);
        assert_eq!(reason(refused), Reason::HookUnavailable, "although it is open");
        assert_eq!(sessions().await.unwrap().sessions.len(), before);
        let (name, code) = (begun.factor.unwrap().name, phone.code(&harness.clock));
        let mut request = own.request(pb::ConfirmTotpRequest { name, code });
        request.set_timeout(PATIENCE);
        let confirmed = answer(own.factors().confirm_totp(request).await).unwrap();
        assert_eq!((confirmed.recovery_codes.len(), confirmed.credentials), (10, None));
    }

    async fn recovery_codes_are_shown_although_the_token_beside_them_is_not_made(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &app.minting(OnFailure::Closed)).await;
        let (_, session) = harness.verified_user(ADA).await;
        let own = harness.caller.as_user(&session);
        let begun = own.enroll_totp("accounts/me", "phone").await.unwrap();
        let phone = crate::authenticator::App::of(&begun);
        app.script().minted = Err(Status::unavailable("down"));
        let confirmed = own.confirm_totp(&begun.factor.unwrap().name, &phone.code(&harness.clock)).await.unwrap();
        assert_eq!((confirmed.recovery_codes.len(), confirmed.credentials), (10, None));
        app.script().minted = Ok(None);
        let refreshed = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().level(), 2);
    }
}
