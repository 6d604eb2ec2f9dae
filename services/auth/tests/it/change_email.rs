use mainstay_auth::EmailChange;
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, config, fields, reason, subjects};

const OLD: &str = "ada@example.org";
const NEW: &str = "ada@example.net";

/// Somebody whose address is verified.
async fn verified(harness: &Harness) -> (pb::Account, Caller) {
    let (_, credentials) = harness.user(OLD).await;
    let token = harness.token("verify_email", OLD).await;
    let account = harness.caller.verify_email(&token).await.unwrap();
    (account, harness.caller.as_user(&credentials))
}

both_engines! {
    async fn both_addresses_have_to_agree_in_any_order(engine: Engine) {
        for order in [["change_email", "approve_email_change"], ["approve_email_change", "change_email"]] {
            let harness = Harness::start(engine).await;
            let (ada, own) = verified(&harness).await;
            let asked = own.change_email("accounts/me", NEW, PASSWORD).await.unwrap();
            assert_eq!((asked.email.as_str(), asked.pending_email.as_str(), asked.email_verified), (OLD, NEW, true));
            assert_ne!(asked.etag, ada.etag);

            let to = |kind: &str| if kind == "change_email" { NEW } else { OLD };
            let [first, second] = [harness.token(order[0], to(order[0])).await, harness.token(order[1], to(order[1])).await];
            assert!(!harness.caller.confirm_change(&first).await.unwrap());
            assert_eq!(own.get_account("accounts/me").await.unwrap().email, OLD);
            assert_eq!(reason(harness.caller.confirm_change(&first).await), Reason::OneTimeSecretNotFound);
            assert!(harness.caller.confirm_change(&second).await.unwrap());
            assert_eq!(reason(harness.caller.confirm_change(&second).await), Reason::OneTimeSecretNotFound);

            assert!(own.get_account("accounts/me").await.is_err(), "tokens that say the old address are refreshed");
            let changed = harness.caller.as_operator().get_account(&ada.name).await.unwrap();
            assert_eq!((changed.email.as_str(), changed.pending_email.as_str(), changed.email_verified), (NEW, "", true));
            assert_eq!(changed.uid, ada.uid);
            assert_eq!(reason(harness.caller.sign_in(OLD, PASSWORD).await), Reason::WrongCredentials);
            harness.caller.sign_in(NEW, PASSWORD).await.unwrap();
            let told = harness.mail("email_changed", OLD).await;
            assert!(told.text.contains(NEW) && told.link.is_empty());
            harness.caller.sign_up(OLD, PASSWORD).await.unwrap();
        }
    }

    async fn an_address_that_was_never_verified_is_not_asked(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user(OLD).await;
        let own = harness.caller.as_user(&credentials);
        own.change_email("accounts/me", NEW, PASSWORD).await.unwrap();
        assert!(harness.caller.confirm_change(&harness.token("change_email", NEW).await).await.unwrap());
        let kinds = harness.mails().await;
        assert_eq!(subjects(&kinds), [("change_email", NEW), ("verify_email", OLD)], "nobody else's address hears of it");
    }

    async fn an_installation_may_leave_it_to_the_new_address(engine: Engine) {
        let harness = Harness::with_config(engine, &mainstay_auth::Config { email_change: EmailChange::New, ..config() }).await;
        let (_, own) = verified(&harness).await;
        own.change_email("accounts/me", NEW, PASSWORD).await.unwrap();
        assert!(harness.caller.confirm_change(&harness.token("change_email", NEW).await).await.unwrap());
        harness.mail("email_changed", OLD).await;
    }

    async fn the_old_address_alone_changes_nothing_and_asking_anew_ends_what_was_asked(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, own) = verified(&harness).await;
        own.change_email("accounts/me", "eve@example.net", PASSWORD).await.unwrap();
        let eves = [harness.token("change_email", "eve@example.net").await, harness.token("approve_email_change", OLD).await];
        harness.clock.advance_seconds(1);
        own.change_email("accounts/me", NEW, PASSWORD).await.unwrap();
        for token in eves {
            assert_eq!(reason(harness.caller.confirm_change(&token).await), Reason::OneTimeSecretNotFound);
        }
        assert!(!harness.caller.confirm_change(&harness.token("approve_email_change", OLD).await).await.unwrap());
        assert_eq!(own.get_account("accounts/me").await.unwrap().email, OLD);
    }

    async fn links_to_the_old_address_are_good_no_more(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user(OLD).await;
        let own = harness.caller.as_user(&credentials);
        harness.caller.request_reset(OLD).await.unwrap();
        let (verify, reset) = (harness.token("verify_email", OLD).await, harness.token("reset_password", OLD).await);
        own.change_email("accounts/me", NEW, PASSWORD).await.unwrap();
        harness.caller.confirm_change(&harness.token("change_email", NEW).await).await.unwrap();
        assert_eq!(reason(harness.caller.verify_email(&verify).await), Reason::OneTimeSecretNotFound);
        assert_eq!(reason(harness.caller.reset_password(&reset, PASSWORD).await), Reason::OneTimeSecretNotFound);
    }

    async fn an_address_that_is_taken_meanwhile_stays_its_owners(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, credentials) = harness.user(OLD).await;
        let own = harness.caller.as_user(&credentials);
        own.change_email("accounts/me", NEW, PASSWORD).await.unwrap();
        let token = harness.token("change_email", NEW).await;
        harness.user(NEW).await;
        assert_eq!(reason(harness.caller.confirm_change(&token).await), Reason::EmailTaken);
        assert_eq!(own.get_account("accounts/me").await.unwrap().email, OLD);
    }

    async fn the_password_is_wanted_and_only_the_owner_asks(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, own) = verified(&harness).await;
        assert_eq!(reason(own.change_email("accounts/me", NEW, "not the password").await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.change_email(&ada.name, NEW, PASSWORD).await), Reason::Unauthenticated);
        let (_, eve) = harness.user("eve@example.org").await;
        for other in [harness.caller.as_user(&eve), harness.caller.as_operator()] {
            assert_eq!(reason(other.change_email(&ada.name, NEW, PASSWORD).await), Reason::ResourceNotFound);
        }
        assert_eq!(fields(own.change_email("accounts/me", "ada", "").await), ["email", "password"]);
        assert_eq!(fields(own.change_email("accounts/me", "ADA@example.org", PASSWORD).await), ["email"]);
        assert_eq!(own.get_account("accounts/me").await.unwrap().pending_email, "");
    }
}
