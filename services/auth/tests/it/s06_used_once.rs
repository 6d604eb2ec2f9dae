//! S6: of many who use a secret at once, one succeeds.

use std::future::Future;

use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1::Credentials;
use mainstay_testkit::both_engines;
use tokio::task::JoinHandle;

use crate::authenticator::App;
use crate::harness::{Caller, Harness, PASSWORD, Shown};

const AT_ONCE: usize = 32;
const ADA: &str = "ada@example.org";

/// Uses a secret many times at once. Says how often that went well; the others are told that it is not good any more.
async fn uses<F>(caller: &Caller, token: &str, one: fn(Caller, String) -> F) -> usize
where
    F: Future<Output = Result<(), Fault>> + Send + 'static,
{
    let calls: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(one(caller.clone(), token.to_owned()))).collect();
    let mut succeeded = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(()) => succeeded += 1,
            Err(fault) => assert_eq!(fault.reason(), Some(Reason::OneTimeSecretNotFound), "{fault:?}"),
        }
    }
    succeeded
}

/// How many went well; the others are told that what they showed is not good, or that there is nothing to show it for.
async fn right(calls: Vec<JoinHandle<Result<Credentials, Fault>>>) -> usize {
    let mut right = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => right += 1,
            Err(fault) => {
                assert!(matches!(fault.reason(), Some(Reason::WrongCode | Reason::ChallengeOver)), "{fault:?}");
            }
        }
    }
    right
}

both_engines! {
    async fn a_link_that_verifies(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user(ADA).await;
        let token = harness.token("verify_email", ADA).await;
        let one = |caller: Caller, token: String| async move { caller.verify_email(&token).await.map(drop) };
        assert_eq!(uses(&harness.caller, &token, one).await, 1);
    }

    async fn a_link_that_resets_a_password(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user(ADA).await;
        harness.caller.request_reset(ADA).await.unwrap();
        let token = harness.token("reset_password", ADA).await;
        let one = |caller: Caller, token: String| async move { caller.reset_password(&token, "another horse battery").await };
        assert_eq!(uses(&harness.caller, &token, one).await, 1);
        assert_eq!(harness.mails().await.iter().filter(|mail| mail.kind == "password_changed").count(), 1);
    }

    async fn a_step_of_an_app_that_makes_codes(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let code = owner.app.code(&harness.clock);
        let mut calls = Vec::new();
        for number in 0..AT_ONCE {
            // Each its own challenge: half of them in a sign-in, half in a session.
            let (caller, code) = (harness.caller.clone(), code.clone());
            let own = caller.as_user(&owner.credentials);
            let challenge = harness.challenge(ADA).await.token;
            calls.push(tokio::spawn(async move {
                match number % 2 {
                    0 => caller.sign_in_with_totp(&challenge, &code).await,
                    _ => own.step_up(Shown::TotpCode(code)).await,
                }
            }));
        }
        assert_eq!(right(calls).await, 1);
    }

    async fn a_recovery_code(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let mut calls = Vec::new();
        for _ in 0..AT_ONCE {
            let (caller, code) = (harness.caller.clone(), owner.recovery_codes[0].clone());
            let challenge = harness.challenge(ADA).await.token;
            calls.push(tokio::spawn(async move { caller.sign_in_with_recovery_code(&challenge, &code).await }));
        }
        assert_eq!(right(calls).await, 1);
        let left = harness.caller.as_operator().list_factors(&owner.name).await.unwrap().recovery_codes_left;
        assert_eq!(left, 9);
    }

    async fn a_challenge(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let challenge = harness.challenge(ADA).await.token;
        let mut calls = Vec::new();
        // Each its own code.
        for code in owner.recovery_codes {
            let (caller, challenge) = (harness.caller.clone(), challenge.clone());
            calls.push(tokio::spawn(async move { caller.sign_in_with_recovery_code(&challenge, &code).await }));
        }
        assert_eq!(right(calls).await, 1);
        let left = harness.caller.as_operator().list_factors(&owner.name).await.unwrap().recovery_codes_left;
        assert_eq!(left, 9, "what did not sign in was not used");
    }

    async fn an_enrolment(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.verified(ADA).await;
        let own = harness.caller.as_user(&session);
        let enrolled = own.enroll_totp("accounts/me", "").await.unwrap();
        let code = App::of(&enrolled).code(&harness.clock);
        let name = enrolled.factor.unwrap().name;
        let mut calls = Vec::new();
        for _ in 0..AT_ONCE {
            let (own, name, code) = (own.clone(), name.clone(), code.clone());
            calls.push(tokio::spawn(async move { own.confirm_totp(&name, &code).await }));
        }
        let mut shown = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(confirmed) => shown += confirmed.recovery_codes.len(),
                Err(fault) => assert!(matches!(fault.reason(), Some(Reason::ResourceNotFound | Reason::InsufficientUserAuthentication)), "{fault:?}"),
            }
        }
        assert_eq!(shown, 10);
    }

    async fn a_link_that_changes_an_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user(ADA).await;
        harness.caller.as_user(&credentials).change_email("accounts/me", "ada@example.net", PASSWORD).await.unwrap();
        let token = harness.token("change_email", "ada@example.net").await;
        let one = |caller: Caller, token: String| async move { caller.confirm_change(&token).await.map(|changed| assert!(changed)) };
        assert_eq!(uses(&harness.caller, &token, one).await, 1);
    }
}
