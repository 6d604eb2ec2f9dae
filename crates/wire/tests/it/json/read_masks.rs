//! Read masks over messages.

use mainstay_wire::Plans;

use crate::schema::{PLANS, POOL, from_json, id, to_json};

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
fn a_path_below_a_field_with_a_class_is_told_no_further_than_to_the_field() {
    let kept = |message: &str| match message {
        "test.v1.All" => vec![number("counts"), number("inner")],
        _ => Vec::new(),
    };
    let plans = Plans::of(&POOL, &|_| Vec::new(), &kept);
    let all = plans.message("test.v1.All").unwrap();
    for (path, told) in [("counts.hush", "counts"), ("inner.hush", "inner"), ("inner.innermost.hush", "inner")] {
        let refused = plans.select(all, &[path]).unwrap_err();
        assert_eq!(refused.path, told);
        let (unknown, unset) = (plans.field(all, path), plans.set_text(all, path, "1", &mut Vec::new()));
        for text in [refused.to_string(), unknown.unwrap_err().to_string(), unset.unwrap_err().to_string()] {
            assert!(!text.contains("hush") && text.contains(told), "{text}");
        }
    }
    assert!(plans.select(all, &["name.said"]).unwrap_err().to_string().contains("said"));
    assert!(plans.field(all, "name.said").unwrap_err().to_string().contains("said"));
}

fn number(field: &str) -> u32 {
    POOL.get_message_by_name("test.v1.All").unwrap().get_field_by_name(field).unwrap().number()
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
