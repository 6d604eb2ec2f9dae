//! Whatever the files say, the pipeline ends with a contract or with diagnostics that have a place.

use mainstay_contract::{Severity, Source, compile};
use proptest::prelude::*;

use crate::harness::shop_sources;

/// One change to a text.
#[derive(Debug, Clone)]
enum Change {
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
    Repeat(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index),
}

const FRAGMENTS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    "\\",
    ";",
    "=",
    "1",
    "0",
    "-1",
    "99999999999999999999",
    "message M {}",
    "oneof o { int32 q = 77; }",
    "repeated ",
    "optional ",
    "map<string, Product> p = 88;",
    "ß",
    "\u{0}",
    "/*",
    "option (mainstay.v1.resource).soft_delete = true;",
];

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), 1..40_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (place(), prop::sample::select(&FRAGMENTS[..])).prop_map(|(at, text)| Change::Insert(at, text)),
        (place(), 1..200_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        (place(), place()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

/// Applies a change at character boundaries.
fn apply(text: &str, change: &Change) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return String::new();
    }
    let length = chars.len();
    match change {
        Change::Remove(at, count) => {
            let at = at.index(length);
            chars.drain(at..(at + count).min(length));
        }
        Change::Insert(at, fragment) => {
            let at = at.index(length);
            chars.splice(at..at, fragment.chars());
        }
        Change::Repeat(at, count) => {
            let at = at.index(length);
            let copy: Vec<char> = chars[at..(at + count).min(length)].to_vec();
            chars.splice(at..at, copy);
        }
        Change::Swap(a, b) => {
            // Lines change places.
            let mut lines: Vec<&str> = text.split('\n').collect();
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
            return lines.join("\n");
        }
    }
    chars.into_iter().collect()
}

/// Compiles, and checks that every diagnostic points into its file.
fn check(sources: &[Source]) {
    let Err(problems) = compile(sources.to_vec()) else { return };
    assert!(problems.0.iter().any(|problem| problem.severity == Severity::Error));
    for problem in &problems.0 {
        assert!(!problem.message.is_empty());
        let Some(source) = sources.iter().find(|source| source.path == problem.file) else {
            assert!(problem.file.is_empty(), "{} is no file of the contract", problem.file);
            continue;
        };
        let lines = source.text.split('\n').count();
        assert!(problem.line as usize <= lines, "line {} of {lines}", problem.line);
        assert!(problem.end_column > problem.column || problem.line == 0, "{problem:?}");
    }
    assert!(!problems.to_string().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn changed_contracts_never_panic(file in 0..3_usize, changes in prop::collection::vec(change(), 1..5)) {
        let mut sources = shop_sources();
        let text = changes.iter().fold(sources[file].text.clone(), |text, change| apply(&text, change));
        sources[file].text = text;
        check(&sources);
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        check(&[Source { path: "a.proto".into(), text }]);
    }

    #[test]
    fn any_path_never_panics(path in "\\PC{0,40}") {
        check(&[Source { path, text: "syntax = \"proto3\";\npackage a.b;\nmessage M {}\n".into() }]);
    }
}
