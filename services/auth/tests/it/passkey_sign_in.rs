//! A13: passkeys in the place of a password, as a second factor, and as a step up.

use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use prost_types::Struct;

use crate::harness::{Harness, PASSWORD, PUBLIC_URL, Shown, fields, limited, reason};
use crate::soft_key::SoftKey;

const ADA: &str = "ada@example.org";

/// Somebody with a passkey.
async fn owner(harness: &Harness, key: &mut SoftKey) -> (pb::Account, pb::Credentials, pb::FinishPasskeyResponse) {
    let (account, session) = harness.verified(ADA).await;
    let (finished, raised) = harness.enroll_passkey(&session, key).await;
    (account, raised, finished)
}

/// What the log has of passkeys of an account that were behind.
async fn noted(harness: &Harness, account: &pb::Account) -> Vec<pb::AuditEvent> {
    harness.auth.give_places().await.unwrap();
    let (parent, action) = (account.name.clone(), "sessions.passkeyCloned".to_owned());
    let wanted = pb::ListAuditEventsRequest { parent, action, ..Default::default() };
    harness.caller.as_operator().list_audit_events(wanted).await.unwrap().audit_events
}

async fn mails_of(harness: &Harness, kind: &str) -> usize {
    harness.mails().await.iter().filter(|mail| mail.kind == kind).count()
}

both_engines! {
    async fn a_passkey_signs_in_without_a_name_and_without_a_password(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, session, finished) = owner(&harness, &mut key).await;
        assert_eq!((finished.recovery_codes.len(), finished.factor.as_ref().unwrap().kind()), (10, pb::factor::Kind::Passkey));
        assert_eq!(harness.verify(&session).await.unwrap().methods(), &["pwd", "hwk", "mfa"].map(String::from)[..]);
        let asked = harness.caller.begin_passkey_sign_in("").await.unwrap();
        assert!(!format!("{:?}", asked.options).contains("allowCredentials\": Value { kind: Some(ListValue(ListValue { values: [Value"));
        let signed_in = harness.passkey_sign_in(&mut key).await.unwrap();
        assert_eq!(signed_in.account.as_ref().unwrap().uid, account.uid);
        let principal = harness.verify(&signed_in).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["hwk", "mfa"].map(String::from)[..]));
        harness.caller.refresh(&signed_in.refresh_token).await.unwrap();
        let disabled = harness.caller.as_operator().disable(&account.name, "").await.unwrap();
        assert_eq!(reason(harness.passkey_sign_in(&mut key).await), Reason::AccountDisabled);
        harness.caller.as_operator().enable(&disabled.name, "").await.unwrap();
        harness.passkey_sign_in(&mut key).await.unwrap();
    }

    async fn a_passkey_that_is_synchronised_is_told_as_one(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new().synchronised();
        let (_, session, _) = owner(&harness, &mut key).await;
        assert_eq!(harness.verify(&session).await.unwrap().methods(), &["pwd", "swk", "mfa"].map(String::from)[..]);
        let signed_in = harness.passkey_sign_in(&mut key).await.unwrap();
        assert_eq!(harness.verify(&signed_in).await.unwrap().methods(), &["swk", "mfa"].map(String::from)[..]);
    }

    async fn a_password_waits_for_a_passkey_and_what_waits_is_good_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        owner(&harness, &mut key).await;
        let challenge = harness.challenge(ADA).await;
        assert_eq!(challenge.factors, [i32::from(pb::factor::Kind::Passkey)]);
        let ask = async |challenge: &str| harness.caller.begin_passkey_sign_in(challenge).await.unwrap();
        let (asked, again) = (ask(&challenge.token).await, ask(&challenge.token).await);
        let options = asked.options.unwrap();
        assert!(format!("{options:?}").contains("allowCredentials"));
        let signed_in = harness.caller.sign_in_with_passkey(&asked.challenge, key.get(&options)).await.unwrap();
        let principal = harness.verify(&signed_in).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["pwd", "hwk", "mfa"].map(String::from)[..]));
        // What else was asked for the same sign-in went with it.
        let shown = key.get(&again.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&again.challenge, shown).await), Reason::ChallengeOver);
        assert_eq!(reason(harness.caller.begin_passkey_sign_in(&challenge.token).await), Reason::ChallengeOver);
        // Nor does it last longer than what it is for.
        let waiting = harness.challenge(ADA).await;
        harness.clock.advance_seconds(200);
        assert_eq!(ask(&waiting.token).await.expire_time, waiting.expire_time);
    }

    async fn a_password_that_waits_takes_no_passkey_of_somebody_else(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (mut key, mut other) = (SoftKey::new(), SoftKey::new());
        owner(&harness, &mut key).await;
        let (_, bob) = harness.verified("bob@example.org").await;
        harness.enroll_passkey(&bob, &mut other).await;
        let asked = harness.caller.begin_passkey_sign_in(&harness.challenge(ADA).await.token).await.unwrap();
        let options = asked.options.unwrap();
        let shown = other.get(&options);
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&asked.challenge, shown).await), Reason::PasskeyRefused);
        // Nor one of the account that says it is somebody else's.
        let own = std::mem::replace(&mut key.user_handle, other.user_handle.clone());
        let shown = key.get(&options);
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&asked.challenge, shown).await), Reason::PasskeyRefused);
        key.user_handle = own;
        harness.caller.sign_in_with_passkey(&asked.challenge, key.get(&options)).await.unwrap();
    }

    async fn what_an_authenticator_shows_has_to_be_right_in_every_part(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (_, session, _) = owner(&harness, &mut key).await;
        type Spoil = fn(&mut SoftKey);
        let spoilt: [(&str, Spoil); 5] = [
            ("another page", |key| key.origin = "https://evil.example.org"),
            ("another name", |key| key.rp_id = "example.org"),
            ("nobody made sure", |key| key.flags &= !0x04),
            ("nobody was there", |key| key.flags &= !0x01),
            ("somebody else's", |key| key.user_handle = "AAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ];
        let mut answers = Vec::new();
        for (what, spoil) in spoilt {
            let (flags, handle) = (key.flags, key.user_handle.clone());
            spoil(&mut key);
            let refused = harness.passkey_sign_in(&mut key).await.expect_err(what);
            assert_eq!(refused.reason(), Some(Reason::PasskeyRefused), "{what}");
            answers.push(refused.text().to_owned());
            (key.origin, key.rp_id, key.flags, key.user_handle) = (PUBLIC_URL, "app.example.org", flags, handle);
        }
        // S2: of a passkey that nobody has, the same is said.
        let mut strange = SoftKey { user_handle: key.user_handle.clone(), ..SoftKey::new() };
        answers.push(harness.passkey_sign_in(&mut strange).await.unwrap_err().text().to_owned());
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        let (one, two) = (harness.caller.begin_passkey_sign_in("").await.unwrap(), harness.caller.begin_passkey_sign_in("").await.unwrap());
        let of_two = key.get(&two.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&one.challenge, of_two.clone()).await), Reason::PasskeyRefused);
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&one.challenge, Struct::default()).await), Reason::PasskeyRefused);
        assert_eq!(fields(harness.caller.sign_in_with_passkey("", Struct::default()).await), ["challenge"]);
        harness.caller.sign_in_with_passkey(&two.challenge, of_two.clone()).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&two.challenge, of_two).await), Reason::ChallengeOver, "once");
        let late = harness.caller.begin_passkey_sign_in("").await.unwrap();
        harness.clock.advance_seconds(300);
        let shown = key.get(&late.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&late.challenge, shown).await), Reason::ChallengeOver);
        harness.caller.refresh(&session.refresh_token).await.unwrap();
    }

    async fn a_passkey_that_has_signed_less_often_than_before_is_refused_noted_and_told(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, session, finished) = owner(&harness, &mut key).await;
        // Somebody asks, with what is stored of it now.
        let own = harness.caller.as_user(&session);
        let asked = own.begin_passkey_sign_in("").await.unwrap();
        key.counter = 9;
        harness.passkey_sign_in(&mut key).await.unwrap();
        for counter in [4, 9] {
            key.counter = counter;
            assert_eq!(reason(harness.passkey_sign_in(&mut key).await), Reason::PasskeyRefused);
            key.counter = 10;
        }
        key.counter = 4;
        let shown = Some(key.get(&asked.options.unwrap()));
        let assertion = pb::PasskeyAssertion { challenge: asked.challenge, credential: shown };
        assert_eq!(reason(own.step_up(Shown::Passkey(assertion)).await), Reason::PasskeyRefused, "behind what is stored since");
        key.counter = 0;
        let asked = harness.caller.begin_passkey_sign_in("").await.unwrap();
        let shown = key.get_uncounted(&asked.options.unwrap());
        let stopped = harness.caller.sign_in_with_passkey(&asked.challenge, shown).await;
        assert_eq!(reason(stopped), Reason::PasskeyRefused, "one that has counted counts");
        let events = noted(&harness, &account).await;
        let factor = finished.factor.unwrap().name;
        assert!(events.len() == 4 && events.iter().all(|event| event.subject == factor), "{events:?}");
        assert_eq!(mails_of(&harness, "passkey_cloned").await, 4);
        key.counter = 10;
        harness.passkey_sign_in(&mut key).await.unwrap();
    }

    async fn an_owner_is_not_told_again_and_again(engine: Engine) {
        let harness = Harness::with_config(engine, &limited()).await;
        let mut key = SoftKey::new();
        let (account, _, _) = owner(&harness, &mut key).await;
        key.counter = 100;
        harness.passkey_sign_in(&mut key).await.unwrap();
        let mut refused = Vec::new();
        for _ in 0..12 {
            key.counter = 1;
            refused.push(reason(harness.passkey_sign_in(&mut key).await));
        }
        assert_eq!(refused.iter().filter(|reason| **reason == Reason::PasskeyRefused).count(), 10, "{refused:?}");
        assert_eq!(refused.last(), Some(&Reason::RateLimited));
        assert_eq!((noted(&harness, &account).await.len(), mails_of(&harness, "passkey_cloned").await), (10, 10));
    }

    async fn an_authenticator_that_counts_nothing_signs_in_again_and_again(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, ..) = owner(&harness, &mut key).await;
        for _ in 0..3 {
            let asked = harness.caller.begin_passkey_sign_in("").await.unwrap();
            let shown = key.get_uncounted(&asked.options.unwrap());
            harness.caller.sign_in_with_passkey(&asked.challenge, shown).await.unwrap();
        }
        assert!(noted(&harness, &account).await.is_empty());
    }

    async fn a_passkey_steps_a_session_up_and_only_one_of_its_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (_, session, finished) = owner(&harness, &mut key).await;
        harness.clock.advance_seconds(400);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let own = harness.caller.as_user(&session);
        let name = &finished.factor.as_ref().unwrap().name;
        assert_eq!(reason(own.delete_factor(name).await), Reason::InsufficientUserAuthentication);
        let asked = own.begin_passkey_sign_in("").await.unwrap();
        let credential = Some(key.get(&asked.options.unwrap()));
        let assertion = pb::PasskeyAssertion { challenge: asked.challenge, credential };
        let (_, bob) = harness.user("bob@example.org").await;
        let of_bob = harness.caller.as_user(&bob).step_up(Shown::Passkey(assertion.clone())).await;
        assert_eq!(reason(of_bob), Reason::PasskeyRefused);
        let raised = own.step_up(Shown::Passkey(assertion.clone())).await.unwrap();
        assert_eq!(reason(own.step_up(Shown::Passkey(assertion)).await), Reason::ChallengeOver);
        harness.caller.as_user(&raised).delete_factor(name).await.unwrap();
        assert_eq!(reason(harness.passkey_sign_in(&mut key).await), Reason::PasskeyRefused);
        assert!(harness.caller.sign_in(ADA, PASSWORD).await.unwrap().challenge.is_none());
    }

    async fn what_ends_the_sessions_ends_a_sign_in_that_waits(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (_, session, _) = owner(&harness, &mut key).await;
        let asked = harness.caller.begin_passkey_sign_in(&harness.challenge(ADA).await.token).await.unwrap();
        harness.caller.as_user(&session).revoke_all("accounts/me", false).await.unwrap();
        let shown = key.get(&asked.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&asked.challenge, shown).await), Reason::ChallengeOver);
    }

    async fn challenges_are_limited_and_swept(engine: Engine) {
        let mut config = limited();
        config.limits.challenge_burst = 3;
        let harness = Harness::with_config(engine, &config).await;
        let caller = harness.caller.from("203.0.113.7");
        for _ in 0..3 {
            caller.begin_passkey_sign_in("").await.unwrap();
        }
        assert_eq!(reason(caller.begin_passkey_sign_in("").await), Reason::RateLimited);
        harness.caller.from("198.51.100.7").begin_passkey_sign_in("").await.unwrap();
        harness.clock.advance_seconds(301);
        harness.auth.maintain().await.unwrap();
        let now = harness.database.read(mainstay_db::Lane::Heavy, |conn| {
            Box::pin(async move { mainstay_auth::store::challenges::over(conn, i64::MAX, 10).await })
        });
        assert!(now.await.unwrap().is_empty());
    }

    /// S6: of many who show what was signed for one challenge, one is signed in.
    async fn of_thirty_two_at_once_one_signs_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        owner(&harness, &mut key).await;
        let asked = harness.caller.begin_passkey_sign_in("").await.unwrap();
        let shown = key.get(&asked.options.unwrap());
        let calls: Vec<_> = (0..32)
            .map(|_| {
                let (caller, challenge, shown) = (harness.caller.clone(), asked.challenge.clone(), shown.clone());
                tokio::spawn(async move { caller.sign_in_with_passkey(&challenge, shown).await })
            })
            .collect();
        let mut signed_in = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(_) => signed_in += 1,
                Err(fault) => assert!(is_late(&fault), "{fault:?}"),
            }
        }
        assert_eq!(signed_in, 1);
    }
}

/// Who comes after the first finds the challenge used, or the passkey ahead.
fn is_late(fault: &Fault) -> bool {
    matches!(fault.reason(), Some(Reason::ChallengeOver | Reason::PasskeyRefused))
}
