//! A method of resources is one file in the contract's table, one in the data service's domain, and one test. Everybody else
//! reads the table, and names none.

use mainstay_contract::Verb;

use super::sources::misplaced;
use super::workspace::{files, rust_files};

/// What goes through the table from verb to verb: the table itself, what a verb is done by, and of which verb's requests a batch
/// is.
const DISPATCHES: [&str; 3] =
    ["crates/contract/src/method/mod.rs", "crates/contract/src/method/fields.rs", "services/data/src/service.rs"];

/// Who calls methods by itself: what fills tables, and what plays tests of rules.
const CALLS: [&str; 2] = ["services/data/src/seed.rs", "services/mainstay/src/rules/play.rs"];

/// What does several methods of a package together.
const TOGETHER: [&str; 2] = ["crates/contract/src/method/commit.rs", "services/data/src/domain/commit.rs"];

/// The tests of several methods: those that every resource has had from the beginning, and those of many rows at once.
const SHARED: [&str; 2] = ["services/data/tests/it/crud.rs", "services/data/tests/it/batches.rs"];

#[test]
fn a_method_is_one_file_in_the_contract_one_in_the_domain_and_one_test() {
    let all = files(&["crates/contract/src/method", "services/data"], "rs");
    let text = |path: &str| all.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str());
    for verb in Verb::ALL {
        let (word, file) = (verb.word(), verb.snake());
        for place in ["crates/contract/src/method", "services/data/src/domain"] {
            assert!(text(&format!("{place}/{file}.rs")).is_some(), "{place} has no file for {word}");
        }
        let calls = |path: &&str| {
            text(path)
                .is_some_and(|text| text.contains(&format!("Service/{word}")) || text.contains(&format!("\"{word}\"")))
        };
        let own = text(&format!("services/data/tests/it/{file}.rs")).is_some();
        assert!(own || SHARED.iter().any(calls), "no test of the data service is named for {word}");
    }
}

#[test]
fn nobody_but_the_table_its_dispatch_and_the_method_itself_names_a_method() {
    for verb in Verb::ALL {
        // A batch does many times what the method does once.
        let domain = ["", "batch_"].map(|of| format!("services/data/src/domain/{of}{}.rs", verb.snake()));
        let is_own = |path: &str| domain.iter().any(|own| own == path);
        let is_listed = |path: &str| [&DISPATCHES[..], &CALLS, &TOGETHER].iter().any(|list| list.contains(&path));
        let may = |path: &str| is_listed(path) || is_own(path);
        let named = format!("Verb::{}", verb.word());
        assert_eq!(misplaced(&named, &rust_files(), may), [""; 0], "{named} does not belong there");
    }
}
