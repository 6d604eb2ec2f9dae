//! Nesting: a hundred messages deep and not one more, whatever they hide in.

use mainstay_wire::{JsonErrorKind, MAX_DEPTH};
use prost_reflect::prost::encode_length_delimiter;

use crate::schema::{from_json, through, to_json};

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

fn wrap(tag: &[u8], depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inner, _| wrapped(tag, &inner))
}

#[test]
fn a_hundred_messages_may_nest() {
    let json = format!("{{{}", nested("\"recursive\":{", "}", MAX_DEPTH)) + "}";
    assert_eq!(through("test.v1.All", &json), Ok(json));
    let json = format!("{{{}", nested("\"recursive\":{", "}", MAX_DEPTH + 1)) + "}";
    assert_eq!(from_json("test.v1.All", &json).unwrap_err().kind, JsonErrorKind::Depth);
    assert!(to_json("test.v1.All", &wrap(b"\x82\x03", MAX_DEPTH)).is_ok());
    assert!(to_json("test.v1.All", &wrap(b"\x82\x03", MAX_DEPTH + 1)).unwrap_err().message.contains("deeper"));
}

#[test]
fn ten_thousand_levels_are_refused_and_do_not_crash() {
    let deep = 10_000;
    for json in [
        nested("{\"recursive\":", "}", deep),
        format!("{{\"value\":{}}}", nested("[", "]", deep)),
        format!("{{\"value\":{}}}", nested("{\"a\":", "}", deep)),
        format!("{{\"list\":{}}}", nested("[", "]", deep)),
        format!("{{\"structure\":{}}}", nested("{\"a\":", "}", deep)),
        format!("{{\"any\":{}}}", nested("{\"@type\":\"a/google.protobuf.Any\",\"value\":", "}", deep)),
        format!("{{\"any\":{}}}", nested("{\"value\":", "}", deep)),
        format!("{{\"unknown\":{}}}", nested("[", "]", deep)),
    ] {
        let error = from_json("test.v1.All", &json).unwrap_err();
        let kinds = [JsonErrorKind::Depth, JsonErrorKind::UnknownField];
        assert!(kinds.contains(&error.kind), "{}: {error}", &json[..40]);
    }
    for (name, tag) in [
        ("test.v1.All", &b"\x82\x03"[..]),
        ("google.protobuf.Value", b"\x32"),
        ("google.protobuf.ListValue", b"\x0a"),
        ("google.protobuf.Struct", b"\x0a"),
    ] {
        let wire = wrap(tag, deep);
        let _ = to_json(name, &wire);
    }
    let lists = wrap(b"\x32", 1);
    let list = (0..deep).fold(lists, |inner, _| [wrapped(b"\x32", &wrapped(b"\x0a", &inner))].concat());
    assert!(to_json("google.protobuf.Value", &list).is_err());
}

fn wrapped(tag: &[u8], body: &[u8]) -> Vec<u8> {
    let mut wire = tag.to_vec();
    encode_length_delimiter(body.len(), &mut wire).unwrap();
    wire.extend_from_slice(body);
    wire
}

#[test]
fn the_budget_goes_on_across_any() {
    let url = b"a/google.protobuf.Any";
    let layer = |inner: &[u8]| [wrapped(b"\x0a", url), wrapped(b"\x12", inner)].concat();
    let nest = |depth: usize| (0..depth).fold(Vec::new(), |inner, _| layer(&inner));
    assert!(to_json("google.protobuf.Any", &nest(MAX_DEPTH)).is_ok());
    assert!(to_json("google.protobuf.Any", &nest(8_000)).is_err());
}

#[test]
fn groups_are_bounded() {
    let wire = [vec![0x2b; 10_000], vec![0x2c; 10_000]].concat();
    assert!(to_json("test.legacy.Legacy", &wire).is_err());
}

#[test]
fn what_is_accepted_as_json_can_be_written_again() {
    // a Struct costs two messages for each level: its entry and its value
    for depth in [10, 30, 32, 33, 34, 50, 99, 100] {
        let json = format!("{{\"structure\":{}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth));
        if let Ok(wire) = from_json("test.v1.All", &json) {
            assert_eq!(to_json("test.v1.All", &wire), Ok(json));
        }
    }
}
