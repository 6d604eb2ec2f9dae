//! An editor that speaks to the server as real ones do.

mod editor;

use serde_json::json;

use editor::{Editor, is_empty};

const GOOD: &str = r#"syntax = "proto3";
package shop.v1;
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Shelf {
  option (google.api.resource) = { type: "shop.example.com/Shelf" pattern: "shelves/{shelf}" };
  option (mainstay.v1.resource) = {
    access { read: "resource.owner == auth.uid" write: "resource.owner == auth.uid" }
  };
  string name = 1;
  string owner = 2;
  string title = 3;
}
"#;

#[tokio::test]
async fn what_is_typed_is_told_where_it_is_wrong_and_forgotten_when_it_is_right() {
    let mut editor = Editor::start(&[("shop/v1/shop.proto", GOOD)]).await;
    editor.open("shop/v1/shop.proto", GOOD).await;
    // A contract that is sound and was never shown as another is not spoken of.
    editor
        .change(
            "shop/v1/shop.proto",
            2,
            &GOOD.replace("resource.owner == auth.uid\" write", "resource.owne == auth.uid\" write"),
        )
        .await;
    let errors = editor.errors("shop/v1/shop.proto").await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["source"], "mainstay");
    let start = &errors[0]["range"]["start"];
    assert_eq!(start["line"], 7);
    let column = usize::try_from(start["character"].as_u64().expect("a number")).expect("small");
    assert!(GOOD.lines().nth(7).expect("a line")[column..].starts_with("owner =="), "{start}");
    let said = errors[0]["message"].as_str().expect("a text");
    assert!(said.contains("owne") && said.contains("help: "), "{said}");

    editor.change("shop/v1/shop.proto", 3, GOOD).await;
    assert!(editor.errors("shop/v1/shop.proto").await.is_empty());
    // A version that came late changes nothing.
    editor.change("shop/v1/shop.proto", 2, "nonsense").await;
    editor.change("shop/v1/shop.proto", 4, "syntax = \"proto3\"; nonsense").await;
    assert!(!editor.errors("shop/v1/shop.proto").await.is_empty());
    editor.end().await;
}

#[tokio::test]
async fn files_that_are_open_stand_for_those_on_the_disk() {
    let other = "syntax = \"proto3\";\npackage shop.v1;\nmessage Part { string name = 1; }\n";
    let mut editor = Editor::start(&[("shop/v1/shop.proto", GOOD), ("shop/v1/part.proto", other)]).await;
    let uses = GOOD
        .replace("import \"mainstay", "import \"shop/v1/part.proto\";\nimport \"mainstay")
        .replace("string title = 3;", "Part part = 3;");
    editor.open("shop/v1/shop.proto", &uses).await;
    // The other file loses what this one names.
    editor.open("shop/v1/part.proto", &other.replace("Part", "Piece")).await;
    let errors = editor.errors("shop/v1/shop.proto").await;
    assert!(errors[0]["message"].as_str().is_some_and(|said| said.contains("Part")), "{errors:?}");
    // It was not saved, so that closing it brings it back.
    editor.close("shop/v1/part.proto").await;
    assert!(editor.errors("shop/v1/shop.proto").await.is_empty());
    editor.end().await;
}

#[tokio::test]
async fn options_are_completed_and_explained() {
    let mut editor = Editor::start(&[("shop/v1/shop.proto", GOOD)]).await;
    let text = GOOD.replace("string title = 3;", "string title = 3 [(buf.validate.field).string.mi];");
    editor.open("shop/v1/shop.proto", &text).await;
    let items = editor.complete("shop/v1/shop.proto", &text, "string.mi").await;
    let min = items.iter().find(|item| item["label"] == "min_len").expect("a length");
    assert_eq!(min["textEdit"]["newText"], "min_len = $0");

    let text = GOOD.replace("string title = 3;", "string title = 3 [(mai];");
    editor.change("shop/v1/shop.proto", 2, &text).await;
    let items = editor.complete("shop/v1/shop.proto", &text, "[(mai").await;
    let own = items.iter().find(|item| item["label"] == "(mainstay.v1.field)").expect("our option");
    // The bracket that is there already is part of what is written anew.
    let line = text.lines().position(|line| line.contains("[(mai")).expect("a line");
    assert_eq!(own["textEdit"]["range"]["start"]["line"], line);
    let column = text.lines().nth(line).and_then(|line| line.find("(mai")).expect("a column");
    assert_eq!(own["textEdit"]["range"]["start"]["character"], column);

    let text = GOOD.replace("string title = 3;", "string title = 3 [(mainstay.v1.field).];");
    editor.change("shop/v1/shop.proto", 3, &text).await;
    let items = editor.complete("shop/v1/shop.proto", &text, "(mainstay.v1.field).").await;
    let labels: Vec<&str> = items.iter().filter_map(|item| item["label"].as_str()).collect();
    assert!(labels.contains(&"default") && !labels.contains(&"encrypted"), "only what is done: {labels:?}");

    editor.change("shop/v1/shop.proto", 4, GOOD).await;
    let said = editor.hover("shop/v1/shop.proto", GOOD, "access").await;
    let said = said["contents"]["value"].as_str().expect("Markdown").to_owned();
    assert!(said.contains("(mainstay.v1.resource).access: mainstay.v1.Access"), "{said}");
    editor.end().await;
}

#[tokio::test]
async fn rules_resources_and_fields_tell_what_becomes_of_them() {
    let mut editor = Editor::start(&[("shop/v1/shop.proto", GOOD)]).await;
    editor.open("shop/v1/shop.proto", &GOOD.replace("string title", "strin title")).await;
    editor.errors("shop/v1/shop.proto").await;
    editor.change("shop/v1/shop.proto", 2, GOOD).await;
    editor.errors("shop/v1/shop.proto").await;
    let said = editor.hover("shop/v1/shop.proto", GOOD, "resource.owner").await;
    let said = said["contents"]["value"].as_str().expect("Markdown").to_owned();
    assert!(said.contains("SQLite") && said.contains("PostgreSQL") && said.contains("\"owner\""), "{said}");
    let said = editor.hover("shop/v1/shop.proto", GOOD, "Shelf").await;
    let said = said["contents"]["value"].as_str().expect("Markdown").to_owned();
    assert!(said.contains("`shop_v1_shelf`") && said.contains("`GetShelf`"), "{said}");
    let said = editor.hover("shop/v1/shop.proto", GOOD, "title").await;
    assert!(said["contents"]["value"].as_str().is_some_and(|said| said.contains("`title`")), "{said}");
    assert!(is_empty(&editor.hover("shop/v1/shop.proto", GOOD, "syntax").await));
    editor.end().await;
}

#[tokio::test]
async fn places_that_are_not_there_are_answered_with_nothing() {
    let mut editor = Editor::start(&[("shop/v1/shop.proto", GOOD)]).await;
    editor.open("shop/v1/shop.proto", GOOD).await;
    for (file, line) in [("shop/v1/shop.proto", 9_999), ("shop/v1/missing.proto", 0), ("../elsewhere.proto", 3)] {
        for method in ["textDocument/hover", "textDocument/completion"] {
            let asked = json!({"textDocument": {"uri": editor.uri(file)}, "position": {"line": line, "character": 77}});
            assert!(is_empty(&editor.ask(method, asked).await), "{file} {method}");
        }
    }
    editor.end().await;
}
