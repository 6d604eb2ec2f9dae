use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, fields, reason, subjects};

const ADA: &str = "ada@example.org";
const NEW: &str = "another horse battery";

both_engines! {
    async fn a_link_gives_a_new_password_and_ends_every_session(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, one) = harness.user(ADA).await;
        let other = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.caller.request_reset("ADA@example.org").await.unwrap();
        let mail = harness.mail("reset_password", ADA).await;
        assert!(mail.link.starts_with("https://app.example.org/auth/reset-password#token=mot_"), "{}", mail.link);

        harness.caller.reset_password(&harness.token("reset_password", ADA).await, NEW).await.unwrap();
        for session in [&one, &other] {
            assert_eq!(reason(harness.caller.refresh(&session.refresh_token).await), Reason::SessionEnded);
        }
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::WrongCredentials);
        let signed_in = harness.caller.sign_in(ADA, NEW).await.unwrap();
        assert!(signed_in.account.unwrap().email_verified, "whoever reads the mail has the address");
        harness.mail("password_changed", ADA).await;
    }

    async fn success_ends_all_other_links_of_the_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user(ADA).await;
        let own = harness.caller.as_user(&credentials);
        harness.caller.request_reset(ADA).await.unwrap();
        let first = harness.token("reset_password", ADA).await;
        harness.clock.advance_seconds(1);
        harness.caller.request_reset(ADA).await.unwrap();
        let second = harness.token("reset_password", ADA).await;
        own.change_email("accounts/me", "eve@example.net", PASSWORD).await.unwrap();
        let change = harness.token("change_email", "eve@example.net").await;
        assert_ne!(first, second);
        harness.caller.reset_password(&first, NEW).await.unwrap();
        assert_eq!(reason(harness.caller.reset_password(&second, PASSWORD).await), Reason::OneTimeSecretNotFound);
        assert_eq!(reason(harness.caller.confirm_change(&change).await), Reason::OneTimeSecretNotFound, "asked for with the old one");
    }

    async fn a_password_that_is_refused_uses_nothing_up(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user(ADA).await;
        harness.caller.request_reset(ADA).await.unwrap();
        let token = harness.token("reset_password", ADA).await;
        assert_eq!(fields(harness.caller.reset_password(&token, "short").await), ["new_password"]);
        assert_eq!(fields(harness.caller.reset_password("", "short").await), ["token", "new_password"]);
        harness.clock.advance_seconds(3_599);
        harness.caller.reset_password(&token, NEW).await.unwrap();
        assert_eq!(reason(harness.caller.reset_password(&token, NEW).await), Reason::OneTimeSecretNotFound, "once");
    }

    async fn a_link_is_good_for_an_hour(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user(ADA).await;
        harness.caller.request_reset(ADA).await.unwrap();
        let token = harness.token("reset_password", ADA).await;
        harness.clock.advance_seconds(3_600);
        let before = harness.auth.hashing_effort();
        assert_eq!(reason(harness.caller.reset_password(&token, NEW).await), Reason::OneTimeSecretNotFound);
        assert_eq!(harness.auth.hashing_effort(), before, "what is not good is not worth a hash");
    }

    async fn nobody_without_an_account_gets_a_mail(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.caller.request_reset("nobody@example.org").await.unwrap();
        assert_eq!(subjects(&harness.mails().await), []);
        assert_eq!(fields(harness.caller.request_reset("nobody").await), ["email"]);
    }

    /// S1a: somebody made an account with a victim's address before its owner did.
    async fn an_owner_takes_an_account_back_that_somebody_made_with_the_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, attacker) = harness.user(ADA).await;
        let pending = harness.caller.as_user(&attacker);
        pending.change_email("accounts/me", "eve@example.net", PASSWORD).await.unwrap();
        let hers = harness.token("change_email", "eve@example.net").await;

        harness.caller.request_reset(ADA).await.unwrap();
        harness.caller.reset_password(&harness.token("reset_password", ADA).await, NEW).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.refresh(&attacker.refresh_token).await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.confirm_change(&hers).await), Reason::OneTimeSecretNotFound);
        assert_eq!(harness.caller.sign_in(ADA, NEW).await.unwrap().account.unwrap().uid, account.uid);
    }
}
