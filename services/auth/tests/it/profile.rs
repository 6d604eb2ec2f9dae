//! What people show of themselves, and what administrators have tokens say of them (`UpdateAccount`).

use std::collections::BTreeMap;

use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde_json::json;

use crate::harness::{Harness, PASSWORD, fields, reason};

const PICTURE: &str = "https://cdn.example.org/ada.png";

fn me() -> pb::Account {
    pb::Account { name: "accounts/me".to_owned(), ..pb::Account::default() }
}

fn named(user_name: &str) -> pb::Account {
    pb::Account { user_name: user_name.to_owned(), ..me() }
}

/// Claims that are texts.
fn claims(texts: &[(&str, &str)]) -> Option<Struct> {
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Some(Struct { fields: texts.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect() })
}

fn is_stale(fault: &Fault) -> bool {
    fault.reason() == Some(Reason::TokenExpired)
}

both_engines! {
    async fn its_owner_changes_a_profile_field_by_field_and_all_at_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, session) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&session);
        let all = pb::Account {
            user_name: "Ada.Lovelace".into(), display_name: " Ada Lovelace ".into(), picture_uri: PICTURE.into(), locale: "de-AT".into(), ..me()
        };
        harness.clock.advance_seconds(1);
        let changed = own.update(all, &[]).await.unwrap();
        assert_eq!((changed.user_name.as_str(), changed.display_name.as_str()), ("ada.lovelace", "Ada Lovelace"));
        assert_eq!((changed.picture_uri.as_str(), changed.locale.as_str()), (PICTURE, "de-AT"));
        assert_ne!(changed.etag, made.etag);
        assert!(changed.update_time.as_ref().map(|time| time.seconds) > made.update_time.as_ref().map(|time| time.seconds));
        assert_eq!(own.get_account("accounts/me").await.unwrap(), changed);
        // Unset and unnamed: stays. Unset and named: goes.
        let less = own.update(pb::Account { display_name: "Ada".into(), ..me() }, &["display_name", "picture_uri"]).await.unwrap();
        assert_eq!((less.user_name.as_str(), less.display_name.as_str(), less.picture_uri.as_str()), ("ada.lovelace", "Ada", ""));
        let none = own.update(me(), &["*"]).await.unwrap();
        assert_eq!((none.user_name, none.display_name, none.locale), (String::new(), String::new(), String::new()));
        // Nothing becomes another: nothing is written.
        let same = own.update(me(), &["display_name", "locale"]).await.unwrap();
        assert_eq!(same.etag, none.etag);
    }

    async fn what_is_wrong_is_told_of_all_fields_at_once_and_changes_nothing(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&session);
        let wrong = pb::Account {
            user_name: "admin".into(), display_name: "a\u{202e}b".into(), picture_uri: "http://example.org".into(), locale: "deutsch-".into(), ..me()
        };
        let before = own.get_account("accounts/me").await.unwrap();
        let told = ["account.user_name", "account.display_name", "account.picture_uri", "account.locale"];
        assert_eq!(fields(own.update(wrong.clone(), &[]).await), told);
        assert_eq!(fields(own.update(wrong, &["locale"]).await), ["account.locale"], "what is not named is not looked at");
        for paths in [&["password"][..], &["*", "locale"], &["user_name.x"], &["claims."], &["displayName"]] {
            assert_eq!(reason(own.update(me(), paths).await), Reason::InvalidMask, "{paths:?}");
        }
        let nameless = pb::Account { name: String::new(), display_name: "Eve".into(), ..pb::Account::default() };
        assert_eq!(fields(own.update(nameless, &[]).await), ["account.name"]);
        assert_eq!(own.get_account("accounts/me").await.unwrap(), before);
    }

    async fn what_an_owner_may_not_change_stays_however_it_is_given(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, session) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&session);
        let time = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
        let forged = pb::Account {
            uid: "00000000-0000-7000-8000-00000000000f".into(), email_verified: true, create_time: time, update_time: time,
            disable_time: time, pending_email: "eve@example.org".into(), ..me()
        };
        // OUTPUT_ONLY: passed over, in the message and in the mask.
        let output_only = ["uid", "email_verified", "create_time", "update_time", "disable_time", "pending_email", "name", "etag"];
        for paths in [&[][..], &["*"], &output_only] {
            assert_eq!(own.update(forged.clone(), paths).await.unwrap(), made, "{paths:?}");
        }
        // What has a method of its own is refused where it would become another.
        for (account, field) in [
            (pb::Account { email: "eve@example.org".into(), ..me() }, "account.email"),
            (pb::Account { roles: vec!["mainstay.admin".into()], ..me() }, "account.roles"),
        ] {
            for paths in [&[][..], &["*"], &["email", "roles"]] {
                assert!(fields(own.update(account.clone(), paths).await).contains(&field.to_owned()), "{paths:?}");
            }
        }
        // Whoever writes back what they have read changes nothing.
        assert_eq!(own.update(made.clone(), &[]).await.unwrap(), made);
        assert_eq!(own.update(made.clone(), &["*"]).await.unwrap(), made);
        for paths in [&[][..], &["*"], &["claims"], &["claims.tier"]] {
            let account = pb::Account { claims: claims(&[("tier", "gold")]), ..me() };
            assert_eq!(reason(own.update(account, paths).await), Reason::PermissionDenied, "{paths:?}");
        }
        assert_eq!(own.get_account("accounts/me").await.unwrap(), made);
    }

    async fn an_account_of_somebody_else_does_not_exist(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let (_, bob) = harness.user("bob@example.org").await;
        let bob = harness.caller.as_user(&bob);
        let nobodys = "accounts/00000000-0000-7000-8000-00000000000f";
        let mut told = Vec::new();
        for name in [ada.name.as_str(), nobodys] {
            for (paths, value) in [(&["display_name"][..], "Eve"), (&["claims"], ""), (&["no such field"], ""), (&["*"], "\u{7}")] {
                let account = pb::Account { name: name.to_owned(), display_name: value.to_owned(), ..pb::Account::default() };
                let fault = bob.update(account, paths).await.unwrap_err();
                told.push((fault.reason(), fault.text().to_owned()));
            }
        }
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        assert_eq!(told[0].0, Some(Reason::ResourceNotFound));
        assert_eq!(reason(harness.caller.update(me(), &[]).await), Reason::Unauthenticated);
        assert_eq!(harness.caller.as_operator().get_account(&ada.name).await.unwrap(), ada);
    }

    async fn an_etag_that_is_not_the_accounts_changes_nothing(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, session) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&session);
        let account = |etag: &str, name: &str| pb::Account { etag: etag.to_owned(), display_name: name.to_owned(), ..me() };
        let second = own.update(account(&made.etag, "One"), &[]).await.unwrap();
        assert_eq!(reason(own.update(account(&made.etag, "Two"), &[]).await), Reason::EtagMismatch);
        own.update(account(&second.etag, "Three"), &[]).await.unwrap();
    }

    async fn a_user_name_is_one_accounts_in_all_spellings_and_looks(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, ada) = harness.user("ada@example.org").await;
        let (_, bob) = harness.user("bob@example.org").await;
        let (ada, bob) = (harness.caller.as_user(&ada), harness.caller.as_user(&bob));
        ada.update(named("paypal"), &[]).await.unwrap();
        for same in ["paypal", "PayPal", "\u{ff50}aypal", "paypa1", "Paypa\u{6c}"] {
            assert_eq!(reason(bob.update(named(same), &[]).await), Reason::UserNameTaken, "{same}");
        }
        // A change of case is none, and a name that was given up is free.
        ada.update(named("PAYPAL"), &[]).await.unwrap();
        ada.update(named("other"), &[]).await.unwrap();
        assert_eq!(bob.update(named("paypal"), &[]).await.unwrap().user_name, "paypal");
    }

    async fn of_many_at_once_one_gets_a_user_name(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut calls = Vec::new();
        for number in 0..8 {
            let (_, session) = harness.user(&format!("user-{number}@example.org")).await;
            let own = harness.caller.as_user(&session);
            calls.push(tokio::spawn(async move { own.update(named("wanted"), &[]).await }));
        }
        let mut given = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => given += 1,
                Err(fault) => assert!(matches!(fault.reason(), Some(Reason::UserNameTaken | Reason::Conflict)), "{fault:?}"),
            }
        }
        assert_eq!(given, 1);
    }

    async fn a_user_name_signs_in_in_the_place_of_the_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, session) = harness.user("ada@example.org").await;
        harness.caller.as_user(&session).update(named("Ada"), &[]).await.unwrap();
        for spelling in ["ada", "ADA", " \u{ff21}da "] {
            let credentials = harness.caller.sign_in(spelling, PASSWORD).await.unwrap();
            assert_eq!(credentials.account.unwrap().uid, made.uid, "{spelling}");
        }
        harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in("ada", "not the password").await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.sign_in("eve", PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(fields(harness.caller.sign_in("e v", PASSWORD).await), ["email"]);
        assert_eq!(fields(harness.caller.sign_in("", PASSWORD).await), ["email"]);
    }

    async fn claims_are_set_by_administrators_and_stand_in_tokens(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, session) = harness.user("ada@example.org").await;
        let admin = harness.caller.as_operator();
        assert!(harness.verify(&session).await.unwrap().claims().is_empty());
        let account = pb::Account { name: made.name.clone(), claims: claims(&[("tier", "gold"), ("team", "red")]), ..pb::Account::default() };
        let given = admin.update(account, &["claims"]).await.unwrap();
        assert_eq!(given.claims, claims(&[("tier", "gold"), ("team", "red")]));
        // What tokens say of it is not so any more.
        assert!(is_stale(&harness.caller.as_user(&session).get_account("accounts/me").await.unwrap_err()));
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let principal = harness.verify(&session).await.unwrap();
        assert_eq!(serde_json::to_value(principal.claims()).unwrap(), json!({"tier": "gold", "team": "red"}));
        // One of them.
        let account = pb::Account { name: made.name.clone(), claims: claims(&[("tier", "silver"), ("other", "x")]), ..pb::Account::default() };
        let less = admin.update(account, &["claims.tier", "claims.team"]).await.unwrap();
        assert_eq!(less.claims, claims(&[("tier", "silver")]));
        let own = harness.caller.as_user(&harness.caller.refresh(&session.refresh_token).await.unwrap());
        // Its owner changes the profile beside them, and writes back what was read.
        let renamed = own.update(pb::Account { display_name: "Ada".into(), ..less.clone() }, &[]).await.unwrap();
        assert_eq!((renamed.display_name.as_str(), renamed.claims), ("Ada", less.claims));
    }

    async fn claims_have_a_bound_and_the_largest_fit_into_a_token(engine: Engine) {
        let harness = Harness::start(engine).await;
        let admin = harness.caller.as_operator();
        let roles: Vec<String> = (0..32).map(|number| format!("{number:064}")).collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        let made = admin.create_account("ada@example.org", PASSWORD, &roles).await.unwrap();
        let account = |length: usize| pb::Account { name: made.name.clone(), claims: claims(&[("a", &"x".repeat(length))]), ..pb::Account::default() };
        admin.update(account(4_088), &[]).await.unwrap();
        assert_eq!(fields(admin.update(account(4_089), &[]).await), ["account.claims"]);
        let number = Value { kind: Some(Kind::NumberValue(f64::NAN)) };
        let fields_of = BTreeMap::from([("a".to_owned(), number)]);
        let nan = pb::Account { name: made.name.clone(), claims: Some(Struct { fields: fields_of }), ..pb::Account::default() };
        assert_eq!(fields(admin.update(nan, &[]).await), ["account.claims"]);
        let credentials = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(harness.verify(&credentials).await.unwrap().claims()["a"].as_str().unwrap().len(), 4_088);
        harness.caller.as_user(&credentials).get_account("accounts/me").await.unwrap();
    }

    async fn an_administrator_makes_an_account_with_a_profile(engine: Engine) {
        let harness = Harness::start(engine).await;
        let admin = harness.caller.as_operator();
        let account = pb::Account {
            email: "ada@example.org".into(), user_name: "Ada".into(), display_name: "Ada L.".into(), picture_uri: PICTURE.into(),
            locale: "de".into(), claims: claims(&[("tier", "gold")]), ..pb::Account::default()
        };
        let message = pb::CreateAccountRequest { account: Some(account.clone()), password: PASSWORD.into() };
        let made = admin.accounts().create_account(admin.request(message)).await.unwrap().into_inner();
        assert_eq!((made.user_name.as_str(), made.display_name.as_str(), made.locale.as_str()), ("ada", "Ada L.", "de"));
        assert_eq!((made.picture_uri.as_str(), made.claims.clone()), (PICTURE, claims(&[("tier", "gold")])));
        assert_eq!(admin.get_account(&made.name).await.unwrap(), made);
        let wrong = pb::Account { email: "no address".into(), user_name: "a b c".into(), ..account };
        let message = pb::CreateAccountRequest { account: Some(wrong), password: String::new() };
        let refused = crate::harness::answer(admin.accounts().create_account(admin.request(message)).await);
        let mut told = fields(refused);
        told.sort();
        assert_eq!(told, ["account.email", "account.user_name", "password"]);
    }

    async fn what_a_stranger_showed_goes_when_the_owner_of_the_address_comes(engine: Engine) {
        let harness = Harness::start(engine).await;
        // Eve makes an account with an address that is Ada's, and dresses it up.
        let (_, eve) = harness.user("ada@example.org").await;
        let dressed = pb::Account { user_name: "eve".into(), display_name: "Eve".into(), picture_uri: PICTURE.into(), ..me() };
        harness.caller.as_user(&eve).update(dressed, &[]).await.unwrap();
        harness.caller.request_sign_in("ada@example.org").await.unwrap();
        let token = harness.token("sign_in", "ada@example.org").await;
        let owner = harness.caller.sign_in_with_link(&token).await.unwrap().account.unwrap();
        assert_eq!((owner.user_name, owner.display_name, owner.picture_uri), (String::new(), String::new(), String::new()));
        assert_eq!(reason(harness.caller.sign_in("eve", PASSWORD).await), Reason::WrongCredentials);
    }

    async fn a_change_is_in_the_audit_log_by_the_names_of_fields_alone(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (made, session) = harness.user("ada@example.org").await;
        let account = pb::Account { display_name: "Canary".into(), user_name: "canary".into(), ..me() };
        harness.caller.as_user(&session).update(account, &[]).await.unwrap();
        let request = pb::ListAuditEventsRequest { parent: made.name.clone(), ..Default::default() };
        let events = harness.caller.as_operator().list_audit_events(request).await.unwrap().audit_events;
        let event = &events[0];
        assert_eq!((event.action.as_str(), event.actor.as_str()), ("accounts.update", made.name.as_str()));
        assert_eq!(event.details["fields"], "user_name, display_name");
        assert!(!format!("{events:?}").to_lowercase().contains("canary"));
    }
}
