//! Query parameters, path captures and nested bodies.

use mainstay_wire::JsonErrorKind;

use crate::schema::{PLANS, id, to_json};

fn set(pairs: &[(&str, &str)]) -> Result<String, mainstay_wire::JsonError> {
    let mut wire = Vec::new();
    for (path, text) in pairs {
        PLANS.set_text(id("test.v1.All"), path, text, &mut wire)?;
    }
    Ok(to_json("test.v1.All", &wire).unwrap())
}

#[test]
fn every_type_with_a_text_form_is_taken() {
    for (path, text, json) in [
        ("name", "", "{}"),
        ("label", "a b", r#"{"name":"a b"}"#),
        ("flag", "true", r#"{"flag":true}"#),
        ("int32_value", "-5", r#"{"int32Value":-5}"#),
        ("uint64Value", "18446744073709551615", r#"{"uint64Value":"18446744073709551615"}"#),
        ("doubleValue", "Infinity", r#"{"doubleValue":"Infinity"}"#),
        ("floatValue", "1.5", r#"{"floatValue":1.5}"#),
        ("bytesValue", "AQ", r#"{"bytesValue":"AQ=="}"#),
        ("state", "PLACED", r#"{"state":"PLACED"}"#),
        ("state", "2", r#"{"state":"PLACED"}"#),
        ("createTime", "2026-01-01T00:00:00Z", r#"{"createTime":"2026-01-01T00:00:00Z"}"#),
        ("duration", "1.5s", r#"{"duration":"1.500s"}"#),
        ("mask", "createTime,inner.count", r#"{"mask":"createTime,inner.count"}"#),
        ("mask", "create_time", r#"{"mask":"createTime"}"#),
        ("stringWrapper", "", r#"{"stringWrapper":""}"#),
        ("int64Wrapper", "5", r#"{"int64Wrapper":"5"}"#),
        ("inner.innermost.number", "0", r#"{"inner":{"innermost":{"number":0}}}"#),
        ("inner.heading", "x", r#"{"inner":{"title":"x"}}"#),
        ("recursive.recursive.far", "x", r#"{"recursive":{"recursive":{"far":"x"}}}"#),
    ] {
        assert_eq!(set(&[(path, text)]).as_deref(), Ok(json), "{path}={text}");
    }
}

#[test]
fn parameters_add_up() {
    let json = set(&[
        ("words", "a"),
        ("packed", "1"),
        ("words", "b"),
        ("packed", "2"),
        ("inner.count", "1"),
        ("inner.title", "t"),
    ]);
    assert_eq!(json.as_deref(), Ok(r#"{"inner":{"title":"t","count":1},"packed":[1,2],"words":["a","b"]}"#));
}

#[test]
fn what_has_no_text_form_is_refused_by_its_path() {
    for (path, text) in [
        ("nope", "1"),
        ("inner.nope", "1"),
        ("name.nope", "1"),
        ("", "1"),
        ("inner.", "1"),
        ("words.x", "1"),
        ("inners.title", "1"),
        ("createTime.seconds", "1"),
        ("counts.a", "1"),
    ] {
        let error = set(&[(path, text)]).unwrap_err();
        assert_eq!((error.kind, error.path.as_str()), (JsonErrorKind::UnknownField, path), "{error}");
    }
    for (path, text) in [
        ("inner", "x"),
        ("counts", "x"),
        ("structure", "{}"),
        ("any", "x"),
        ("flag", "1"),
        ("flag", ""),
        ("int32_value", ""),
        ("int32_value", "5x"),
        ("state", "NOWHERE"),
        ("create_time", "today"),
        ("double_value", "inf"),
    ] {
        let camel = path.replace("_v", "V").replace("_t", "T");
        for given in [path, &camel] {
            let error = set(&[(given, text)]).unwrap_err();
            assert_eq!((error.kind, error.path.as_str()), (JsonErrorKind::Value, path), "{given}: {error}");
        }
    }
}

#[test]
fn a_refused_parameter_leaves_nothing_behind() {
    let mut wire = b"\x10\x01".to_vec();
    assert!(PLANS.set_text(id("test.v1.All"), "inner.count", "x", &mut wire).is_err());
    assert_eq!(wire, b"\x10\x01");
}

#[test]
fn a_path_tells_what_it_leads_to() {
    let field = |path| PLANS.field(id("test.v1.All"), path).unwrap();
    assert_eq!(field("inner.heading").path, "inner.title");
    assert!(field("words").repeated);
    assert!(!field("int32Value").repeated);
    assert!(field("counts").map);
    assert_eq!(field("inner").message, PLANS.message("test.v1.Inner"));
    assert_eq!(field("inners").message, PLANS.message("test.v1.Inner"));
    assert_eq!(field("mask").message, PLANS.message("google.protobuf.FieldMask"));
    assert_eq!(field("name").message, None);
}

#[test]
fn a_body_is_wrapped_into_its_field() {
    let wrap = |field, body: &[u8]| {
        let mut wire = Vec::new();
        PLANS.wrap(id("test.v1.All"), field, body, &mut wire).map(|()| to_json("test.v1.All", &wire).unwrap())
    };
    assert_eq!(wrap("inner", b"\x0a\x01a").as_deref(), Ok(r#"{"inner":{"title":"a"}}"#));
    assert_eq!(wrap("recursive.inner", b"").as_deref(), Ok(r#"{"recursive":{"inner":{}}}"#));
    let long = [b"\x0a\xac\x02".to_vec(), vec![b'x'; 300]].concat();
    assert!(wrap("recursive.recursive.inner", &long).unwrap().contains(&"x".repeat(300)));
    assert!(wrap("words", b"").is_err());
    assert!(wrap("inners", b"").is_err());
    assert!(wrap("nope", b"").is_err());
}
