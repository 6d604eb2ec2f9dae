//! Update masks: AIP-134 and AIP-161, a row for each thing that they say.

use mainstay_record::Value;

use super::{LAYOUT, PLAN, column, decoded, encoded, stored};

/// Updates an item with a mask and answers the result.
fn updated(old: &str, paths: &[&str], new: &str) -> String {
    let mut row = stored(old);
    PLAN.merge(&PLAN.resolve(paths).unwrap(), &mut row, &decoded(new).values);
    body(&encoded(&row))
}

/// Updates an item without a mask.
fn patched(old: &str, new: &str) -> String {
    let mut row = stored(old);
    let new = decoded(new);
    PLAN.merge(&PLAN.populated(&new), &mut row, &new.values);
    body(&encoded(&row))
}

fn body(json: &str) -> String {
    let inner = json
        .strip_prefix(r#"{"name":"items/one""#)
        .and_then(|rest| rest.strip_suffix(r#","etag":"00000000000000ff"}"#));
    format!("{{{}}}", inner.unwrap().trim_start_matches(','))
}

const OLD: &str =
    r#"{"sku":"s","inner":{"title":"t","count":1,"innermost":{"text":"x"}},"lines":[{"title":"a"}],"flag":true}"#;

#[test]
fn a_mask_replaces_what_it_names_and_nothing_else() {
    for (paths, new, result) in [
        (
            &["sku"][..],
            r#"{"sku":"new","flag":false}"#,
            r#"{"sku":"new","inner":{"title":"t","count":1,"innermost":{"text":"x"}},"lines":[{"title":"a"}],"flag":true}"#,
        ),
        (
            &["sku", "flag"],
            "{}",
            r#"{"inner":{"title":"t","count":1,"innermost":{"text":"x"}},"lines":[{"title":"a"}]}"#,
        ),
        (
            &["inner"],
            r#"{"inner":{"count":5}}"#,
            r#"{"sku":"s","inner":{"count":5},"lines":[{"title":"a"}],"flag":true}"#,
        ),
        (&["inner"], "{}", r#"{"sku":"s","lines":[{"title":"a"}],"flag":true}"#),
        (
            &["inner.count"],
            r#"{"inner":{"count":5,"title":"ignored"}}"#,
            r#"{"sku":"s","inner":{"title":"t","count":5,"innermost":{"text":"x"}},"lines":[{"title":"a"}],"flag":true}"#,
        ),
        (
            &["inner.count"],
            "{}",
            r#"{"sku":"s","inner":{"title":"t","innermost":{"text":"x"}},"lines":[{"title":"a"}],"flag":true}"#,
        ),
        (
            &["inner.innermost"],
            r#"{"inner":{"innermost":{"number":1}}}"#,
            r#"{"sku":"s","inner":{"title":"t","count":1,"innermost":{"number":1}},"lines":[{"title":"a"}],"flag":true}"#,
        ),
        (
            &["lines"],
            r#"{"lines":[{"count":1},{}]}"#,
            r#"{"sku":"s","inner":{"title":"t","count":1,"innermost":{"text":"x"}},"lines":[{"count":1},{}],"flag":true}"#,
        ),
        (&["*"], r#"{"sku":"new"}"#, r#"{"sku":"new"}"#),
        (&["name", "etag"], r#"{"name":"items/other","etag":"x"}"#, OLD),
        (&[], r#"{"sku":"new"}"#, OLD),
    ] {
        assert_eq!(updated(OLD, paths, new), result, "{paths:?} {new}");
    }
}

#[test]
fn a_path_into_an_unset_message_sets_it_if_the_request_has_it() {
    assert_eq!(updated("{}", &["inner.count"], r#"{"inner":{"count":5}}"#), r#"{"inner":{"count":5}}"#);
    assert_eq!(
        updated("{}", &["inner.innermost.text"], r#"{"inner":{"innermost":{"text":"x"}}}"#),
        r#"{"inner":{"innermost":{"text":"x"}}}"#
    );
    assert_eq!(updated("{}", &["inner.count"], "{}"), "{}");
}

#[test]
fn names_may_be_camel_case_or_aliases() {
    for path in ["int32_value", "int32Value"] {
        assert_eq!(PLAN.resolve(&[path]).unwrap().columns, [column("int32_value")]);
    }
    assert_eq!(PLAN.resolve(&["article"]).unwrap().columns, [column("sku")]);
    assert_eq!(PLAN.resolve(&["interior.heading"]).unwrap().columns, [column("inner__title")]);
}

#[test]
fn without_a_mask_the_populated_fields_count() {
    assert_eq!(patched(OLD, r#"{"sku":"new"}"#), OLD.replace(r#""sku":"s""#, r#""sku":"new""#));
    assert_eq!(patched(OLD, r#"{"flag":false,"sku":""}"#), OLD);
    assert_eq!(patched(OLD, r#"{"inner":{"count":7}}"#), OLD.replace(r#""count":1"#, r#""count":7"#));
    assert_eq!(patched("{}", r#"{"maybeNumber":0,"inner":{}}"#), r#"{"inner":{},"maybeNumber":0}"#);
}

#[test]
fn the_named_fields_are_told_by_number() {
    let selection = PLAN.resolve(&["name", "inner.count", "inner.title", "etag"]).unwrap();
    assert_eq!(selection.fields, [1, 4, 60]);
    assert!(!selection.full);
    assert_eq!(PLAN.populated(&decoded(r#"{"name":"items/a","sku":"x"}"#)).fields, [1, 2]);
    let all = PLAN.resolve(&["*"]).unwrap();
    assert!(all.full);
    assert_eq!(all.columns, (2..LAYOUT.columns.len()).collect::<Vec<_>>());
}

#[test]
fn columns_that_a_client_may_not_write_can_be_taken_out() {
    let mut selection = PLAN.resolve(&["sku", "inner.count"]).unwrap();
    selection.retain(|index| index == column("sku"));
    let mut row = stored("{}");
    PLAN.merge(&selection, &mut row, &decoded(r#"{"sku":"x","inner":{"count":1}}"#).values);
    assert_eq!(body(&encoded(&row)), r#"{"sku":"x"}"#);
}

#[test]
fn a_member_of_a_oneof_that_becomes_set_unsets_the_others() {
    for (old, new) in [
        (r#"{"choiceText":"a"}"#, r#"{"choiceNumber":"0"}"#),
        (r#"{"choiceInner":{"title":"a"}}"#, r#"{"choiceText":""}"#),
        (r#"{"choiceText":"a"}"#, r#"{"choiceInner":{}}"#),
        (r#"{"choiceStruct":{}}"#, r#"{"choiceFlag":false}"#),
    ] {
        let paths = ["choice_text", "choice_number", "choice_inner", "choice_struct", "choice_flag"];
        let path = paths.iter().find(|path| new.contains(&camel(path))).unwrap();
        assert_eq!(updated(old, &[path], new), new);
        assert_eq!(patched(old, new), new);
    }
    assert_eq!(
        updated(r#"{"choiceText":"a"}"#, &["choice_inner.count"], r#"{"choiceInner":{"count":1}}"#),
        r#"{"choiceInner":{"count":1}}"#
    );
    assert_eq!(updated(r#"{"choiceText":"a"}"#, &["choice_number"], "{}"), r#"{"choiceText":"a"}"#);
    assert_eq!(updated(r#"{"choiceText":"a"}"#, &["choice_text"], "{}"), "{}");
}

fn camel(path: &str) -> String {
    let (first, second) = path.split_once('_').unwrap();
    format!("{first}{}{}", second[..1].to_uppercase(), &second[1..])
}

#[test]
fn a_mask_that_cannot_be_followed_is_refused_by_its_path() {
    for (path, because) in [
        ("nope", "no field \"nope\""),
        ("inner.nope", "no field \"nope\""),
        ("", "no field"),
        ("inner.", "no field"),
        ("lines.title", "repeated"),
        ("inner.innermost.tags.0", "repeated"),
        ("notes.k", "not supported yet"),
        ("notes.*", "not supported yet"),
        ("structure.a", "as a whole"),
        ("tree.label", "as a whole"),
        ("create_time.seconds", "single value"),
        ("date.year", "single value"),
        ("sku.x", "single value"),
        ("name.x", "single value"),
        ("sku,flag", "one by one"),
    ] {
        let error = PLAN.resolve(&["sku", path]).unwrap_err();
        assert_eq!(error.path, path);
        assert!(error.message.contains(because), "{path}: {error}");
    }
    assert!(PLAN.resolve(&["sku", "*"]).unwrap_err().message.contains("alone"));
}

#[test]
fn keys_and_revision_are_never_touched() {
    let mut row = stored("{}");
    PLAN.merge(&PLAN.resolve(&["*"]).unwrap(), &mut row, &decoded("{}").values);
    assert_eq!(row[..2], [Value::Text("one".into()), Value::Int(255)]);
}
