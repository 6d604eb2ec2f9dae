//! A12: where it is set, who administers shows a second factor for it.

use mainstay_auth::Config;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::roles;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, config, reason};
use crate::soft_key::SoftKey;

const ADA: &str = "ada@example.org";

async fn strict(engine: mainstay_db::Engine) -> Harness {
    Harness::with_config(engine, &Config { administrators_second_factor: true, ..config() }).await
}

/// Administrative calls of all kinds: of methods that are for administrators, and of those that give them more than others.
async fn administer(caller: &Caller, bob: &str) -> Vec<(&'static str, Result<(), Fault>)> {
    let of_bob = |below: &str| format!("{bob}{below}");
    vec![
        ("list", caller.list(0, "").await.map(drop)),
        ("set roles", caller.set_roles(bob, &["editor"], "").await.map(drop)),
        ("disable", caller.disable(bob, "").await.map(drop)),
        ("enable", caller.enable(bob, "").await.map(drop)),
        ("reset factors", caller.reset_factors(bob).await.map(drop)),
        ("get", caller.get_account(bob).await.map(drop)),
        ("sessions", caller.list_sessions(bob, 0, "").await.map(drop)),
        ("factors", caller.list_factors(bob).await.map(drop)),
        ("factor", caller.get_factor(&of_bob("/factors/00000000-0000-7000-8000-00000000000f")).await.map(drop)),
        ("revoke all", caller.revoke_all(bob, false).await.map(drop)),
        ("audit of all", caller.list_audit_events(events_of("accounts/-")).await.map(drop)),
        ("audit of one", caller.list_audit_events(events_of(bob)).await.map(drop)),
        ("delete", caller.delete(bob, "", "").await),
    ]
}

fn events_of(parent: &str) -> mainstay_proto::auth::v1::ListAuditEventsRequest {
    mainstay_proto::auth::v1::ListAuditEventsRequest { parent: parent.to_owned(), ..Default::default() }
}

both_engines! {
    async fn without_a_second_factor_every_administrative_call_says_what_would_help(engine: Engine) {
        let harness = strict(engine).await;
        let (account, session) = harness.verified(ADA).await;
        let (bob, bobs) = harness.user("bob@example.org").await;
        harness.caller.as_operator().set_roles(&account.name, &["editor", roles::ADMIN], "").await.unwrap();
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let principal = harness.verify(&session).await.unwrap();
        assert_eq!((principal.roles(), principal.withholds(roles::ADMIN)), (&["editor".to_owned()][..], true));
        let admin = harness.caller.as_user(&session);
        for (what, refused) in administer(&admin, &bob.name).await {
            let refused = refused.expect_err(what);
            assert_eq!(refused.reason(), Some(Reason::InsufficientUserAuthentication), "{what}: {refused:?}");
            assert_eq!(refused.metadata("acr_values"), Some("aal2"), "{what}");
            assert!(refused.text().contains("StepUp") && refused.text().contains("EnrollTotp"), "{what}: {}", refused.text());
        }
        assert_eq!(harness.caller.as_user(&bobs).get_account("accounts/me").await.unwrap().roles, [""; 0]);
        // What is one's own needs none, and enrolling is.
        admin.get_account("accounts/me").await.unwrap();
        let (_, raised) = harness.enroll_passkey(&session, &mut SoftKey::new()).await;
        let principal = harness.verify(&raised).await.unwrap();
        assert!(principal.has_role(roles::ADMIN) && !principal.withholds(roles::ADMIN));
        let admin = harness.caller.as_user(&raised);
        for (what, done) in administer(&admin, &bob.name).await {
            assert!(what == "factor" || done.is_ok(), "{what}: {done:?}");
        }
    }

    async fn others_are_refused_as_ever_and_programs_need_none(engine: Engine) {
        let harness = strict(engine).await;
        let (_, eve) = harness.user("eve@example.org").await;
        let (bob, _) = harness.user("bob@example.org").await;
        let eve = harness.caller.as_user(&eve);
        assert_eq!(reason(eve.list(0, "").await), Reason::PermissionDenied);
        assert_eq!(reason(eve.get_account(&bob.name).await), Reason::ResourceNotFound);
        harness.caller.as_operator().list(0, "").await.unwrap();
    }

    async fn who_has_a_factor_administers_with_it_and_not_after_a_password_alone(engine: Engine) {
        let harness = strict(engine).await;
        let mut key = SoftKey::new();
        let (account, session) = harness.verified(ADA).await;
        let older = harness.caller.sign_in(ADA, PASSWORD).await.unwrap();
        harness.enroll_passkey(&session, &mut key).await;
        harness.caller.as_operator().set_roles(&account.name, &[roles::ADMIN], "").await.unwrap();
        let older = harness.caller.refresh(&older.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&older).list(0, "").await), Reason::InsufficientUserAuthentication);
        let signed_in = harness.passkey_sign_in(&mut key).await.unwrap();
        harness.caller.as_user(&signed_in).list(0, "").await.unwrap();
        // Removing it ends that within the session, too.
        let factor = harness.caller.as_user(&signed_in).list_factors("accounts/me").await.unwrap().factors.remove(0).name;
        harness.caller.as_user(&signed_in).delete_factor(&factor).await.unwrap();
        let lowered = harness.caller.refresh(&signed_in.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&lowered).list(0, "").await), Reason::InsufficientUserAuthentication);
    }

    async fn where_it_is_not_set_a_password_is_enough(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, session) = harness.user(ADA).await;
        harness.caller.as_operator().set_roles(&account.name, &[roles::ADMIN], "").await.unwrap();
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.caller.as_user(&session).list(0, "").await.unwrap();
    }
}
