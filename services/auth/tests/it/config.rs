use mainstay_auth::{Config, SignUp, StartError};
use mainstay_db::Engine;
use mainstay_testkit::database::fresh;

use crate::harness::{KEY, TestClock, start_on};

#[test]
fn an_empty_section_is_the_default() {
    let config: Config = serde_json::from_str("{}").unwrap();
    assert_eq!(config.access_token_seconds, 300);
    assert_eq!(config.password_min_characters, 8);
    assert_eq!(config.sign_up, SignUp::Open);
    assert!(config.problems().is_empty());
}

#[test]
fn unknown_settings_are_refused() {
    assert!(serde_json::from_str::<Config>(r#"{"acces_token_seconds": 300}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"password_hashing": {"memory": 1}}"#).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"sign_up": "maybe"}"#).is_err());
}

#[tokio::test]
async fn all_values_that_cannot_work_are_named_at_once() {
    let config = Config {
        password_min_characters: 4,
        access_token_seconds: 0,
        session_idle_seconds: 10,
        session_absolute_seconds: 5,
        signing_key_seconds: 60,
        ..Config::default()
    };
    let database = fresh(Engine::Sqlite).await;
    let Err(error) = start_on(&database, &TestClock::new(), &config, &KEY).await else { panic!("it started") };
    assert!(matches!(error, StartError::Config(_)));
    for path in ["password_min_characters", "access_token_seconds", "session_absolute_seconds", "signing_key_seconds"] {
        assert!(error.to_string().contains(&format!("auth.{path} must")), "{error}");
    }
}
