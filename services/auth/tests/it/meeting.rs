//! Where accounts, their factors and their organisations meet.

use mainstay_auth::{AnonymousSignIn, Config};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::step_up_request::Factor as Shown;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, config, reason};

const ADA: &str = "ada@example.org";

both_engines! {
    async fn who_alone_owns_an_organisation_stays_until_somebody_else_does(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, session) = harness.user(ADA).await;
        let (other, _) = harness.user("bob@example.org").await;
        let own = harness.caller.as_user(&session);
        let operator = harness.caller.as_operator();
        let (first, second) = (own.create_organisation("One").await.unwrap().name, own.create_organisation("Two").await.unwrap().name);
        for name in [&first, &second] {
            assert_eq!(reason(own.delete("accounts/me", PASSWORD, "").await), Reason::FailedPrecondition);
            assert_eq!(reason(operator.delete(&account.name, "", "").await), Reason::FailedPrecondition, "nor do administrators");
            operator.create_member(name, &other.name, &["mainstay.owner"]).await.unwrap();
        }
        own.delete("accounts/me", PASSWORD, "").await.unwrap();
        let left = operator.list_members(&first, 0, "").await.unwrap().members;
        assert_eq!(left.iter().map(|member| member.account.as_str()).collect::<Vec<_>>(), [other.name.as_str()]);
    }

    async fn who_has_a_factor_shows_it_before_the_account_goes(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.verified(ADA).await;
        let (app, _) = harness.enroll(&harness.caller.sign_in(ADA, PASSWORD).await.unwrap()).await.unwrap();
        let own = harness.caller.as_user(&first);
        for password in ["", PASSWORD] {
            assert_eq!(reason(own.delete("accounts/me", password, "").await), Reason::InsufficientUserAuthentication);
        }
        let raised = own.step_up(Shown::TotpCode(app.code(&harness.clock))).await.unwrap();
        harness.caller.as_user(&raised).delete("accounts/me", "", "").await.unwrap();
        assert_eq!(reason(harness.caller.sign_in(ADA, PASSWORD).await), Reason::WrongCredentials);
    }

    async fn who_shows_a_factor_goes_on_acting_in_the_organisation(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, first) = harness.verified(ADA).await;
        let own = harness.caller.as_user(&first);
        let organisation = own.create_organisation("Acme").await.unwrap();
        own.switch(&organisation.name).await.unwrap();
        let enrolled = own.enroll_totp("accounts/me", "").await.unwrap();
        let app = crate::authenticator::App::of(&enrolled);
        let confirmed = own.confirm_totp(&enrolled.factor.unwrap().name, &app.code(&harness.clock)).await.unwrap();
        harness.clock.advance_seconds(30);
        let confirmed = confirmed.credentials.unwrap();
        let raised = harness.caller.as_user(&confirmed).step_up(Shown::TotpCode(app.code(&harness.clock))).await.unwrap();
        let refreshed = harness.caller.refresh(&first.refresh_token).await.unwrap();
        for credentials in [confirmed, raised, refreshed] {
            let principal = harness.verify(&credentials).await.unwrap();
            assert_eq!(principal.organisation(), Some(organisation.uid.as_str()));
            assert_eq!((principal.organisation_roles(), principal.level()), (&["mainstay.owner".to_owned()][..], 2));
        }
    }

    async fn an_account_without_an_address_founds_no_organisation(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { anonymous_sign_in: AnonymousSignIn::Open, ..config() }).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        let own = harness.caller.as_user(&session);
        assert_eq!(reason(own.create_organisation("Acme").await), Reason::FailedPrecondition);
        own.upgrade("accounts/me", ADA, PASSWORD).await.unwrap();
        let next = harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.caller.as_user(&next).create_organisation("Acme").await.unwrap();
    }

    async fn an_account_without_an_address_that_is_in_an_organisation_is_not_purged(engine: Engine) {
        let harness = Harness::with_config(engine, &Config { anonymous_sign_in: AnonymousSignIn::Open, ..config() }).await;
        let (_, ada) = harness.user(ADA).await;
        let organisation = harness.caller.as_user(&ada).create_organisation("Acme").await.unwrap().name;
        let lost = harness.caller.sign_in_anonymously().await.unwrap();
        let kept: pb::Account = harness.caller.sign_in_anonymously().await.unwrap().account.unwrap();
        let operator = harness.caller.as_operator();
        operator.create_member(&organisation, &kept.name, &["reader"]).await.unwrap();
        harness.caller.as_user(&lost).revoke_all("accounts/me", false).await.unwrap();
        operator.revoke_all(&kept.name, false).await.unwrap();
        harness.clock.advance_seconds(31 * 24 * 3_600);
        harness.auth.maintain().await.unwrap();
        assert_eq!(reason(operator.get_account(&lost.account.unwrap().name).await), Reason::ResourceNotFound);
        assert_eq!(operator.get_account(&kept.name).await.unwrap().uid, kept.uid);
    }
}
