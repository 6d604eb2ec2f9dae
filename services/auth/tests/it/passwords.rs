//! What a password has to be that somebody chooses.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mainstay_auth::breaches::{BreachList, BreachListError};
use mainstay_auth::{Config, StartError};
use mainstay_testkit::both_engines;
use mainstay_testkit::database::fresh;
use proptest::prelude::*;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::harness::{Harness, KEY, PASSWORD, TestClock, config, fields, start_on};

fn sha1(password: &str) -> String {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Writes a list of these passwords, each line with this behind it.
fn list(path: &Path, passwords: impl IntoIterator<Item = String>, behind: &str) {
    let mut hashes: Vec<String> = passwords.into_iter().map(|password| sha1(&password)).collect();
    hashes.sort();
    let mut text = String::new();
    for hash in hashes {
        let _ = writeln!(text, "{hash}{behind}");
    }
    fs::write(path, text).unwrap();
}

both_engines! {
    async fn a_password_that_is_easy_to_guess_is_refused_wherever_one_is_chosen(engine: Engine) {
        let harness = Harness::start(engine).await;
        let (_, session) = harness.user("ada@example.org").await;
        let (own, operator) = (harness.caller.as_user(&session), harness.caller.as_operator());
        harness.caller.request_reset("ada@example.org").await.unwrap();
        let token = harness.token("reset_password", "ada@example.org").await;
        assert_eq!(fields(harness.caller.sign_up("eve@example.org", "password1").await), ["password"]);
        assert_eq!(fields(operator.create_account("eve@example.org", "password1", &[]).await), ["password"]);
        assert_eq!(fields(own.change_password("accounts/me", PASSWORD, "password1").await), ["new_password"]);
        assert_eq!(fields(harness.caller.reset_password(&token, "password1").await), ["new_password"]);
        assert!(harness.auth.create_account("eve@example.org", "password1", &[]).await.is_err());
        let refused = harness.caller.sign_up("eve@example.org", "qwertyuiop").await.unwrap_err();
        let said = &refused.violations()[0].description;
        assert!(said.starts_with("is too easy to guess: ") && said.contains("common password"), "{said}");
        // The address is known to whoever guesses.
        assert_eq!(fields(harness.caller.sign_up("lovelaceconsulting@example.org", "lovelaceconsulting").await), ["password"]);
    }

    async fn a_password_that_was_chosen_before_still_signs_in(engine: Engine) {
        let lenient = Config { password_min_score: 0, ..config() };
        let harness = Harness::with_config(engine, &lenient).await;
        harness.caller.sign_up("ada@example.org", "password1").await.unwrap();
        let harness = harness.restart(&config()).await;
        harness.caller.sign_in("ada@example.org", "password1").await.unwrap();
    }

    async fn a_password_of_a_breach_is_refused(engine: Engine) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("breached.txt");
        list(&path, [PASSWORD.to_owned(), "another".to_owned()], ":17");
        let harness = Harness::with_config(engine, &Config { password_breach_list: Some(path), ..config() }).await;
        let refused = harness.caller.sign_up("ada@example.org", PASSWORD).await.unwrap_err();
        assert!(refused.violations()[0].description.contains("breach"), "{refused:?}");
        harness.caller.sign_up("ada@example.org", "another horse battery").await.unwrap();
    }
}

#[tokio::test]
async fn a_list_that_is_none_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.txt");
    fs::write(&path, "password\nqwertyuiop\n").unwrap();
    for (place, part) in [(path, "is no list of SHA-1 hashes"), (folder.path().join("none"), "cannot be read")] {
        let config = Config { password_breach_list: Some(place), ..config() };
        let database = fresh(mainstay_db::Engine::Sqlite).await;
        let error = start_on(&database, &TestClock::new(), &config, &KEY).await.err().unwrap();
        assert!(matches!(error, StartError::Breaches(_)), "{error:?}");
        assert!(error.to_string().contains("auth.password_breach_list") && error.to_string().contains(part), "{error}");
    }
    let config = Config { password_min_score: 5, ..config() };
    assert_eq!(config.problems(), [("password_min_score", "must be 0 to 4".to_owned())]);
}

#[test]
fn every_line_of_a_list_is_found_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.txt");
    for behind in ["", ":3", ":12345678", "\r"] {
        for count in [0_usize, 1, 2, 3, 7, 64, 1_000] {
            list(&path, (0..count).map(|number| format!("password {number}")), behind);
            let list = BreachList::open(&path).unwrap();
            for number in 0..count {
                assert!(
                    list.contains(format!("password {number}").as_bytes()).unwrap(),
                    "{number} of {count}, {behind:?}"
                );
            }
            for number in 0..200 {
                assert!(
                    !list.contains(format!("other {number}").as_bytes()).unwrap(),
                    "{number} of {count}, {behind:?}"
                );
            }
        }
    }
    // Without an end of line at its end, and in small letters.
    list(&path, (0..50).map(|number| format!("password {number}")), "");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.trim_end().to_ascii_lowercase()).unwrap();
    let list = BreachList::open(&path).unwrap();
    assert!((0..50).all(|number| list.contains(format!("password {number}").as_bytes()).unwrap()));
}

proptest! {
    #[test]
    fn a_list_of_anything_ends_the_search(bytes in proptest::collection::vec(any::<u8>(), 0..600), password in ".*") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        fs::write(&path, &bytes).unwrap();
        match BreachList::open(&path).and_then(|list| list.contains(password.as_bytes())) {
            Ok(found) => prop_assert!(!found),
            Err(error) => prop_assert!(matches!(error, BreachListError::Form { .. }), "{error}"),
        }
    }
}
