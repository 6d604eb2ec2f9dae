//! A25: somebody acts as somebody else, to see what they see, and gets nothing that they could not have.

use mainstay_auth::{Config, ImpersonationConfig};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::roles::{ADMIN, IMPERSONATOR};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, Shown, answer, config, fields, reason};

const SUPPORT: &str = "support@example.org";
const BOB: &str = "bob@example.org";
pub const WHY: &str = "ticket 4711: the cart is empty";

/// Somebody who may act as others, with these roles beside, signed in.
pub async fn support(harness: &Harness, beside: &[&str]) -> (pb::Account, pb::Credentials) {
    let (account, _) = harness.user(SUPPORT).await;
    let roles: Vec<&str> = beside.iter().copied().chain([IMPERSONATOR]).collect();
    let account = harness.caller.as_operator().set_roles(&account.name, &roles, "").await.unwrap();
    (account, harness.caller.sign_in(SUPPORT, PASSWORD).await.unwrap())
}

/// What the log of an account has of it.
async fn noted(harness: &Harness, account: &pb::Account) -> Vec<pb::AuditEvent> {
    harness.auth.give_places().await.unwrap();
    let (parent, action) = (account.name.clone(), "accounts.impersonate".to_owned());
    let wanted = pb::ListAuditEventsRequest { parent, action, ..Default::default() };
    harness.caller.as_operator().list_audit_events(wanted).await.unwrap().audit_events
}

fn allowing(roles: &[&str], allow_write: bool) -> Config {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Config { impersonation: ImpersonationConfig { allow_write, roles }, ..config() }
}

/// Everything that changes an account, how it is signed in to, or what others may do.
async fn governing(acting: &Caller, bob: &str) -> Vec<(&'static str, Result<(), Fault>)> {
    let renamed = pb::Account { name: bob.to_owned(), display_name: "Eve".to_owned(), ..Default::default() };
    let named = pb::UpdateFactorRequest::default();
    vec![
        ("change the password", acting.change_password("accounts/me", PASSWORD, "another horse battery").await),
        ("change the address", acting.change_email("accounts/me", "eve@example.org", PASSWORD).await.map(drop)),
        ("ask for a mail", acting.request_verification("accounts/me").await),
        ("change the profile", acting.update(renamed, &["display_name"]).await.map(drop)),
        ("upgrade", acting.upgrade("accounts/me", "eve@example.org", PASSWORD).await.map(drop)),
        ("delete", acting.delete("accounts/me", PASSWORD, "").await),
        ("enrol an app", acting.enroll_totp("accounts/me", "").await.map(drop)),
        ("confirm an app", acting.confirm_totp("accounts/me/factors/x", "123456").await.map(drop)),
        ("enrol a passkey", acting.begin_passkey("accounts/me").await.map(drop)),
        ("finish a passkey", acting.finish_passkey("mch_", Default::default()).await.map(drop)),
        ("rename a factor", answer(acting.factors().update_factor(acting.request(named)).await).map(drop)),
        ("delete a factor", acting.delete_factor("accounts/me/factors/x").await),
        ("make codes", acting.regenerate_recovery_codes("accounts/me").await.map(drop)),
        ("step up", acting.step_up(Shown::Password(PASSWORD.to_owned())).await.map(drop)),
        ("end sessions", acting.revoke_all("accounts/me", false).await.map(drop)),
        ("make an organisation", acting.create_organisation("Eve's").await.map(drop)),
        ("make a service account", acting.create_service_account("", &[]).await.map(drop)),
        ("act as the next", acting.impersonate(bob, WHY, false).await.map(drop)),
        ("list accounts", acting.list(0, "").await.map(drop)),
    ]
}

both_engines! {
    async fn support_sees_what_the_owner_sees_and_says_who_they_are(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (support, session) = support(&harness, &[]).await;
        let (bob, bobs) = harness.user(BOB).await;
        let begun = harness.caller.as_user(&session).impersonate(&bob.name, WHY, false).await.unwrap();
        assert_eq!((begun.account.as_ref().unwrap().uid.as_str(), begun.expires_in), (bob.uid.as_str(), 300));
        let principal = harness.verifier.verify(&begun.access_token).await.unwrap();
        let actor = principal.actor().unwrap();
        assert_eq!((principal.uid(), actor.uid.as_str()), (Some(bob.uid.as_str()), support.uid.as_str()));
        assert!(principal.only_reads() && principal.level() == 0 && principal.authenticated_at().is_none());
        assert!(principal.methods().is_empty() && principal.roles().is_empty());
        let acting = harness.caller.with_bearer(&begun.access_token);
        assert_eq!(acting.get_account("accounts/me").await.unwrap().email, BOB);
        // Whoever shows a page knows that it is not the owner's; and the owner sees who is there.
        let shown = acting.get_session(&begun.session.unwrap().name).await.unwrap();
        assert_eq!((shown.actor.as_str(), shown.writes, shown.current), (support.name.as_str(), false, true));
        let of_bob = harness.caller.as_user(&bobs).list_sessions("accounts/me", 0, "").await.unwrap().sessions;
        assert_eq!(of_bob.iter().map(|session| session.actor.as_str()).collect::<Vec<_>>(), ["", support.name.as_str()]);
        for account in [&bob, &support] {
            let events = noted(&harness, account).await;
            assert_eq!(events.len(), 1, "{events:?}");
            assert_eq!((events[0].actor.as_str(), events[0].details["reason"].as_str()), (support.name.as_str(), WHY));
            assert_eq!(events[0].details["writes"], "false");
        }
        assert!(noted(&harness, &bob).await[0].subject.starts_with(&format!("{}/sessions/", bob.name)));
        assert_eq!(noted(&harness, &support).await[0].subject, bob.name);
    }

    async fn who_acts_as_somebody_governs_nothing_even_where_they_may_write(engine: Engine) {
        let harness = Harness::with_config(engine, &allowing(&[], true)).await;
        let (_, session) = support(&harness, &[]).await;
        let (bob, bobs) = harness.user(BOB).await;
        for write in [false, true] {
            let begun = harness.caller.as_user(&session).impersonate(&bob.name, WHY, write).await.unwrap();
            assert_eq!(begun.session.unwrap().writes, write);
            let acting = harness.caller.with_bearer(&begun.access_token);
            for (what, refused) in governing(&acting, &bob.name).await {
                assert_eq!(refused.expect_err(what).reason(), Some(Reason::PermissionDenied), "{what}");
            }
        }
        harness.caller.as_user(&bobs).get_account("accounts/me").await.unwrap();
        harness.caller.sign_in(BOB, PASSWORD).await.unwrap();
    }

    async fn nobody_reaches_more_than_they_hold(engine: Engine) {
        let harness = Harness::with_config(engine, &allowing(&["customer"], false)).await;
        let (own, session) = support(&harness, &["helper"]).await;
        let (bob, _) = harness.user(BOB).await;
        let (operator, caller) = (harness.caller.as_operator(), harness.caller.as_user(&session));
        for (roles, may) in [
            (&[ADMIN][..], false),
            (&[IMPERSONATOR][..], false),
            (&["editor"][..], false),
            (&["customer", "editor"][..], false),
            (&["customer", ADMIN][..], false),
            (&["customer"][..], true),
            (&["helper"][..], true),
            (&["customer", "helper"][..], true),
            (&[][..], true),
        ] {
            operator.set_roles(&bob.name, roles, "").await.unwrap();
            let begun = caller.impersonate(&bob.name, WHY, false).await;
            if may {
                let principal = harness.verifier.verify(&begun.unwrap().access_token).await.unwrap();
                assert_eq!(principal.roles(), roles);
            } else {
                assert_eq!(reason(begun), Reason::PermissionDenied, "{roles:?}");
            }
        }
        // Who administers does not act as others by that, and who does acts as no administrator.
        let (ada, _) = harness.user("ada@example.org").await;
        operator.set_roles(&ada.name, &[ADMIN], "").await.unwrap();
        let admin = harness.caller.as_user(&harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap());
        assert_eq!(reason(admin.impersonate(&bob.name, WHY, false).await), Reason::PermissionDenied);
        operator.set_roles(&own.name, &[ADMIN, IMPERSONATOR], "").await.unwrap();
        let both = harness.caller.as_user(&harness.caller.sign_in(SUPPORT, PASSWORD).await.unwrap());
        assert_eq!(reason(both.impersonate(&ada.name, WHY, false).await), Reason::PermissionDenied);
        assert_eq!(reason(operator.impersonate(&bob.name, WHY, false).await), Reason::PermissionDenied, "no person");
        // What the account is given meanwhile is not the other's.
        let begun = both.impersonate(&bob.name, WHY, false).await.unwrap();
        operator.disable(&bob.name, "").await.unwrap();
        assert_eq!(reason(harness.caller.with_bearer(&begun.access_token).get_account("accounts/me").await), Reason::SessionEnded);
        assert_eq!(reason(both.impersonate(&bob.name, WHY, false).await), Reason::AccountDisabled);
    }

    async fn it_ends_with_the_session_or_the_role_of_who_acts(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (own, _) = support(&harness, &[]).await;
        let (bob, _) = harness.user(BOB).await;
        let operator = harness.caller.as_operator();
        let acting = async || {
            operator.set_roles(&own.name, &[IMPERSONATOR], "").await.unwrap();
            let session = harness.caller.sign_in(SUPPORT, PASSWORD).await.unwrap();
            let begun = harness.caller.as_user(&session).impersonate(&bob.name, WHY, false).await.unwrap();
            let acting = harness.caller.with_bearer(&begun.access_token);
            acting.get_account("accounts/me").await.unwrap();
            (session, acting, begun.session.unwrap().name)
        };
        let (session, caller, name) = acting().await;
        harness.caller.sign_out(&session.refresh_token).await.unwrap();
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::SessionEnded, "signed out");
        assert_eq!(reason(operator.get_session(&name).await), Reason::ResourceNotFound, "the owner is shown none any more");
        let (session, caller, _) = acting().await;
        harness.caller.as_user(&session).revoke_all("accounts/me", false).await.unwrap();
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::SessionEnded, "everywhere");
        let (_, caller, name) = acting().await;
        operator.set_roles(&own.name, &[], "").await.unwrap();
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::TokenExpired, "the role");
        assert_eq!(reason(operator.get_session(&name).await), Reason::ResourceNotFound, "nor of that");
        let (_, caller, _) = acting().await;
        operator.disable(&own.name, "").await.unwrap();
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::SessionEnded, "disabled");
        operator.enable(&own.name, "").await.unwrap();
        // By whoever acts, and by the owner.
        let (session, caller, name) = acting().await;
        caller.sign_out("").await.unwrap();
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::SessionEnded);
        assert_eq!(reason(operator.get_session(&name).await), Reason::ResourceNotFound);
        harness.caller.as_user(&session).get_account("accounts/me").await.unwrap();
        harness.auth.give_places().await.unwrap();
        let wanted = pb::ListAuditEventsRequest { parent: bob.name.clone(), action: "sessions.signOut".to_owned(), ..Default::default() };
        let events = operator.list_audit_events(wanted).await.unwrap().audit_events;
        assert_eq!(events.iter().map(|event| event.actor.as_str()).collect::<Vec<_>>(), [own.name.as_str()]);
        let (_, caller, name) = acting().await;
        let bobs = harness.caller.sign_in(BOB, PASSWORD).await.unwrap();
        harness.caller.as_user(&bobs).revoke_session(&name).await.unwrap();
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::SessionEnded, "the owner");
        // By itself, after minutes.
        let (_, caller, _) = acting().await;
        harness.clock.advance_seconds(300);
        assert_eq!(reason(caller.get_account("accounts/me").await), Reason::TokenExpired);
    }

    async fn it_wants_a_reason_and_somebody_who_is_sure(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (own, session) = support(&harness, &[]).await;
        let (bob, _) = harness.user(BOB).await;
        let caller = harness.caller.as_user(&session);
        for wrong in ["", "  ", "a\u{7}b", &"x".repeat(501)] {
            assert_eq!(fields(caller.impersonate(&bob.name, wrong, false).await), ["reason"], "{wrong:?}");
        }
        assert_eq!(fields(caller.impersonate(&own.name, "", false).await), ["name", "reason"]);
        assert_eq!(fields(caller.impersonate("accounts/bob", WHY, false).await), ["name"]);
        let nobody = "accounts/00000000-0000-7000-8000-00000000000f";
        assert_eq!(reason(caller.impersonate(nobody, WHY, false).await), Reason::ResourceNotFound);
        assert_eq!(reason(caller.impersonate(&bob.name, WHY, true).await), Reason::PermissionDenied, "not allowed here");
        // A program is nobody who could be sure.
        let operator = harness.caller.as_operator();
        let robot = operator.create_service_account("", &[IMPERSONATOR]).await.unwrap();
        let key = operator.create_key(&robot.name, &[]).await.unwrap().secret;
        let robot = harness.caller.with_bearer(&harness.caller.exchange_key(&key).await.unwrap().access_token);
        assert_eq!(reason(robot.impersonate(&bob.name, WHY, false).await), Reason::Unauthenticated);
        harness.clock.advance_seconds(301);
        let later = harness.caller.as_user(&harness.caller.refresh(&session.refresh_token).await.unwrap());
        let refused = later.impersonate(&bob.name, WHY, false).await.unwrap_err();
        assert_eq!(refused.metadata("max_age"), Some("300"));
        assert!(noted(&harness, &bob).await.is_empty(), "nothing was done");
        let strict = Config { administrators_second_factor: true, ..config() };
        let harness = harness.restart(&strict).await;
        let session = harness.caller.sign_in(SUPPORT, PASSWORD).await.unwrap();
        let refused = harness.caller.as_user(&session).impersonate(&bob.name, WHY, false).await.unwrap_err();
        assert_eq!(refused.metadata("acr_values"), Some("aal2"));
    }
}

#[test]
fn the_roles_that_may_be_acted_as_are_roles() {
    for (roles, is_good) in [(vec!["customer"], true), (vec!["Customer"], false), (vec!["mainstay.admin"], false)] {
        assert_eq!(allowing(&roles, false).problems().is_empty(), is_good, "{roles:?}");
    }
}
