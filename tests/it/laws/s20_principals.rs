//! S20: nothing is done on nobody's behalf. Whoever acts is a `Principal`, which has no default and is never left out; as the
//! system act the process's own jobs alone, each named here.

use super::sources::misplaced;
use super::workspace::rust_files;

/// Who acts as the system: rows that are founded, that go for good, that go along by themselves; those of a person who is exported
/// or erased by an administrator; and the rows that a test of rules begins with.
const SYSTEM: [&str; 5] = [
    "services/data/src/seed.rs",
    "services/data/src/erasure/mod.rs",
    "services/data/src/purge.rs",
    "services/data/src/clock.rs",
    "services/mainstay/src/rules/play.rs",
];

/// Who is nobody: a request without a token, a page for a browser whose session is over, what a rule says of nobody, and a test of rules that names no caller.
const NOBODY: [&str; 5] = [
    "crates/identity/src/authenticator.rs",
    "crates/layers/src/stack.rs",
    "services/data/src/plans/snapshot.rs",
    "services/data/src/rights/denial.rs",
    "services/mainstay/src/rules/play.rs",
];

/// Ways to act without saying for whom.
const LEFT_OUT: [&str; 8] = [
    "Option<Principal>",
    "Option<&Principal>",
    "Option<Caller>",
    "Option<&Caller>",
    "impl Default for Principal",
    "impl Default for Caller",
    "Principal::default()",
    "Caller::default()",
];

/// Tests act as they like; the cache of principals has none where a token is unknown, and then asks.
fn may_leave_out(path: &str) -> bool {
    path.contains("/tests/") || path.starts_with("tests/") || path == "crates/identity/src/cache.rs"
}

fn found(files: &[(String, String)]) -> Vec<String> {
    let is_test = |path: &str| path.contains("/tests/") || path.starts_with("tests/");
    let system = |path: &str| is_test(path) || SYSTEM.contains(&path);
    let own = |path: &str| path == "crates/identity/src/cache.rs";
    let nobody = |path: &str| is_test(path) || own(path) || NOBODY.contains(&path);
    let mut found = misplaced("Principal::system()", files, system);
    found.extend(misplaced("Principal::anonymous()", files, nobody));
    found.extend(LEFT_OUT.iter().flat_map(|word| misplaced(word, files, may_leave_out)));
    found
}

#[test]
fn s20_nobody_acts_without_a_principal_and_the_system_only_where_it_is_named() {
    let files = rust_files();
    assert_eq!(
        found(&files),
        [""; 0],
        "say on whose behalf it is done: name it in tests/it/laws/s20_principals.rs, or take it along"
    );
    for path in SYSTEM.iter().chain(&NOBODY) {
        assert!(files.iter().any(|(known, _)| known == path), "{path} is no file any more");
    }
}

#[test]
fn s20_a_shortcut_is_found_wherever_it_stands() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file("services/data/src/domain/list.rs", "// as Principal::system()\nlet caller = Principal::system();\n"),
        file("services/gateway/src/http.rs", "let who = token.map_or_else(|| Principal::anonymous(), verified);\n"),
        file("services/data/src/domain/context.rs", "pub struct Context {\n    pub caller: Option<Caller>,\n}\n"),
        file("services/data/src/seed.rs", "let caller = Principal::system();\n"),
        file("services/data/tests/it/crud.rs", "let caller = Principal::system();\n"),
    ];
    let wanted = [
        "services/data/src/domain/list.rs:2",
        "services/gateway/src/http.rs:1",
        "services/data/src/domain/context.rs:2",
    ];
    assert_eq!(found(&files), wanted);
}
