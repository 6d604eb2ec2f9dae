use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, fields, reason, subjects};

const ADA: &str = "ada@example.org";
const NEW: &str = "another horse battery";

both_engines! {
    async fn the_old_password_gives_a_new_one_and_ends_the_other_sessions(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, own) = harness.user(ADA).await;
        let other = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.caller.request_reset(ADA).await.unwrap();
        let reset = harness.token("reset_password", ADA).await;
        harness.caller.as_user(&own).change_password("accounts/me", PASSWORD, NEW).await.unwrap();

        assert_eq!(reason(harness.caller.refresh(&other.refresh_token).await), Reason::SessionEnded);
        harness.caller.refresh(&own.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::WrongCredentials);
        harness.caller.sign_in(ADA, NEW).await.unwrap();
        assert_eq!(reason(harness.caller.reset_password(&reset, PASSWORD).await), Reason::OneTimeSecretNotFound);
        let kinds = harness.mails().await;
        assert!(subjects(&kinds).iter().all(|(kind, _)| *kind != "password_changed"), "the address is nobody's yet");
    }

    async fn the_owner_of_a_verified_address_is_told(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, own) = harness.user(ADA).await;
        harness.caller.verify_email(&harness.token("verify_email", ADA).await).await.unwrap();
        harness.caller.as_user(&own).change_password("accounts/me", PASSWORD, NEW).await.unwrap();
        let told = harness.mail("password_changed", ADA).await;
        assert!(told.link.is_empty() && !told.text.contains(NEW) && !told.html.contains(NEW));
    }

    async fn a_wrong_old_password_changes_nothing(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, own) = harness.user(ADA).await;
        let caller = harness.caller.as_user(&own);
        assert_eq!(reason(caller.change_password("accounts/me", "not the password", NEW).await), Reason::WrongCredentials);
        assert_eq!(fields(caller.change_password("accounts/me", "", "short").await), ["old_password", "new_password"]);
        assert_eq!(reason(harness.caller.change_password(&ada.name, PASSWORD, NEW).await), Reason::Unauthenticated);
        let (_, eve) = harness.user("eve@example.org").await;
        for other in [harness.caller.as_user(&eve), harness.caller.as_operator()] {
            assert_eq!(reason(other.change_password(&ada.name, PASSWORD, NEW).await), Reason::ResourceNotFound);
        }
        harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
    }

    async fn of_two_changes_at_once_one_holds(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, own) = harness.user(ADA).await;
        let calls: Vec<_> = (0..8)
            .map(|number| {
                let caller = harness.caller.as_user(&own);
                tokio::spawn(async move { caller.change_password("accounts/me", PASSWORD, &format!("{NEW} {number}")).await })
            })
            .collect();
        let mut changed = Vec::new();
        for (number, call) in calls.into_iter().enumerate() {
            match call.await.unwrap() {
                Ok(()) => changed.push(number),
                Err(fault) => assert!(matches!(fault.reason(), Some(Reason::Conflict | Reason::WrongCredentials)), "{fault:?}"),
            }
        }
        assert_eq!(changed.len(), 1);
        harness.caller.sign_in(ADA, &format!("{NEW} {}", changed[0])).await.unwrap();
    }
}
