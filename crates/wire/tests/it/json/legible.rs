//! What is left of a text that is not all of its message: whoever decides about the rest reads that.

use mainstay_wire::MAX_JSON_VIOLATIONS;
use serde_json::json;

use crate::schema::{PLANS, id, oracle_decode, oracle_text, parsed};

/// What could be read of a text with which something is wrong, as JSON.
fn legible(json: &str) -> serde_json::Value {
    let mut out = b"before".to_vec();
    PLANS.from_json(id("test.v1.All"), json.as_bytes(), &mut out, None).unwrap_err();
    let wire = out.strip_prefix(b"before").expect("what was there stays");
    let message = oracle_decode("test.v1.All", wire).unwrap_or_else(|error| panic!("{json}: {error}"));
    parsed(&oracle_text(&message, false).unwrap())
}

#[test]
fn what_fits_is_left_of_a_message_of_which_the_rest_does_not() {
    for (text, left) in [
        (r#"{"name":"a","colour":1}"#, json!({"name": "a"})),
        (r#"{"colour":1,"name":"a"}"#, json!({"name": "a"})),
        (r#"{"name":7,"flag":true}"#, json!({"flag": true})),
        (r#"{"name":"a","name":"b"}"#, json!({"name": "a"})),
        (r#"{"choiceText":"a","choiceNumber":"1"}"#, json!({"choiceText": "a"})),
        (r#"{"int32Value":99999999999,"sint32Value":-5}"#, json!({"sint32Value": -5})),
        (r#"{"createTime":"soon","duration":"1s"}"#, json!({"duration": "1s"})),
        (r#"{"state":"NO_SUCH","bytesValue":"AQI="}"#, json!({"bytesValue": "AQI="})),
        ("[]", json!({})),
        (r#""name""#, json!({})),
    ] {
        assert_eq!(legible(text), parsed(left.to_string().as_bytes()), "{text}");
    }
}

#[test]
fn what_fits_is_left_of_messages_inside() {
    for (text, left) in [
        (r#"{"inner":{"title":"a","colour":1}}"#, json!({"inner": {"title": "a"}})),
        (r#"{"inner":{"colour":1},"name":"a"}"#, json!({"inner": {}, "name": "a"})),
        (r#"{"inner":7,"name":"a"}"#, json!({"name": "a"})),
        (r#"{"recursive":{"recursive":{"name":"a","x":1}}}"#, json!({"recursive": {"recursive": {"name": "a"}}})),
        (
            r#"{"byNumber":{"1":{"title":"a","x":1},"y":{},"2":{}}}"#,
            json!({"byNumber": {"1": {"title": "a"}, "2": {}}}),
        ),
        (r#"{"counts":{"a":"x","b":"2"}}"#, json!({"counts": {"b": "2"}})),
        (r#"{"structure":{"a":1,"a":2},"name":"a"}"#, json!({"name": "a"})),
        (
            r#"{"any":{"@type":"t/test.v1.Inner","title":"a","x":1}}"#,
            json!({"any": {"@type": "t/test.v1.Inner", "title": "a"}}),
        ),
        (r#"{"any":{"@type":"t/no.Such","x":1},"name":"a"}"#, json!({"name": "a"})),
    ] {
        assert_eq!(legible(text), parsed(left.to_string().as_bytes()), "{text}");
    }
}

/// What is said of an element names it by its place.
#[test]
fn an_element_that_does_not_fit_keeps_its_place() {
    for (text, left) in [
        (r#"{"inners":[7,{"title":"a"},{"x":1}]}"#, json!({"inners": [{}, {"title": "a"}, {}]})),
        (r#"{"words":["a",7,null,"c"]}"#, json!({"words": ["a", "", "", "c"]})),
        (r#"{"packed":["x",2,"y"]}"#, json!({"packed": [2]})),
        (r#"{"packed":["x"]}"#, json!({})),
        (r#"{"unpacked":["x",2]}"#, json!({"unpacked": ["2"]})),
    ] {
        assert_eq!(legible(text), parsed(left.to_string().as_bytes()), "{text}");
    }
}

#[test]
fn of_what_is_no_json_or_too_deep_nothing_is_left() {
    let deep = format!(r#"{{"name":"a","recursive":{}1{}}}"#, r#"{"recursive":"#.repeat(200), "}".repeat(200));
    for text in
        [r#"{"name":"a""#, r#"{"name":"a"} 7"#, r#"{"colour":1,"name":"a",}"#, r#"{"name":"a","inner":{"#, "", &deep]
    {
        assert_eq!(legible(text), json!({}), "{text}");
    }
}

#[test]
fn what_was_read_before_too_much_was_wrong_is_left() {
    let many = |each: &str| vec![each; 2 * MAX_JSON_VIOLATIONS].join(",");
    let unknown = (0..2 * MAX_JSON_VIOLATIONS).map(|i| format!("\"x{i}\":1")).collect::<Vec<_>>().join(",");
    for (text, left) in [
        (format!(r#"{{"name":"a",{unknown},"flag":true}}"#), json!({"name": "a"})),
        (format!(r#"{{"inner":{{"title":"a",{unknown}}},"name":"b"}}"#), json!({"inner": {"title": "a"}})),
        (format!(r#"{{"packed":[1,{}]}}"#, many("true")), json!({"packed": [1]})),
        (format!(r#"{{"byNumber":{{"1":{{"title":"a",{unknown}}}}}}}"#), json!({"byNumber": {"1": {"title": "a"}}})),
    ] {
        assert_eq!(legible(&text), parsed(left.to_string().as_bytes()), "{text}");
    }
}
