//! References in lists and maps, and references to accounts: what is read of them, and what is refused.

use mainstay_contract::OnDelete;

use crate::harness::{compile_text, thing};

const TO: &str = r#"(google.api.resource_reference).type = "shop.example.com/Thing""#;
const ACCOUNT: &str = r#"(google.api.resource_reference).type = "mainstay.dev/Account""#;

#[test]
fn every_reference_inside_a_column_has_its_shortest_way() {
    let text = thing(&format!(
        r#"repeated string others = 2 [{TO}, (mainstay.v1.field).on_delete = SET_NULL];
  repeated Part parts = 3;
  map<string, Part> named = 4;
  Box box = 5;
  message Box {{ repeated Part inner = 7; }}
  message Part {{
    string thing = 1 [{TO}];
    repeated Part parts = 2;
    repeated string by = 3 [{ACCOUNT}];
  }}"#
    ));
    let contract = compile_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let thing = &contract.resources[0];
    let found: Vec<(String, String, bool)> = thing
        .links
        .iter()
        .map(|link| (link.field.clone(), format!("{:?}", link.path.0), link.resource.is_some()))
        .collect();
    let link = |field: &str, path: &str, leads| (field.to_owned(), path.to_owned(), leads);
    assert_eq!(
        found,
        [
            link("others", "[2]", true),
            link("parts.thing", "[3, 1]", true),
            link("parts.by", "[3, 3]", false),
            link("named.thing", "[4, 1]", true),
            link("named.by", "[4, 3]", false),
            link("box.inner.thing", "[5, 7, 1]", true),
            link("box.inner.by", "[5, 7, 3]", false),
        ]
    );
    assert_eq!((thing.links[0].on_delete, thing.links[1].on_delete), (OnDelete::SetNull, OnDelete::Restrict));
    assert!(thing.references.is_empty());
}

#[test]
fn an_owner_may_be_an_account_and_the_caller_by_default() {
    let text = thing(&format!(r#"string owner = 2 [{ACCOUNT}, (mainstay.v1.field).default = "auth.uid"];"#));
    let contract = compile_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let thing = &contract.resources[0];
    let [account] = thing.accounts.as_slice() else { panic!("{:?}", thing.accounts) };
    assert_eq!(account.field, "owner");
    assert!(thing.references.is_empty() && thing.fields.iter().any(|field| field.default.is_some()));
}

#[test]
fn what_cannot_be_a_reference_is_refused_with_its_place() {
    for (fields, wanted) in [
        (
            r#"repeated string others = 2 [(google.api.resource_reference).type = "shop.example.com/Thign"];"#,
            "no resource has the type",
        ),
        (
            r#"repeated Part parts = 2; message Part { string other = 1 [(google.api.resource_reference).type = "shop.example.com/None"]; }"#,
            "no resource has the type",
        ),
        (r#"map<string, string> others = 2 [TO];"#, "cannot be a reference"),
        (r#"repeated Part parts = 2; message Part { int32 other = 1 [TO]; }"#, "cannot be a reference"),
        (r#"repeated Part parts = 2; message Part { map<string, string> others = 1 [TO]; }"#, "cannot be a reference"),
        (r#"repeated string others = 2 [TO, (mainstay.v1.field).default = "auth.uid"];"#, "cannot have a default"),
        (r#"string owner = 2 [ACCOUNT, (mainstay.v1.field).default = "'ann'"];"#, "is no account"),
        (r#"string owner = 2 [ACCOUNT, (mainstay.v1.field).on_delete = CASCADE];"#, "whose deletion nobody is told of"),
        (
            r#"repeated string owners = 2 [ACCOUNT, (mainstay.v1.field).on_delete = SET_NULL];"#,
            "whose deletion nobody is told of",
        ),
        (
            r#"repeated string others = 2 [TO, (mainstay.v1.field).on_delete = SET_NULL, (google.api.field_behavior) = REQUIRED];"#,
            "is REQUIRED and cannot be unset",
        ),
    ] {
        let text = thing(
            &fields.replace("TO]", &format!("{TO}]")).replace("[TO,", &format!("[{TO},")).replace("ACCOUNT", ACCOUNT),
        );
        let problems = compile_text(&text).err().unwrap_or_else(|| panic!("{text} is accepted"));
        let found = problems.0.iter().find(|problem| problem.message.contains(wanted));
        let found = found.unwrap_or_else(|| panic!("{wanted}: {problems}"));
        assert!(found.line > 1 && found.help.is_some(), "{problems}");
    }
}
