//! S31: there is no default secret, and production does not start without its own.

use std::os::unix::fs::PermissionsExt;

use mainstay_auth::{Config, KEY_FILE, StartError};
use mainstay_testkit::both_engines;

use crate::harness::{Harness, TestClock, config, start_on};

#[test]
fn production_refuses_to_start_without_a_key_encryption_key() {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::default().key_encryption_key(folder.path(), true).unwrap_err();
    assert!(matches!(error, StartError::NoKeyEncryptionKey));
    assert!(error.to_string().contains("auth.key_encryption_key"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made up");
}

#[test]
fn development_makes_a_key_of_its_own_that_only_the_owner_reads() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = Config::default().key_encryption_key(one.path(), false).unwrap();
    let again = Config::default().key_encryption_key(one.path(), false).unwrap();
    let other = Config::default().key_encryption_key(two.path(), false).unwrap();
    let sealed = key.seal(b"test", b"secret").unwrap();
    assert_eq!(again.open(b"test", &sealed).unwrap(), b"secret");
    assert!(other.open(b"test", &sealed).is_err());
    let mode = std::fs::metadata(one.path().join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_configured_key_that_is_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "secret", "c2hvcnQ="] {
        let config = Config { key_encryption_key: Some(text.to_owned().into()), ..Config::default() };
        assert!(matches!(config.key_encryption_key(folder.path(), true), Err(StartError::KeyEncryptionKey(_))));
    }
}

#[test]
fn secrets_of_the_configuration_are_not_shown() {
    let config = Config {
        key_encryption_key: Some("canary-key".to_owned().into()),
        database_url: Some("postgres://user:canary-password@host/db".to_owned().into()),
        ..Config::default()
    };
    assert!(!format!("{config:?}").contains("canary"));
}

both_engines! {
    async fn a_database_that_was_sealed_with_another_key_is_refused_with_the_remedy(engine: Engine) {
        let harness = Harness::start(engine).await;
        let refused = start_on(&harness.database, &TestClock::new(), &config(), &[8; 32]).await;
        let error = refused.err().unwrap();
        assert!(matches!(error, StartError::SealedWithAnotherKey(_)));
        assert!(error.to_string().contains("auth.key_encryption_key"));
    }

    async fn a_database_that_belongs_to_another_data_directory_says_which_key_is_wanted(engine: Engine) {
        let harness = Harness::start(engine).await;
        let other = tempfile::tempdir().unwrap();
        let key_encryption_key = config().key_encryption_key(other.path(), false).unwrap();
        let tokens = mainstay_identity::VerifierConfig::default();
        let environment = mainstay_auth::Environment::new(harness.database.clone(), key_encryption_key, tokens);
        let error = mainstay_auth::start(&config(), environment).await.err().unwrap().to_string();
        let tried = other.path().join(KEY_FILE).display().to_string();
        for part in ["signing key", &tried, "data directory", "auth.key_encryption_key", "auth.database_url"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
