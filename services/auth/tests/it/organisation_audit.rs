//! What was done in an organisation, for who manages it (A14, A26).

use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::audit::sql;
use crate::harness::{Caller, Harness, fields, reason};
use crate::organisations::{Company, NOBODYS};

fn wanted(parent: &str) -> pb::ListAuditEventsRequest {
    pb::ListAuditEventsRequest { parent: parent.to_owned(), page_size: 100, ..Default::default() }
}

/// The actions, the oldest first.
async fn actions(caller: &Caller, parent: &str) -> Vec<String> {
    let events = caller.list_audit_events(wanted(parent)).await.unwrap().audit_events;
    events.into_iter().rev().map(|event| event.action).collect()
}

both_engines! {
    async fn who_manages_an_organisation_reads_what_was_done_there(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { harness, ada, bob, eve, name, .. } = &company;
        // What is done elsewhere, by the same and by others, is in between.
        let elsewhere = bob.create_organisation("Bob's").await.unwrap().name;
        eve.create_organisation("Eve's").await.unwrap();
        ada.set_member_roles(&company.bobs_name(), &["mainstay.manager"], "").await.unwrap();
        let bob = bob.acting_in(name).await;
        let renamed = pb::Organisation { name: name.clone(), display_name: "Other".to_owned(), ..Default::default() };
        bob.update_organisation(renamed, &[]).await.unwrap();
        let invitation = bob.invite(name, "zoe@example.org", &["editor"]).await.unwrap();
        bob.delete_invitation(&invitation.name).await.unwrap();
        let robot = bob.create_service_account(name, &["robot"]).await.unwrap();
        let key = bob.create_key(&robot.name, &[]).await.unwrap();
        bob.delete_key(&key.name).await.unwrap();
        let others = bob.create_service_account(&elsewhere, &["robot"]).await.unwrap();
        bob.create_key(&others.name, &[]).await.unwrap();
        let seen = actions(&bob, name).await;
        assert_eq!(seen, [
            "organisations.create", "members.create", "members.setRoles", "organisations.update", "invitations.create",
            "invitations.delete", "serviceAccounts.create", "serviceAccountKeys.create", "serviceAccountKeys.delete",
        ]);
        assert_eq!(actions(ada, name).await, seen);
        assert_eq!(actions(&harness.caller.as_operator(), name).await, seen);
        let of_keys = pb::ListAuditEventsRequest { action: "serviceAccountKeys.create".to_owned(), ..wanted(name) };
        let found = bob.list_audit_events(of_keys).await.unwrap().audit_events;
        let [event] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&event.subject, event.actor.as_str()), (&key.name, format!("accounts/{}", company.bobs.uid).as_str()));
        assert!(event.name.starts_with(&format!("{name}/auditEvents/")), "{}", event.name);
        harness.auth.give_places().await.unwrap();
        assert_eq!(harness.caller.as_operator().verify_audit_log(0, "").await.unwrap().problem, "");
    }

    async fn nothing_else_is_shown_there(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["mainstay.manager"]).await;
        let Company { harness, bob, eve, name, .. } = &company;
        let acting = bob.acting_in(name).await;
        let _ = harness.caller.from("203.0.113.77").sign_in("bob@example.org", "a wrong password").await;
        harness.caller.as_operator().disable(&eve.get_account("accounts/me").await.unwrap().name, "").await.unwrap();
        acting.from("203.0.113.77").delete_member(&company.own_name()).await.unwrap();
        let ada = &company.ada;
        let events = ada.list_audit_events(wanted(name)).await.unwrap().audit_events;
        assert!(events.iter().all(|event| event.subject.starts_with(name.as_str())), "{events:?}");
        assert!(events.iter().all(|event| event.network.is_empty()), "where members are is theirs");
        let operators = harness.caller.as_operator().list_audit_events(wanted(name)).await.unwrap().audit_events;
        assert_eq!(operators[0].network, "203.0.113.0/24");
        // Neither the account of a member nor the whole log is a manager's to read.
        for parent in [company.bobs.name.as_str(), "accounts/-"] {
            assert_eq!(reason(ada.list_audit_events(wanted(parent)).await), Reason::ResourceNotFound, "{parent}");
        }
    }

    async fn s13_to_all_others_there_is_no_such_log(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &["editor"]).await;
        let Company { harness, ada, bob, eve, name, .. } = &company;
        let eves = eve.create_organisation("Eve's").await.unwrap().name;
        let eve_acting = eve.acting_in(&eves).await;
        assert_eq!(reason(bob.list_audit_events(wanted(name)).await), Reason::PermissionDenied, "a member manages nothing");
        for who in [eve, &eve_acting, &harness.caller.as_service("gateway")] {
            let (known, missing) = (who.list_audit_events(wanted(name)).await, who.list_audit_events(wanted(NOBODYS)).await);
            let (known, missing) = (known.unwrap_err(), missing.unwrap_err());
            assert_eq!(known.reason(), Some(Reason::ResourceNotFound));
            assert_eq!((known.code(), known.text()), (missing.code(), missing.text()));
        }
        assert_eq!(reason(harness.caller.list_audit_events(wanted(name)).await), Reason::Unauthenticated);
        // Permission comes before the rest of the request is looked at.
        let wrong = |parent: &str| pb::ListAuditEventsRequest { action: "no action".to_owned(), page_size: -1, ..wanted(parent) };
        assert_eq!(reason(eve.list_audit_events(wrong(name)).await), Reason::ResourceNotFound);
        assert_eq!(reason(bob.list_audit_events(wrong(name)).await), Reason::PermissionDenied);
        assert_eq!(fields(ada.list_audit_events(wrong(name)).await), ["page_size"]);
        for parent in ["organisations/", "organisations/-", "organisations/X", "organisations/../accounts/me"] {
            assert_eq!(fields(ada.list_audit_events(wanted(parent)).await), ["parent"], "{parent}");
        }
        // A page is of one reader and one organisation.
        let first = ada.list_audit_events(pb::ListAuditEventsRequest { page_size: 1, ..wanted(name) }).await.unwrap();
        let next = |parent: &str| pb::ListAuditEventsRequest { page_token: first.next_page_token.clone(), page_size: 1, ..wanted(parent) };
        assert_eq!(ada.list_audit_events(next(name)).await.unwrap().audit_events.len(), 1);
        assert_eq!(reason(eve.list_audit_events(next(&eves)).await), Reason::InvalidPageToken);
        assert_eq!(reason(ada.list_audit_events(next("accounts/me")).await), Reason::InvalidPageToken);
        // Whoever manages it no more reads it no more, whatever the token says.
        ada.set_member_roles(&company.bobs_name(), &["mainstay.manager"], "").await.unwrap();
        let acting = bob.acting_in(name).await;
        acting.list_audit_events(wanted(name)).await.unwrap();
        ada.set_member_roles(&company.bobs_name(), &["editor"], "").await.unwrap();
        assert_eq!(reason(bob.list_audit_events(wanted(name)).await), Reason::PermissionDenied);
        // Nor does an account that goes leave without a word.
        bob.delete("accounts/me", crate::harness::PASSWORD, "").await.unwrap();
        let events = ada.list_audit_events(wanted(name)).await.unwrap().audit_events;
        assert_eq!((events[0].action.as_str(), &events[0].subject), ("members.delete", &company.bobs_name()));
        // What was done stays, for who runs the installation.
        ada.delete_organisation(name, "").await.unwrap();
        assert_eq!(reason(ada.list_audit_events(wanted(name)).await), Reason::ResourceNotFound);
        let last = actions(&harness.caller.as_operator(), name).await.pop();
        assert_eq!(last.as_deref(), Some("organisations.delete"));
    }

    async fn an_event_that_was_moved_to_another_organisation_is_found(engine: Engine) {
        let company = Company::found(Harness::start(engine).await, &[]).await;
        let Company { harness, eve, .. } = &company;
        let eves = eve.create_organisation("Eve's").await.unwrap().uid;
        harness.auth.give_places().await.unwrap();
        let operator = harness.caller.as_operator();
        assert_eq!(operator.verify_audit_log(0, "").await.unwrap().problem, "");
        sql(harness, &format!("UPDATE audit_events SET organisation_uid = '{eves}' WHERE action = 'members.create'")).await;
        let found = operator.verify_audit_log(0, "").await.unwrap();
        assert!(found.problem.contains("the organisation of event"), "{}", found.problem);
    }
}
