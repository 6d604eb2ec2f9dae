//! Names, duplicates, oneofs and the paths that are present.

use mainstay_wire::{JsonErrorKind, JsonOptions, MAX_JSON_VIOLATIONS};

use crate::schema::{PLANS, from_json, id, oracle_text, parsed, through, to_json};

fn present(json: &str) -> Vec<String> {
    let mut keys = Vec::new();
    PLANS.from_json(id("test.v1.All"), json.as_bytes(), &mut Vec::new(), Some(&mut keys)).unwrap();
    keys
}

#[test]
fn a_field_is_found_by_each_of_its_names() {
    for json in [r#"{"int32Value":5}"#, r#"{"int32_value":5}"#] {
        assert_eq!(through("test.v1.All", json).as_deref(), Ok(r#"{"int32Value":5}"#));
    }
    assert_eq!(through("test.v1.All", r#"{"label":"x"}"#).as_deref(), Ok(r#"{"name":"x"}"#));
    assert_eq!(through("test.v1.All", r#"{"inner":{"heading":"x"}}"#).as_deref(), Ok(r#"{"inner":{"title":"x"}}"#));
    assert_eq!(through("test.v1.All", r#"{"far":"x"}"#).as_deref(), Ok(r#"{"far":"x"}"#));
}

#[test]
fn a_fields_own_name_wins_over_an_alias_of_another() {
    assert_eq!(through("test.v1.All", r#"{"words":["x"]}"#).as_deref(), Ok(r#"{"words":["x"]}"#));
}

#[test]
fn an_odd_json_name_is_escaped() {
    let json = r#"{"odd \"name\"":"x"}"#;
    assert_eq!(through("test.v1.All", json).as_deref(), Ok(json));
}

#[test]
fn a_field_given_twice_is_refused_under_whatever_names() {
    for json in [
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","label":"b"}"#,
        r#"{"int32Value":1,"int32_value":1}"#,
        r#"{"name":null,"name":"b"}"#,
        r#"{"counts":{"a":1,"a":2}}"#,
        r#"{"counts":{"a":1,"\u0061":2}}"#,
        r#"{"structure":{"a":1,"a":2}}"#,
        r#"{"far":"a","far":"b"}"#,
    ] {
        let error = from_json("test.v1.All", json).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Duplicate, "{json}: {error}");
    }
}

#[test]
fn many_keys_are_compared_too() {
    let entries: Vec<String> = (0..1000).map(|i| format!("\"k{}\":1", if i == 999 { 3 } else { i })).collect();
    let error = from_json("test.v1.All", &format!("{{\"counts\":{{{}}}}}", entries.join(","))).unwrap_err();
    assert_eq!((error.kind, error.path.as_str()), (JsonErrorKind::Duplicate, "counts[\"k3\"]"));
}

#[test]
fn two_members_of_a_oneof_are_refused() {
    let error = from_json("test.v1.All", r#"{"choiceText":"","choiceNumber":1}"#).unwrap_err();
    assert_eq!((error.kind, error.path.as_str()), (JsonErrorKind::Duplicate, "choice_number"));
    let error = from_json("test.v1.All", r#"{"choiceNull":null,"choiceNumber":1}"#).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::Duplicate);
    assert!(from_json("test.v1.All", r#"{"choiceText":null,"choiceNumber":1}"#).is_ok());
}

#[test]
fn an_unknown_field_is_refused_with_its_path() {
    for (json, path) in [
        (r#"{"nmae":"x"}"#, "nmae"),
        (r#"{"inner":{"innermost":{"txet":1}}}"#, "inner.innermost.txet"),
        (r#"{"inners":[{},{"x":1}]}"#, "inners[1].x"),
        (r#"{"byNumber":{"7":{"x":1}}}"#, r#"by_number["7"].x"#),
        (r#"{"[test.v1.extension]":1}"#, "[test.v1.extension]"),
        (r#"{"@type":"x"}"#, "@type"),
        (r#"{"empty":{"a":1}}"#, "empty.a"),
    ] {
        let error = from_json("test.v1.All", json).unwrap_err();
        assert_eq!((error.kind, error.path.as_str()), (JsonErrorKind::UnknownField, path), "{error}");
    }
}

#[test]
fn a_long_unknown_name_is_cut() {
    let error = from_json("test.v1.All", &format!("{{\"{}\":1}}", "x".repeat(10_000))).unwrap_err();
    assert!(error.to_string().len() < 300);
}

#[test]
fn the_path_of_an_error_leads_to_the_value() {
    let error = from_json("test.v1.All", r#"{"recursive":{"inners":[{"count":1},{"count":"x"}]}}"#).unwrap_err();
    assert_eq!(error.path, "recursive.inners[1].count");
    assert_eq!(error.to_string(), r#"`recursive.inners[1].count`: expected a whole number, found "x""#);
}

#[test]
fn the_paths_that_are_present_make_a_mask() {
    assert_eq!(present(r#"{"label":"a","int32Value":0,"flag":null}"#), ["name", "int32_value", "flag"]);
    assert_eq!(
        present(r#"{"inner":{"heading":"a","innermost":{"number":1}}}"#),
        ["inner.title", "inner.innermost.number"]
    );
    assert_eq!(present(r#"{"inner":{}}"#), ["inner"]);
    assert_eq!(present(r#"{"inner":null}"#), ["inner"]);
    assert_eq!(present(r#"{"inner":{"innermost":{}},"far":""}"#), ["inner.innermost", "far"]);
    assert_eq!(present(r#"{"inners":[{"title":"a"}],"byNumber":{"1":{"title":"a"}}}"#), ["inners", "by_number"]);
    assert_eq!(
        present(r#"{"structure":{"a":{"b":1}},"createTime":"2026-01-01T00:00:00Z"}"#),
        ["structure", "create_time"]
    );
    assert_eq!(present(r#"{"date":{"year":2026}}"#), ["date"]);
    assert_eq!(present(r#"{"decimal":{"value":"1"},"opens":{"hours":8}}"#), ["decimal", "opens"]);
    assert_eq!(present("{}"), Vec::<String>::new());
}

#[test]
fn a_message_that_can_contain_itself_is_present_as_a_whole() {
    assert_eq!(present(r#"{"recursive":{"name":"a"}}"#), ["recursive"]);
}

#[test]
fn defaults_are_written_on_request() {
    let mut out = Vec::new();
    let options = JsonOptions { emit_defaults: true };
    PLANS.to_json_with(id("test.v1.Inner"), b"", options, None, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), r#"{"title":"","count":0}"#);
}

#[test]
fn unknown_fields_on_the_wire_are_dropped() {
    let wire = [&b"\x98\x06\x05"[..], b"\x0a\x01x", b"\x9b\x06\x08\x01\x9c\x06"].concat();
    assert_eq!(to_json("test.v1.Inner", &wire).as_deref(), Ok(r#"{"title":"x"}"#));
}

#[test]
fn proto2_keeps_presence_groups_and_declared_zeros() {
    let json = r#"{"name":"","number":0,"packed":[1,2],"unpacked":[3],"box":{"label":"x","inside":{"depth":2}},"row":[{"cell":1},{}],"kind":"SECOND"}"#;
    assert_eq!(through("test.legacy.Legacy", json).as_deref(), Ok(json));
    let wire = from_json("test.legacy.Legacy", json).unwrap();
    let oracle = crate::schema::oracle_decode("test.legacy.Legacy", &wire).unwrap();
    assert_eq!(parsed(&oracle_text(&oracle, false).unwrap()), parsed(json.as_bytes()));
}

#[test]
fn a_group_that_is_not_closed_is_malformed() {
    for wire in [&b"\x2b"[..], b"\x2b\x32\x01x", b"\x2c", b"\x2b\x34", b"\x2b\x3b\x2c\x3c"] {
        assert!(to_json("test.legacy.Legacy", wire).is_err(), "{wire:?}");
    }
}

/// The places of all that is wrong.
fn places(json: &str) -> Vec<(JsonErrorKind, String)> {
    let error = from_json("test.v1.All", json).unwrap_err();
    let further = error.further.iter().map(|further| (further.kind, further.path.clone())).collect::<Vec<_>>();
    std::iter::once((error.kind, error.path)).chain(further).collect()
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_proto_names() {
    let json = r#"{"int32Value":"abc","flag":"yes","name":"fine","nothing":{"a":[1]},"int64Value":1.5,
        "recursive":{"inners":[{"count":1},{"count":"x","title":7},5,{"title":"fine"}],"name":null},
        "counts":{"a":"b","a":1,"c":true},"int32_value":1,"structure":{"a":1,"a":2},"choiceText":"","choiceNumber":1}"#;
    let expected = [
        (JsonErrorKind::Value, "int32_value"),
        (JsonErrorKind::Value, "flag"),
        (JsonErrorKind::UnknownField, "nothing"),
        (JsonErrorKind::Value, "int64_value"),
        (JsonErrorKind::Value, "recursive.inners[1].count"),
        (JsonErrorKind::Value, "recursive.inners[1].title"),
        (JsonErrorKind::Value, "recursive.inners[2]"),
        (JsonErrorKind::Value, "counts[\"a\"]"),
        (JsonErrorKind::Duplicate, "counts[\"a\"]"),
        (JsonErrorKind::Value, "counts[\"c\"]"),
        (JsonErrorKind::Duplicate, "int32_value"),
        (JsonErrorKind::Duplicate, "structure[\"a\"]"),
        (JsonErrorKind::Duplicate, "choice_number"),
    ];
    assert_eq!(places(json), expected.map(|(kind, path)| (kind, path.to_owned())));
}

#[test]
fn a_text_that_is_not_json_has_no_other_faults() {
    for json in [
        r#"{"int32Value":"abc","name":}"#,
        r#"{"int32Value":"abc"} 7"#,
        r#"{"int32Value":[1,}"#,
        r#"{"inner":{"count":"x"},"inner":{"#,
    ] {
        let kinds: Vec<JsonErrorKind> = places(json).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [JsonErrorKind::Syntax], "{json}");
    }
}

#[test]
fn no_more_is_told_than_a_reader_can_use() {
    let many = vec!["true"; 10 * MAX_JSON_VIOLATIONS].join(",");
    for json in [
        format!(r#"{{"name":7,"recursive":{{"inners":[{many}]}},"int32Value":"x"}}"#),
        format!(r#"{{"packed":[{many}]}}"#),
        format!("{{{}}}", (0..100).map(|i| format!("\"x{i}\":1")).collect::<Vec<_>>().join(",")),
    ] {
        assert_eq!(places(&json).len(), MAX_JSON_VIOLATIONS, "{json}");
    }
}
