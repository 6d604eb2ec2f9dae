//! What becomes of rows when others are deleted: what of it cannot be.

use mainstay_contract::{OnDelete, Trigger};

use crate::harness::{compile_text, file};

/// A folder, and what lies below it and refers to it.
fn folders(folder: &str, sheet: &str, reference: &str) -> String {
    file(&format!(
        r#"message Folder {{
  option (google.api.resource) = {{type: "shop.example.com/Folder" pattern: "folders/{{folder}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true"}} {folder}}};
  string name = 1;
  google.protobuf.Timestamp delete_time = 2;
}}
message Sheet {{
  option (google.api.resource) = {{type: "shop.example.com/Sheet" pattern: "folders/{{folder}}/sheets/{{sheet}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true"}} {sheet}}};
  string name = 1;
  google.protobuf.Timestamp delete_time = 2;
  string origin = 3 [{reference}];
}}
"#
    ))
}

const KEPT: &str = "soft_delete: true";
const REFERENCE: &str = r#"(google.api.resource_reference).type = "shop.example.com/Folder""#;

#[test]
fn what_becomes_of_a_row_is_read() {
    let both = format!("{KEPT} on_parent_delete: CASCADE");
    let text = folders(KEPT, &both, &format!("{REFERENCE}, (mainstay.v1.field).on_delete = SET_NULL"));
    let contract = compile_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let sheet = contract.resources.iter().find(|resource| resource.singular == "sheet").expect("a sheet");
    assert_eq!((sheet.on_parent_delete, sheet.references[0].on_delete), (OnDelete::Cascade, OnDelete::SetNull));
    let plain = compile_text(&folders(KEPT, KEPT, REFERENCE)).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(plain.resources.iter().all(|resource| resource.on_parent_delete == OnDelete::Restrict));
}

#[test]
fn what_cannot_become_of_a_row_is_refused_with_its_place() {
    let on = |what: &str| format!("{REFERENCE}, (mainstay.v1.field).on_delete = {what}");
    let required = format!("{}, (google.api.field_behavior) = REQUIRED", on("SET_NULL"));
    let parent = |what: &str| format!("{KEPT} on_parent_delete: {what}");
    for (text, wanted) in [
        (folders(KEPT, KEPT, "(mainstay.v1.field).on_delete = CASCADE"), "refers to nothing"),
        (folders(KEPT, KEPT, &required), "is REQUIRED and cannot be unset"),
        (folders(&parent("CASCADE"), KEPT, REFERENCE), "lies below nothing"),
        (folders(KEPT, &parent("SET_NULL"), REFERENCE), "cannot lie below nothing"),
        (folders("", &parent("CASCADE"), REFERENCE), "keeps its deleted rows, and Folder does not"),
        (folders("", KEPT, &on("CASCADE")), "keeps its deleted rows, and Folder does not"),
    ] {
        // A folder that is not kept has no time of its deletion.
        let text = text.replacen(
            "{access {read: \"true\"} };\n  string name = 1;\n  google.protobuf.Timestamp delete_time = 2;",
            "{access {read: \"true\"} };\n  string name = 1;",
            1,
        );
        let problems = compile_text(&text).err().unwrap_or_else(|| panic!("{text} is accepted"));
        let found = problems.0.iter().find(|problem| problem.message.contains(wanted));
        let found = found.unwrap_or_else(|| panic!("{wanted}: {problems}"));
        assert!(found.line > 1 && found.help.is_some(), "{problems}");
        assert_eq!(problems.0.iter().filter(|problem| problem.severity == found.severity).count(), 1, "{problems}");
    }
}

#[test]
fn an_effect_of_what_comes_back_is_of_rows_that_are_kept() {
    let contract = |kept: &str| {
        file(&format!(
            "message Thing {{\n  option (google.api.resource) = {{type: \"shop.example.com/Thing\" pattern: \"things/{{thing}}\"}};\n  \
             option (mainstay.v1.resource) = {{access {{read: \"true\" write: \"true\"}} {kept} effect {{on: \"undelete\" set {{field: \"text\" \
             value: \"'back'\"}}}}}};\n  string name = 1;\n  string text = 2;\n  google.protobuf.Timestamp delete_time = 3;\n}}\n"
        ))
    };
    let kept = compile_text(&contract("soft_delete: true")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(kept.resources[0].effects[0].on, [Trigger::Undelete]);
    let problems = compile_text(&contract("")).expect_err("its rows go").to_string();
    for part in ["shop.v1.Thing has no Undelete", "its rows go when they are deleted", "soft_delete: true"] {
        assert!(problems.contains(part), "{part} is not in {problems}");
    }
}
