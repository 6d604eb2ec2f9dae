//! After an account was made.

use mainstay_auth::hooks::HooksConfig;
use mainstay_auth::{AnonymousSignIn, Config};
use mainstay_db::Lane;
use mainstay_proto::auth::hook::v1::SignUpMethod;
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;
use tonic::Status;

use super::fake::App;
use crate::audit::sql;
use crate::harness::{Harness, PASSWORD, config};

fn telling(app: &App) -> Config {
    let hooks = HooksConfig { after_sign_up: Some(app.told()), ..HooksConfig::default() };
    Config { hooks, anonymous_sign_in: AnonymousSignIn::Open, ..config() }
}

/// How many are still to be told of.
async fn waiting(harness: &Harness) -> i64 {
    let read = harness.database.read(Lane::Inline, |conn| Box::pin(mainstay_auth::store::sign_ups::waiting(conn)));
    read.await.unwrap_or_else(|error: mainstay_db::Error| panic!("{error}"))
}

both_engines! {
    async fn an_application_learns_of_each_account_that_was_made(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &telling(&app)).await;
        let made = harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let anonymous = harness.caller.sign_in_anonymously().await.unwrap();
        harness.auth.tell_of_sign_ups().await.unwrap();
        harness.caller.as_user(&anonymous).upgrade("accounts/me", "bob@example.org", PASSWORD).await.unwrap();
        harness.auth.create_account("eve@example.org", PASSWORD, &["editor".to_owned()]).await.unwrap();
        harness.auth.tell_of_sign_ups().await.unwrap();
        harness.auth.tell_of_sign_ups().await.unwrap();
        let told = app.script().told.clone();
        let mut methods: Vec<_> = told.iter().map(|of| (of.method(), of.account.as_ref().unwrap().email.clone())).collect();
        methods[..2].sort();
        methods[2..].sort();
        let expected = [
            (SignUpMethod::Password, "ada@example.org".to_owned()),
            (SignUpMethod::Anonymous, String::new()),
            (SignUpMethod::Upgrade, "bob@example.org".to_owned()),
            (SignUpMethod::Operator, "eve@example.org".to_owned()),
        ];
        assert_eq!(methods, expected);
        let first = told.iter().find(|of| of.method() == SignUpMethod::Password).unwrap();
        assert_eq!(first.account.as_ref().unwrap().name, made.name);
        assert_eq!(first.create_time.as_ref().map(|time| time.seconds), made.create_time.map(|time| time.seconds));
        let ids: std::collections::BTreeSet<_> = told.iter().map(|of| of.event_id.as_str()).collect();
        assert_eq!((ids.len(), waiting(&harness).await), (4, 0));
    }

    async fn it_is_told_again_and_later_each_time_until_it_has_heard(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &telling(&app)).await;
        app.script().after = Err(Status::unavailable("not now"));
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let mut tries = Vec::new();
        for second in 0..700 {
            let before = app.script().told.len();
            harness.auth.tell_of_sign_ups().await.unwrap();
            if app.script().told.len() > before {
                tries.push(second);
            }
            harness.clock.advance_seconds(1);
        }
        assert_eq!(tries, [0, 5, 20, 80, 380]);
        app.script().after = Ok(());
        harness.clock.advance_seconds(15 * 60);
        harness.auth.tell_of_sign_ups().await.unwrap();
        assert_eq!(waiting(&harness).await, 0);
        let told = app.script().told.clone();
        assert!(told.iter().all(|one| one.event_id == told[0].event_id), "whoever hears it twice knows");
    }

    async fn nobody_is_told_of_what_did_not_happen_or_is_gone_or_is_too_long_ago(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &telling(&app)).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        harness.auth.tell_of_sign_ups().await.unwrap();
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap_err();
        harness.auth.tell_of_sign_ups().await.unwrap();
        assert_eq!(app.script().told.len(), 1);
        let gone = harness.caller.sign_up("gone@example.org", PASSWORD).await.unwrap();
        harness.caller.as_operator().delete(&gone.name, "", "").await.unwrap();
        assert_eq!(waiting(&harness).await, 0, "it goes with its account");
        app.script().silent.push("AfterSignUp");
        harness.caller.sign_up("late@example.org", PASSWORD).await.unwrap();
        harness.auth.tell_of_sign_ups().await.unwrap();
        assert_eq!(waiting(&harness).await, 1);
        harness.clock.advance_seconds(3 * 24 * 3_600 + 1);
        harness.auth.tell_of_sign_ups().await.unwrap();
        let left = waiting(&harness).await;
        assert_eq!((app.script().told.len(), left), (1, 0));
        let account = Some(pb::Account { email: "eve@example.org".to_owned(), ..Default::default() });
        let accounts = vec![pb::ImportedAccount { account, ..Default::default() }];
        harness.auth.import_accounts(pb::ImportAccountsRequest { accounts }).await.unwrap();
        assert_eq!(waiting(&harness).await, 0, "whoever comes from elsewhere had an account");
    }

    async fn what_is_damaged_is_given_up_and_holds_up_nobody(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &telling(&app)).await;
        for name in ["ada", "bob"] {
            harness.caller.sign_up(&format!("{name}@example.org"), PASSWORD).await.unwrap();
            harness.clock.advance_seconds(1);
        }
        let damage = "UPDATE accounts SET claims = '[' WHERE email = 'ada@example.org'";
        sql(&harness, damage).await;
        harness.auth.tell_of_sign_ups().await.unwrap();
        let told: Vec<_> = app.script().told.iter().map(|of| of.account.as_ref().unwrap().email.clone()).collect();
        assert_eq!((told, waiting(&harness).await), (vec!["bob@example.org".to_owned()], 0));
    }

    async fn where_there_is_no_such_hook_any_more_what_waits_is_forgotten(engine: Engine) {
        let app = App::start().await;
        let harness = Harness::with_config(engine, &telling(&app)).await;
        harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap();
        let harness = harness.restart(&config()).await;
        harness.caller.sign_up("bob@example.org", PASSWORD).await.unwrap();
        assert_eq!(waiting(&harness).await, 1);
        harness.clock.advance_seconds(6 * 24 * 3_600 + 1);
        harness.auth.maintain().await.unwrap();
        assert_eq!(waiting(&harness).await, 0);
    }
}
