//! A12: apps that make codes, recovery codes, and sign-ins with them.

use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, fields, reason, subjects};

const ADA: &str = "ada@example.org";

both_engines! {
    async fn an_app_is_enrolled_with_a_code_and_asked_for_from_then_on(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, before) = harness.verified(ADA).await;
        let own = harness.caller.as_user(&before);
        let enrolled = own.enroll_totp("accounts/me", "").await.unwrap();
        assert!(enrolled.uri.starts_with("otpauth://totp/"), "{}", enrolled.uri);
        assert!(enrolled.uri.contains(&format!("secret={}", enrolled.secret)) && enrolled.uri.contains("ada%40example.org"));
        assert_eq!(enrolled.secret.len(), 32);
        let factor = enrolled.factor.clone().unwrap();
        assert_eq!((factor.display_name.as_str(), factor.kind()), ("Authenticator", pb::factor::Kind::Totp));
        // Nothing counts before it is confirmed.
        assert_eq!(own.list_factors("accounts/me").await.unwrap(), pb::ListFactorsResponse::default());
        assert!(harness.caller.sign_in(ADA, PASSWORD).await.unwrap().challenge.is_none());
        let app = crate::authenticator::App::of(&enrolled);
        assert_eq!(reason(own.confirm_totp(&factor.name, "000 000").await), Reason::WrongCode);
        let confirmed = own.confirm_totp(&factor.name, &app.code(&harness.clock)).await.unwrap();
        assert_eq!(confirmed.recovery_codes.len(), 10);
        assert_eq!(harness.verify(confirmed.credentials.as_ref().unwrap()).await.unwrap().level(), 2);
        let listed = own.list_factors("accounts/me").await.unwrap();
        assert_eq!((listed.factors.len(), listed.recovery_codes_left), (1, 10));
        let raised = harness.caller.as_user(confirmed.credentials.as_ref().unwrap());
        assert_eq!(reason(raised.confirm_totp(&factor.name, &app.code_at(&harness.clock, 1)).await), Reason::ResourceNotFound);

        let challenge = harness.challenge(ADA).await;
        assert_eq!(challenge.factors, [i32::from(pb::factor::Kind::Totp)]);
        assert!(challenge.recovery_codes && challenge.token.starts_with("mch_"));
        // The code that confirmed was used; the next one was not.
        let used = app.code(&harness.clock);
        assert_eq!(reason(harness.caller.sign_in_with_totp(&challenge.token, &used).await), Reason::WrongCode);
        let code = app.code_at(&harness.clock, 1);
        let typed = format!("{} {}", &code[..3], &code[3..]);
        let signed_in = harness.caller.sign_in_with_totp(&challenge.token, &typed).await.unwrap();
        let principal = harness.verify(&signed_in).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["pwd", "otp", "mfa"].map(String::from)[..]));
        let refreshed = harness.caller.refresh(&signed_in.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&refreshed).await.unwrap().level(), 2);
    }

    async fn a_code_of_the_step_before_or_after_is_good_and_each_once(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        for (steps, good) in [(-2, false), (2, false), (0, true), (0, false), (-1, false), (1, true), (0, false)] {
            let challenge = harness.challenge(ADA).await.token;
            let code = owner.app.code_at(&harness.clock, steps);
            let answer = harness.caller.sign_in_with_totp(&challenge, &code).await;
            assert_eq!(answer.is_ok(), good, "{steps}");
        }
        harness.clock.advance_seconds(60);
        let challenge = harness.challenge(ADA).await.token;
        let code = owner.app.code_at(&harness.clock, 0);
        harness.caller.sign_in_with_totp(&challenge, &code).await.unwrap();
    }

    async fn a_clock_that_goes_back_makes_no_used_code_good(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let code = owner.app.code(&harness.clock);
        harness.caller.sign_in_with_totp(&harness.challenge(ADA).await.token, &code).await.unwrap();
        harness.clock.advance_seconds(-60);
        for steps in [-1, 0, 1] {
            let challenge = harness.challenge(ADA).await.token;
            let code = owner.app.code_at(&harness.clock, steps);
            assert_eq!(reason(harness.caller.sign_in_with_totp(&challenge, &code).await), Reason::WrongCode);
        }
    }

    async fn a_mail_code_is_answered_with_a_challenge_too(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let request = harness.caller.request_sign_in(ADA).await.unwrap();
        let mail = harness.mail("sign_in", ADA).await;
        let asked = harness.caller.sign_in_with_code(&request, &mail.code).await.unwrap();
        assert_eq!(asked.access_token, "");
        let code = owner.app.code(&harness.clock);
        let signed_in = harness.caller.sign_in_with_totp(&asked.challenge.unwrap().token, &code).await.unwrap();
        let principal = harness.verify(&signed_in).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["otp", "mfa"].map(String::from)[..]));
    }

    async fn a_challenge_is_nothing_but_a_challenge(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let token = harness.challenge(ADA).await.token;
        assert_eq!(reason(harness.caller.with_bearer(&token).get_account("accounts/me").await), Reason::TokenInvalid);
        assert_eq!(reason(harness.caller.refresh(&token).await), Reason::SessionEnded);
        assert_eq!(reason(harness.caller.sign_in_with_link(&token).await), Reason::OneTimeSecretNotFound);
        assert_eq!(harness.caller.as_user(&owner.credentials).list_sessions("accounts/me", 0, "").await.unwrap().sessions.len(), 2);
        assert_eq!(fields(harness.caller.sign_in_with_totp("", "").await), ["challenge", "code"]);
        assert_eq!(reason(harness.caller.sign_in_with_totp("mch_x", "123456").await), Reason::ChallengeOver);
    }

    async fn a_challenge_has_five_tries_and_five_minutes(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let token = harness.challenge(ADA).await.token;
        let wrong = owner.app.code_at(&harness.clock, 7);
        for _ in 0..5 {
            assert_eq!(reason(harness.caller.sign_in_with_totp(&token, &wrong).await), Reason::WrongCode);
        }
        let code = owner.app.code(&harness.clock);
        assert_eq!(reason(harness.caller.sign_in_with_totp(&token, &code).await), Reason::ChallengeOver);
        let token = harness.challenge(ADA).await.token;
        harness.clock.advance_seconds(300);
        let code = owner.app.code(&harness.clock);
        assert_eq!(reason(harness.caller.sign_in_with_totp(&token, &code).await), Reason::ChallengeOver);
        harness.auth.maintain().await.unwrap();
        let token = harness.challenge(ADA).await.token;
        harness.caller.sign_in_with_totp(&token, &code).await.unwrap();
    }

    async fn what_ends_sessions_ends_what_waits_for_a_factor(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let own = harness.caller.as_user(&owner.credentials);
        let token = harness.challenge(ADA).await.token;
        own.change_password("accounts/me", PASSWORD, "another horse battery").await.unwrap();
        let code = owner.app.code(&harness.clock);
        assert_eq!(reason(harness.caller.sign_in_with_totp(&token, &code).await), Reason::ChallengeOver);
        let asked = harness.caller.sign_in(ADA, "another horse battery").await.unwrap().challenge.unwrap();
        harness.caller.as_operator().disable(&owner.name, "").await.unwrap();
        assert_eq!(reason(harness.caller.sign_in_with_totp(&asked.token, &code).await), Reason::ChallengeOver);
    }

    async fn a_recovery_code_is_good_once_and_told_by_mail(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let code = owner.recovery_codes[3].to_uppercase().replace('-', " ").replace('0', "O");
        let challenge = harness.challenge(ADA).await.token;
        let signed_in = harness.caller.sign_in_with_recovery_code(&challenge, &code).await.unwrap();
        assert_eq!(harness.verify(&signed_in).await.unwrap().level(), 2);
        assert_eq!(harness.caller.as_user(&signed_in).list_factors("accounts/me").await.unwrap().recovery_codes_left, 9);
        let challenge = harness.challenge(ADA).await.token;
        assert_eq!(reason(harness.caller.sign_in_with_recovery_code(&challenge, &code).await), Reason::WrongCode);
        assert_eq!(reason(harness.caller.sign_in_with_recovery_code(&challenge, "no code").await), Reason::WrongCode);
        let mails = harness.mails().await;
        assert_eq!(subjects(&mails).iter().filter(|(kind, _)| *kind == "recovery_code_used").count(), 1);
        assert_eq!(subjects(&mails).iter().filter(|(kind, _)| *kind == "factor_added").count(), 1);
    }

    async fn new_recovery_codes_take_the_place_of_the_old_ones(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let own = harness.caller.as_user(&owner.credentials);
        let new = own.regenerate_recovery_codes("accounts/me").await.unwrap();
        assert_eq!(new.len(), 10);
        let challenge = harness.challenge(ADA).await.token;
        let old = &owner.recovery_codes[0];
        assert_eq!(reason(harness.caller.sign_in_with_recovery_code(&challenge, old).await), Reason::WrongCode);
        harness.caller.sign_in_with_recovery_code(&challenge, &new[9]).await.unwrap();
    }

    async fn an_account_has_five_apps_at_most_and_what_was_begun_is_over_after_a_while(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let mut own = owner.credentials.clone();
        for _ in 0..4 {
            let (_, confirmed) = harness.enroll(&own).await.unwrap();
            assert!(confirmed.recovery_codes.is_empty());
            own = pb::Credentials { refresh_token: own.refresh_token, ..confirmed.credentials.unwrap() };
        }
        let caller = harness.caller.as_user(&own);
        assert_eq!(reason(caller.enroll_totp("accounts/me", "").await), Reason::FailedPrecondition);
        let last = caller.list_factors("accounts/me").await.unwrap().factors.pop().unwrap().name;
        caller.delete_factor(&last).await.unwrap();
        let own = harness.caller.refresh(&own.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&own).enroll_totp("accounts/me", "").await), Reason::InsufficientUserAuthentication);
        let code = owner.app.code(&harness.clock);
        let own = harness.caller.as_user(&own).step_up(crate::harness::Shown::TotpCode(code)).await.unwrap();
        let caller = harness.caller.as_user(&own);
        let first = caller.enroll_totp("accounts/me", "").await.unwrap();
        let second = caller.enroll_totp("accounts/me", "").await.unwrap();
        let confirm = |begun: &pb::EnrollTotpResponse| {
            let (name, app) = (begun.factor.clone().unwrap().name, crate::authenticator::App::of(begun));
            let (caller, code) = (caller.clone(), app.code(&harness.clock));
            async move { caller.confirm_totp(&name, &code).await }
        };
        assert_eq!(reason(confirm(&first).await), Reason::ResourceNotFound, "another one was begun");
        harness.clock.advance_seconds(15 * 60);
        let refreshed = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        let code = owner.app.code(&harness.clock);
        let own = harness.caller.sign_in_with_totp(&refreshed.challenge.unwrap().token, &code).await.unwrap();
        let caller = harness.caller.as_user(&own);
        let name = second.factor.clone().unwrap().name;
        let code = crate::authenticator::App::of(&second).code(&harness.clock);
        assert_eq!(reason(caller.confirm_totp(&name, &code).await), Reason::ResourceNotFound, "too late");
    }

    async fn a_factor_is_renamed_and_nothing_else_of_it_changes(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let own = harness.caller.as_user(&owner.credentials);
        let before = own.get_factor(&owner.factor).await.unwrap();
        let wanted = pb::Factor { display_name: " Tablet ".to_owned(), kind: 2, use_time: None, ..before.clone() };
        let renamed = own.update_factor(wanted.clone(), &["display_name"]).await.unwrap();
        assert_eq!(renamed, pb::Factor { display_name: "Tablet".to_owned(), ..before });
        assert_eq!(fields(own.update_factor(wanted.clone(), &["kind"]).await), ["update_mask"]);
        for name in ["", "\u{7}", &"x".repeat(65)] {
            let wanted = pb::Factor { display_name: name.to_owned(), ..wanted.clone() };
            assert_eq!(fields(own.update_factor(wanted, &[]).await), ["factor.display_name"]);
        }
        let (_, eve) = harness.user("eve@example.org").await;
        let eve = harness.caller.as_user(&eve);
        assert_eq!(reason(eve.update_factor(wanted, &[]).await), Reason::ResourceNotFound);
    }
}
