//! S6: of many who use a secret at once, one succeeds.

use std::future::Future;

use mainstay_fault::{Fault, Reason};
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD};

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

    async fn a_link_that_changes_an_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user(ADA).await;
        harness.caller.as_user(&credentials).change_email("accounts/me", "ada@example.net", PASSWORD).await.unwrap();
        let token = harness.token("change_email", "ada@example.net").await;
        let one = |caller: Caller, token: String| async move { caller.confirm_change(&token).await.map(|changed| assert!(changed)) };
        assert_eq!(uses(&harness.caller, &token, one).await, 1);
    }
}
