//! Accounts that are looked for (`ListAccounts` with a filter), and that indexes serve it.

use mainstay_auth::domain::search::parse;
use mainstay_auth::store::search::{Place, statement};
use mainstay_auth::{AnonymousSignIn, Config};
use mainstay_db::{Atomic, Engine, Rows, Statement};
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::{Kind, Piece, Value};
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, config, reason};

/// What a filter finds, over all pages of this size, by the part of the address before the `@`.
async fn found(caller: &Caller, filter: &str, page_size: i32) -> Vec<String> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let page =
            caller.search(filter, page_size, &page_token).await.unwrap_or_else(|fault| panic!("{filter}: {fault:?}"));
        assert!(page.accounts.len() <= usize::try_from(page_size).unwrap());
        names.extend(
            page.accounts.into_iter().map(|account| account.email.split('@').next().unwrap_or_default().to_owned()),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return names;
        }
    }
}

/// Five people, one of them disabled, and somebody without an address.
async fn people(engine: Engine) -> Harness {
    let harness = Harness::with_config(engine, &Config { anonymous_sign_in: AnonymousSignIn::Open, ..config() }).await;
    let operator = harness.caller.as_operator();
    for (email, user_name, display_name, roles) in [
        ("bob@example.org", "bobby", "Bob", &["editor"][..]),
        ("ada@example.org", "ada", "Ada Lovelace", &["editor", "merchant"]),
        ("adam@example.com", "", "ada lovelace", &[]),
        ("zoë@example.org", "zoë", "Zoë", &["editor"]),
        ("eve@example.org", "", "", &[]),
    ] {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let account = pb::Account {
            email: email.into(),
            user_name: user_name.into(),
            display_name: display_name.into(),
            roles,
            ..pb::Account::default()
        };
        let message = pb::CreateAccountRequest { account: Some(account), password: PASSWORD.into() };
        operator.accounts().create_account(operator.request(message)).await.unwrap();
        harness.clock.advance_seconds(60);
    }
    let eve = operator.lookup("eve@example.org").await.unwrap();
    operator.disable(&eve.name, "").await.unwrap();
    harness.caller.sign_in_anonymously().await.unwrap();
    harness
}

both_engines! {
    async fn what_a_filter_finds_is_found_on_pages_of_any_size(engine: Engine) {
        let harness = people(engine).await;
        let operator = harness.caller.as_operator();
        for (filter, names) in [
            ("email = \"ADA@example.org\"", &["ada"][..]),
            ("email = \"ada*\"", &["ada", "adam"]),
            ("email = \"ada@*\"", &["ada"]),
            ("email = \"a*\"", &["ada", "adam"]),
            ("email = \"ZOË*\"", &["zoë"]),
            ("email = \"x*\"", &[]),
            ("email = \"nobody@example.org\"", &[]),
            ("user_name = \"Ada\"", &["ada"]),
            ("user_name = \"b*\"", &["bob"]),
            ("display_name = \"ADA LOVELACE\"", &["ada", "adam"]),
            ("display_name = \"ada*\"", &["ada", "adam"]),
            ("roles:\"editor\"", &["bob", "ada", "zoë"]),
            ("roles:\"editor\" roles:\"merchant\"", &["ada"]),
            ("roles:\"nobodys\"", &[]),
            ("disable_time:*", &["eve"]),
            ("disable_time != * anonymous = false", &["bob", "ada", "adam", "zoë"]),
            ("anonymous = true", &[""]),
            ("email_verified = true", &[]),
            ("email = \"a*\" AND roles:\"editor\"", &["ada"]),
            ("email = \"a*\" disable_time:*", &[]),
            ("create_time >= \"2027-01-15T08:01:00Z\" create_time < \"2027-01-15T08:03:00Z\"", &["ada", "adam"]),
            ("create_time < \"2027-01-15T08:01:00Z\"", &["bob"]),
            ("create_time >= \"2030-01-01T00:00:00Z\"", &[]),
            ("", &["bob", "ada", "adam", "zoë", "eve", ""]),
        ] {
            for page_size in [1, 2, 100] {
                assert_eq!(found(&operator, filter, page_size).await, names, "{filter} by {page_size}");
            }
        }
    }

    async fn a_page_token_is_good_for_its_filter_alone(engine: Engine) {
        let harness = people(engine).await;
        let operator = harness.caller.as_operator();
        let token = operator.search("roles:\"editor\"", 1, "").await.unwrap().next_page_token;
        assert!(!token.is_empty());
        for other in ["", "roles:\"merchant\"", "email = \"a*\""] {
            assert_eq!(reason(operator.search(other, 1, &token).await), Reason::InvalidPageToken, "{other}");
        }
    }

    async fn a_filter_that_cannot_be_read_is_refused_with_its_place(engine: Engine) {
        let harness = Harness::start(engine).await;
        let fault = harness.caller.as_operator().search("email = \"ada*\" OR roles:x", 0, "").await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::InvalidFilter));
        assert!(fault.text().contains("at 16: OR"), "{fault}");
    }

    async fn what_is_looked_for_by_name_or_role_is_found_by_an_index(engine: Engine) {
        let harness = Harness::start(engine).await;
        fill(&harness).await;
        let last = Place { order: "a".into(), uid: "00000000-0000-7000-8000-00000000000f".into() };
        for filter in [
            "email = \"user-77@example.org\"",
            "email = \"user-77*\"",
            "user_name = \"user.77\"",
            "user_name = \"user.77*\"",
            "display_name = \"person 77\"",
            "display_name = \"person 77*\"",
            "roles:\"rare\"",
            "disable_time:*",
            "create_time >= \"2030-01-01T00:00:00Z\"",
            "email = \"user-77*\" roles:\"rare\" email_verified = true",
        ] {
            for after in [None, Some(&last)] {
                let plan = plan(&harness, engine, filter, after).await;
                let is_served = match engine {
                    // The index of those that are disabled has no others.
                    Engine::Sqlite => {
                        let scans = plan.lines().filter(|line| line.contains("SCAN"));
                        !plan.contains("TEMP B-TREE") && scans.into_iter().all(|line| line.contains("accounts_disabled"))
                    }
                    // Where it is told to use none of them, it scans a table only if no index serves.
                    Engine::Postgres => !plan.contains("Seq Scan on accounts") && !plan.contains("Seq Scan on account_roles"),
                };
                assert!(is_served, "{filter}: {plan}");
            }
        }
    }
}

/// A few thousand rows, so that a planner has a choice.
async fn fill(harness: &Harness) {
    let rows = match harness.database.engine() {
        Engine::Sqlite => {
            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n)"
        }
        Engine::Postgres => "(SELECT generate_series(1, 5000) AS i)",
    };
    let uid = match harness.database.engine() {
        Engine::Sqlite => "printf('00000000-0000-7000-8000-%012d', i)",
        Engine::Postgres => "'00000000-0000-7000-8000-' || lpad(i::text, 12, '0')",
    };
    let sql = format!(
        "INSERT INTO accounts (uid, email, email_key, email_verified, password_hash, create_time, update_time, revision, user_name, \
         user_name_look, display_name, display_name_key) \
         SELECT {uid}, 'user-' || i || '@example.org', 'user-' || i || '@example.org', TRUE, '$argon2id$', i, i, i, 'user.' || i, \
         'user.' || i, 'Person ' || i, 'person ' || i FROM {rows} AS n; \
         INSERT INTO account_roles (account_uid, role) SELECT uid, 'common' FROM accounts; \
         INSERT INTO account_roles (account_uid, role) SELECT uid, 'rare' FROM accounts WHERE create_time % 100 = 0; \
         UPDATE accounts SET disable_time = 1 WHERE create_time % 500 = 0; ANALYZE;"
    );
    let filled = harness.database.write(Atomic::Transaction, move |conn| {
        let sql = sql.clone();
        Box::pin(async move { conn.batch(&sql).await })
    });
    filled.await.unwrap();
}

async fn plan(harness: &Harness, engine: Engine, filter: &str, after: Option<&Place>) -> String {
    let (wanted, binds) = statement(&parse(filter).unwrap(), after, 51);
    let (word, column) = match engine {
        Engine::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
        Engine::Postgres => ("EXPLAIN ", 0),
    };
    let pieces = [vec![Piece::Text(word.to_owned())], wanted.pieces().to_vec()].concat();
    // Not known to change nothing, and so in a transaction.
    let read = harness.database.write(Atomic::Transaction, move |conn| {
        let (pieces, binds) = (pieces.clone(), binds.clone());
        Box::pin(async move {
            let mut rows = Rows::of(&vec![Kind::Text; column + 1]);
            if conn.engine() == Engine::Postgres {
                conn.batch("SET LOCAL enable_seqscan = off").await?;
            }
            conn.fetch(&Statement::new(pieces, false), &binds, &mut rows).await?;
            Ok::<_, mainstay_db::Error>(rows.rows)
        })
    });
    let lines = read.await.unwrap().into_iter().filter_map(|row| row.into_iter().next_back());
    lines.map(|line| if let Value::Text(line) = line { line } else { String::new() }).collect::<Vec<_>>().join("\n")
}
