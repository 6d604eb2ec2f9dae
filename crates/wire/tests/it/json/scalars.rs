//! Scalars, one row for each thing that the ProtoJSON specification says.

use mainstay_wire::JsonErrorKind;

use crate::schema::{from_json, snake, through};

fn field(name: &str, value: &str) -> Result<String, String> {
    let out = through("test.v1.All", &format!("{{\"{name}\":{value}}}"))?;
    Ok(out.strip_prefix(&format!("{{\"{name}\":")).map_or(out.clone(), |rest| rest[..rest.len() - 1].to_owned()))
}

#[test]
fn values_are_taken_in_every_form_and_written_in_one() {
    for (name, given, written) in [
        ("flag", "true", "true"),
        ("int32Value", "\"-7\"", "-7"),
        ("int32Value", "1.0", "1"),
        ("int32Value", "1e3", "1000"),
        ("int32Value", "-2147483648", "-2147483648"),
        ("uint32Value", "4294967295", "4294967295"),
        ("sint32Value", "-1", "-1"),
        ("sfixed32Value", "-1", "-1"),
        ("fixed32Value", "4294967295", "4294967295"),
        ("int64Value", "9223372036854775807", "\"9223372036854775807\""),
        ("int64Value", "\"-9223372036854775808\"", "\"-9223372036854775808\""),
        ("sint64Value", "-9223372036854775808", "\"-9223372036854775808\""),
        ("uint64Value", "18446744073709551615", "\"18446744073709551615\""),
        ("uint64Value", "\"1.8446744073709551615e19\"", "\"18446744073709551615\""),
        ("fixed64Value", "1", "\"1\""),
        ("sfixed64Value", "-1", "\"-1\""),
        ("doubleValue", "1", "1"),
        ("doubleValue", "\"1.5\"", "1.5"),
        ("doubleValue", "\"NaN\"", "\"NaN\""),
        ("doubleValue", "\"Infinity\"", "\"Infinity\""),
        ("doubleValue", "\"-Infinity\"", "\"-Infinity\""),
        ("doubleValue", "-0.0", "-0"),
        ("doubleValue", "5e-324", "5e-324"),
        ("floatValue", "0.1", "0.1"),
        ("floatValue", "\"-Infinity\"", "\"-Infinity\""),
        ("floatValue", "3.4028235e38", "3.4028235e+38"),
        ("bytesValue", "\"AQIDBA==\"", "\"AQIDBA==\""),
        ("bytesValue", "\"AQIDBA\"", "\"AQIDBA==\""),
        ("bytesValue", "\"-_8\"", "\"+/8=\""),
        ("name", "\"\\u00e9\\ud83d\\ude00\\/\\n\"", "\"é😀/\\n\""),
        ("name", "\"\\u0000\"", "\"\\u0000\""),
        ("state", "\"CART\"", "\"CART\""),
        ("state", "\"BASKET\"", "\"CART\""),
        ("state", "2", "\"PLACED\""),
        ("state", "-3", "\"LOST\""),
        ("state", "99", "99"),
        ("packed", "[1,\"2\",3.0]", "[1,2,3]"),
        ("unpacked", "[1,2]", "[\"1\",\"2\"]"),
        ("byFlag", "{\"true\":\"CART\",\"false\":0}", "{\"true\":\"CART\",\"false\":\"STATE_UNSPECIFIED\"}"),
        ("byNumber", "{\"-5\":{}}", "{\"-5\":{}}"),
        ("counts", "{\"\":0}", "{\"\":\"0\"}"),
    ] {
        assert_eq!(field(name, given).as_deref(), Ok(written), "{name}: {given}");
    }
}

#[test]
fn zeros_of_fields_without_presence_are_unset() {
    for (name, given) in [
        ("flag", "false"),
        ("int32Value", "0"),
        ("int64Value", "\"0\""),
        ("int64Value", "-0"),
        ("doubleValue", "0.0"),
        ("name", "\"\""),
        ("bytesValue", "\"\""),
        ("state", "\"STATE_UNSPECIFIED\""),
        ("packed", "[]"),
        ("words", "[]"),
        ("counts", "{}"),
        ("flag", "null"),
        ("packed", "null"),
        ("counts", "null"),
        ("inner", "null"),
        ("createTime", "null"),
        ("structure", "null"),
        ("maybeText", "null"),
    ] {
        assert_eq!(from_json("test.v1.All", &format!("{{\"{name}\":{given}}}")), Ok(Vec::new()), "{name}: {given}");
    }
}

#[test]
fn presence_survives_zero() {
    for (name, given) in [
        ("maybeText", "\"\""),
        ("maybeNumber", "0"),
        ("choiceText", "\"\""),
        ("choiceNumber", "\"0\""),
        ("inner", "{}"),
    ] {
        assert_eq!(field(name, given).as_deref(), Ok(given), "{name}");
    }
    assert_eq!(field("choiceNull", "null").as_deref(), Ok("null"));
    assert_eq!(field("choiceNull", "\"NULL_VALUE\"").as_deref(), Ok("null"));
}

#[test]
fn values_of_another_type_or_out_of_range_are_refused_with_their_place() {
    for (name, given) in [
        ("flag", "1"),
        ("flag", "\"true\""),
        ("int32Value", "2147483648"),
        ("int32Value", "-2147483649"),
        ("int32Value", "0.5"),
        ("int32Value", "\"\""),
        ("int32Value", "\" 1\""),
        ("int32Value", "\"1 \""),
        ("int32Value", "\"0x1\""),
        ("int32Value", "true"),
        ("int32Value", "[1]"),
        ("int32Value", "{}"),
        ("int32Value", "1e999999999999999999999"),
        ("uint32Value", "-1"),
        ("uint32Value", "4294967296"),
        ("uint64Value", "-1"),
        ("uint64Value", "18446744073709551616"),
        ("int64Value", "9223372036854775808"),
        ("fixed32Value", "4294967296"),
        ("sfixed32Value", "2147483648"),
        ("doubleValue", "\"inf\""),
        ("doubleValue", "\"nan\""),
        ("doubleValue", "\"\""),
        ("doubleValue", "1e400"),
        ("floatValue", "1e39"),
        ("floatValue", "-1e39"),
        ("bytesValue", "\"*\""),
        ("bytesValue", "\"A\""),
        ("bytesValue", "5"),
        ("name", "5"),
        ("name", "[]"),
        ("state", "\"NOWHERE\""),
        ("state", "1.5"),
        ("state", "2147483648"),
        ("state", "true"),
        ("packed", "5"),
        ("packed", "{}"),
        ("packed", "[null]"),
        ("words", "[null]"),
        ("inners", "[null]"),
        ("counts", "[]"),
        ("counts", "{\"a\":null}"),
        ("byNumber", "{\"a\":{}}"),
        ("byNumber", "{\"1.0\":{}}"),
        ("byNumber", "{\"01\":{}}"),
        ("byNumber", "{\"2147483648\":{}}"),
        ("byFlag", "{\"1\":0}"),
        ("inner", "5"),
        ("inner", "[]"),
        ("inner", "\"\""),
    ] {
        let error = from_json("test.v1.All", &format!("{{\"{name}\":{given}}}")).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Value, "{name}: {given}: {error}");
        assert!(error.path.starts_with(&snake(name)), "{name}: {given}: {error}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_line_and_column() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "nonsense",
        "[1",
        "\"text",
        "{\"name\"}",
        "{\"name\":}",
        "{\"name\":\"a\",}",
        "{,}",
        "{name:\"a\"}",
        "{\"name\":'a'}",
        "{\"name\":\"a\"}{",
        "{\"name\":\"a\" \"flag\":true}",
        "{\"name\":\"\u{1}\"}",
        "{\"name\":\"\\x\"}",
        "{\"name\":\"\\u12\"}",
        "{\"name\":\"a",
        "{\"name\":\"\\",
        "{\"int32Value\":01}",
        "{\"int32Value\":+1}",
        "{\"int32Value\":.5}",
        "{\"int32Value\":1.}",
        "{\"int32Value\":1e}",
        "{\"int32Value\":-}",
        "{\"doubleValue\":NaN}",
        "{\"flag\":tru}",
        "{\"flag\":nul}",
        "{\"packed\":[1,]}",
        "{\"packed\":[1 2]}",
        "{\"packed\":[,1]}",
        "{\"packed\":[1",
        "{\"flag\":True}",
        "\u{feff}{}",
        "{\"name\":\"a\"}\0",
        "/* */{}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"\\udc00\"}",
        "{\"name\":\"\\ud800\\u0041\"}",
        "{\"name\":\"\\ud800x\"}",
        "{\"\\ud800\":1}",
    ] {
        let error = from_json("test.v1.All", text).unwrap_err();
        assert_eq!(error.kind, JsonErrorKind::Syntax, "{text:?}: {error}");
        assert!(error.message.contains("line 1, column "), "{text:?}: {error}");
    }
    for text in ["[]", "5", "null", "\"text\"", "true"] {
        assert_eq!(from_json("test.v1.All", text).unwrap_err().kind, JsonErrorKind::Value, "{text}");
    }
    let error = from_json("test.v1.All", "{\n  \"name\": \"é\" 5}").unwrap_err();
    assert!(error.message.contains("line 2, column 15"), "{error}");
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut out = Vec::new();
    let plans = &*crate::schema::PLANS;
    let error = plans.from_json(crate::schema::id("test.v1.All"), b"{\"name\":\"\xff\"}", &mut out, None).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::Syntax);
    assert!(error.message.contains("byte 9"), "{error}");
    let error = crate::schema::to_json("test.v1.All", b"\x0a\x01\xff").unwrap_err();
    assert_eq!(error.path, "name");
}
