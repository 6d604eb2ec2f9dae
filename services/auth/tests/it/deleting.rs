//! Accounts that go for good (`DeleteAccount`).

use std::collections::BTreeSet;

use mainstay_auth::store::removing::REFERRING;
use mainstay_db::{Lane, Rows, Statement};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::{Kind, Value};
use mainstay_testkit::both_engines;

use crate::harness::{Harness, PASSWORD, reason};

/// The rows of a statement that answers texts.
async fn texts(harness: &Harness, sql: &'static str, columns: usize) -> Vec<Vec<String>> {
    let read = harness.database.read(Lane::Heavy, move |conn| {
        Box::pin(async move {
            let mut rows = Rows::of(&vec![Kind::Text; columns]);
            conn.fetch(&Statement::text(sql), &[], &mut rows).await?;
            Ok::<_, mainstay_db::Error>(rows.rows)
        })
    });
    let text = |value: Value| if let Value::Text(text) = value { text } else { String::new() };
    read.await.unwrap().into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

both_engines! {
    async fn its_owner_deletes_an_account_with_the_password_and_nothing_opens_it_any_more(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, first) = harness.user("ada@example.org").await;
        let second = harness.caller.sign_in("ada@example.org", PASSWORD).await.unwrap();
        harness.caller.as_operator().set_roles(&ada.name, &["editor"], "").await.unwrap();
        let first = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.clock.advance_seconds(3_600);
        let first = harness.caller.refresh(&first.refresh_token).await.unwrap();
        harness.caller.request_reset("ada@example.org").await.unwrap();
        let own = harness.caller.as_user(&first);
        assert_eq!(reason(own.delete("accounts/me", "", "").await), Reason::InsufficientUserAuthentication, "the session is old");
        assert_eq!(reason(own.delete("accounts/me", "not the password", "").await), Reason::WrongCredentials);
        assert_eq!(reason(own.delete("accounts/me", PASSWORD, "0000000000000000").await), Reason::EtagMismatch);
        own.delete("accounts/me", PASSWORD, "").await.unwrap();
        assert!(harness.auth.revocations().judge(&harness.verifier.verify(&first.access_token).await.unwrap()).is_err());
        assert_eq!(reason(own.get_account("accounts/me").await), Reason::SessionEnded);
        for credentials in [&first, &second] {
            assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
        }
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(reason(harness.caller.as_operator().get_account(&ada.name).await), Reason::ResourceNotFound);
        assert!(harness.mails().await.iter().all(|mail| mail.recipient != "ada@example.org"), "its mails are gone");
        // The address is free, and the account is another one.
        let again = harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        assert_ne!(again.uid, ada.uid);
        assert!(again.roles.is_empty());
    }

    async fn who_has_just_signed_in_needs_no_password(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, session) = harness.user("ada@example.org").await;
        harness.clock.advance_seconds(299);
        harness.caller.as_user(&session).delete("accounts/me", "", &ada.etag).await.unwrap();
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", PASSWORD).await), Reason::WrongCredentials);
    }

    async fn an_administrator_deletes_others_and_proves_who_they_are_for_their_own(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, ada_session) = harness.user("ada@example.org").await;
        let (bob, _) = harness.user("bob@example.org").await;
        let operator = harness.caller.as_operator();
        operator.set_roles(&bob.name, &["mainstay.admin"], "").await.unwrap();
        let session = harness.caller.sign_in("bob@example.org", PASSWORD).await.unwrap();
        harness.clock.advance_seconds(3_600);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        let admin = harness.caller.as_user(&session);
        assert_eq!(reason(admin.delete(&bob.name, "", "").await), Reason::InsufficientUserAuthentication);
        admin.delete(&ada.name, "", "").await.unwrap();
        assert_eq!(reason(admin.delete(&ada.name, "", "").await), Reason::ResourceNotFound);
        assert_eq!(reason(harness.caller.refresh(&ada_session.refresh_token).await), Reason::SessionEnded);
        operator.delete(&bob.name, "", "").await.unwrap();
    }

    async fn an_account_without_an_address_deletes_itself_by_its_session(engine: Engine) {
        let config = mainstay_auth::Config { anonymous_sign_in: mainstay_auth::AnonymousSignIn::Open, ..crate::harness::config() };
        let harness = Harness::with_config(engine, &config).await;
        let session = harness.caller.sign_in_anonymously().await.unwrap();
        harness.clock.advance_seconds(3_600);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        harness.caller.as_user(&session).delete("accounts/me", "", "").await.unwrap();
        assert_eq!(reason(harness.caller.refresh(&session.refresh_token).await), Reason::SessionEnded);
    }

    async fn of_many_at_once_one_deletes_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let (operator, name) = (harness.caller.as_operator(), ada.name.clone());
                tokio::spawn(async move { operator.delete(&name, "", "").await })
            })
            .collect();
        let mut deleted = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(()) => deleted += 1,
                Err(fault) => assert!(matches!(fault.reason(), Some(Reason::ResourceNotFound | Reason::Conflict)), "{fault:?}"),
            }
        }
        assert_eq!(deleted, 1);
    }

    async fn whoever_signs_in_while_the_account_goes_is_not_let_in(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, _) = harness.user("ada@example.org").await;
        let signing_in: Vec<_> = (0..8)
            .map(|_| {
                let caller = harness.caller.clone();
                tokio::spawn(async move { caller.sign_in("ada@example.org", PASSWORD).await })
            })
            .collect();
        harness.caller.as_operator().delete(&ada.name, "", "").await.unwrap();
        for call in signing_in {
            if let Ok(credentials) = call.await.unwrap() {
                assert_eq!(reason(harness.caller.as_user(&credentials).get_account("accounts/me").await), Reason::SessionEnded);
                assert_eq!(reason(harness.caller.refresh(&credentials.refresh_token).await), Reason::SessionEnded);
            }
        }
    }

    async fn what_is_left_is_what_was_done_by_an_id_alone(engine: Engine) {
        let harness = Harness::start(engine).await;
        let from = harness.caller.from("203.0.113.77");
        let ada = from.sign_up("canary@example.org", PASSWORD).await.unwrap();
        let session = from.sign_in("canary@example.org", PASSWORD).await.unwrap();
        from.as_user(&session).update(pb::Account { name: "accounts/me".into(), display_name: "Canary".into(), user_name: "canary".into(), ..pb::Account::default() }, &[]).await.unwrap();
        harness.auth.give_places().await.unwrap();
        from.as_user(&session).delete("accounts/me", PASSWORD, "").await.unwrap();
        harness.auth.give_places().await.unwrap();
        let operator = harness.caller.as_operator();
        let request = pb::ListAuditEventsRequest { parent: ada.name.clone(), ..Default::default() };
        let events = operator.list_audit_events(request).await.unwrap().audit_events;
        assert_eq!(events[0].action, "accounts.delete");
        assert_eq!(events.len(), 4);
        let told = format!("{events:?}").to_lowercase();
        assert!(!told.contains("canary") && !told.contains("203.0.113"), "{told}");
        assert!(operator.verify_audit_log(0, "").await.unwrap().problem.is_empty(), "the chain holds without it");
    }
}

#[tokio::test]
async fn every_table_that_refers_to_accounts_is_emptied_before_one_goes() {
    let harness = Harness::start(mainstay_db::Engine::Sqlite).await;
    // Rows that go with their account by themselves need nobody who removes them.
    let sql = "SELECT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f \
               WHERE f.\"table\" = 'accounts' AND f.on_delete <> 'CASCADE'";
    let found: BTreeSet<String> = texts(&harness, sql, 1).await.into_iter().flatten().collect();
    let known: BTreeSet<String> = REFERRING.iter().map(ToString::to_string).collect();
    assert_eq!(found, known, "src/store/removing.rs removes from these alone");
}
