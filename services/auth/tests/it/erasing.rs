//! Accounts that are exported, and erased with a certificate (`ExportAccount`, `EraseAccount`).

use mainstay_db::{Lane, Rows, Statement};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::export_account_response::Item;
use mainstay_record::{Kind, Value};
use mainstay_testkit::{Engine, both_engines};
use ring::digest::{SHA256, digest};
use serde_json::{Value as Json, json};

use crate::harness::{Harness, PASSWORD, config, reason};

const CANARY: &str = "canary@example.org";

async fn texts(harness: &Harness, sql: String) -> Vec<String> {
    let read = harness.database.read(Lane::Heavy, move |conn| {
        let sql = sql.clone();
        Box::pin(async move {
            let mut rows = Rows::of(&[Kind::Text]);
            conn.fetch(&Statement::text(&sql), &[], &mut rows).await?;
            Ok::<_, mainstay_db::Error>(rows.rows)
        })
    });
    let text = |value: Value| if let Value::Text(text) = value { text } else { String::new() };
    read.await.unwrap().into_iter().flatten().map(text).collect()
}

/// All that is in all tables, as text.
async fn everything(harness: &Harness, engine: Engine) -> String {
    let list = match engine {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Engine::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = ANY (current_schemas(false))",
    };
    let mut all = String::new();
    for table in texts(harness, list.to_owned()).await {
        let rows = match engine {
            Engine::Postgres => format!("SELECT t::text FROM \"{table}\" AS t"),
            Engine::Sqlite => {
                let columns = texts(harness, format!("SELECT name FROM pragma_table_info('{table}')")).await;
                let column = |name: &String| format!("coalesce(CAST(\"{name}\" AS TEXT), '')");
                format!(
                    "SELECT {} FROM \"{table}\"",
                    columns.iter().map(column).collect::<Vec<_>>().join(" || '|' || ")
                )
            }
        };
        all.push_str(&texts(harness, rows).await.join("\n"));
    }
    all.to_lowercase()
}

fn sha256(text: &str) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Somebody who has left a trace everywhere: a profile, sessions, an invitation and a mail to the address.
async fn known(harness: &Harness) -> (pb::Account, pb::Credentials) {
    let (_, owner) = harness.verified_user("owner@example.org").await;
    let owner = harness.caller.as_user(&owner);
    let organisation = owner.create_organisation("Acme").await.unwrap().name;
    let (account, session) = harness.verified_user(CANARY).await;
    let own = harness.caller.from("203.0.113.77").as_user(&session);
    let profile = pb::Account {
        name: "accounts/me".into(),
        display_name: "Canary Bird".into(),
        user_name: "canary-bird".into(),
        ..pb::Account::default()
    };
    own.update(profile, &[]).await.unwrap();
    owner.invite(&organisation, CANARY, &["editor"]).await.unwrap();
    (account, session)
}

both_engines! {
    async fn an_erased_account_is_certified_and_found_nowhere(engine: Engine) {
        let harness = Harness::with_config(engine, &config()).await;
        let (account, _) = known(&harness).await;
        let operator = harness.caller.as_operator();
        assert!(everything(&harness, engine).await.contains("canary"));
        let report = json!({"data": {"resources": []}}).to_string();
        let message = pb::EraseAccountRequest { name: account.name.clone(), report, compact: true, ..Default::default() };
        let erased = operator.erase_with(message).await.unwrap();
        harness.auth.give_places().await.unwrap();
        let left = everything(&harness, engine).await;
        assert!(!left.contains("canary") && !left.contains("203.0.113"), "{left}");
        assert!(harness.mails().await.iter().all(|mail| mail.recipient != CANARY), "the invitation's mail, too");
        if engine == Engine::Sqlite {
            let file = String::from_utf8_lossy(&harness.file()).to_lowercase();
            assert!(!file.contains("canary"), "the file holds what there is, and nothing else");
        }
        assert_eq!(erased.certificate_hash, sha256(&erased.certificate));
        let certificate: Json = serde_json::from_str(&erased.certificate).unwrap();
        assert_eq!((&certificate["account"], &certificate["report"]["data"]["resources"]), (&json!(account.name), &json!([])));
        let removed = &certificate["auth"]["removed"];
        assert_eq!((&removed["sessions"], &removed["invitationsToAddress"], &removed["mailsToAddress"]), (&json!(1), &json!(1), &json!(1)), "{removed}");
        assert!(!erased.certificate.to_lowercase().contains("canary"));
        // The chain holds, and with it the hash of the document.
        let request = pb::ListAuditEventsRequest { parent: account.name.clone(), ..Default::default() };
        let events = operator.list_audit_events(request).await.unwrap().audit_events;
        assert_eq!((events[0].action.as_str(), &events[0].details["certificate"]), ("accounts.erase", &erased.certificate_hash));
        assert!(operator.verify_audit_log(0, "").await.unwrap().problem.is_empty());
        // It is shown again, and to administrators alone.
        assert_eq!(operator.erase(&account.name, "").await.unwrap().certificate, erased.certificate);
        let (_, other) = harness.user("other@example.org").await;
        assert_eq!(reason(harness.caller.as_user(&other).erase(&account.name, "").await), Reason::ResourceNotFound);
    }

    async fn a_deletion_leaves_nothing_of_the_address_either(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = known(&harness).await;
        harness.caller.as_user(&session).delete("accounts/me", PASSWORD, "").await.unwrap();
        assert!(!everything(&harness, engine).await.contains("canary"));
    }

    async fn an_address_that_was_not_verified_takes_nothing_along(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, owner) = harness.verified_user("owner@example.org").await;
        let owner = harness.caller.as_user(&owner);
        let organisation = owner.create_organisation("Acme").await.unwrap().name;
        owner.invite(&organisation, CANARY, &["editor"]).await.unwrap();
        let (stranger, _) = harness.user(CANARY).await;
        harness.caller.as_operator().erase(&stranger.name, "").await.unwrap();
        assert_eq!(owner.list_invitations(&organisation, 0, "").await.unwrap().invitations.len(), 1, "it is said to whoever has the address");
    }

    async fn a_dry_run_changes_nothing(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, _) = known(&harness).await;
        let operator = harness.caller.as_operator();
        let message = pb::EraseAccountRequest { name: account.name.clone(), validate_only: true, ..Default::default() };
        let dry = operator.erase_with(message).await.unwrap();
        let told: Json = serde_json::from_str(&dry.certificate).unwrap();
        assert_eq!((&told["validateOnly"], &told["auth"]["removed"]["sessions"]), (&json!(true), &json!(1)));
        assert_eq!(operator.get_account(&account.name).await.unwrap().uid, account.uid);
        assert_eq!(everything(&harness, engine).await.matches("mainstay erasure").count(), 0);
    }

    async fn its_owner_erases_it_as_they_delete_it(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        let own = harness.caller.as_user(&session);
        assert_eq!(reason(own.erase("accounts/me", "not the password").await), Reason::WrongCredentials);
        let message = pb::EraseAccountRequest { name: "accounts/me".into(), report: "{}".into(), ..Default::default() };
        assert_eq!(reason(own.erase_with(message).await), Reason::FieldViolation, "a report is an administrator's");
        let erased = own.erase("accounts/me", PASSWORD).await.unwrap();
        assert!(erased.certificate.contains("mainstay erasure 1"));
        assert_eq!(reason(harness.caller.sign_in("ada@example.org", PASSWORD).await), Reason::WrongCredentials);
    }

    async fn one_that_was_gone_before_is_certified_with_what_was_erased_elsewhere(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, _) = harness.user("ada@example.org").await;
        let operator = harness.caller.as_operator();
        operator.delete(&account.name, "", "").await.unwrap();
        assert_eq!(reason(operator.erase(&account.name, "").await), Reason::ResourceNotFound, "there is no document");
        let message = pb::EraseAccountRequest { name: account.name.clone(), report: "{\"rows\": 3}".into(), ..Default::default() };
        let certified = operator.erase_with(message).await.unwrap();
        let told: Json = serde_json::from_str(&certified.certificate).unwrap();
        assert_eq!((&told["auth"]["account"], &told["report"]["rows"]), (&json!("was gone before"), &json!(3)));
        assert_eq!(operator.erase(&account.name, "").await.unwrap().certificate, certified.certificate);
    }

    async fn one_that_is_certified_again_has_what_was_removed_at_first(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, _) = harness.user("ada@example.org").await;
        let operator = harness.caller.as_operator();
        let first = operator.erase(&account.name, "").await.unwrap();
        let told: Json = serde_json::from_str(&first.certificate).unwrap();
        assert!(told["rows"].as_str().is_some_and(|rows| rows.contains("not erased by this call")), "{told}");
        for _ in 0..2 {
            let message = pb::EraseAccountRequest { name: account.name.clone(), report: "{\"rows\": 3}".into(), ..Default::default() };
            let again: Json = serde_json::from_str(&operator.erase_with(message).await.unwrap().certificate).unwrap();
            let former = &again["auth"]["former"];
            assert_eq!((&former["auth"], &former["hash"]), (&told["auth"], &json!(first.certificate_hash)), "{again}");
        }
    }

    async fn nobody_is_certified_who_never_was(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let name = "accounts/0199a1c4-0000-7000-8000-00000000dead".to_owned();
        let message = pb::EraseAccountRequest { name, report: "{\"rows\": 3}".into(), ..Default::default() };
        assert_eq!(reason(operator.erase_with(message).await), Reason::ResourceNotFound);
    }

    async fn a_report_is_an_object_of_a_bounded_size(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, _) = harness.user("ada@example.org").await;
        let operator = harness.caller.as_operator();
        for report in ["[]".to_owned(), "{".to_owned(), format!("{{\"a\": \"{}\"}}", "x".repeat(256 << 10))] {
            let message = pb::EraseAccountRequest { name: account.name.clone(), report, ..Default::default() };
            assert!(operator.erase_with(message).await.is_err());
        }
        assert_eq!(operator.get_account(&account.name).await.unwrap().uid, account.uid);
    }

    async fn an_export_has_all_that_is_known_and_no_secret(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (account, session) = known(&harness).await;
        let items = harness.caller.as_user(&session).export("accounts/me").await.unwrap();
        let Item::Account(told) = &items[0] else { panic!("{items:?}") };
        assert_eq!((told.email.as_str(), told.user_name.as_str()), (CANARY, "canary-bird"));
        let count = |is_it: fn(&Item) -> bool| items.iter().filter(|item| is_it(item)).count();
        assert_eq!(count(|item| matches!(item, Item::Session(_))), 1);
        assert_eq!(count(|item| matches!(item, Item::Invitation(_))), 1);
        assert!(count(|item| matches!(item, Item::AuditEvent(_))) >= 3);
        assert!(!format!("{items:?}").contains("argon2"));
        let events = pb::ListAuditEventsRequest { parent: account.name.clone(), action: "accounts.export".into(), ..Default::default() };
        assert_eq!(harness.caller.as_operator().list_audit_events(events).await.unwrap().audit_events.len(), 1);
        assert_eq!(harness.caller.as_operator().export(&account.name).await.unwrap()[0], items[0]);
    }

    async fn nobody_exports_others_and_the_owner_only_a_fresh_session(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (ada, session) = harness.user("ada@example.org").await;
        let (_, other) = harness.user("bob@example.org").await;
        assert_eq!(reason(harness.caller.as_user(&other).export(&ada.name).await), Reason::ResourceNotFound);
        harness.clock.advance_seconds(3_600);
        let session = harness.caller.refresh(&session.refresh_token).await.unwrap();
        assert_eq!(reason(harness.caller.as_user(&session).export("accounts/me").await), Reason::InsufficientUserAuthentication);
    }
}
