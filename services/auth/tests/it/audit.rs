//! The audit log (A26): what is in it, who sees it, and that whoever changes it is found out.

use mainstay_db::Atomic;
use mainstay_fault::Reason;
use mainstay_identity::Clock as _;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, Shown, config, fields, reason};

const ALL: &str = "accounts/-";

fn wanted(parent: &str) -> pb::ListAuditEventsRequest {
    pb::ListAuditEventsRequest { parent: parent.to_owned(), page_size: 100, ..Default::default() }
}

async fn actions(harness: &Harness, parent: &str) -> Vec<String> {
    harness.auth.give_places().await.unwrap();
    let events = harness.caller.as_operator().list_audit_events(wanted(parent)).await.unwrap().audit_events;
    events.into_iter().rev().map(|event| event.action).collect()
}

async fn verified(harness: &Harness) -> pb::VerifyAuditLogResponse {
    harness.caller.as_operator().verify_audit_log(0, "").await.unwrap()
}

pub async fn sql(harness: &Harness, text: &str) {
    let text = text.to_owned();
    let done = harness.database.write(Atomic::Transaction, move |conn| {
        let text = text.clone();
        Box::pin(async move { conn.batch(&text).await })
    });
    done.await.unwrap();
}

/// A log of some events that all have a place.
async fn log(engine: mainstay_db::Engine) -> Harness {
    let harness = Harness::start(engine).await;
    for name in ["ada", "bob", "cid"] {
        harness.user(&format!("{name}@example.org")).await;
    }
    harness.auth.give_places().await.unwrap();
    harness
}

both_engines! {
    async fn what_is_done_is_in_it_with_who_did_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let _ = harness.caller.from("203.0.113.77").sign_in("ada@example.org", "a wrong password").await;
        let admin = harness.caller.as_operator();
        admin.set_roles(&ada.name, &["editor"], "").await.unwrap();
        harness.caller.refresh(&credentials.refresh_token).await.unwrap();
        let caller = harness.caller.as_user(&credentials);
        caller.revoke_all("accounts/me", false).await.unwrap();
        admin.disable(&ada.name, "").await.unwrap();
        admin.enable(&ada.name, "").await.unwrap();
        let seen = actions(&harness, &ada.name).await;
        assert_eq!(seen, [
            "accounts.signUp", "sessions.signIn", "sessions.signInFailed", "accounts.setRoles", "sessions.revokeAll",
            "accounts.disable", "accounts.enable",
        ]);
        let events = admin.list_audit_events(wanted(&ada.name)).await.unwrap().audit_events;
        let of = |action: &str| events.iter().find(|event| event.action == action).unwrap();
        assert_eq!((of("accounts.signUp").actor.as_str(), of("sessions.signIn").actor.as_str()), ("", ada.name.as_str()));
        assert!(of("sessions.signIn").subject.starts_with(&format!("{}/sessions/", ada.name)));
        assert_eq!(of("sessions.signInFailed").network, "203.0.113.0/24");
        assert_eq!(of("sessions.signInFailed").actor, "");
        assert_eq!(of("accounts.setRoles").actor, "services/operator");
        assert_eq!(of("accounts.setRoles").details["roles"], "editor");
        assert!(events.iter().all(|event| !event.request_id.is_empty() && event.event_time.is_some()));
        let all = format!("{events:?}");
        assert!(!all.contains("example.org") && !all.contains("wrong password"), "nothing by which a person is known");
    }

    async fn what_owners_do_by_links_and_with_passwords_is_in_it(engine: Engine) {
        const NEXT: &str = "another horse battery";
        let harness = Harness::start(engine).await;
        let (ada, session) = harness.user("ada@example.org").await;
        harness.caller.verify_email(&harness.token("verify_email", "ada@example.org").await).await.unwrap();
        harness.caller.as_user(&session).change_password("accounts/me", PASSWORD, NEXT).await.unwrap();
        harness.caller.request_reset("ada@example.org").await.unwrap();
        let token = harness.token("reset_password", "ada@example.org").await;
        harness.caller.reset_password(&token, PASSWORD).await.unwrap();
        harness.caller.request_sign_in("ada@example.org").await.unwrap();
        let token = harness.token("sign_in", "ada@example.org").await;
        harness.caller.sign_in_with_link(&token).await.unwrap();
        let seen = actions(&harness, &ada.name).await;
        assert_eq!(seen[2..], [
            "accounts.verifyEmail", "accounts.changePassword", "accounts.resetPassword", "sessions.signIn",
        ]);
        let events = harness.caller.as_operator().list_audit_events(wanted(&ada.name)).await.unwrap().audit_events;
        assert!(events.iter().take(4).all(|event| event.actor == ada.name), "{events:?}");
    }

    async fn a_wrong_password_of_somebody_who_is_signed_in_is_in_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, session) = harness.user("ada@example.org").await;
        let caller = harness.caller.as_user(&session).from("203.0.113.77");
        let wrong = "a wrong password";
        assert_eq!(reason(caller.change_password("accounts/me", wrong, PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(reason(caller.change_email("accounts/me", "new@example.org", wrong).await), Reason::WrongCredentials);
        assert_eq!(reason(caller.step_up(Shown::Password(wrong.to_owned())).await), Reason::WrongCredentials);
        assert_eq!(reason(caller.delete("accounts/me", wrong, "").await), Reason::WrongCredentials);
        let seen = actions(&harness, &ada.name).await;
        assert_eq!(seen[2..], ["accounts.passwordFailed"; 4]);
        let events = harness.caller.as_operator().list_audit_events(wanted(&ada.name)).await.unwrap().audit_events;
        let failed: Vec<_> = events.iter().filter(|event| event.action == "accounts.passwordFailed").collect();
        assert!(failed.iter().all(|event| (&event.actor, event.network.as_str()) == (&ada.name, "203.0.113.0/24")));
        assert!(!format!("{failed:?}").contains(wrong));
    }

    async fn a_token_that_was_stolen_is_in_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, first) = harness.user("ada@example.org").await;
        let second = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.caller.refresh(&second.refresh_token).await.unwrap();
        harness.clock.advance_seconds(60);
        assert_eq!(reason(harness.caller.refresh(&first.refresh_token).await), Reason::SessionEnded);
        assert_eq!(actions(&harness, &ada.name).await.last().unwrap(), "sessions.tokenReused");
    }

    async fn its_owner_sees_what_was_done_to_an_account_and_nobody_else(engine: Engine) {
        let harness = log(engine).await;
        let ada = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        let bob = harness.caller.sign_in("bob@example.org", PASSWORD).await.unwrap();
        let caller = harness.caller.as_user(&ada);
        let own = caller.list_audit_events(wanted("accounts/me")).await.unwrap().audit_events;
        assert_eq!(own.len(), 3);
        let prefix = format!("{}/auditEvents/", ada.account.as_ref().unwrap().name);
        assert!(own.iter().all(|event| event.name.starts_with(&prefix)));
        let of_bob = bob.account.unwrap().name;
        for parent in [of_bob.as_str(), ALL, "accounts/0190d5a0-0000-7000-8000-000000000000"] {
            assert_eq!(reason(caller.list_audit_events(wanted(parent)).await), Reason::ResourceNotFound, "{parent}");
        }
        assert_eq!(reason(caller.verify_audit_log(0, "").await), Reason::PermissionDenied);
        assert_eq!(reason(harness.caller.list_audit_events(wanted(ALL)).await), Reason::Unauthenticated);
        assert_eq!(actions(&harness, ALL).await.len(), 8);
    }

    async fn it_is_read_in_pages_and_in_part(engine: Engine) {
        let harness = log(engine).await;
        let admin = harness.caller.as_operator();
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListAuditEventsRequest { page_size: 4, page_token, ..wanted(ALL) };
            let page = admin.list_audit_events(request).await.unwrap();
            seen.extend(page.audit_events.into_iter().map(|event| event.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let whole = admin.list_audit_events(wanted(ALL)).await.unwrap().audit_events;
        assert_eq!(seen, whole.iter().map(|event| event.name.clone()).collect::<Vec<_>>());
        assert_eq!(seen.len(), 6);

        let request = pb::ListAuditEventsRequest { action: "sessions.signIn".into(), page_size: 1, ..wanted(ALL) };
        let page = admin.list_audit_events(request.clone()).await.unwrap();
        assert_eq!(page.audit_events[0].action, "sessions.signIn");
        // A token is good for what it was given for.
        let other = pb::ListAuditEventsRequest { action: String::new(), page_token: page.next_page_token, ..request };
        assert_eq!(reason(admin.list_audit_events(other).await), Reason::InvalidPageToken);

        let now = harness.clock.now_seconds();
        let at = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
        for (start_time, end_time, count) in
            [(at(now), None, 6), (at(now + 1), None, 0), (None, at(now), 0), (None, at(now + 1), 6)]
        {
            let request = pb::ListAuditEventsRequest { start_time, end_time, ..wanted(ALL) };
            assert_eq!(admin.list_audit_events(request).await.unwrap().audit_events.len(), count);
        }
        let never = pb::ListAuditEventsRequest {
            start_time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 }),
            ..wanted(ALL)
        };
        assert_eq!(fields(admin.list_audit_events(never).await), ["start_time"]);
        let unknown = pb::ListAuditEventsRequest { action: "sessions.signin".into(), ..wanted(ALL) };
        assert_eq!(fields(admin.list_audit_events(unknown).await), ["action"]);
    }

    async fn a_whole_log_is_found_whole(engine: Engine) {
        let harness = Harness::start(engine).await;
        let empty = verified(&harness).await;
        assert_eq!((empty.events, empty.waiting, empty.problem.as_str()), (0, 0, ""));
        harness.user("ada@example.org").await;
        assert_eq!(verified(&harness).await.waiting, 2);
        harness.auth.give_places().await.unwrap();
        harness.auth.give_places().await.unwrap();
        let found = verified(&harness).await;
        assert_eq!((found.events, found.first_sequence, found.last_sequence, found.waiting), (2, 1, 2, 0));
        assert_eq!((found.last_hash.len(), found.problem.as_str()), (64, ""));
        // It goes on where it ended, also in another process.
        let harness = harness.restart(&config()).await;
        harness.user("bob@example.org").await;
        harness.auth.give_places().await.unwrap();
        let later = harness.caller.as_operator().verify_audit_log(found.last_sequence, &found.last_hash).await.unwrap();
        assert_eq!((later.events, later.problem.as_str()), (4, ""));
    }

    async fn whoever_changes_it_is_found_out(engine: Engine) {
        for (what, change, place) in [
            ("an action", "UPDATE audit_events SET action = 'accounts.enable' WHERE sequence = 3", 3),
            ("an actor", "UPDATE audit_events SET actor = 'system' WHERE sequence = 4", 4),
            ("a time", "UPDATE audit_events SET event_time = event_time + 1 WHERE sequence = 2", 2),
            ("whose it is", "UPDATE audit_events SET account_uid = 'x' WHERE sequence = 1", 1),
            ("details", "UPDATE audit_events SET details = '{\"a\":\"b\"}' WHERE sequence = 5", 5),
            ("a network", "UPDATE audit_events SET network = '198.51.100.0/24' WHERE sequence = 5", 5),
            ("one is removed", "DELETE FROM audit_events WHERE sequence = 3", 3),
            ("the first is removed", "DELETE FROM audit_events WHERE sequence = 1", 1),
            ("the last is removed", "DELETE FROM audit_events WHERE sequence = 6", 6),
            ("all are removed", "DELETE FROM audit_events", 1),
            (
                "two change places",
                "UPDATE audit_events SET sequence = 100 WHERE sequence = 2; \
                 UPDATE audit_events SET sequence = 2 WHERE sequence = 3; \
                 UPDATE audit_events SET sequence = 3 WHERE sequence = 100",
                2,
            ),
            (
                "the end is moved",
                "DELETE FROM audit_events WHERE sequence > 4; UPDATE audit_ends SET sequence = 4, \
                 hash = (SELECT hash FROM audit_events WHERE audit_events.sequence = 4) WHERE which = 'last'",
                4,
            ),
        ] {
            let harness = log(engine).await;
            assert_eq!(verified(&harness).await.problem, "");
            sql(&harness, change).await;
            let found = verified(&harness).await;
            assert!(!found.problem.is_empty(), "{what}: nothing was noticed");
            assert_eq!(found.problem_sequence, place, "{what}: {}", found.problem);
        }
    }

    async fn an_end_that_was_cut_off_is_found_by_what_was_noted(engine: Engine) {
        let harness = log(engine).await;
        let early = verified(&harness).await;
        let saved = "CREATE TABLE saved AS SELECT * FROM audit_ends";
        sql(&harness, saved).await;
        harness.user("dan@example.org").await;
        harness.auth.give_places().await.unwrap();
        let late = verified(&harness).await;
        // Somebody puts back what once was the end.
        sql(&harness, "DELETE FROM audit_events WHERE sequence > 6; DELETE FROM audit_ends; \
                       INSERT INTO audit_ends SELECT * FROM saved").await;
        let admin = harness.caller.as_operator();
        assert_eq!(verified(&harness).await.problem, "");
        assert_eq!(admin.verify_audit_log(6, &early.last_hash).await.unwrap().problem, "");
        let found = admin.verify_audit_log(late.last_sequence, &late.last_hash).await.unwrap();
        assert!(found.problem.contains("was longer once"), "{}", found.problem);
        // What is written behind it has other hashes than what was there.
        for name in ["eve", "fay"] {
            harness.user(&format!("{name}@example.org")).await;
        }
        harness.auth.give_places().await.unwrap();
        let found = admin.verify_audit_log(late.last_sequence, &late.last_hash).await.unwrap();
        assert_eq!((found.problem_sequence, found.problem.contains("another hash")), (late.last_sequence, true));
        for (sequence, hash, field) in [
            (-1, early.last_hash.as_str(), "known_sequence"),
            (0, early.last_hash.as_str(), "known_sequence"),
            (3, "", "known_hash"),
            (3, "ABC", "known_hash"),
        ] {
            assert_eq!(fields(admin.verify_audit_log(sequence, hash).await), [field]);
        }
    }

    async fn nothing_is_built_on_an_end_that_somebody_changed(engine: Engine) {
        let harness = log(engine).await;
        sql(&harness, "UPDATE audit_ends SET sequence = 5 WHERE which = 'last'").await;
        harness.user("dan@example.org").await;
        assert!(harness.auth.give_places().await.is_err());
        assert_eq!(verified(&harness).await.waiting, 2);
    }

    async fn what_is_old_goes_and_the_rest_is_whole(engine: Engine) {
        const DAY: i64 = 24 * 60 * 60;
        let mut config = config();
        config.audit_keep_days = 30;
        let harness = Harness::with_config(engine, &config).await;
        harness.user("ada@example.org").await;
        harness.clock.advance_seconds(20 * DAY);
        harness.user("bob@example.org").await;
        harness.auth.maintain().await.unwrap();
        assert_eq!(verified(&harness).await.events, 4);
        harness.clock.advance_seconds(20 * DAY);
        harness.auth.maintain().await.unwrap();
        let found = verified(&harness).await;
        assert_eq!((found.events, found.first_sequence, found.last_sequence, found.problem.as_str()), (2, 3, 4, ""));
        harness.clock.advance_seconds(40 * DAY);
        harness.auth.maintain().await.unwrap();
        let found = verified(&harness).await;
        assert_eq!((found.events, found.last_sequence, found.problem.as_str()), (0, 4, ""));
        harness.user("cid@example.org").await;
        harness.auth.give_places().await.unwrap();
        let found = verified(&harness).await;
        assert_eq!((found.events, found.first_sequence, found.last_sequence, found.problem.as_str()), (2, 5, 6, ""));
        // What was to be kept is missed.
        sql(&harness, "DELETE FROM audit_events WHERE sequence = 5").await;
        assert_eq!(verified(&harness).await.problem_sequence, 5);
    }

    async fn what_is_personal_is_erased_and_the_log_is_whole(engine: Engine) {
        let harness = log(engine).await;
        sql(&harness, "UPDATE audit_events SET network = NULL, network_salt = NULL").await;
        assert_eq!(verified(&harness).await.problem, "");
    }

    async fn many_at_once_all_have_a_place(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, credentials) = harness.user("ada@example.org").await;
        let caller = harness.caller.as_user(&credentials);
        let sign_ins = (0..60).map(|_| harness.caller.sign_in("ada@example.org", PASSWORD));
        let (done, ()) = futures_util::future::join(futures_util::future::join_all(sign_ins), async {
            for _ in 0..5 {
                harness.auth.give_places().await.unwrap();
            }
        }).await;
        assert!(done.iter().all(Result::is_ok));
        harness.auth.give_places().await.unwrap();
        let found = verified(&harness).await;
        assert_eq!((found.events, found.waiting, found.problem.as_str()), (62, 0, ""));
        let _ = caller.list_audit_events(wanted(&ada.name)).await.unwrap();
    }
}
