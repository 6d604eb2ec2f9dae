//! The well-known types, a table for each.

use mainstay_wire::JsonErrorKind;

use crate::schema::{PLANS, from_json, snake, through};

fn same(name: &str, value: &str) {
    let json = format!("{{\"{name}\":{value}}}");
    assert_eq!(through("test.v1.All", &json), Ok(json));
}

fn becomes(name: &str, given: &str, written: &str) {
    let out = through("test.v1.All", &format!("{{\"{name}\":{given}}}"));
    assert_eq!(out, Ok(format!("{{\"{name}\":{written}}}")), "{given}");
}

fn refused(name: &str, value: &str) {
    let error = from_json("test.v1.All", &format!("{{\"{name}\":{value}}}")).unwrap_err();
    assert!(error.path.starts_with(&snake(name)), "{value}: {error}");
    assert!(matches!(error.kind, JsonErrorKind::Value | JsonErrorKind::Duplicate), "{value}: {error}");
}

#[test]
fn timestamps() {
    for text in [
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "2024-02-29T12:34:56.789Z",
        "1969-12-31T23:59:59.500Z",
        "2000-03-01T00:00:00.000001Z",
    ] {
        same("createTime", &format!("\"{text}\""));
    }
    for (given, written) in [
        ("1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"),
        ("1969-12-31T16:00:00-08:00", "1970-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.100Z"),
        ("2026-01-01T00:00:00.1234Z", "2026-01-01T00:00:00.123400Z"),
        ("2026-01-01T00:00:00.000000000Z", "2026-01-01T00:00:00Z"),
    ] {
        becomes("createTime", &format!("\"{given}\""), &format!("\"{written}\""));
    }
    for text in [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01t00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01 00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567891Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "+026-01-01T00:00:00Z",
        "2026-1-01T00:00:00Z",
        "2026-01-01T0:00:00Z",
        "2026-01-01T00:00:00ZZ",
        "é026-01-01T00:00:00Z",
        "2026-01-01T00:00:0éZ",
    ] {
        refused("createTime", &format!("\"{text}\""));
    }
    refused("createTime", "5");
    refused("createTime", "{\"seconds\":5}");
}

#[test]
fn durations() {
    for text in ["0s", "1s", "-1s", "1.500s", "-0.500s", "0.000001s", "0.000000001s", "315576000000s", "-315576000000s"]
    {
        same("duration", &format!("\"{text}\""));
    }
    for (given, written) in [("1.5s", "1.500s"), ("-0.1s", "-0.100s"), ("00001s", "1s"), ("-0s", "0s")] {
        becomes("duration", &format!("\"{given}\""), &format!("\"{written}\""));
    }
    for text in [
        "",
        "s",
        "1",
        "1.s",
        ".5s",
        "+1s",
        "1.0123456789s",
        "315576000001s",
        "1 s",
        "1e3s",
        "--1s",
        "1.-5s",
        "99999999999999999999s",
    ] {
        refused("duration", &format!("\"{text}\""));
    }
    refused("duration", "1");
}

#[test]
fn moments_out_of_range_cannot_be_written() {
    for (name, wire) in [
        ("google.protobuf.Timestamp", &b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"[..]),
        ("google.protobuf.Timestamp", b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("google.protobuf.Timestamp", b"\x10\x80\x94\xeb\xdc\x03"),
        ("google.protobuf.Duration", b"\x08\x81\xc0\x9a\xf0\x97\x09"),
        ("google.protobuf.Duration", b"\x08\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("google.protobuf.Duration", b"\x10\x80\x94\xeb\xdc\x03"),
    ] {
        assert!(crate::schema::to_json(name, wire).is_err(), "{name} {wire:?}");
    }
}

#[test]
fn field_masks() {
    same("mask", "\"title,price.currencyCode\"");
    same("mask", "\"\"");
    becomes("mask", "\"a,,b\"", "\"a,b\"");
    refused("mask", "\"currency_code\"");
    refused("mask", "[\"a\"]");
    let mask = |path: &str| {
        let mut wire = vec![0x0a, u8::try_from(path.len()).unwrap()];
        wire.extend_from_slice(path.as_bytes());
        crate::schema::to_json("google.protobuf.FieldMask", &wire)
    };
    for path in ["Title", "a__b", "a_1", "a_", "_", "a_.b"] {
        assert!(mask(path).is_err(), "{path}");
    }
    assert_eq!(mask("a_b.c").as_deref(), Ok("\"aB.c\""));
}

#[test]
fn structs_values_and_lists() {
    same("structure", r#"{"a":null,"b":[1,"x",true,{"c":-1.5}],"":{}}"#);
    for value in ["null", "true", "false", "1.5", "\"x\"", "[]", "{}", "[null,[[]]]", "1e+300"] {
        same("value", value);
    }
    same("list", "[1,null,\"a\"]");
    becomes("value", "1.0", "1");
    refused("structure", "[]");
    refused("structure", "5");
    refused("list", "{}");
    refused("value", "1e999");
    same("values", r#"{"a":null,"b":1}"#);
}

#[test]
fn a_value_without_a_kind_is_null_and_without_infinity() {
    assert_eq!(crate::schema::to_json("google.protobuf.Value", b"").as_deref(), Ok("null"));
    let infinity = [&[0x11][..], &f64::INFINITY.to_le_bytes()].concat();
    assert!(crate::schema::to_json("google.protobuf.Value", &infinity).is_err());
}

#[test]
fn wrappers() {
    for (name, value) in [
        ("boolWrapper", "false"),
        ("int32Wrapper", "0"),
        ("int64Wrapper", "\"0\""),
        ("uint32Wrapper", "7"),
        ("uint64Wrapper", "\"18446744073709551615\""),
        ("floatWrapper", "0.1"),
        ("doubleWrapper", "0"),
        ("stringWrapper", "\"\""),
        ("bytesWrapper", "\"\""),
        ("stringWrappers", "[\"\",\"a\"]"),
    ] {
        same(name, value);
    }
    refused("int32Wrapper", "{\"value\":1}");
    refused("stringWrappers", "[null]");
    refused("uint32Wrapper", "-1");
}

#[test]
fn empty() {
    same("empty", "{}");
    refused("empty", "[]");
}

#[test]
fn any() {
    same("any", r#"{"@type":"type.googleapis.com/test.v1.Inner","title":"x","innermost":{"text":"y"}}"#);
    same("any", r#"{"@type":"type.googleapis.com/test.v1.Inner"}"#);
    same("any", r#"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}"#);
    same("any", r#"{"@type":"type.googleapis.com/google.protobuf.Value","value":null}"#);
    same("any", r#"{"@type":"type.googleapis.com/google.protobuf.Empty","value":{}}"#);
    same(
        "any",
        r#"{"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"x/test.v1.Inner","title":"a"}}"#,
    );
    same("any", "{}");
    becomes(
        "any",
        r#"{"title":"x","@type":"a/test.v1.Inner","count":1}"#,
        r#"{"@type":"a/test.v1.Inner","title":"x","count":1}"#,
    );
    becomes(
        "any",
        r#"{"value":"1s","@type":"a/google.protobuf.Duration"}"#,
        r#"{"@type":"a/google.protobuf.Duration","value":"1s"}"#,
    );
    for value in [
        r#"{"title":"x"}"#,
        r#"{"@type":5}"#,
        r#"{"@type":""}"#,
        r#"{"@type":"test.v1.Inner"}"#,
        r#"{"@type":"type.googleapis.com/no.such.Type"}"#,
        r#"{"@type":"a/google.protobuf.Duration"}"#,
        r#"{"@type":"a/google.protobuf.Duration","value":"x"}"#,
        r#"{"@type":"a/test.v1.Inner","@type":"a/test.v1.Inner"}"#,
        r#"{"@type":"a/google.protobuf.Duration","value":"1s","value":"1s"}"#,
        "[]",
    ] {
        refused("any", value);
    }
    let unknown = r#"{"any":{"@type":"a/google.protobuf.Duration","value":"1s","other":1}}"#;
    assert_eq!(from_json("test.v1.All", unknown).unwrap_err().kind, JsonErrorKind::UnknownField);
}

#[test]
fn an_any_that_cannot_be_read_as_its_type_is_written_by_its_bytes() {
    for (wire, json) in [
        (&b"\x0a\x05a/b.c"[..], r#"{"@type":"a/b.c","value":""}"#),
        (b"\x0a\x05a/b.c\x12\x02hi", r#"{"@type":"a/b.c","value":"aGk="}"#),
        (b"\x12\x02hi", r#"{"@type":"","value":"aGk="}"#),
        // No Duration begins like this.
        (b"\x0a\x1aa/google.protobuf.Duration\x12\x01\x08", r#"{"@type":"a/google.protobuf.Duration","value":"CA=="}"#),
    ] {
        assert_eq!(crate::schema::to_json("google.protobuf.Any", wire).unwrap(), json);
        let id = PLANS.message("google.protobuf.Any").unwrap();
        assert!(PLANS.check_json(id, wire).is_err(), "{json}");
    }
}
