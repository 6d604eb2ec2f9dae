//! There and back again.

use mainstay_auth::domain::challenge::ChallengeToken;
use mainstay_auth::providers::Texts;
use mainstay_auth::{Config, SignUp};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use serde_json::{Value, json};

use super::fake::{Idp, query};
use super::{APP, PAGE, Pair, back, verified};
use crate::harness::{Harness, config, fields, limited, reason};

const ADA: &str = "ada@example.org";

both_engines! {
    async fn a_user_of_a_provider_gets_an_account_and_comes_back_to_it(engine: Engine) {
        let pair = Pair::start(engine).await;
        let listed = pair.harness.caller.list_providers(0, "").await.unwrap();
        let shown = pb::Provider { name: "providers/idp".to_owned(), display_name: "idp".to_owned(), id_tokens: true, on_pages: true };
        assert_eq!((listed.providers, listed.next_page_token.as_str()), (vec![shown], ""));
        let user = json!({
            "sub": "248289761001", "email": "Ada@Example.org", "email_verified": true, "name": " Ada  Lovelace",
            "picture": "https://idp.example.org/ada.png", "locale": "de_CH",
        });
        let first = pair.come(user.clone()).await.unwrap();
        let account = Harness::account_of(&first);
        assert_eq!((account.email.as_str(), account.email_verified, account.anonymous), ("Ada@Example.org", true, false));
        assert_eq!((account.display_name.as_str(), account.locale.as_str()), ("Ada  Lovelace", "de-CH"));
        assert_eq!(account.picture_uri, "https://idp.example.org/ada.png");
        let principal = pair.harness.verify(&first).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (1, &["fed".to_owned()][..]));
        pair.harness.caller.refresh(&first.refresh_token).await.unwrap();
        // The address may change there: who it is does not.
        let second = pair.come(verified("248289761001", "ada@example.net")).await.unwrap();
        assert_eq!(Harness::account_of(&second), account);
        let other = pair.come(verified("another", "bob@example.org")).await.unwrap();
        assert_ne!(Harness::account_of(&other).uid, account.uid);
        let own = pair.harness.caller.as_user(&second);
        let identities = own.list_identities("accounts/me").await.unwrap();
        assert_eq!(identities.len(), 1);
        assert_eq!((identities[0].provider.as_str(), identities[0].display_name.as_str()), ("providers/idp", "ada@example.net"));
        assert_eq!(own.get_identity(&identities[0].name).await.unwrap(), identities[0]);
        let events = own.list_audit_events(pb::ListAuditEventsRequest { parent: account.name.clone(), ..Default::default() }).await.unwrap().audit_events;
        let actions: Vec<_> = events.iter().map(|event| (event.action.as_str(), event.actor.as_str())).collect();
        assert_eq!(actions, [("sessions.signIn", &*account.name), ("sessions.signIn", &account.name), ("accounts.signUp", &account.name)]);
        assert_eq!(pair.harness.mails().await, [], "nobody is asked what the provider vouches for");
    }

    async fn what_cannot_be_shown_keeps_nobody_out(engine: Engine) {
        let pair = Pair::start(engine).await;
        let odd = json!({
            "sub": "odd", "email": "no address", "email_verified": true, "name": "a\u{202e}b", "picture": "javascript:alert(1)",
            "locale": 7, "address": {"country": ["x"]},
        });
        let account = Harness::account_of(&pair.come(odd).await.unwrap()).clone();
        let shown = [&account.email, &account.display_name, &account.picture_uri, &account.locale];
        assert!(shown.iter().all(|text| text.is_empty()), "{account:?}");
        assert!(!account.email_verified && !account.anonymous);
    }

    async fn the_browser_goes_with_a_state_a_nonce_and_a_challenge_of_its_own(engine: Engine) {
        let pair = Pair::with(engine, config(), |provider| provider.scopes = Some(Texts(vec!["openid".into(), "email".into()]))).await;
        let wanted = pb::StartSignInRequest {
            provider: "providers/idp".to_owned(), redirect_uri: APP.to_owned(), login_hint: "ada@example.org".to_owned(), reauthenticate: true,
        };
        let one = pair.harness.caller.start_sign_in_with(wanted.clone()).await.unwrap();
        let two = pair.harness.caller.start_sign_in_with(wanted).await.unwrap();
        let (first, second) = (query(&one.authorization_uri), query(&two.authorization_uri));
        assert_eq!((&*first["scope"], &*first["redirect_uri"], &*first["login_hint"]), ("openid email", APP, "ada@example.org"));
        assert_eq!((&*first["prompt"], &*first["max_age"], first.get("response_mode")), ("login", "0", None));
        for name in ["state", "nonce", "code_challenge"] {
            assert!(first[name].len() >= 43 && first[name] != second[name], "{name}");
            assert!(!one.secret.contains(&first[name]));
        }
        assert_ne!(one.secret, two.secret);
        let seconds = one.expire_time.unwrap().seconds - 1_800_000_000;
        assert_eq!(seconds, 600);
    }

    async fn nobody_finishes_what_another_client_has_begun(engine: Engine) {
        let pair = Pair::start(engine).await;
        let caller = &pair.harness.caller;
        let victims = caller.start_sign_in("idp", PAGE).await.unwrap();
        let attackers = caller.start_sign_in("idp", PAGE).await.unwrap();
        // The attacker signs in at the provider, and has the victim's browser open what came of it.
        let planted = pair.idp.visit(&attackers.authorization_uri);
        assert_eq!(reason(caller.finish_sign_in(&victims.secret, &planted).await), Reason::ChallengeOver);
        // What the victim has begun is over with it: the true answer comes too late.
        let own = pair.idp.visit(&victims.authorization_uri);
        assert_eq!(reason(caller.finish_sign_in(&victims.secret, &own).await), Reason::ChallengeOver);
        // A code of another one with the right state fails at the provider: it was not asked for with this challenge.
        let third = caller.start_sign_in("idp", PAGE).await.unwrap();
        let injected = back(&planted.code, &query(&third.authorization_uri)["state"]);
        assert_eq!(reason(caller.finish_sign_in(&third.secret, &injected).await), Reason::ProviderRefused);
        assert_eq!(pair.idp.asked("/token"), 1);
    }

    async fn what_was_begun_is_finished_once_and_in_time(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().user = verified("ada", ADA);
        let caller = &pair.harness.caller;
        let nothing = ChallengeToken::of(uuid::Uuid::now_v7()).unwrap().to_text();
        for secret in [&nothing, "mch_nothing", "x"] {
            assert_eq!(reason(caller.finish_sign_in(secret, &back("code", "state")).await), Reason::ChallengeOver);
        }
        assert_eq!(fields(caller.finish_sign_in("", &back("", "")).await), ["secret", "state", "code"]);
        assert_eq!(fields(caller.finish_sign_in("x", &back(&"c".repeat(8_193), "a\nb")).await), ["state", "code"]);
        let started = caller.start_sign_in("idp", PAGE).await.unwrap();
        let returned = pair.idp.visit(&started.authorization_uri);
        caller.finish_sign_in(&started.secret, &returned).await.unwrap();
        assert_eq!(reason(caller.finish_sign_in(&started.secret, &returned).await), Reason::ChallengeOver);
        let late = caller.start_sign_in("idp", PAGE).await.unwrap();
        let returned = pair.idp.visit(&late.authorization_uri);
        pair.harness.clock.advance_seconds(600);
        assert_eq!(reason(caller.finish_sign_in(&late.secret, &returned).await), Reason::ChallengeOver);
        // What waits for a factor is no way back from a provider, and the other way round.
        let started = caller.start_sign_in("idp", PAGE).await.unwrap();
        assert_eq!(reason(caller.sign_in_with_totp(&started.secret, "123456").await), Reason::ChallengeOver);
        pair.harness.auth.maintain().await.unwrap();
    }

    async fn of_many_who_come_back_at_once_one_is_let_in(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().user = verified("ada", ADA);
        let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
        let returned = pair.idp.visit(&started.authorization_uri);
        let calls: Vec<_> = (0..32).map(|_| {
            let (caller, secret, returned) = (pair.harness.caller.clone(), started.secret.clone(), returned.clone());
            tokio::spawn(async move { caller.finish_sign_in(&secret, &returned).await })
        }).collect();
        let mut right = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => right += 1,
                Err(fault) => assert_eq!(fault.reason(), Some(Reason::ChallengeOver)),
            }
        }
        assert_eq!((right, pair.idp.asked("/token")), (1, 1));
    }

    async fn many_first_sign_ins_at_once_make_one_account(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().user = verified("ada", ADA);
        let mut calls = Vec::new();
        for _ in 0..8 {
            let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
            let (caller, returned) = (pair.harness.caller.clone(), pair.idp.visit(&started.authorization_uri));
            calls.push(tokio::spawn(async move { caller.finish_sign_in(&started.secret, &returned).await }));
        }
        let mut accounts = std::collections::BTreeSet::new();
        for call in calls {
            accounts.insert(Harness::account_of(&call.await.unwrap().unwrap()).uid.clone());
        }
        assert_eq!(accounts.len(), 1);
    }

    async fn nobody_is_sent_where_the_settings_do_not_say(engine: Engine) {
        let pair = Pair::start(engine).await;
        let caller = &pair.harness.caller;
        for wrong in [
            "https://app.example.org/signed-in/", "https://app.example.org/signed-in?next=x", "https://app.example.org/Signed-in",
            "https://app.example.org/signed-in#x", "https://app.example.org/", "https://app.example.org", "http://app.example.org/signed-in",
            "https://app.example.org:443/signed-in", "https://app.example.org/signed-in/../evil", "https://evil.example/signed-in",
            "https://app.example.org@evil.example/signed-in", "https://app.example.org.evil.example/signed-in", "//evil.example/signed-in",
            "javascript:alert(1)", "data:text/html,x", "org.example.app:/signed-in/x", "ORG.example.app:/signed-in", " https://app.example.org/signed-in",
            "https://аpp.example.org/signed-in", "",
        ] {
            assert_eq!(fields(caller.start_sign_in("idp", wrong).await), ["redirect_uri"], "{wrong}");
        }
        for right in [PAGE, APP] {
            assert_eq!(query(&caller.start_sign_in("idp", right).await.unwrap().authorization_uri)["redirect_uri"], right);
        }
        assert_eq!(reason(caller.start_sign_in("nowhere", PAGE).await), Reason::ResourceNotFound);
        for wrong in ["", "providers/", "idp"] {
            let message = pb::StartSignInRequest { provider: wrong.to_owned(), redirect_uri: PAGE.to_owned(), ..Default::default() };
            assert_eq!(fields(caller.start_sign_in_with(message).await), ["provider"]);
        }
    }

    async fn a_factor_is_asked_for_after_a_provider_too(engine: Engine) {
        let pair = Pair::start(engine).await;
        let owner = pair.harness.owner_with_app(ADA).await;
        let answer = pair.come(verified("ada", ADA)).await.unwrap();
        let challenge = answer.challenge.unwrap();
        assert_eq!((answer.access_token.as_str(), challenge.factors), ("", vec![pb::factor::Kind::Totp.into()]));
        let code = owner.app.code(&pair.harness.clock);
        let session = pair.harness.caller.sign_in_with_totp(&challenge.token, &code).await.unwrap();
        let principal = pair.harness.verify(&session).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["fed", "otp", "mfa"].map(String::from)[..]));
    }

    async fn a_disabled_account_stays_closed(engine: Engine) {
        let pair = Pair::start(engine).await;
        let account = Harness::account_of(&pair.come(verified("ada", ADA)).await.unwrap()).name.clone();
        pair.harness.caller.as_operator().disable(&account, "").await.unwrap();
        assert_eq!(reason(pair.come(verified("ada", ADA)).await), Reason::AccountDisabled);
        let (bob, _) = pair.harness.verified("bob@example.org").await;
        pair.harness.caller.as_operator().disable(&bob.name, "").await.unwrap();
        assert_eq!(reason(pair.come(verified("bob", "bob@example.org")).await), Reason::AccountDisabled);
        assert_eq!(pair.harness.caller.as_operator().list_identities(&bob.name).await.unwrap(), []);
    }

    async fn where_nobody_signs_up_only_who_is_known_comes_in(engine: Engine) {
        for sign_up in [SignUp::Invited, SignUp::Closed] {
            let pair = Pair::with(engine, Config { sign_up, ..config() }, |_| {}).await;
            assert_eq!(reason(pair.come(verified("ada", ADA)).await), Reason::PermissionDenied);
            assert_eq!(reason(pair.come(json!({"sub": "ada"})).await), Reason::PermissionDenied);
        }
        let pair = Pair::with(engine, config(), |provider| provider.sign_up = false).await;
        assert_eq!(reason(pair.come(verified("ada", ADA)).await), Reason::PermissionDenied);
        let (ada, _) = pair.harness.verified(ADA).await;
        assert_eq!(Harness::account_of(&pair.come(verified("ada", ADA)).await.unwrap()).uid, ada.uid);
    }

    async fn beginning_is_limited_by_place_and_finishing_wrongly_too(engine: Engine) {
        let pair = Pair::with(engine, limited(), |_| {}).await;
        let caller = pair.harness.caller.from("198.51.100.66");
        let mut begun = 0;
        let refused = loop {
            match caller.start_sign_in("idp", PAGE).await {
                Ok(_) => begun += 1,
                Err(fault) => break fault,
            }
        };
        assert_eq!((begun, refused.reason(), refused.metadata("limit")), (300, Some(Reason::RateLimited), Some("provider")));
        pair.harness.caller.from("203.0.113.7").start_sign_in("idp", PAGE).await.unwrap();
    }

    async fn the_time_of_a_session_is_when_the_user_was_asked(engine: Engine) {
        let pair = Pair::start(engine).await;
        let now = 1_800_000_000;
        let with_time = |time: Value| json!({"sub": "ada", "auth_time": time});
        for (time, expected) in [(json!(now - 7_200), now - 7_200), (json!(now + 7_200), now), (json!("x"), now), (Value::Null, now)] {
            let session = pair.come(with_time(time)).await.unwrap();
            assert_eq!(pair.harness.verify(&session).await.unwrap().authenticated_at(), Some(expected));
        }
        let session = pair.come(with_time(json!(now - 7_200))).await.unwrap();
        assert_eq!(reason(pair.harness.link_by(&session, "idp", &pair.idp).await), Reason::InsufficientUserAuthentication);
        // Asked anew: the provider has to say so.
        let anew = pb::StartSignInRequest { provider: "providers/idp".to_owned(), redirect_uri: PAGE.to_owned(), reauthenticate: true, ..Default::default() };
        for (time, is_anew) in [(json!(now - 7_200), false), (Value::Null, false), (json!(now), true)] {
            pair.idp.script().user = with_time(time.clone());
            let started = pair.harness.caller.start_sign_in_with(anew.clone()).await.unwrap();
            let finished = pair.harness.caller.finish_sign_in(&started.secret, &pair.idp.visit(&started.authorization_uri)).await;
            assert_eq!(finished.is_ok(), is_anew, "{time}: {finished:?}");
        }
    }

    async fn what_the_provider_says_goes_into_the_claims_that_the_settings_name(engine: Engine) {
        let pair = Pair::with(engine, config(), |provider| {
            provider.claims.email = Some("upn".to_owned());
            provider.claims.email_verified = Some("flags.verified".to_owned());
            provider.account_claims.insert("department".to_owned(), "https://idp.example.org/department".to_owned());
            provider.account_claims.insert("groups".to_owned(), "realm.groups".to_owned());
        }).await;
        let user = |department: Value, groups: Value| json!({
            "sub": "ada", "upn": ADA, "email": "other@example.org", "flags": {"verified": true},
            "https://idp.example.org/department": department, "realm": {"groups": groups},
        });
        let first = pair.come(user(json!("physics"), json!(["a", "b"]))).await.unwrap();
        let account = Harness::account_of(&first);
        assert_eq!((account.email.as_str(), account.email_verified), (ADA, true));
        let claims = |session: &pb::Credentials| {
            let payload = session.access_token.split('.').nth(1).unwrap().to_owned();
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()["claims"].clone()
        };
        assert_eq!(claims(&first), json!({"department": "physics", "groups": ["a", "b"]}));
        let second = pair.come(user(json!("chemistry"), Value::Null)).await.unwrap();
        assert_eq!(claims(&second), json!({"department": "chemistry"}));
        // What the older token says is not so any more.
        let older = pair.harness.caller.as_user(&first);
        assert_eq!(reason(older.get_account("accounts/me").await), Reason::TokenExpired);
        // What cannot be said is not said, and keeps nobody out.
        let third = pair.come(user(json!("x".repeat(5_000)), Value::Null)).await.unwrap();
        assert_eq!(claims(&third), json!({"department": "chemistry"}));
    }

    async fn what_the_id_token_does_not_say_is_asked_for(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.idp.script().userinfo = Some(json!({"sub": "ada", "email": ADA, "email_verified": true, "name": "Ada"}));
        let account = Harness::account_of(&pair.come(json!({"sub": "ada"})).await.unwrap()).clone();
        assert_eq!((account.email.as_str(), account.email_verified, account.display_name.as_str()), (ADA, true, "Ada"));
        // Of another user, or of nobody: it is not believed.
        for wrong in [json!({"sub": "eve", "email": ADA}), json!({"email": ADA})] {
            pair.idp.script().userinfo = Some(wrong);
            assert_eq!(reason(pair.come(json!({"sub": "ada"})).await), Reason::ProviderRefused);
        }
        // One says the address, the other that it is verified: of which one?
        pair.idp.script().userinfo = Some(json!({"sub": "bob", "email_verified": true, "name": "Bob"}));
        let account = Harness::account_of(&pair.come(json!({"sub": "bob", "email": "bob@example.org"})).await.unwrap()).clone();
        assert_eq!((account.email.as_str(), account.email_verified, account.display_name.as_str()), ("", false, "Bob"));
        pair.idp.script().userinfo = Some(json!({"sub": "carol", "email": "carol@example.org"}));
        let account = Harness::account_of(&pair.come(json!({"sub": "carol", "email_verified": true})).await.unwrap()).clone();
        assert_eq!((account.email.as_str(), account.email_verified), ("", false));
    }

    async fn a_copy_of_the_store_holds_nothing_of_what_was_begun(engine: Engine) {
        let pair = Pair::start(engine).await;
        let started = pair.harness.caller.start_sign_in("idp", PAGE).await.unwrap();
        let sent = query(&started.authorization_uri);
        let file = pair.harness.file();
        for secret in [&started.secret, &sent["state"], &sent["nonce"]] {
            let tail = &secret.as_bytes()[secret.len() - 20..];
            assert!(!file.windows(tail.len()).any(|window| window == tail));
        }
    }
}

#[tokio::test]
async fn the_only_address_to_come_back_to_needs_not_be_named() {
    let idp = Idp::start().await;
    let config = crate::providers::with_providers(config(), vec![("idp", idp.config())]);
    let config = Config { redirect_uris: Texts(vec![PAGE.to_owned()]), ..config };
    let harness = Harness::with_config(mainstay_testkit::Engine::Sqlite, &config).await;
    let started = harness.caller.start_sign_in("idp", "").await.unwrap();
    assert_eq!(query(&started.authorization_uri)["redirect_uri"], PAGE);
}
