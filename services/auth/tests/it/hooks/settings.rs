//! How hooks are configured.

use mainstay_auth::hooks::{AskedHook, HooksConfig, OnFailure, ToldHook};
use mainstay_auth::mail::SmtpConfig;
use mainstay_auth::{Config, StartError};
use mainstay_db::Engine;
use mainstay_testkit::database::fresh;

use crate::harness::{KEY, TestClock, config, start_on};

async fn refused(config: &Config) -> String {
    let database = fresh(Engine::Sqlite).await;
    let Err(error) = start_on(&database, &TestClock::new(), config, &KEY).await else { panic!("it started") };
    assert!(matches!(error, StartError::Config(_)), "{error}");
    error.to_string()
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let asked = |url: &str, deadline_ms| AskedHook { url: url.to_owned(), deadline_ms, ..AskedHook::default() };
    let ca_file = Some("/no/such/file.pem".into());
    let mut config = config();
    config.hooks = HooksConfig {
        before_sign_up: Some(asked("shop:9000", 0)),
        mint_token: Some(asked("", 10_001)),
        after_sign_up: Some(ToldHook { url: "https://shop.example.org".to_owned(), ca_file, ..ToldHook::default() }),
        send_mail: Some(ToldHook { url: "http://localhost:9000".to_owned(), ..ToldHook::default() }),
    };
    config.mail.smtp = Some(SmtpConfig { host: "smtp.example.org".to_owned(), ..SmtpConfig::default() });
    let said = refused(&config).await;
    for wrong in [
        "auth.hooks.before_sign_up.url cannot be used: \"shop:9000\" is not a service address",
        "auth.hooks.before_sign_up.deadline_ms must be 1 to 10000",
        "auth.hooks.mint_token.url cannot be used",
        "auth.hooks.mint_token.deadline_ms must be",
        "auth.hooks.after_sign_up.ca_file cannot be used",
        "auth.hooks.send_mail must not be set where auth.mail.smtp is",
    ] {
        assert!(said.contains(wrong), "{wrong}: {said}");
    }
}

#[test]
fn a_hook_is_waited_for_two_seconds_and_fails_closed_unless_it_is_said_otherwise() {
    let text = r#"{"hooks": {"before_sign_up": {"url": "http://localhost:9000"}, "send_mail": {"url": "http://localhost:9000"}}}"#;
    let hooks = serde_json::from_str::<Config>(text).unwrap().hooks;
    let before = hooks.before_sign_up.unwrap();
    assert_eq!((before.deadline_ms, before.on_failure), (2_000, OnFailure::Closed));
    assert_eq!(hooks.send_mail.unwrap().deadline_ms, 2_000);
    for wrong in [
        r#"{"hooks": {"send_sms": {"url": "http://localhost:9000"}}}"#,
        r#"{"hooks": {"after_sign_up": {"url": "http://localhost:9000", "on_failure": "open"}}}"#,
        r#"{"hooks": {"mint_token": {"url": "http://localhost:9000", "on_failure": "maybe"}}}"#,
    ] {
        assert!(serde_json::from_str::<Config>(wrong).is_err(), "{wrong}");
    }
}
