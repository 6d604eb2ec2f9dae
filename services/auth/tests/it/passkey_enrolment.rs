//! A13: how an account gets passkeys, and how they go.

use mainstay_auth::Config;
use mainstay_auth::passkeys::PasskeysConfig;
use mainstay_db::Engine;
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use mainstay_testkit::database::fresh;
use prost_types::Struct;

use crate::harness::{Caller, Harness, KEY, PASSWORD, TestClock, answer, config, fields, reason, start_on};
use crate::soft_key::{SoftKey, member};

const ADA: &str = "ada@example.org";

/// Begins and finishes with a name.
async fn enroll_as(caller: &Caller, name: &str) -> Result<pb::FinishPasskeyResponse, mainstay_fault::Fault> {
    let begun = caller.begin_passkey("accounts/me").await.unwrap();
    let credential = Some(SoftKey::new().create(&begun.options.unwrap()));
    let (parent, display_name) = ("accounts/me".to_owned(), name.to_owned());
    let message = pb::FinishPasskeyRequest { parent, challenge: begun.challenge, credential, display_name };
    answer(caller.factors().finish_passkey(caller.request(message)).await)
}

async fn options_of(harness: &Harness) -> Struct {
    let (_, session) = harness.verified(ADA).await;
    harness.caller.as_user(&session).begin_passkey("accounts/me").await.unwrap().options.unwrap()
}

both_engines! {
    async fn enrolling_wants_the_owner_a_verified_address_and_an_authenticator_that_makes_sure(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, eve) = harness.user("eve@example.org").await;
        let eve = harness.caller.as_user(&eve);
        assert_eq!(reason(eve.begin_passkey("accounts/me").await), Reason::FailedPrecondition);
        let mut key = SoftKey::new();
        let (account, session) = harness.verified(ADA).await;
        let session = harness.enroll_passkey(&session, &mut key).await.1;
        assert_eq!(reason(eve.begin_passkey(&account.name).await), Reason::ResourceNotFound);
        assert_eq!(reason(harness.caller.as_operator().begin_passkey(&account.name).await), Reason::ResourceNotFound);
        let own = harness.caller.as_user(&session);
        let begun = own.begin_passkey("accounts/me").await.unwrap();
        let options = begun.options.unwrap();
        assert_eq!(member(&options, "authenticatorSelection.userVerification"), "required");
        assert_eq!((member(&options, "rp.id"), member(&options, "user.name")), ("app.example.org".to_owned(), ADA.to_owned()));
        assert_eq!(member(&options, "attestation"), "none");
        assert!(format!("{options:?}").contains("excludeCredentials"));
        for spoilt in [
            SoftKey::new().unverified().create(&options),
            SoftKey::new().at("https://evil.example.org").create(&options),
            SoftKey { rp_id: "example.org", ..SoftKey::new() }.create(&options),
            Struct::default(),
        ] {
            assert_eq!(reason(own.finish_passkey(&begun.challenge, spoilt).await), Reason::PasskeyRefused);
        }
        assert_eq!(fields(own.finish_passkey("", Struct::default()).await), ["challenge"]);
        let shown = SoftKey::new().create(&options);
        own.finish_passkey(&begun.challenge, shown.clone()).await.unwrap();
        assert_eq!(reason(own.finish_passkey(&begun.challenge, shown).await), Reason::ChallengeOver, "once");
        harness.mail("factor_added", ADA).await;
    }

    async fn a_challenge_is_bound_to_the_account_to_what_it_is_for_and_to_its_time(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (_, session) = harness.verified(ADA).await;
        let session = harness.enroll_passkey(&session, &mut key).await.1;
        let own = harness.caller.as_user(&session);
        let begun = own.begin_passkey("accounts/me").await.unwrap();
        let options = begun.options.unwrap();
        let (_, bob) = harness.verified("bob@example.org").await;
        let bob = harness.caller.as_user(&bob);
        let shown = SoftKey::new().create(&options);
        assert_eq!(reason(bob.finish_passkey(&begun.challenge, shown.clone()).await), Reason::ChallengeOver);
        let asked = own.begin_passkey_sign_in("").await.unwrap();
        assert_eq!(reason(own.finish_passkey(&asked.challenge, shown.clone()).await), Reason::ChallengeOver, "to sign in");
        let signed = key.get(&asked.options.unwrap());
        assert_eq!(reason(own.sign_in_with_passkey(&begun.challenge, signed).await), Reason::ChallengeOver, "to enrol");
        assert_eq!(reason(own.finish_passkey("mch_no", shown.clone()).await), Reason::ChallengeOver);
        harness.clock.advance_seconds(300);
        let own = harness.caller.as_user(&harness.caller.refresh(&session.refresh_token).await.unwrap());
        assert_eq!(reason(own.finish_passkey(&begun.challenge, shown).await), Reason::ChallengeOver, "too late");
        // Nobody enrols somebody else's passkey.
        let bob = harness.caller.as_user(&harness.caller.sign_in("bob@example.org", PASSWORD).await.unwrap());
        let begun = bob.begin_passkey("accounts/me").await.unwrap();
        let shown = key.create(&begun.options.unwrap());
        assert_eq!(reason(bob.finish_passkey(&begun.challenge, shown).await), Reason::AlreadyExists);
    }

    /// S1e: an account of two factors takes another, and loses one, only in a session of two that has just shown so.
    async fn who_has_found_a_session_neither_adds_a_passkey_nor_removes_one(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, before) = harness.verified(ADA).await;
        let older = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        let (finished, raised) = harness.enroll_passkey(&before, &mut SoftKey::new()).await;
        let factor = finished.factor.unwrap().name;
        let older = harness.caller.as_user(&older);
        let own = harness.caller.as_user(&raised);
        let begun = own.begin_passkey("accounts/me").await.unwrap();
        let shown = SoftKey::new().create(&begun.options.unwrap());
        for refused in [
            older.begin_passkey("accounts/me").await.map(drop),
            older.finish_passkey(&begun.challenge, shown).await.map(drop),
            older.delete_factor(&factor).await,
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::InsufficientUserAuthentication));
            assert_eq!(refused.metadata("acr_values"), Some("aal2"));
        }
        harness.clock.advance_seconds(301);
        let later = harness.caller.as_user(&harness.caller.refresh(&raised.refresh_token).await.unwrap());
        for refused in [later.begin_passkey("accounts/me").await.map(drop), later.delete_factor(&factor).await] {
            assert_eq!(refused.unwrap_err().metadata("max_age"), Some("300"));
        }
    }

    async fn passkeys_are_named_listed_renamed_and_removed(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, session) = harness.verified(ADA).await;
        let session = harness.enroll_passkey(&session, &mut key).await.1;
        let own = harness.caller.as_user(&session);
        let laptop = enroll_as(&own, "Laptop").await.unwrap();
        assert!(laptop.recovery_codes.is_empty(), "they came with the first");
        assert_eq!(fields(enroll_as(&own, "a\nb").await), ["display_name"]);
        let listed = own.list_factors("accounts/me").await.unwrap();
        let names: Vec<_> = listed.factors.iter().map(|it| (it.display_name.as_str(), it.kind())).collect();
        assert_eq!(names, [("Passkey", pb::factor::Kind::Passkey), ("Laptop", pb::factor::Kind::Passkey)]);
        let renamed = pb::Factor { display_name: "Telephone".to_owned(), ..listed.factors[0].clone() };
        let message = pb::UpdateFactorRequest { factor: Some(renamed), update_mask: None };
        let renamed = answer(own.factors().update_factor(own.request(message)).await).unwrap();
        assert_eq!(renamed.display_name, "Telephone");
        own.delete_factor(&renamed.name).await.unwrap();
        harness.mail("factor_removed", ADA).await;
        assert_eq!(reason(harness.passkey_sign_in(&mut key).await), Reason::PasskeyRefused);
        // Of what else can be shown, the session is of one factor now, and the account still has one.
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&session).await.unwrap().level(), 1);
        assert_eq!(harness.caller.as_operator().list_factors(&account.name).await.unwrap().factors.len(), 1);
    }

    async fn what_removes_factors_or_the_account_removes_passkeys(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, session) = harness.verified(ADA).await;
        let session = harness.enroll_passkey(&session, &mut key).await.1;
        let operator = harness.caller.as_operator();
        assert_eq!(operator.reset_factors(&account.name).await.unwrap(), 1);
        assert_eq!(reason(harness.passkey_sign_in(&mut key).await), Reason::PasskeyRefused);
        assert_eq!(reason(harness.caller.refresh(&session.refresh_token).await), Reason::SessionEnded);
        assert!(harness.caller.sign_in(ADA, PASSWORD).await.unwrap().challenge.is_none());
        // It is nobody's now, and can be enrolled again.
        let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.enroll_passkey(&session, &mut key).await;
        assert_eq!(harness.auth.reset_factors(ADA).await.unwrap(), 1);
        let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.enroll_passkey(&session, &mut key).await;
        let asked = harness.caller.begin_passkey_sign_in("").await.unwrap();
        operator.delete(&account.name, "", "").await.unwrap();
        let shown = key.get(&asked.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&asked.challenge, shown).await), Reason::PasskeyRefused);
        let (_, session) = harness.verified(ADA).await;
        harness.enroll_passkey(&session, &mut key).await;
    }

    async fn an_account_has_twenty_passkeys_at_most(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, mut session) = harness.verified(ADA).await;
        for _ in 0..19 {
            session = harness.enroll_passkey(&session, &mut SoftKey::new()).await.1;
        }
        let own = harness.caller.as_user(&session);
        // Of two that were begun while there was room for one, one is added.
        let (one, two) = (own.begin_passkey("accounts/me").await.unwrap(), own.begin_passkey("accounts/me").await.unwrap());
        own.finish_passkey(&one.challenge, SoftKey::new().create(&one.options.unwrap())).await.unwrap();
        let late = own.finish_passkey(&two.challenge, SoftKey::new().create(&two.options.unwrap())).await;
        assert_eq!(reason(late), Reason::FailedPrecondition);
        assert_eq!(reason(own.begin_passkey("accounts/me").await), Reason::FailedPrecondition);
        assert_eq!(own.list_factors("accounts/me").await.unwrap().factors.len(), 20);
    }

    async fn the_name_comes_from_the_settings_alone(engine: Engine) {
        let passkeys = PasskeysConfig {
            rp_id: Some("example.org".to_owned()),
            origins: vec!["https://login.example.org".to_owned(), "https://shop.example.org".to_owned()],
        };
        let harness = Harness::with_config(engine, &Config { passkeys, ..config() }).await;
        let options = options_of(&harness).await;
        assert_eq!(member(&options, "rp.id"), "example.org");
        let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        let own = harness.caller.as_user(&session);
        // S4: no header says where it is.
        let mut request = own.request(pb::BeginPasskeyRequest { parent: "accounts/me".to_owned() });
        for header in ["host", "forwarded", "x-forwarded-host", "origin"] {
            request.metadata_mut().insert(header, "evil.example".parse().unwrap());
        }
        let begun = answer(own.factors().begin_passkey(request).await).unwrap();
        let options = begun.options.unwrap();
        assert_eq!(member(&options, "rp.id"), "example.org");
        let elsewhere = SoftKey { rp_id: "example.org", ..SoftKey::new().at("https://app.example.org") }.create(&options);
        assert_eq!(reason(own.finish_passkey(&begun.challenge, elsewhere).await), Reason::PasskeyRefused);
        let mut key = SoftKey { rp_id: "example.org", ..SoftKey::new().at("https://shop.example.org") };
        own.finish_passkey(&begun.challenge, key.create(&options)).await.unwrap();
        harness.passkey_sign_in(&mut key.at("https://login.example.org")).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_is_refused_at_the_start() {
    let database = fresh(Engine::Sqlite).await;
    let origins = |origins: &[&str]| origins.iter().map(|origin| (*origin).to_owned()).collect::<Vec<_>>();
    let rp_id = |id: &str| Some(id.to_owned());
    for (passkeys, problem) in [
        (PasskeysConfig { rp_id: rp_id("example.com"), origins: vec![] }, "rp_id"),
        (PasskeysConfig { rp_id: rp_id("org"), origins: vec![] }, "rp_id"),
        (PasskeysConfig { rp_id: rp_id("pp.example.org"), origins: vec![] }, "rp_id"),
        (PasskeysConfig { rp_id: None, origins: origins(&["http://app.example.org"]) }, "origins"),
        (PasskeysConfig { rp_id: None, origins: origins(&["https://203.0.113.7"]) }, "origins"),
        (PasskeysConfig { rp_id: None, origins: origins(&["app.example.org"]) }, "origins"),
        (PasskeysConfig { rp_id: None, origins: origins(&["https://ada@app.example.org"]) }, "origins"),
        (PasskeysConfig { rp_id: None, origins: origins(&["android:apk-key-hash:abc"]) }, "origins"),
    ] {
        let config = Config { passkeys: passkeys.clone(), ..config() };
        let Err(error) = start_on(&database, &TestClock::new(), &config, &KEY).await else { panic!("{passkeys:?}") };
        assert!(error.to_string().starts_with(&format!("auth.passkeys.{problem}:")), "{passkeys:?}: {error}");
    }
    let app = origins(&["https://app.example.org", "android:apk-key-hash:abc"]);
    let config = Config { passkeys: PasskeysConfig { rp_id: None, origins: app }, ..config() };
    start_on(&database, &TestClock::new(), &config, &KEY).await.unwrap();
}
