use mainstay_fault::Reason;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, config, fields, reason, subjects};

both_engines! {
    async fn whoever_signs_up_is_asked_by_mail_and_verifies_with_its_link(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("Ada@Example.org").await;
        assert!(!ada.email_verified);
        let mail = harness.mail("verify_email", "Ada@Example.org").await;
        assert!(mail.link.starts_with("https://app.example.org/auth/verify-email#token=mot_"), "{}", mail.link);
        assert!(mail.text.contains(&mail.link) && mail.html.contains("Ada@Example.org"));

        let token = harness.token("verify_email", "Ada@Example.org").await;
        let verified = harness.caller.verify_email(&token).await.unwrap();
        assert!(verified.email_verified && verified.etag != ada.etag);
        assert_eq!(harness.caller.as_user(&credentials).get_account("accounts/me").await.unwrap(), verified);
        assert!(!harness.verify(&credentials).await.unwrap().email_verified());
        let refreshed = harness.caller.refresh(&credentials.refresh_token).await.unwrap();
        assert!(harness.verify(&refreshed).await.unwrap().email_verified(), "the next token says so");
        assert_eq!(reason(harness.caller.verify_email(&token).await), Reason::OneTimeSecretNotFound, "once");
    }

    async fn another_mail_can_be_asked_for_until_the_address_is_verified(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&credentials);
        let first = harness.token("verify_email", "ada@example.org").await;
        harness.clock.advance_seconds(1);
        own.request_verification("accounts/me").await.unwrap();
        let second = harness.token("verify_email", "ada@example.org").await;
        assert_ne!(first, second);
        harness.caller.verify_email(&second).await.unwrap();
        assert_eq!(reason(harness.caller.verify_email(&first).await), Reason::OneTimeSecretNotFound, "all are used up");
        assert_eq!(reason(own.request_verification(&ada.name).await), Reason::FailedPrecondition);
    }

    async fn nobody_asks_for_others_but_an_administrator(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let (_, eve) = harness.user("eve@example.org").await;
        assert_eq!(reason(harness.caller.request_verification(&ada.name).await), Reason::Unauthenticated);
        assert_eq!(reason(harness.caller.as_user(&eve).request_verification(&ada.name).await), Reason::ResourceNotFound);
        assert_eq!(fields(harness.caller.as_user(&eve).request_verification("ada").await), ["name"]);
        harness.caller.as_operator().request_verification(&ada.name).await.unwrap();
        assert_eq!(harness.mails().await.len(), 3);
    }

    async fn a_link_is_good_for_a_day_and_is_swept_after_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        let token = harness.token("verify_email", "ada@example.org").await;
        harness.clock.advance_seconds(24 * 3_600);
        assert_eq!(reason(harness.caller.verify_email(&token).await), Reason::OneTimeSecretNotFound);
        harness.clock.advance_seconds(3_601);
        harness.auth.maintain().await.unwrap();
        assert_eq!(harness.mails().await, [], "the mailbox too");
        harness.clock.advance_seconds(-25 * 3_600);
        assert_eq!(reason(harness.caller.verify_email(&token).await), Reason::OneTimeSecretNotFound, "no clock brings it back");
    }

    async fn what_is_no_secret_is_refused(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        harness.caller.request_reset("ada@example.org").await.unwrap();
        assert_eq!(fields(harness.caller.verify_email("").await), ["token"]);
        let other = harness.token("reset_password", "ada@example.org").await;
        let mut forged = harness.token("verify_email", "ada@example.org").await;
        let last = if forged.ends_with('A') { 'Q' } else { 'A' };
        forged.replace_range(forged.len() - 1.., &last.to_string());
        for wrong in ["x", "mot_", "mot_AAAA", &other, &forged, &"mot_".repeat(4_000)] {
            assert_eq!(reason(harness.caller.verify_email(wrong).await), Reason::OneTimeSecretNotFound, "{wrong}");
        }
    }

    async fn an_address_gets_ten_mails_in_an_hour_whoever_asks(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&credentials);
        harness.clock.advance_seconds(240);
        for number in 0..9 {
            own.request_verification("accounts/me").await.unwrap();
            assert_eq!(harness.mails().await.len(), number + 2);
        }
        let refused = own.request_verification("accounts/me").await.unwrap_err();
        assert_eq!((refused.reason(), refused.metadata("limit")), (Some(Reason::RateLimited), Some("mail_to_one")));
        assert!(refused.text().ends_with("in 3360 seconds"), "the first one was four minutes ago: {refused:?}");
        assert_eq!(reason(harness.caller.request_reset("ADA@example.org").await), Reason::RateLimited, "any of them");
        harness.clock.advance_seconds(3_360);
        harness.caller.request_reset("ada@example.org").await.unwrap();
    }

    async fn a_mail_is_in_the_language_of_the_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        for (locale, email, subject) in [
            ("de-AT", "ada@example.org", "Bestätigen Sie Ihre E-Mail-Adresse"),
            ("en", "bob@example.org", "Confirm your e-mail address"),
            ("fr", "eve@example.org", "Confirm your e-mail address"),
        ] {
            let account = harness.caller.sign_up_in(locale, email, PASSWORD).await.unwrap();
            assert_eq!(account.locale, locale);
            assert!(harness.mail("verify_email", email).await.subject.starts_with(subject), "{locale}");
        }
        assert_eq!(fields(harness.caller.sign_up_in("deutsch", "dan@example.org", PASSWORD).await), ["locale"]);
    }

    async fn accounts_that_an_administrator_makes_get_no_mail_by_themselves(engine: Engine) {
        let harness = Harness::start(engine).await;
        let made = harness.caller.as_operator().create_account("ada@example.org", PASSWORD, &[]).await.unwrap();
        assert_eq!(harness.mails().await, []);
        harness.caller.as_operator().request_verification(&made.name).await.unwrap();
        assert_eq!(subjects(&harness.mails().await), [("verify_email", "ada@example.org")]);
    }

    async fn a_sign_up_that_fails_sends_nothing(engine: Engine) {
        let harness = Harness::start(engine).await;
        harness.user("ada@example.org").await;
        assert_eq!(reason(harness.caller.sign_up("ada@example.org", PASSWORD).await), Reason::EmailTaken);
        assert_eq!(harness.mails().await.len(), 1);
    }

    async fn an_address_that_got_enough_mails_can_sign_up_all_the_same(engine: Engine) {
        let mut config = config();
        config.mail.per_address_per_hour = 2;
        let harness = Harness::with_config(engine, &config).await;
        for _ in 0..2 {
            harness.caller.request_reset("ada@example.org").await.unwrap();
        }
        assert_eq!(reason(harness.caller.request_reset("ada@example.org").await), Reason::RateLimited);
        harness.user("ada@example.org").await;
        assert_eq!(harness.mails().await, []);
    }
}
