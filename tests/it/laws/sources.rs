//! What may stand in which file.

use super::workspace::{files, root, rust_files};

/// The code of a file: lines that are no comment.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn assert_only(word: &str, may: impl Fn(&str) -> bool) {
    assert_eq!(misplaced(word, &rust_files(), may), [""; 0], "`{word}` does not belong there");
}

/// The places in files (path and text) where a word stands and must not.
pub fn misplaced(word: &str, files: &[(String, String)], may: impl Fn(&str) -> bool) -> Vec<String> {
    let places = |(path, text): &(String, String)| {
        let lines = code(text).filter(|(_, line)| line.contains(word));
        lines.map(|(number, _)| format!("{path}:{}", number + 1)).collect::<Vec<_>>()
    };
    files.iter().filter(|(path, _)| !may(path)).flat_map(places).collect()
}

#[test]
fn diesel_stands_only_in_db_in_stores_and_in_the_testkit() {
    let may = |path: &str| {
        path.starts_with("crates/db/")
            || path.starts_with("crates/testkit/")
            || (path.starts_with("services/") && (path.contains("/store/") || path.ends_with("/schema.rs")))
    };
    assert_only("diesel::", |path| may(path));
    assert_only("use diesel", |path| may(path));
}

#[test]
fn domains_know_neither_grpc_nor_tables_nor_generated_types() {
    for (path, text) in rust_files().iter().filter(|(path, _)| path.contains("/domain/")) {
        for (number, line) in code(text) {
            for word in ["tonic", "diesel", "mainstay_proto", "pb::", "Status"] {
                assert!(!line.contains(word), "{path}:{}: a domain must not name {word}", number + 1);
            }
        }
    }
}

#[test]
fn accounts_are_made_in_one_place() {
    let may = |path: &str| {
        ["services/auth/src/handlers/making.rs", "services/auth/src/store/accounts.rs"].contains(&path)
            || path.contains("/tests/")
            || path.starts_with("tests/")
    };
    assert_only("insert_new(", may);
}

/// What tokens are signed with, refresh tokens are made of and passwords are hashed by, as auth names it.
const ISSUES: [&str; 3] = ["Ed25519KeyPair", "RefreshToken::first_of", "argon2::"];

/// Other ways to do so, which nobody uses.
const WOULD_ISSUE: [&str; 6] = ["EcdsaKeyPair", "RsaKeyPair", "hmac::", "pbkdf2::", "jsonwebtoken", "EncodingKey"];

/// Auth, and tests of those who verify: they forge. An application's service verifies with whatever library it likes.
fn may_issue(path: &str) -> bool {
    path.starts_with("services/auth/") || path.contains("/tests/") || path.starts_with("tests/upstreams/")
}

/// What seals a backup stretches a passphrase, which is nobody's password.
fn may_stretch(path: &str) -> bool {
    may_issue(path) || path.starts_with("crates/backup/src/")
}

#[test]
fn what_both_need_has_a_room_of_its_own_below() {
    // The folder or file on the left stands below the one on the right, and must not name it.
    let below = [
        ("services/data/src/plans/", "crate::domain"),
        ("services/data/src/rights/", "crate::"),
        ("services/data/src/store/", "crate::plans"),
        ("crates/db/src/sqlite/shared.rs", "store::"),
        ("crates/db/src/sqlite/reader.rs", "shared::"),
        ("crates/db/src/sqlite/", "super::store"),
        ("crates/db/src/sqlite/answers.rs", "job::"),
    ];
    for (place, above) in below {
        let mut found = 0;
        for (path, text) in rust_files().iter().filter(|(path, _)| path.starts_with(place)) {
            found += 1;
            for (number, line) in code(text) {
                assert!(!line.contains(above), "{path}:{}: `{above}` stands above it", number + 1);
            }
        }
        assert!(found > 0, "{place} is gone");
    }
}

#[test]
fn only_auth_issues_and_hashes() {
    for word in ISSUES {
        assert_only(word, if word == "argon2::" { may_stretch } else { may_issue });
        let stands = rust_files().iter().any(|(path, text)| {
            path.starts_with("services/auth/src/") && code(text).any(|(_, line)| line.contains(word))
        });
        assert!(stands, "auth does not name `{word}` any more: this law looks for what issues and hashes today");
    }
    for word in WOULD_ISSUE {
        assert_only(word, |path| may_issue(path) || path == "tests/it/laws/sources.rs");
    }
}

#[test]
fn whoever_else_issued_or_hashed_would_be_found() {
    let sample = |path: &str| {
        let text = "// Ed25519KeyPair in a comment\nlet pair = Ed25519KeyPair::from_pkcs8(&key)?;\nargon2::hash()\n";
        (path.to_owned(), text.to_owned())
    };
    let files = [sample("services/data/src/domain/sign.rs"), sample("services/auth/src/signer.rs")];
    assert_eq!(misplaced("Ed25519KeyPair", &files, may_issue), ["services/data/src/domain/sign.rs:2"]);
    assert_eq!(misplaced("argon2::", &files, may_issue), ["services/data/src/domain/sign.rs:3"]);
    assert_eq!(misplaced("hmac::", &files, may_issue), [""; 0]);
}

#[test]
fn the_system_principal_is_named_where_it_is_used_and_has_no_default() {
    assert_only("Principal::system()", |path| {
        path.starts_with("crates/identity/")
            || [
                "services/data/src/clock.rs",
                "services/data/src/erasure/mod.rs",
                "services/data/src/purge.rs",
                "services/data/src/seed.rs",
                "services/mainstay/src/rules/play.rs",
            ]
            .contains(&path)
    });
    assert_only("impl Default for Principal", |_| false);
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for word in ["env::var", "env::vars"] {
        assert_only(word, |path| {
            path.starts_with("crates/runtime/src/config/")
                || path.starts_with("crates/testkit/")
                || path.ends_with("build.rs")
        });
    }
}

#[test]
fn a_refused_field_is_named_with_one_type() {
    let defined = |(path, text): &(String, String)| {
        let here = code(text).any(|(_, line)| line.contains("struct Violation ") || line.contains("struct Violation<"));
        here.then(|| path.clone())
    };
    let sources =
        rust_files().iter().filter(|(path, _)| path.contains("/src/")).filter_map(defined).collect::<Vec<_>>();
    assert_eq!(sources, ["crates/record/src/violation.rs"]);
}

#[test]
fn mains_are_short() {
    for (path, text) in rust_files().iter().filter(|(path, _)| path.ends_with("src/main.rs")) {
        assert!(text.lines().count() <= 26, "{path} has {} lines", text.lines().count());
    }
}

#[test]
fn every_crate_has_a_front_page() {
    for (path, text) in rust_files() {
        if path.ends_with("src/lib.rs") {
            let wanted = "#![doc = include_str!(\"../README.md\")]";
            assert!(text.starts_with(wanted), "{path} does not begin with its README");
        }
    }
}

#[test]
fn no_table_belongs_to_two_services() {
    let mut owners = std::collections::BTreeMap::new();
    for (path, text) in files(&["services"], "rs").iter().filter(|(path, _)| path.ends_with("/schema.rs")) {
        for line in text.lines().map(str::trim) {
            let Some((name, _)) = line.split_once(" (") else { continue };
            if line.ends_with('{') && !line.contains("fn ") {
                let before = owners.insert(name.to_owned(), path.clone());
                assert_eq!(before, None, "the table {name} is in two services");
            }
        }
    }
    assert!(owners.len() > 5, "the services' tables were found: {owners:?}");
}

#[test]
fn migrations_have_the_same_numbers_on_both_engines() {
    for service in ["auth", "data", "gateway"] {
        let names = |engine: &str| {
            let folder = super::workspace::root().join(format!("services/{service}/migrations/{engine}"));
            let mut names: Vec<String> = std::fs::read_dir(folder)
                .expect("the service has migrations")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("sqlite"), names("postgres"), "{service}");
    }
}

/// Cargo makes documentation of each package to look for examples, which takes long: packages that have none say so.
#[test]
fn examples_in_comments_are_run() {
    let begins_one = |line: &str| {
        let comment = line.trim_start().strip_prefix("///").or_else(|| line.trim_start().strip_prefix("//!"));
        comment.is_some_and(|comment| ["```", "```rust", "```no_run", "```should_panic"].contains(&comment.trim()))
    };
    for (path, text) in rust_files().iter().filter(|(path, _)| path.contains("/src/")) {
        // Every second fence ends what the one before it began.
        let fences =
            text.lines().filter(|line| line.trim_start().trim_start_matches(['/', '!', ' ']).starts_with("```"));
        let Some(example) = fences.step_by(2).find(|line| begins_one(line)) else { continue };
        let package = path.split("/src/").next().unwrap_or_default();
        let manifest =
            std::fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a package has a manifest");
        assert!(!manifest.contains("doctest = false"), "{path}: nobody runs the example at `{example}`");
    }
}
