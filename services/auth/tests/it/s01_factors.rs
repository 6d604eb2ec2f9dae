//! S1e: nobody enrols a factor whose address is not verified, and no session of one factor changes what an account of two has.

use mainstay_auth::Config;
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, Shown, config, reason};

const ADA: &str = "ada@example.org";

/// A session of the account that began before it had a factor.
async fn an_older_session(harness: &Harness) -> (pb::Credentials, crate::authenticator::Owner) {
    harness.verified(ADA).await;
    let older = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
    let session = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
    let (app, confirmed) = harness.enroll(&session).await.unwrap();
    let credentials = pb::Credentials { refresh_token: session.refresh_token, ..confirmed.credentials.unwrap() };
    let name = older.account.as_ref().unwrap().name.clone();
    let factor = confirmed.factor.unwrap().name;
    let recovery_codes = confirmed.recovery_codes;
    let owner = crate::authenticator::Owner { name, app, factor, recovery_codes, credentials };
    (older, owner)
}

both_engines! {
    async fn a_factor_wants_a_verified_address(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user(ADA).await;
        let refused = harness.caller.as_user(&session).enroll_totp("accounts/me", "").await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::FailedPrecondition));
        assert!(refused.text().contains("verified"), "{}", refused.text());
    }

    async fn a_factor_wants_an_owner_who_has_just_shown_who_they_are(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.verified(ADA).await;
        harness.clock.advance_seconds(290);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.clock.advance_seconds(11);
        let own = harness.caller.as_user(&session);
        let refused = own.enroll_totp("accounts/me", "").await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::InsufficientUserAuthentication));
        assert_eq!((refused.metadata("max_age"), refused.metadata("acr_values")), (Some("300"), None));
        assert_eq!(reason(own.step_up(Shown::Password("not the password".to_owned())).await), Reason::WrongCredentials);
        let fresh = own.step_up(Shown::Password(PASSWORD.to_owned())).await.unwrap();
        assert_eq!(fresh.refresh_token, "");
        assert_eq!(harness.verify(&fresh).await.unwrap().level(), 1);
        harness.caller.as_user(&fresh).enroll_totp("accounts/me", "").await.unwrap();
        harness.caller.refresh(&session.refresh_token).await.unwrap();
    }

    async fn a_session_of_one_factor_changes_nothing_of_an_account_of_two(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (older, owner) = an_older_session(&harness).await;
        let older = harness.caller.as_user(&older);
        let refusals = [
            older.enroll_totp("accounts/me", "").await.map(drop),
            older.confirm_totp(&owner.factor, "123456").await.map(drop),
            older.delete_factor(&owner.factor).await,
            older.regenerate_recovery_codes("accounts/me").await.map(drop),
            older.change_password("accounts/me", PASSWORD, "another horse battery").await,
            older.change_email("accounts/me", "eve@example.org", PASSWORD).await.map(drop),
            older.step_up(Shown::Password(PASSWORD.to_owned())).await.map(drop),
        ];
        for (number, refused) in refusals.into_iter().enumerate() {
            let refused = refused.unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::InsufficientUserAuthentication), "{number}");
            assert_eq!(refused.metadata("acr_values"), Some("aal2"), "{number}");
        }
        let code = owner.app.code(&harness.clock);
        let raised = older.step_up(Shown::TotpCode(code.clone())).await.unwrap();
        let principal = harness.verify(&raised).await.unwrap();
        assert_eq!((principal.level(), principal.methods()), (2, &["pwd", "otp", "mfa"].map(String::from)[..]));
        assert_eq!(reason(older.step_up(Shown::TotpCode(code)).await), Reason::WrongCode, "once");
        harness.caller.as_user(&raised).change_password("accounts/me", PASSWORD, "another horse battery").await.unwrap();
    }

    async fn an_administrator_with_a_factor_administers_only_with_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (older, owner) = an_older_session(&harness).await;
        harness.caller.as_operator().set_roles(&owner.name, &["mainstay.admin"], "").await.unwrap();
        let (bob, _) = harness.user("bob@example.org").await;
        let older = harness.caller.refresh(&older.refresh_token).await.unwrap();
        let admin = harness.caller.as_user(&older);
        for refused in [
            admin.set_roles(&bob.name, &["mainstay.admin"], "").await.map(drop),
            admin.disable(&bob.name, "").await.map(drop),
            admin.enable(&bob.name, "").await.map(drop),
            admin.create_account("eve@example.org", PASSWORD, &["mainstay.admin"]).await.map(drop),
            admin.reset_factors(&owner.name).await.map(drop),
        ] {
            assert_eq!(reason(refused), Reason::InsufficientUserAuthentication);
        }
        let raised = admin.step_up(Shown::TotpCode(owner.app.code(&harness.clock))).await.unwrap();
        harness.caller.as_user(&raised).set_roles(&bob.name, &["editor"], "").await.unwrap();
    }

    async fn where_it_is_set_an_administrator_administers_with_two_factors_only(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { administrators_second_factor: true, ..config() }).await;
        let (account, session) = harness.verified(ADA).await;
        harness.caller.as_operator().set_roles(&account.name, &["editor", "mainstay.admin"], "").await.unwrap();
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(harness.verify(&session).await.unwrap().roles(), ["editor"]);
        assert_eq!(reason(harness.caller.as_user(&session).list(0, "").await), Reason::PermissionDenied);
        let (_, confirmed) = harness.enroll(&session).await.unwrap();
        let raised = confirmed.credentials.unwrap();
        assert_eq!(harness.verify(&raised).await.unwrap().roles(), ["editor", "mainstay.admin"]);
        harness.caller.as_user(&raised).list(0, "").await.unwrap();
    }

    async fn removing_a_factor_lowers_every_session(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (older, owner) = an_older_session(&harness).await;
        let code = owner.app.code(&harness.clock);
        let other = harness.caller.sign_in_with_totp(&harness.challenge(ADA).await.token, &code).await.unwrap();
        let own = harness.caller.as_user(&owner.credentials);
        own.delete_factor(&owner.factor).await.unwrap();
        for credentials in [&other, &owner.credentials] {
            let caller = harness.caller.as_user(credentials);
            assert_eq!(reason(caller.get_account("accounts/me").await), Reason::TokenExpired);
            let refreshed = harness.caller.refresh(&credentials.refresh_token).await.unwrap();
            let principal = harness.verify(&refreshed).await.unwrap();
            assert_eq!((principal.level(), principal.methods()), (1, &["pwd"].map(String::from)[..]));
        }
        harness.caller.refresh(&older.refresh_token).await.unwrap();
        // Nothing is asked for any more, and the codes in its place went with it.
        let signed_in = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        let own = harness.caller.as_user(&signed_in);
        assert_eq!(own.list_factors("accounts/me").await.unwrap(), pb::ListFactorsResponse::default());
        assert_eq!(reason(own.regenerate_recovery_codes("accounts/me").await), Reason::FailedPrecondition);
        assert_eq!(reason(own.step_up(Shown::RecoveryCode(owner.recovery_codes[0].clone())).await), Reason::WrongCode);
    }

    async fn an_administrator_removes_the_factors_of_who_has_lost_them(engine: Engine) {
        let harness = Harness::start(engine).await;
        let owner = harness.owner_with_app(ADA).await;
        let operator = harness.caller.as_operator();
        assert_eq!(operator.list_factors(&owner.name).await.unwrap().factors.len(), 1);
        assert_eq!(operator.reset_factors(&owner.name).await.unwrap(), 1);
        assert_eq!(operator.reset_factors(&owner.name).await.unwrap(), 0);
        assert_eq!(reason(harness.caller.refresh(&owner.credentials.refresh_token).await), Reason::SessionEnded);
        assert!(harness.caller.sign_in(ADA, PASSWORD).await.unwrap().challenge.is_none());
        harness.mail("factor_removed", ADA).await;
        assert_eq!(reason(operator.reset_factors("accounts/00000000-0000-7000-8000-00000000000f").await), Reason::ResourceNotFound);
        assert_eq!(harness.auth.reset_factors(ADA).await.unwrap(), 0);
    }
}
