//! Accounts that nobody is known behind yet (A5): made with a session, kept by an address, removed when they are lost.

use mainstay_auth::{AnonymousSignIn, Config, SignUp};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, config, fields, limited, reason};

const DAY: i64 = 24 * 3_600;

fn open() -> Config {
    Config { anonymous_sign_in: AnonymousSignIn::Open, ..config() }
}

async fn kind(harness: &Harness, credentials: &pb::Credentials) -> Option<&'static str> {
    harness.verify(credentials).await.unwrap().kind_name()
}

fn account(credentials: &pb::Credentials) -> pb::Account {
    credentials.account.clone().unwrap()
}

both_engines! {
    async fn it_is_closed_unless_it_is_opened(engine: Engine) {
        let harness = Harness::start(engine).await;
        let fault = harness.caller.sign_in_anonymously().await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::PermissionDenied));
        assert!(fault.text().contains("auth.anonymous_sign_in"));
        assert!(harness.caller.as_operator().list(0, "").await.unwrap().accounts.is_empty());
    }

    async fn an_account_without_an_address_is_one_like_others_for_its_session(engine: Engine) {
        let harness = Harness::with_config(engine, &open()).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let made = account(&session);
        assert!(made.anonymous && made.email.is_empty() && !made.email_verified && made.roles.is_empty());
        let principal = harness.verify(&session).await.unwrap();
        assert_eq!((principal.kind_name(), principal.uid(), principal.email()), (Some("anonymous"), Some(made.uid.as_str()), None));
        assert_eq!((principal.level(), principal.methods().len()), (0, 0), "nothing was shown");
        let own = harness.caller.as_user(&session);
        assert_eq!(own.get_account("accounts/me").await.unwrap(), made);
        let next = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(kind(&harness, &next).await, Some("anonymous"));
        // Two are two.
        let other = harness.caller.sign_in_anonymously().await.unwrap();
        assert_ne!(account(&other).uid, made.uid);
        // It has nothing to sign in with, to be mailed to, or to be found by.
        for login in ["", "anonymous", &format!("anonymous {}", made.uid), &made.uid] {
            assert!(harness.caller.sign_in(login, PASSWORD).await.is_err(), "{login}");
            assert!(harness.caller.as_operator().lookup(login).await.is_err(), "{login}");
        }
        assert_eq!(reason(own.request_verification("accounts/me").await), Reason::FailedPrecondition);
        assert_eq!(reason(own.change_password("accounts/me", PASSWORD, "another horse battery").await), Reason::WrongCredentials);
        // It may say what it wants to be called, and takes no name from anybody.
        let named = |user_name: &str, display_name: &str| pb::Account {
            name: "accounts/me".into(), user_name: user_name.into(), display_name: display_name.into(), ..pb::Account::default()
        };
        assert_eq!(own.update(named("", "Guest"), &[]).await.unwrap().display_name, "Guest");
        assert_eq!(fields(own.update(named("guest", ""), &[]).await), ["account.user_name"]);
    }

    async fn so_many_are_made_from_one_place_and_no_more(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { anonymous_sign_in: AnonymousSignIn::Open, ..limited() }).await;
        let caller = harness.caller.from("198.51.100.1");
        let mut made = 0;
        let fault = loop {
            match caller.sign_in_anonymously().await {
                Ok(_) => made += 1,
                Err(fault) => break fault,
            }
        };
        assert_eq!((made, fault.reason()), (100, Some(Reason::RateLimited)));
        harness.caller.from("198.51.100.2").sign_in_anonymously().await.unwrap();
    }

    async fn an_address_and_a_password_make_it_an_account_like_others_and_it_stays_the_same(engine: Engine) {
        let harness = Harness::with_config(engine, &open()).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let made = account(&session);
        let own = harness.caller.as_user(&session);
        let upgraded = own.upgrade("accounts/me", "Ada@Example.org", PASSWORD).await.unwrap();
        assert_eq!((upgraded.uid.as_str(), upgraded.email.as_str()), (made.uid.as_str(), "Ada@Example.org"));
        assert!(!upgraded.anonymous && !upgraded.email_verified);
        // What tokens say of it is not so any more; the session goes on.
        assert_eq!(reason(own.get_account("accounts/me").await), Reason::TokenExpired);
        let next = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(kind(&harness, &next).await, Some("user"));
        let own = harness.caller.as_user(&next);
        assert_eq!(reason(own.upgrade("accounts/me", "eve@example.org", PASSWORD).await), Reason::FailedPrecondition);
        let signed_in = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(account(&signed_in).uid, made.uid);
        harness.caller.verify_email(&harness.token("verify_email", "Ada@Example.org").await).await.unwrap();
    }

    async fn what_is_wrong_with_an_upgrade_is_told_and_changes_nothing(engine: Engine) {
        let harness = Harness::with_config(engine, &open()).await;
        harness.user("ada@example.org").await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let own = harness.caller.as_user(&session);
        assert_eq!(fields(own.upgrade("accounts/me", "no address", "1").await), ["email", "password"]);
        assert_eq!(reason(own.upgrade("accounts/me", "ADA@example.org", PASSWORD).await), Reason::EmailTaken);
        let other = account(&harness.caller.sign_in_anonymously().await.unwrap()).name;
        assert_eq!(reason(own.upgrade(&other, "eve@example.org", PASSWORD).await), Reason::ResourceNotFound);
        assert_eq!(reason(harness.caller.upgrade("accounts/me", "eve@example.org", PASSWORD).await), Reason::Unauthenticated);
        assert_eq!(own.get_account("accounts/me").await.unwrap(), account(&session));
    }

    async fn of_many_upgrades_at_once_one_succeeds(engine: Engine) {
        let harness = Harness::with_config(engine, &open()).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let own = harness.caller.as_user(&session);
        let calls: Vec<_> = (0..8)
            .map(|number| {
                let own = own.clone();
                tokio::spawn(async move { own.upgrade("accounts/me", &format!("user-{number}@example.org"), PASSWORD).await })
            })
            .collect();
        let mut made = 0;
        for call in calls {
            made += usize::from(call.await.unwrap().is_ok());
        }
        assert_eq!(made, 1);
    }

    async fn a_link_gives_it_an_address_without_a_password(engine: Engine) {
        let harness = Harness::with_config(engine, &open()).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let made = account(&session);
        let asked = harness.caller.as_user(&session).change_email("accounts/me", "ada@example.org", "").await.unwrap();
        assert!(asked.anonymous && asked.pending_email == "ada@example.org");
        assert!(harness.caller.confirm_change(&harness.token("change_email", "ada@example.org").await).await.unwrap());
        let next = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let now = account(&next);
        assert_eq!((now.uid.as_str(), now.email.as_str()), (made.uid.as_str(), "ada@example.org"));
        assert!(now.email_verified && !now.anonymous);
        assert_eq!(kind(&harness, &next).await, Some("user"));
        harness.caller.request_sign_in("ada@example.org").await.unwrap();
        let token = harness.token("sign_in", "ada@example.org").await;
        assert_eq!(account(&harness.caller.sign_in_with_link(&token).await.unwrap()).uid, made.uid);
        // Whoever has a password is still asked for it.
        let (_, other) = harness.user("bob@example.org").await;
        assert_eq!(fields(harness.caller.as_user(&other).change_email("accounts/me", "eve@example.org", "").await), ["password"]);
    }

    async fn where_sign_up_is_closed_nobody_comes_in_by_an_upgrade(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { sign_up: SignUp::Closed, ..open() }).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let own = harness.caller.as_user(&session);
        assert_eq!(reason(own.upgrade("accounts/me", "ada@example.org", PASSWORD).await), Reason::PermissionDenied);
        assert_eq!(reason(own.change_email("accounts/me", "ada@example.org", "").await), Reason::PermissionDenied);
    }

    async fn those_are_removed_that_are_old_and_that_nobody_can_come_back_to(engine: Engine) {
        let harness = Harness::with_config(engine, &open()).await;
        let lost = account(&harness.caller.sign_in_anonymously().await.unwrap());
        let upgraded = harness.caller.sign_in_anonymously().await.unwrap();
        harness.caller.as_user(&upgraded).upgrade("accounts/me", "ada@example.org", PASSWORD).await.unwrap();
        let mut used = harness.caller.sign_in_anonymously().await.unwrap();
        let exists = |name: String| { let operator = harness.caller.as_operator(); async move { operator.get_account(&name).await.is_ok() } };
        for _ in 0..3 {
            harness.clock.advance_seconds(10 * DAY);
            used = harness.caller.refresh(&used.refresh_token).await.unwrap();
            harness.auth.maintain().await.unwrap();
        }
        assert!(exists(lost.name.clone()).await, "thirty days, and not a second more");
        harness.clock.advance_seconds(1);
        harness.auth.maintain().await.unwrap();
        assert!(!exists(lost.name.clone()).await);
        assert!(exists(account(&upgraded).name).await && exists(account(&used).name).await);
        harness.clock.advance_seconds(15 * DAY);
        harness.auth.maintain().await.unwrap();
        assert!(!exists(account(&used).name).await, "its session is over");
        assert!(exists(account(&upgraded).name).await);
        // What is left of it is what was done, without where it came from.
        harness.auth.give_places().await.unwrap();
        let request = pb::ListAuditEventsRequest { parent: lost.name, ..Default::default() };
        let events = harness.caller.as_operator().list_audit_events(request).await.unwrap().audit_events;
        let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["accounts.purge", "sessions.signInAnonymously"]);
        assert!(events.iter().all(|event| event.network.is_empty()));
        assert!(harness.caller.as_operator().verify_audit_log(0, "").await.unwrap().problem.is_empty());
    }
}
