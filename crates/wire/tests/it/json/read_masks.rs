//! Read masks over messages.

use crate::schema::{PLANS, from_json, id, to_json};

const JSON: &str = r#"{"name":"n","flag":true,"inner":{"title":"t","count":1,"innermost":{"text":"x","tags":["a"]}},"words":["w"],"inners":[{"title":"a","count":1},{"count":2}],"counts":{"k":"1"},"byNumber":{"1":{"title":"m"}},"structure":{"a":1},"far":"f"}"#;

fn masked(paths: &[&str]) -> String {
    let wire = from_json("test.v1.All", JSON).unwrap();
    let selection = PLANS.select(id("test.v1.All"), paths).unwrap();
    let mut json = Vec::new();
    PLANS.to_json_with(id("test.v1.All"), &wire, Default::default(), Some(&selection), &mut json).unwrap();
    let mut pruned = Vec::new();
    PLANS.prune(id("test.v1.All"), &wire, &selection, &mut pruned).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert_eq!(to_json("test.v1.All", &pruned).as_deref(), Ok(json.as_str()), "{paths:?}");
    json
}

#[test]
fn only_what_is_selected_is_written() {
    for (paths, json) in [
        (&["name"][..], r#"{"name":"n"}"#),
        (&["label", "far"], r#"{"name":"n","far":"f"}"#),
        (&["inner.count", "inner.innermost.tags"], r#"{"inner":{"count":1,"innermost":{"tags":["a"]}}}"#),
        (&["inner.heading"], r#"{"inner":{"title":"t"}}"#),
        (&["inners.title"], r#"{"inners":[{"title":"a"},{}]}"#),
        (&["inner.title", "inner"], r#"{"inner":{"title":"t","count":1,"innermost":{"text":"x","tags":["a"]}}}"#),
        (&["inner", "inner.title"], r#"{"inner":{"title":"t","count":1,"innermost":{"text":"x","tags":["a"]}}}"#),
        (&["inners.*"], r#"{"inners":[{"title":"a","count":1},{"count":2}]}"#),
        (&["byNumber", "structure"], r#"{"byNumber":{"1":{"title":"m"}},"structure":{"a":1}}"#),
        (&["maybeText"], "{}"),
        (&["*"], JSON),
        (&["name", "*"], JSON),
        (&[], JSON),
    ] {
        assert_eq!(masked(paths), json, "{paths:?}");
    }
}

#[test]
fn a_mask_that_leads_nowhere_is_refused() {
    for path in ["nope", "inner.nope", "name.x", "counts.k", "structure.a", "createTime.seconds", "", "inner.", "a*"] {
        let error = PLANS.select(id("test.v1.All"), &[path]).unwrap_err();
        assert_eq!(error.path, path);
        assert!(!error.message.is_empty());
    }
}

#[test]
fn a_mask_over_a_page_hands_its_part_to_the_records() {
    let selection = PLANS.select(id("test.v1.Page"), &["items.sku", "nextPageToken"]).unwrap();
    let items = selection.below(1).unwrap();
    assert!(items.below(2).is_some());
    assert!(items.below(3).is_none());
    assert!(selection.below(2).unwrap().is_whole());
    assert!(selection.below(9).is_none());
}
