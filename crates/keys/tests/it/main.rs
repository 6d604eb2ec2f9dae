//! Sealing, and the files that hold a key.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mainstay_keys::{Error, KeyEncryptionKey, KeySetting, SealingKey};

fn key() -> SealingKey {
    SealingKey::from_bytes(&[7; 32]).unwrap()
}

#[test]
fn what_was_sealed_opens_again() {
    let sealed = key().seal(b"page", b"secret").unwrap();
    assert!(!sealed.windows(6).any(|w| w == b"secret"));
    assert_eq!(key().open(b"page", &sealed).unwrap(), b"secret");
}

#[test]
fn what_was_sealed_for_one_purpose_opens_for_no_other() {
    let sealed = key().seal(b"page", b"secret").unwrap();
    assert!(matches!(key().open(b"signing", &sealed), Err(Error::NotSealedHere)));
}

#[test]
fn a_changed_or_cut_byte_is_noticed() {
    let sealed = key().seal(b"page", b"secret").unwrap();
    for i in 0..sealed.len() {
        let mut forged = sealed.clone();
        forged[i] ^= 1;
        assert!(key().open(b"page", &forged).is_err(), "byte {i}");
        assert!(key().open(b"page", &sealed[..i]).is_err(), "cut at {i}");
    }
}

#[test]
fn the_key_file_is_made_once_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/data");
    let sealed = SealingKey::load_or_create(&path).unwrap().seal(b"p", b"x").unwrap();
    assert_eq!(SealingKey::load_or_create(&path).unwrap().open(b"p", &sealed).unwrap(), b"x");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = std::fs::metadata(path.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700, "nobody else sees which keys there are");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    SealingKey::load_or_create(&path).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = SealingKey::load_or_create(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn processes_that_make_the_file_at_once_agree_on_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| SealingKey::load_or_create(&path).unwrap())).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let sealed = keys[0].seal(b"p", b"x").unwrap();
    assert!(keys.iter().all(|key| key.open(b"p", &sealed).is_ok()));
}

#[test]
fn a_malformed_key_says_how_to_make_one() {
    for text in ["", "short", "!!!", "AAAA"] {
        assert!(SealingKey::from_base64(text).unwrap_err().to_string().contains("openssl rand"), "{text}");
    }
}

#[test]
fn a_database_of_another_key_says_which_key_was_tried_and_which_is_wanted() {
    let place = KeySetting { setting: "data.key_encryption_key", database: "data.database_url" };
    let told = |key: &KeyEncryptionKey| {
        let sealed = SealingKey::from_bytes(&[8; 32]).unwrap().seal(b"p", b"x").unwrap();
        key.open_stored(place, "the key of page tokens", b"p", &sealed).unwrap_err().to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/data");
    let file = told(&KeyEncryptionKey::load_or_create(&path).unwrap());
    for part in [
        "the key of page tokens",
        &path.display().to_string(),
        "data directory",
        "data.key_encryption_key",
        "`data`",
        "data.database_url",
    ] {
        assert!(file.contains(part), "{part}: {file}");
    }
    let configured = told(&KeyEncryptionKey::from_bytes(&[7; 32]).unwrap());
    assert!(configured.contains("data.key_encryption_key") && !configured.contains("directory"), "{configured}");
}
