//! S1a to S1d: whose account it is that somebody comes in to by a provider.

use mainstay_auth::domain::provider::MOST_IDENTITIES;
use mainstay_auth::{AnonymousSignIn, Config, SignUp};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use serde_json::{Value, json};

use super::fake::Idp;
use super::{PAGE, Pair, verified, with_providers};
use crate::harness::{Harness, PASSWORD, Shown, config, reason, subjects};

const ADA: &str = "ada@example.org";

both_engines! {
    async fn s01a_whoever_made_an_account_with_anothers_address_has_nothing_of_it(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let (attackers, session) = harness.user(ADA).await;
        let mallory = harness.caller.as_user(&session);
        let shown = pb::Account { name: "accounts/me".into(), user_name: "ada".into(), display_name: "Mallory".into(), picture_uri: "https://evil.example/m.png".into(), ..Default::default() };
        mallory.update(shown, &[]).await.unwrap();
        // Links that may be on their way to somebody else's mailbox by now, and what waits at the provider.
        harness.caller.request_sign_in(ADA).await.unwrap();
        let link = harness.token("sign_in", ADA).await;
        assert_eq!(reason(harness.link_by(&session, "idp", &pair.idp).await), Reason::FailedPrecondition, "no other way in is made");

        let victims = pair.come(verified("victim", ADA)).await.unwrap();
        let account = Harness::account_of(&victims);
        assert_eq!((account.uid.as_str(), account.email_verified), (attackers.uid.as_str(), true));
        assert_eq!((account.user_name.as_str(), account.display_name.as_str(), account.picture_uri.as_str()), ("", "", ""));
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.sign_in("ada", PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.refresh(&session.refresh_token).await), Reason::SessionEnded);
        assert_eq!(reason(mallory.get_account("accounts/me").await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.sign_in_with_link(&link).await), Reason::OneTimeSecretNotFound);
        let own = harness.caller.as_user(&victims);
        assert_eq!(own.list_identities("accounts/me").await.unwrap().len(), 1);
        assert_eq!(own.list_sessions("accounts/me", 0, "").await.unwrap().sessions.len(), 1);
        harness.mail("identity_added", ADA).await;
        assert_eq!(Harness::account_of(&pair.come(verified("victim", ADA)).await.unwrap()).uid, account.uid);
    }

    async fn s01b_a_second_provider_finds_nothing_that_the_first_one_left(engine: Engine) {
        let (first, second) = (Idp::start().await, Idp::start().await);
        let harness = Harness::with_config(engine, &with_providers(config(), vec![("first", first.config()), ("second", second.config())])).await;
        first.follow(&harness.clock);
        second.follow(&harness.clock);
        // The attacker has the first one say the victim's address, which it has not verified.
        first.script().user = json!({"sub": "mallory", "email": ADA, "email_verified": false});
        let attackers = harness.come_by("first", &first).await.unwrap();
        assert_eq!(Harness::account_of(&attackers).email, "");
        second.script().user = verified("victim", ADA);
        let victims = harness.come_by("second", &second).await.unwrap();
        let (attackers, victims) = (Harness::account_of(&attackers), Harness::account_of(&victims));
        assert_eq!((victims.email.as_str(), victims.email_verified), (ADA, true));
        assert_ne!(attackers.uid, victims.uid);
        // Whoever has nothing but the first one is not locked out by that.
        let again = harness.come_by("first", &first).await.unwrap();
        assert_eq!(Harness::account_of(&again).uid, attackers.uid);
    }

    async fn s01b_an_identity_of_an_account_whose_address_nobody_had_verified_goes_too(engine: Engine) {
        let (careless, trusted) = (Idp::start().await, Idp::start().await);
        let mut config = with_providers(config(), vec![("careless", careless.config()), ("trusted", trusted.config())]);
        config.providers.get_mut("careless").unwrap().trusted_domains = None;
        let ways: [&str; 3] = ["provider", "mail", "reset"];
        for way in ways {
            let harness = Harness::with_config(engine, &config).await;
            careless.follow(&harness.clock);
            trusted.follow(&harness.clock);
            // It says that it has verified what it has not; nobody believes it for this domain.
            careless.script().user = verified("mallory", ADA);
            let attackers = harness.come_by("careless", &careless).await.unwrap();
            let account = Harness::account_of(&attackers);
            assert_eq!((account.email.as_str(), account.email_verified), (ADA, false));
            assert_eq!(subjects(&harness.mails().await), [("verify_email", ADA)]);
            let owner = match way {
                "provider" => {
                    trusted.script().user = verified("victim", ADA);
                    harness.come_by("trusted", &trusted).await.unwrap()
                }
                "mail" => {
                    harness.caller.request_sign_in(ADA).await.unwrap();
                    harness.caller.sign_in_with_link(&harness.token("sign_in", ADA).await).await.unwrap()
                }
                _ => {
                    harness.caller.request_reset(ADA).await.unwrap();
                    harness.caller.reset_password(&harness.token("reset_password", ADA).await, PASSWORD).await.unwrap();
                    harness.caller.sign_in(ADA, PASSWORD).await.unwrap()
                }
            };
            assert_eq!(Harness::account_of(&owner).uid, account.uid);
            assert_eq!(reason(harness.caller.refresh(&attackers.refresh_token).await), Reason::SessionEnded);
            let left = harness.caller.as_user(&owner).list_identities("accounts/me").await.unwrap();
            assert!(left.iter().all(|identity| identity.provider == "providers/trusted"), "{way}: {left:?}");
            assert_eq!(reason(harness.come_by("careless", &careless).await), Reason::IdentityNotLinked, "{way}");
        }
    }

    async fn s01c_only_a_boolean_says_that_an_address_is_verified(engine: Engine) {
        let pair = Pair::start(engine).await;
        let (owner, _) = pair.harness.verified(ADA).await;
        let lies: [Value; 9] = [Value::Null, json!("true"), json!(false), json!("false"), json!(1), json!("1"), json!([true]), json!({"true": true}), json!("TRUE")];
        for (number, lie) in lies.into_iter().enumerate() {
            let mut user = json!({"sub": format!("user {number}"), "email": ADA});
            if !lie.is_null() {
                user["email_verified"] = lie.clone();
            }
            let session = pair.come(user).await.unwrap();
            let account = Harness::account_of(&session);
            assert_ne!(account.uid, owner.uid, "{lie}");
            assert_eq!((account.email.as_str(), account.email_verified), ("", false), "{lie}");
        }
        let session = pair.come(json!({"sub": "true", "email": ADA, "email_verified": true})).await.unwrap();
        assert_eq!(Harness::account_of(&session).uid, owner.uid);
    }

    async fn s01d_where_linking_is_off_nobody_is_linked(engine: Engine) {
        let pair = Pair::with(engine, config(), |provider| provider.link_by_email = false).await;
        for verify in [false, true] {
            let email = format!("ada-{verify}@example.org");
            if verify { pair.harness.verified(&email).await } else { pair.harness.user(&email).await };
            assert_eq!(reason(pair.come(verified(&email, &email)).await), Reason::IdentityNotLinked);
            pair.harness.caller.sign_in(&email, PASSWORD).await.unwrap();
        }
    }

    async fn s01d_nobody_comes_in_by_a_provider_that_is_off(engine: Engine) {
        let idp = Idp::start().await;
        let on = with_providers(config(), vec![("idp", idp.config())]);
        let harness = Harness::with_config(engine, &on).await;
        idp.follow(&harness.clock);
        let (_, owner) = harness.verified(ADA).await;
        harness.link_by(&owner, "idp", &idp).await.unwrap();
        let begun = harness.caller.start_sign_in("idp", PAGE).await.unwrap();
        let back = idp.visit(&begun.authorization_uri);
        let token = idp.native_token(crate::providers::fake::CLIENT, &crate::providers::native::hash(crate::providers::native::NONCE));
        let mut off = on.clone();
        off.providers.get_mut("idp").unwrap().enabled = false;
        let harness = harness.restart(&off).await;
        let caller = &harness.caller;
        assert_eq!(caller.list_providers(0, "").await.unwrap().providers, []);
        assert_eq!(reason(caller.start_sign_in("idp", PAGE).await), Reason::ResourceNotFound);
        assert_eq!(reason(caller.finish_sign_in(&begun.secret, &back).await), Reason::ResourceNotFound);
        assert_eq!(reason(caller.exchange_id_token("idp", &token, crate::providers::native::NONCE).await), Reason::ResourceNotFound);
        // What is linked stays linked for when it is on again, and is no way in meanwhile.
        let own = caller.as_user(&caller.sign_in(ADA, PASSWORD).await.unwrap());
        assert_eq!(own.list_identities("accounts/me").await.unwrap().len(), 1);
        assert_eq!(reason(own.start_link("accounts/me", "idp", PAGE).await), Reason::ResourceNotFound);
        let harness = harness.restart(&on).await;
        harness.come_by("idp", &idp).await.unwrap();
    }

    async fn s02_an_address_that_is_not_vouched_for_tells_nothing_of_who_has_an_account(engine: Engine) {
        let pair = Pair::start(engine).await;
        pair.harness.verified(ADA).await;
        let mut worlds = Vec::new();
        for email in [ADA, "nobody@example.org"] {
            let before = pair.harness.database.counters();
            let session = pair.come(json!({"sub": email, "email": email, "name": "Ada"})).await.unwrap();
            let after = pair.harness.database.counters();
            let account = Harness::account_of(&session).clone();
            let shown = pb::Account { name: String::new(), uid: String::new(), etag: String::new(), create_time: None, update_time: None, ..account };
            let work = [after.jobs - before.jobs, after.inline_reads - before.inline_reads, after.heavy_reads - before.heavy_reads];
            worlds.push((shown, session.expires_in, work));
        }
        assert_eq!(worlds[0], worlds[1]);
    }

    async fn an_owner_who_has_verified_the_address_is_linked_and_told(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let (owner, session) = harness.verified(ADA).await;
        let by_provider = pair.come(verified("ada", "ADA@example.org")).await.unwrap();
        assert_eq!(Harness::account_of(&by_provider).uid, owner.uid);
        assert_eq!(Harness::account_of(&by_provider).display_name, "", "nothing of what the owner shows is changed");
        let mail = harness.mail("identity_added", ADA).await;
        assert!(mail.subject.contains("idp"), "{}", mail.subject);
        harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        let events = harness.caller.as_operator().list_audit_events(pb::ListAuditEventsRequest { parent: owner.name.clone(), ..Default::default() }).await.unwrap();
        let linked = events.audit_events.iter().find(|event| event.action == "identities.link").unwrap();
        assert!(linked.subject.starts_with(&format!("{}/identities/", owner.name)), "{linked:?}");
        assert_eq!((linked.actor.as_str(), linked.details.get("provider").map(String::as_str)), (owner.name.as_str(), Some("idp")));
    }

    async fn where_the_provider_is_not_trusted_the_owner_has_to_agree(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        for email in ["ada@example.net", "ada@mail.example.org", "ada@example.org.evil.example"] {
            let (owner, session) = harness.verified(email).await;
            let refused = pair.come(verified(email, email)).await.unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::IdentityNotLinked));
            let identity = harness.link_by(&session, "idp", &pair.idp).await.unwrap();
            assert_eq!(identity.display_name, email);
            assert_eq!(Harness::account_of(&pair.come(verified(email, email)).await.unwrap()).uid, owner.uid);
        }
        // Where nobody has it, it is a new account's, and its owner is asked by mail as everybody is.
        let session = pair.come(verified("eve", "eve@example.net")).await.unwrap();
        assert!(!Harness::account_of(&session).email_verified);
        harness.caller.verify_email(&harness.token("verify_email", "eve@example.net").await).await.unwrap();
    }

    async fn linking_wants_an_owner_who_has_just_shown_who_they_are(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let (_, unverified) = harness.user("bob@example.org").await;
        assert_eq!(reason(harness.link_by(&unverified, "idp", &pair.idp).await), Reason::FailedPrecondition);
        let owner = harness.owner_with_app(ADA).await;
        let older = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        assert!(older.challenge.is_some());
        // Level 2, and fresh.
        let own = harness.caller.as_user(&owner.credentials);
        let started = own.start_link("accounts/me", "idp", PAGE).await.unwrap();
        let back = pair.idp.visit(&started.authorization_uri);
        harness.clock.advance_seconds(290);
        let late = harness.caller.refresh(&owner.credentials.refresh_token).await.unwrap();
        let late = harness.caller.as_user(&late);
        assert_eq!(reason(late.start_link("accounts/me", "idp", PAGE).await), Reason::InsufficientUserAuthentication);
        assert_eq!(reason(late.finish_link("accounts/me", &started.secret, &back).await), Reason::InsufficientUserAuthentication);
        let fresh = late.step_up(Shown::TotpCode(owner.app.code(&harness.clock))).await.unwrap();
        let fresh = harness.caller.as_user(&fresh);
        // It was begun for this account, and is finished for no other one, and as nothing else.
        let (_, eve) = harness.verified("eve@example.org").await;
        let eve = harness.caller.as_user(&eve);
        assert_eq!(reason(eve.finish_link("accounts/me", &started.secret, &back).await), Reason::ChallengeOver);
        assert_eq!(reason(harness.caller.finish_sign_in(&started.secret, &back).await), Reason::ChallengeOver);
        assert_eq!(reason(eve.start_link(&owner.name, "idp", PAGE).await), Reason::ResourceNotFound);
        assert_eq!(reason(harness.caller.start_link(&owner.name, "idp", PAGE).await), Reason::Unauthenticated);
        fresh.finish_link("accounts/me", &started.secret, &back).await.unwrap();
        harness.mail("identity_added", ADA).await;
    }

    async fn one_user_of_a_provider_is_one_account(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let (_, ada) = harness.verified(ADA).await;
        let (_, bob) = harness.verified("bob@example.org").await;
        let linked = harness.link_by(&ada, "idp", &pair.idp).await.unwrap();
        assert_eq!(harness.link_by(&ada, "idp", &pair.idp).await.unwrap(), linked, "twice is once");
        assert_eq!(reason(harness.link_by(&bob, "idp", &pair.idp).await), Reason::IdentityTaken);
        for number in 1..MOST_IDENTITIES {
            pair.idp.script().user = json!({"sub": format!("more {number}")});
            harness.link_by(&ada, "idp", &pair.idp).await.unwrap();
        }
        pair.idp.script().user = json!({"sub": "one too many"});
        assert_eq!(reason(harness.link_by(&ada, "idp", &pair.idp).await), Reason::FailedPrecondition);
    }

    async fn the_same_name_in_the_settings_is_not_the_same_provider(engine: Engine) {
        let (old, new) = (Idp::start().await, Idp::start().await);
        let harness = Harness::with_config(engine, &with_providers(config(), vec![("company", old.config())])).await;
        old.follow(&harness.clock);
        new.follow(&harness.clock);
        let before = harness.come_by("company", &old).await.unwrap();
        let harness = harness.restart(&with_providers(config(), vec![("company", new.config())])).await;
        let after = harness.come_by("company", &new).await.unwrap();
        assert_ne!(Harness::account_of(&before).uid, Harness::account_of(&after).uid, "its users are others");
    }

    async fn an_anonymous_account_becomes_somebodys(engine: Engine) {
        let open = Config { anonymous_sign_in: AnonymousSignIn::Open, ..config() };
        let pair = Pair::with(engine, open.clone(), |_| {}).await;
        let harness = &pair.harness;
        let nobody = harness.caller.sign_in_anonymously().await.unwrap();
        let uid = Harness::account_of(&nobody).uid.clone();
        harness.clock.advance_seconds(280);
        pair.idp.script().user = verified("ada", ADA);
        harness.link_by(&nobody, "idp", &pair.idp).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&nobody).get_account("accounts/me").await), Reason::TokenExpired);
        let again = pair.come(verified("ada", ADA)).await.unwrap();
        let account = Harness::account_of(&again);
        assert_eq!((&account.uid, account.anonymous, account.email.as_str(), account.email_verified), (&uid, false, ADA, true));
        // An address that somebody has stays theirs.
        let other = harness.caller.sign_in_anonymously().await.unwrap();
        pair.idp.script().user = verified("other", ADA);
        harness.link_by(&other, "idp", &pair.idp).await.unwrap();
        let again = pair.come(verified("other", ADA)).await.unwrap();
        let account = Harness::account_of(&again);
        assert_eq!((&account.uid, account.anonymous, account.email.as_str()), (&Harness::account_of(&other).uid, false, ""));
        let closed = Pair::with(engine, Config { sign_up: SignUp::Closed, ..open }, |_| {}).await;
        let nobody = closed.harness.caller.sign_in_anonymously().await.unwrap();
        assert_eq!(reason(closed.harness.link_by(&nobody, "idp", &closed.idp).await), Reason::PermissionDenied);
    }

    async fn an_account_without_an_address_gets_one_by_mail_or_with_a_password(engine: Engine) {
        let pair = Pair::start(engine).await;
        let harness = &pair.harness;
        let session = pair.come(json!({"sub": "ada"})).await.unwrap();
        let own = harness.caller.as_user(&session);
        assert_eq!(reason(own.request_verification("accounts/me").await), Reason::FailedPrecondition);
        own.change_email("accounts/me", ADA, "").await.unwrap();
        assert!(harness.caller.confirm_change(&harness.token("change_email", ADA).await).await.unwrap());
        let session = pair.come(json!({"sub": "ada"})).await.unwrap();
        assert_eq!((Harness::account_of(&session).email.as_str(), Harness::account_of(&session).email_verified), (ADA, true));
        let session = pair.come(json!({"sub": "bob"})).await.unwrap();
        harness.caller.as_user(&session).upgrade("accounts/me", "bob@example.org", PASSWORD).await.unwrap();
        harness.caller.sign_in("bob@example.org", PASSWORD).await.unwrap();
        // Whoever has found a device open does neither.
        let session = pair.come(json!({"sub": "carol"})).await.unwrap();
        harness.clock.advance_seconds(290);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.clock.advance_seconds(11);
        let late = harness.caller.as_user(&session);
        assert_eq!(reason(late.change_email("accounts/me", "carol@example.org", "").await), Reason::InsufficientUserAuthentication);
        assert_eq!(reason(late.upgrade("accounts/me", "carol@example.org", PASSWORD).await), Reason::InsufficientUserAuthentication);
    }
}
