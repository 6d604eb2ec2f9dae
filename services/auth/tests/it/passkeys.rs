//! A13: passkeys as a second factor, and in the place of a password.

use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, Shown, fields, reason};
use crate::soft_key::{SoftKey, member};

const ADA: &str = "ada@example.org";

/// Asks for a passkey without a name, and signs in with it.
async fn sign_in(caller: &Caller, key: &mut SoftKey) -> Result<pb::Credentials, mainstay_fault::Fault> {
    let asked = caller.begin_passkey_sign_in("").await.unwrap();
    caller.sign_in_with_passkey(&asked.challenge, key.get(&asked.options.unwrap())).await
}

/// Somebody with a passkey.
async fn owner(harness: &Harness, key: &mut SoftKey) -> (pb::Account, pb::Credentials, pb::FinishPasskeyResponse) {
    let (account, session) = harness.verified(ADA).await;
    let finished = harness.enroll_passkey(&session, key).await;
    let raised = finished.credentials.clone().unwrap();
    (account, pb::Credentials { refresh_token: session.refresh_token, ..raised }, finished)
}

both_engines! {
    async fn a_passkey_is_enrolled_and_signs_in_without_a_name(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, session, finished) = owner(&harness, &mut key).await;
        assert_eq!((finished.recovery_codes.len(), finished.factor.as_ref().unwrap().kind()), (10, pb::factor::Kind::Passkey));
        assert_eq!(harness.verify(&session).await.unwrap().methods(), &["pwd", "hwk", "mfa"].map(String::from)[..]);
        let signed_in = sign_in(&harness.caller, &mut key).await.unwrap();
        assert_eq!(signed_in.account.as_ref().unwrap().uid, account.uid);
        let principal = harness.verify(&signed_in).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["hwk", "mfa"].map(String::from)[..]));
        harness.mail("factor_added", ADA).await;
        // A password alone is not enough any more.
        let challenge = harness.challenge(ADA).await;
        assert_eq!(challenge.factors, [i32::from(pb::factor::Kind::Passkey)]);
        let asked = harness.caller.begin_passkey_sign_in(&challenge.token).await.unwrap();
        let options = asked.options.unwrap();
        assert!(format!("{options:?}").contains("allowCredentials"));
        let signed_in = harness.caller.sign_in_with_passkey(&asked.challenge, key.get(&options)).await.unwrap();
        let principal = harness.verify(&signed_in).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["pwd", "hwk", "mfa"].map(String::from)[..]));
        harness.caller.refresh(&signed_in.refresh_token).await.unwrap();
    }

    async fn what_an_authenticator_shows_has_to_be_right_in_every_part(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (_, session, _) = owner(&harness, &mut key).await;
        let refused = |spoil: fn(&mut SoftKey), mend: fn(&mut SoftKey)| (spoil, mend);
        let spoilt: [(fn(&mut SoftKey), fn(&mut SoftKey)); 4] = [
            refused(|key| key.origin = "https://evil.example.org", |key| key.origin = crate::harness::PUBLIC_URL),
            refused(|key| key.rp_id = "example.org", |key| key.rp_id = "app.example.org"),
            refused(|key| key.flags &= !4, |key| key.flags |= 4),
            refused(|key| key.user_handle = "AAAA".to_owned(), |_| ()),
        ];
        for (number, (spoil, mend)) in spoilt.into_iter().enumerate() {
            let handle = key.user_handle.clone();
            spoil(&mut key);
            assert_eq!(reason(sign_in(&harness.caller, &mut key).await), Reason::PasskeyRefused, "{number}");
            mend(&mut key);
            key.user_handle = handle;
        }
        // Of another challenge, of a passkey that nobody has, and nothing at all.
        let (one, two) = (harness.caller.begin_passkey_sign_in("").await.unwrap(), harness.caller.begin_passkey_sign_in("").await.unwrap());
        let of_two = key.get(&two.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&one.challenge, of_two.clone()).await), Reason::PasskeyRefused);
        let mut strange = SoftKey::new();
        strange.user_handle = key.user_handle.clone();
        assert_eq!(reason(sign_in(&harness.caller, &mut strange).await), Reason::PasskeyRefused);
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&one.challenge, Default::default()).await), Reason::PasskeyRefused);
        assert_eq!(fields(harness.caller.sign_in_with_passkey("", Default::default()).await), ["challenge"]);
        harness.caller.sign_in_with_passkey(&two.challenge, of_two.clone()).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&two.challenge, of_two).await), Reason::ChallengeOver, "once");
        let late = harness.caller.begin_passkey_sign_in("").await.unwrap();
        harness.clock.advance_seconds(300);
        let shown = key.get(&late.options.unwrap());
        assert_eq!(reason(harness.caller.sign_in_with_passkey(&late.challenge, shown).await), Reason::ChallengeOver);
        harness.caller.refresh(&session.refresh_token).await.unwrap();
    }

    async fn a_passkey_that_has_signed_less_often_than_before_is_refused_and_noted(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (account, _, _) = owner(&harness, &mut key).await;
        key.counter = 9;
        sign_in(&harness.caller, &mut key).await.unwrap();
        key.counter = 4;
        assert_eq!(reason(sign_in(&harness.caller, &mut key).await), Reason::PasskeyRefused);
        key.counter = 9;
        assert_eq!(reason(sign_in(&harness.caller, &mut key).await), Reason::PasskeyRefused, "as often is less often");
        key.counter = 10;
        sign_in(&harness.caller, &mut key).await.unwrap();
        harness.auth.give_places().await.unwrap();
        let wanted = pb::ListAuditEventsRequest { parent: account.name, action: "sessions.passkeyCloned".to_owned(), ..Default::default() };
        let events = harness.caller.as_operator().list_audit_events(wanted).await.unwrap().audit_events;
        assert!(events.len() == 2 && events[0].subject.contains("/factors/"), "{events:?}");
    }

    async fn an_authenticator_that_counts_nothing_signs_in_again_and_again(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        owner(&harness, &mut key).await;
        for _ in 0..3 {
            let asked = harness.caller.begin_passkey_sign_in("").await.unwrap();
            let options = asked.options.unwrap();
            let shown = key.get_uncounted(&options);
            harness.caller.sign_in_with_passkey(&asked.challenge, shown).await.unwrap();
        }
    }

    async fn enrolling_wants_the_owner_a_verified_address_and_an_authenticator_that_makes_sure(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, eve) = harness.user("eve@example.org").await;
        let eve = harness.caller.as_user(&eve);
        assert_eq!(reason(eve.begin_passkey("accounts/me").await), Reason::FailedPrecondition);
        let mut key = SoftKey::new();
        let (account, session, _) = owner(&harness, &mut key).await;
        assert_eq!(reason(eve.begin_passkey(&account.name).await), Reason::ResourceNotFound);
        let own = harness.caller.as_user(&session);
        let begun = own.begin_passkey("accounts/me").await.unwrap();
        let options = begun.options.unwrap();
        assert_eq!(member(&options, "authenticatorSelection.userVerification"), "required");
        assert_eq!(member(&options, "rp.id"), "app.example.org");
        assert!(format!("{options:?}").contains("excludeCredentials"));
        let shown = SoftKey::new().unverified().create(&options);
        assert_eq!(reason(own.finish_passkey(&begun.challenge, shown).await), Reason::PasskeyRefused);
        // The challenge is this account's.
        let (_, bob) = harness.verified("bob@example.org").await;
        let shown = SoftKey::new().create(&options);
        assert_eq!(reason(harness.caller.as_user(&bob).finish_passkey(&begun.challenge, shown.clone()).await), Reason::ChallengeOver);
        own.finish_passkey(&begun.challenge, shown.clone()).await.unwrap();
        assert_eq!(reason(own.finish_passkey(&begun.challenge, shown).await), Reason::ChallengeOver, "once");
        // Nobody enrols somebody else's passkey.
        let begun = harness.caller.as_user(&bob).begin_passkey("accounts/me").await.unwrap();
        let shown = key.create(&begun.options.unwrap());
        assert_eq!(reason(harness.caller.as_user(&bob).finish_passkey(&begun.challenge, shown).await), Reason::AlreadyExists);
        // An account of two factors takes another only in a session of two.
        harness.clock.advance_seconds(301);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&session).begin_passkey("accounts/me").await), Reason::InsufficientUserAuthentication);
    }

    async fn a_passkey_steps_a_session_up_and_only_one_of_its_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        let mut key = SoftKey::new();
        let (_, session, finished) = owner(&harness, &mut key).await;
        harness.clock.advance_seconds(400);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let own = harness.caller.as_user(&session);
        assert_eq!(reason(own.delete_factor(&finished.factor.as_ref().unwrap().name).await), Reason::InsufficientUserAuthentication);
        let asked = own.begin_passkey_sign_in("").await.unwrap();
        let assertion = pb::PasskeyAssertion { challenge: asked.challenge, credential: Some(key.get(&asked.options.unwrap())) };
        let (_, bob) = harness.user("bob@example.org").await;
        let of_bob = harness.caller.as_user(&bob).step_up(Shown::Passkey(assertion.clone())).await;
        assert_eq!(reason(of_bob), Reason::PasskeyRefused);
        let raised = own.step_up(Shown::Passkey(assertion.clone())).await.unwrap();
        assert_eq!(reason(own.step_up(Shown::Passkey(assertion)).await), Reason::ChallengeOver);
        harness.caller.as_user(&raised).delete_factor(&finished.factor.unwrap().name).await.unwrap();
        assert_eq!(reason(sign_in(&harness.caller, &mut key).await), Reason::PasskeyRefused);
        assert!(harness.caller.sign_in(ADA, PASSWORD).await.unwrap().challenge.is_none());
    }

    async fn an_account_has_twenty_passkeys_at_most(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, mut session) = harness.verified(ADA).await;
        for _ in 0..20 {
            let refresh_token = session.refresh_token.clone();
            let finished = harness.enroll_passkey(&session, &mut SoftKey::new()).await;
            session = pb::Credentials { refresh_token, ..finished.credentials.unwrap() };
        }
        assert_eq!(reason(harness.caller.as_user(&session).begin_passkey("accounts/me").await), Reason::FailedPrecondition);
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
                Err(fault) => assert!(matches!(fault.reason(), Some(Reason::ChallengeOver | Reason::PasskeyRefused)), "{fault:?}"),
            }
        }
        assert_eq!(signed_in, 1);
    }
}
