//! One address is one account, in whichever way it is spelled; accounts of earlier versions keep working.

use mainstay_auth::store::accounts as store;
use mainstay_db::{Atomic, Engine};
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use unicode_normalization::UnicodeNormalization as _;

use crate::harness::{Harness, PASSWORD, config, fields, reason};

fn migration(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => include_str!("../../migrations/sqlite/0002_email_keys/up.sql"),
        Engine::Postgres => include_str!("../../migrations/postgres/0002_email_keys/up.sql"),
    }
}

/// The key that earlier versions stored.
fn key_of_old(email: &str) -> String {
    let lower: String = email.nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

/// Makes accounts as an earlier version would have, in this order, then migrates and starts this one.
async fn upgraded(engine: Engine, emails: &[&str]) -> Harness {
    let harness = Harness::start(engine).await;
    harness.caller.sign_up("seed@example.org", PASSWORD).await.unwrap();
    let email = "seed@example.org".to_owned();
    let seed = harness.database.read(mainstay_db::Lane::Inline, move |conn| {
        let email = email.clone();
        Box::pin(async move { store::find_by_email_key(conn, &email).await })
    });
    let seed = seed.await.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}")).unwrap();
    for (number, email) in emails.iter().enumerate() {
        let row = store::AccountRow {
            uid: format!("0199a1c4-0000-7000-8000-{number:012}"),
            email: (*email).to_owned(),
            email_key: key_of_old(email),
            ..seed.clone()
        };
        let stored = harness.database.write(Atomic::Transaction, move |conn| {
            let row = row.clone();
            Box::pin(async move { store::insert_new(conn, &row, &["reader".to_owned()]).await })
        });
        stored.await.unwrap();
    }
    let migrated = harness.database.exclusive(move |conn| Box::pin(async move { conn.batch(migration(engine)).await }));
    migrated.await.unwrap();
    harness.restart(&config()).await
}

/// The number of the account that signs in with an address.
async fn account_of(harness: &Harness, email: &str) -> Option<usize> {
    let credentials = harness.caller.sign_in(email, PASSWORD).await.ok()?;
    credentials.account.unwrap().uid.rsplit('-').next().unwrap().parse().ok()
}

both_engines! {
    async fn an_address_in_another_spelling_is_the_same_account(engine: Engine) {
        let harness = Harness::start(engine).await;
        for (written, others) in [
            ("ΝΙΚΟΣ@example.org", ["νικος@example.org", "νικοσ@EXAMPLE.org"]),
            ("a@bücher.example", ["A@xn--bcher-kva.example", "a@BU\u{308}CHER.example"]),
            ("राम@उदाहरण.भारत", ["राम@उदाहरण.भारत", "राम@xn--p1b6ci4b4b3a.xn--h2brj9c"]),
            ("ส้มโอ@ตัวอย่าง.ไทย", ["ส้มโอ@ตัวอย่าง.ไทย", "ส้มโอ@xn--72c1a1bt4awk9o.xn--o3cw4h"]),
        ] {
            let made = harness.caller.sign_up(written, PASSWORD).await.unwrap();
            assert_eq!(made.email, written, "kept as it was written");
            for other in others {
                let signed_in = harness.caller.sign_in(other, PASSWORD).await.unwrap().account.unwrap();
                assert_eq!(signed_in.uid, made.uid, "{other}");
                assert_eq!(reason(harness.caller.sign_up(other, PASSWORD).await), Reason::EmailTaken, "{other}");
                assert_eq!(harness.caller.as_operator().lookup(other).await.unwrap().uid, made.uid, "{other}");
            }
        }
    }

    async fn what_nobody_sees_or_stands_for_others_is_a_violation_of_the_field(engine: Engine) {
        let harness = Harness::start(engine).await;
        for email in ["a@⒈com", "a\u{34f}@example.org", "a@ex\u{115f}ample.org", "a\u{3164}@example.org", "a\u{fe0f}@example.org", "a\u{1160}@example.org", "\u{ffa0}a@example.org"] {
            let refused = harness.caller.sign_up(email, PASSWORD).await.unwrap_err();
            assert!(refused.violations()[0].description.contains("U+"), "{refused:?}");
            assert_eq!(fields(harness.caller.sign_up(email, PASSWORD).await), ["email"], "{email}");
            assert_eq!(fields(harness.caller.sign_in(email, PASSWORD).await), ["email"], "{email}");
            assert_eq!(fields(harness.caller.as_operator().lookup(email).await), ["email"], "{email}");
        }
    }

    async fn accounts_of_earlier_versions_are_given_their_key_of_today(engine: Engine) {
        let emails = ["Ada@Example.org", "ΝΙΚΟΣ@example.org", "a@bücher.example", "b@xn--bcher-kva.example", "Ｅve@example.org"];
        let harness = upgraded(engine, &emails).await;
        for (number, email) in emails.iter().enumerate() {
            assert_eq!(account_of(&harness, email).await, Some(number), "{email}");
        }
        for (number, other) in [(0, "ada@example.org"), (1, "νικος@example.org"), (2, "a@xn--bcher-kva.example"), (3, "b@bücher.example"), (4, "eve@example.org")] {
            assert_eq!(account_of(&harness, other).await, Some(number), "{other}");
        }
        assert_eq!(harness.caller.as_operator().lookup("νικος@example.org").await.unwrap().roles, ["reader"]);
        let harness = harness.restart(&config()).await;
        assert_eq!(account_of(&harness, "νικος@example.org").await, Some(1), "once is enough");
    }

    async fn of_accounts_whose_addresses_are_one_today_none_is_lost(engine: Engine) {
        // The first and the second, the third and the fourth, the fifth and the sixth are one address each.
        let emails = ["νικος@example.org", "ΝΙΚΟΣ@example.org", "A@xn--bcher-kva.example", "a@bücher.example", "straße@example.org", "strasse@example.org"];
        let harness = upgraded(engine, &emails).await;
        for _ in 0..2 {
            for (number, email) in emails.iter().enumerate() {
                assert_eq!(account_of(&harness, email).await, Some(number), "{email}");
                assert_eq!(reason(harness.caller.sign_up(email, PASSWORD).await), Reason::EmailTaken, "{email}");
            }
        }
        // What the one who keeps its own spelling used to be found by, it still is.
        assert_eq!(account_of(&harness, "νικοσ@example.org").await, Some(1));
        assert_eq!(account_of(&harness, "Νικος@example.org").await, Some(0));
        assert_eq!(account_of(&harness, "STRASSE@example.org").await, Some(5));
        harness.auth.grant_role("ΝΙΚΟΣ@example.org", "editor").await.unwrap();
        assert_eq!(harness.caller.as_operator().lookup("ΝΙΚΟΣ@example.org").await.unwrap().roles, ["editor", "reader"]);
        assert_eq!(harness.caller.as_operator().lookup("νικος@example.org").await.unwrap().roles, ["reader"]);
        let harness = harness.restart(&config()).await;
        for (number, email) in emails.iter().enumerate() {
            assert_eq!(account_of(&harness, email).await, Some(number), "after another start: {email}");
        }
    }

    async fn an_address_that_would_not_be_accepted_today_still_signs_in(engine: Engine) {
        let harness = upgraded(engine, &["a@⒈com", "a\u{34f}b@example.org", "x²@example.org"]).await;
        assert_eq!(account_of(&harness, "a@⒈com").await, Some(0));
        assert_eq!(account_of(&harness, "A\u{34f}B@example.org").await, Some(1));
        assert_eq!(account_of(&harness, "x2@example.org").await, Some(2), "as it was found before");
        assert_eq!(reason(harness.caller.sign_up("x2@example.org", PASSWORD).await), Reason::EmailTaken);
        assert_eq!(reason(harness.caller.sign_in("a\u{34f}c@example.org", PASSWORD).await), Reason::WrongCredentials);
        assert_eq!(fields(harness.caller.sign_up("c\u{34f}@example.org", PASSWORD).await), ["email"]);
        harness.caller.sign_up("new@example.org", PASSWORD).await.unwrap();
    }

    async fn more_accounts_than_one_transaction_moves_are_all_moved(engine: Engine) {
        let emails: Vec<String> = (0..450).map(|number| format!("É{number}@example.org")).collect();
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        let harness = upgraded(engine, &emails).await;
        for number in [0, 199, 200, 201, 399, 400, 449] {
            assert_eq!(account_of(&harness, &format!("e\u{301}{number}@example.org")).await, Some(number));
        }
    }
}
