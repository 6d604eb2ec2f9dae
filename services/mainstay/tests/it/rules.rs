//! `mainstay rules test`.

use super::{mainstay, path, shop, stderr, stdout};

use serde_json::Value as Json;

const ROWS: &str = "\
callers:
  ann: {}
  bob: {uid: robert}
  merchant: {roles: [merchant]}
rows:
  shop.v1.Product:
    - {name: products/cup, sku: KIT-100, title: Coffee cup}
  shop.v1.Order:
    - {name: orders/cart, buyer: ann, state: CART, lines: [{product: products/cup, quantity: 1}]}
    - {name: orders/other, buyer: robert, state: CART, lines: [{product: products/cup, quantity: 1}]}
tests:
";

/// Plays tests on the shop. Gives the exit code and what was printed.
fn play(tests: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, format!("{ROWS}{tests}")).unwrap();
    let shop = shop();
    let output = mainstay(&[&["rules", "test", path(&file), "--contracts", &shop], more].concat());
    (output.status.code(), stdout(&output) + &stderr(&output))
}

#[test]
fn the_rules_of_the_samples_are_as_their_tests_say() {
    for (sample, tests) in [("shop", 42), ("social", 16), ("ledger", 14), ("people", 21)] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto").join(sample);
        let output = mainstay(&["rules", "test", path(&folder.join("rules.yaml")), "--contracts", path(&folder)]);
        assert!(output.status.success(), "{sample}: {}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).contains(&format!("{tests} passed, 0 failed")), "{sample}: {}", stdout(&output));
    }
}

#[test]
fn what_is_expected_and_comes_passes() {
    let tests = "  \
  - {as: ann, get: orders/cart, expect: allow, with: [buyer], without: [etag_of_old]}
  - {as: bob, get: orders/cart, expect: deny}
  - {as: ann, list: shop.v1.Order, expect: allow, finds: [orders/cart]}
  - {as: ann, list: shop.v1.Order, filter: 'state = PLACED', expect: allow, finds: []}
  - {as: merchant, create: {name: products/jug, sku: KIT-1}, expect: allow}
  - {as: merchant, create: {name: products/jug, sku: KIT-1}, expect: allow}
  - {as: merchant, create: {name: products/cup, sku: KIT-1}, expect: ALREADY_EXISTS}
  - {as: merchant, create: {name: products/jug, sku: lower}, expect: FIELD_VIOLATION}
  - {create: {name: products/jug, sku: KIT-1}, expect: deny}
  - {as: bob, delete: orders/other, expect: allow}
  - {as: bob, get: orders/other, expect: allow}
  - {as: ann, call: shop.v1.OrderService/DeleteOrder, request: {name: orders/other}, expect: deny}
";
    let (code, said) = play(tests, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("12 passed, 0 failed"), "no test sees what another has done: {said}");
}

#[test]
fn what_comes_otherwise_is_told_with_its_line_and_why() {
    let tests = "  \
  - {says: strangers see nothing, as: ann, get: orders/cart, expect: deny}
  - {as: bob, get: orders/cart, expect: allow}
  - {as: ann, list: shop.v1.Order, expect: allow, finds: [orders/other]}
  - {as: ann, get: orders/cart, expect: allow, with: [note], without: [buyer]}
  - {as: ann, get: orders/crat, expect: deny}
  - {as: merchant, create: {name: products/jug, sku: lower}, expect: deny}
  - {as: ann, update: {name: orders/cart, colour: red}, expect: allow}
";
    let (code, said) = play(tests, &[]);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "FAILED  strangers see nothing (line 12)\n          expected deny, and ann may get orders/cart",
        "expected allow, and bob may not get orders/cart: ",
        "it does not find orders/other, and finds orders/cart",
        "the answer has no note",
        "there is no row orders/crat",
        "expected deny, and merchant may not create products/jug",
        "colour",
        "0 passed, 7 failed",
    ] {
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
    let (code, said) = play(tests, &["--json"]);
    let json: Json = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &json["ok"], &json["failed"]), (Some(1), &Json::from(false), &Json::from(7)), "{json}");
    assert_eq!(json["tests"][0]["line"], 12);
}

#[test]
fn callers_have_organisations_and_were_sure_some_time_ago() {
    let contract = r#"
syntax = "proto3";
package desk.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Note {
  option (google.api.resource) = {type: "desk.example.com/Note" pattern: "notes/{note}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.org == auth.org" write: "auth.aal >= 2 && auth.fresh < duration('300s')"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string org = 2;
}
"#;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("desk.proto"), contract).unwrap();
    let file = folder.path().join("rules.yaml");
    let play = |fresh: &str| {
        let tests = format!(
            "now: 2026-03-01T12:00:00Z\ncallers:\n  ann: {{org: acme, aal: 2, fresh: {fresh}}}\n  bob: {{org: zeta}}\n\
             rows:\n  desk.v1.Note:\n    - {{name: notes/one, org: acme}}\ntests:\n\
             - {{as: ann, get: notes/one, expect: allow}}\n- {{as: bob, get: notes/one, expect: deny}}\n\
             - {{as: ann, delete: notes/one, expect: allow}}\n"
        );
        std::fs::write(&file, tests).unwrap();
        let output = mainstay(&["rules", "test", path(&file), "--contracts", path(folder.path())]);
        stdout(&output) + &stderr(&output)
    };
    assert!(play("4m59s").contains("3 passed, 0 failed"), "{}", play("4m59s"));
    assert!(play("5m").contains("2 passed, 1 failed"), "{}", play("5m"));
    assert!(play("soon").contains("`fresh` of ann is no duration in whole seconds"), "{}", play("soon"));
}

#[test]
fn a_file_that_says_nothing_sensible_is_refused_with_its_place() {
    for (tests, part) in [
        (
            "  - {as: ann, get: orders/cart, delete: orders/cart, expect: deny}\n",
            "rules.yaml:12: a test has one of get, list",
        ),
        ("  - {as: eve, get: orders/cart, expect: deny}\n", "`callers` has no eve; it has: ann, bob, merchant"),
        ("  - {as: ann, get: orders/cart, finds: [], expect: deny}\n", "belong to a `list`"),
        ("  - {as: ann, gte: orders/cart, expect: deny}\n", "gte"),
        ("  - {as: ann, get: orders/cart}\n", "expect"),
        ("  - {as: ann, get: carts/1, expect: deny}\n", "no resource has a name like carts/1"),
        ("  - {as: ann, list: shop.v1.Ordr, expect: deny}\n", "the contract has no resource shop.v1.Ordr"),
        ("  - [", "rules.yaml"),
    ] {
        let (code, said) = play(tests, &[]);
        assert_eq!(code, Some(1), "{tests}{said}");
        assert!(said.contains(part), "{part} is missing in\n{said}");
    }
}

#[test]
fn rows_that_break_the_contract_and_a_time_that_is_none_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    for (text, part) in [
        ("rows: {shop.v1.Product: [{name: products/cup, sku: x}]}\ntests: []\n", "shop.v1.Product number 1"),
        ("rows: {shop.v1.Produkt: []}\ntests: []\n", "shop.v1.Produkt"),
        ("now: yesterday\ntests: []\n", "now"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = mainstay(&["rules", "test", path(&file), "--contracts", &shop()]);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(stderr(&output).contains(part), "{part} is missing in\n{}", stderr(&output));
    }
    let output = mainstay(&["rules", "test", "/nowhere.yaml", "--contracts", &shop()]);
    assert!(stderr(&output).contains("/nowhere.yaml"), "{}", stderr(&output));
}
