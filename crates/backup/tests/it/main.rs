//! A backup is whole or it is none.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use mainstay_backup::{
    Aside, Backup, Error, File, Manifest, Secret, Store, UNFINISHED_RESTORE, make_private, put_in_place, refuse_filled,
    write,
};
use tempfile::TempDir;

const PASSPHRASE: &str = "four words that nobody guesses";

fn passphrase() -> Secret {
    Secret::passphrase(PASSPHRASE.to_owned()).unwrap()
}

/// Three files, one of them longer than a block, one of them empty.
fn sources(folder: &Path) -> Manifest {
    make_private(&folder.join("keys")).unwrap();
    fs::write(folder.join("data.sqlite"), "rows ".repeat(40_000)).unwrap();
    fs::write(folder.join("keys/data"), "the secret of secrets").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    let store = Store {
        service: "data".to_owned(),
        engine: "sqlite".to_owned(),
        file: "data.sqlite".to_owned(),
        schema: None,
        migration: None,
        contract: None,
        tables: [("t".to_owned(), 3)].into(),
    };
    let files = ["data.sqlite", "empty", "keys/data"].map(|path| File::of(folder, path).unwrap());
    Manifest { stores: vec![store], files: files.into() }
}

fn backup(folder: &TempDir, secret: &Secret) -> (PathBuf, Manifest) {
    let from = folder.path().join("from");
    make_private(&from).unwrap();
    let manifest = sources(&from);
    let out = folder.path().join("whole.backup");
    let mut told = 0;
    write(&out, ("0.1.0", "2026-01-01T00:00:00Z"), secret, &manifest, &from, &mut |done| told = done).unwrap();
    assert_eq!(told, manifest.bytes(), "progress ends at the end");
    (out, manifest)
}

fn unpack(file: &Path, into: &Path, secret: &Secret) -> Result<Manifest, Error> {
    make_private(into)?;
    Backup::open(file, secret)?.unpack(into, &mut |_| ())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn key_file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("backup.key");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";

#[test]
fn what_was_backed_up_comes_back_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = Secret::key_file(&key_file(folder.path(), KEY, 0o600)).unwrap();
    for secret in [passphrase(), key] {
        let (file, manifest) = backup(&folder, &secret);
        assert_eq!(mode(&file), 0o600);
        let sealed = fs::read(&file).unwrap();
        assert!(
            !sealed.windows(10).any(|part| part == b"the secret" || part == b"rows rows "),
            "nothing is in the clear"
        );
        let into = folder.path().join("into");
        assert_eq!(unpack(&file, &into, &secret).unwrap(), manifest);
        for path in ["data.sqlite", "empty", "keys/data"] {
            assert_eq!(fs::read(into.join(path)).unwrap(), fs::read(folder.path().join("from").join(path)).unwrap());
            assert_eq!(mode(&into.join(path)), 0o600, "{path}");
        }
        assert_eq!((mode(&into), mode(&into.join("keys"))), (0o700, 0o700));
        fs::remove_dir_all(&into).unwrap();
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn another_secret_or_kind_of_secret_is_told_from_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = backup(&folder, &passphrase());
    let other = Secret::passphrase("four words that somebody guesses".to_owned()).unwrap();
    assert!(matches!(Backup::open(&file, &other), Err(Error::AnotherSecret { .. })));
    let key = Secret::key_file(&key_file(folder.path(), KEY, 0o600)).unwrap();
    assert!(matches!(Backup::open(&file, &key), Err(Error::WantsPassphrase { .. })));
    fs::remove_file(&file).unwrap();
    let (file, _) = backup(&folder, &key);
    assert!(matches!(Backup::open(&file, &passphrase()), Err(Error::WantsKeyFile { .. })));
}

#[test]
fn weak_or_exposed_secrets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "short", "elevenchars"] {
        assert!(matches!(Secret::passphrase(text.to_owned()), Err(Error::ShortPassphrase)), "{text}");
    }
    assert!(Secret::key_file(&folder.path().join("nowhere")).is_err());
    for (text, mode, wanted) in [(KEY, 0o644, "chmod 600"), ("c2hvcnQ=", 0o600, "32 bytes"), ("", 0o600, "32 bytes")] {
        let error = Secret::key_file(&key_file(folder.path(), text, mode)).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_file_that_was_cut_off_or_changed_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = Secret::key_file(&key_file(folder.path(), KEY, 0o600)).unwrap();
    let (file, _) = backup(&folder, &key);
    let whole = fs::read(&file).unwrap();
    let damaged = folder.path().join("damaged.backup");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).unwrap();
        let into = folder.path().join("into");
        let _ = fs::remove_dir_all(&into);
        let error = unpack(&damaged, &into, &key).expect_err(what).to_string();
        assert!(
            error.contains("damaged.backup") && error.ends_with(|c: char| c.is_alphanumeric() || c == ')'),
            "{error}"
        );
    };
    for at in (0..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1]) {
        refused(&whole[..at], &format!("cut at {at}"));
        let mut changed = whole.clone();
        changed[at] ^= 1;
        refused(&changed, &format!("changed at {at}"));
    }
    refused(&[whole.as_slice(), b"more"].concat(), "longer");
    refused(b"", "empty");
}

#[test]
fn a_newer_format_says_what_it_needs_and_another_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mainstay backup 7\n{}\n\n").unwrap();
    let error = Backup::open(&file, &passphrase()).unwrap_err().to_string();
    assert!(error.contains("format 7") && error.contains("up to 1"), "{error}");
    for text in ["", "SQLite format 3\0", "mainstay backup\n", "mainstay backup -1\n", "mainstay backup 0\n{}\n\n"] {
        fs::write(&file, text).unwrap();
        let error = Backup::open(&file, &passphrase()).unwrap_err();
        assert!(matches!(error, Error::NoBackup { .. }), "{text}: {error}");
    }
    // What stretching costs is read before anything vouches for it.
    let greedy = r#"{"version":"0.1.0","made":"","passphrase":{"memoryKib":4000000000,"passes":1},"salt":"AAAA"}"#;
    fs::write(&file, format!("mainstay backup 1\n{greedy}\n00\n")).unwrap();
    assert!(matches!(Backup::open(&file, &passphrase()), Err(Error::NoBackup { .. })));
    assert!(matches!(Backup::open(folder.path(), &passphrase()), Err(Error::File { .. })), "a folder is no backup");
}

#[test]
fn a_manifest_never_leads_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["../evil", "/etc/evil", "a/../../evil", "", ".mainstay-unfinished/x", "a\\b"] {
        let from = folder.path().join("from");
        make_private(&from).unwrap();
        let mut manifest = sources(&from);
        manifest.files = vec![File { path: path.to_owned(), bytes: 0, sha256: String::new() }];
        let (out, empty) = (folder.path().join("evil.backup"), manifest.files.clone());
        // Nothing that writes would list such a path.
        manifest.files.clear();
        let listed = Manifest { files: empty, ..manifest };
        let _ = write(&out, ("0", "0"), &passphrase(), &listed, &from, &mut |_| ());
        if let Ok(opened) = Backup::open(&out, &passphrase()) {
            panic!("{path:?} was taken: {opened:?}");
        }
        fs::remove_file(&out).unwrap();
    }
}

#[test]
fn what_is_unfinished_is_cleared_by_the_next_and_never_shared() {
    let folder = tempfile::tempdir().unwrap();
    let aside = Aside::within(folder.path()).unwrap();
    assert_eq!(mode(aside.path()), 0o700);
    let busy = Aside::within(folder.path()).unwrap_err();
    assert!(matches!(busy, Error::Busy { pid: Some(pid), .. } if pid == std::process::id()), "{busy}");
    drop(aside);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");

    let left = folder.path().join(".mainstay-unfinished");
    make_private(&left.join("copies")).unwrap();
    fs::write(left.join("copies/data.sqlite"), "half").unwrap();
    let aside = Aside::within(folder.path()).unwrap();
    assert!(!left.join("copies").exists(), "what a killed process left is gone");
    let (whole, target) = (aside.path().join("whole"), folder.path().join("b.backup"));
    fs::write(&whole, "whole").unwrap();
    aside.publish(&whole, &target).unwrap();
    fs::write(&whole, "other").unwrap();
    assert!(matches!(aside.publish(&whole, &target), Err(Error::Exists { .. })));
    let link = folder.path().join("link");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    assert!(matches!(aside.publish(&whole, &link), Err(Error::Exists { .. })), "nor through a link");
    assert_eq!(fs::read_to_string(&target).unwrap(), "whole");
}

#[test]
fn a_restore_goes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    refuse_filled(&data).unwrap();
    make_private(&data).unwrap();
    fs::write(data.join("lock"), "1").unwrap();
    refuse_filled(&data).unwrap();
    fs::write(data.join("auth.key"), "k").unwrap();
    let error = refuse_filled(&data).unwrap_err().to_string();
    assert!(error.contains("auth.key") && error.contains("mv "), "{error}");
    let link = folder.path().join("link");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    assert!(matches!(refuse_filled(&link), Err(Error::DeadLink { .. })));
}

#[test]
fn an_interrupted_restore_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let key = Secret::key_file(&key_file(folder.path(), KEY, 0o600)).unwrap();
    let (file, manifest) = backup(&folder, &key);
    let data = folder.path().join("data");
    // Killed after some files were in their place.
    let staged = data.join(UNFINISHED_RESTORE);
    unpack(&file, &staged, &key).unwrap();
    make_private(&data.join("keys")).unwrap();
    fs::rename(staged.join("keys/data"), data.join("keys/data")).unwrap();

    refuse_filled(&data).unwrap();
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "nothing of it is left");
    unpack(&file, &staged, &key).unwrap();
    put_in_place(&data, &manifest).unwrap();
    assert!(!staged.exists());
    assert_eq!(fs::read(data.join("data.sqlite")).unwrap(), "rows ".repeat(40_000).as_bytes());
    assert_eq!(mode(&data.join("keys/data")), 0o600);
    assert!(refuse_filled(&data).is_err());
}
