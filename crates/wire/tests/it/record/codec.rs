//! Rows to messages and back, by example.

use mainstay_record::{Value, Violation};
use mainstay_wire::frame;

use super::{LAYOUT, PLAN, column, decoded, encoded, stored};
use crate::schema::{from_json, to_json};

const HEAD: &str = r#"{"name":"items/one""#;
const TAIL: &str = r#""etag":"00000000000000ff"}"#;

fn comes_back(json: &str) {
    let given = format!("{{{json}}}");
    assert_eq!(encoded(&stored(&given)), format!("{HEAD},{json},{TAIL}"));
}

fn becomes(given: &str, written: &str) {
    assert_eq!(encoded(&stored(&format!("{{{given}}}"))), format!("{HEAD},{written},{TAIL}"));
}

fn value(json: &str, name: &str) -> Value {
    decoded(&format!("{{{json}}}")).values[column(name)].clone()
}

fn violations(json: &str) -> Vec<Violation> {
    PLAN.decode(&from_json("test.v1.Item", json).unwrap()).unwrap_err().violations
}

#[test]
fn an_empty_message_is_all_zeros_and_nulls() {
    let decoded = decoded("{}");
    assert_eq!(decoded.values.len(), LAYOUT.columns.len());
    assert!(decoded.present.is_empty());
    for (value, column) in decoded.values.iter().zip(&LAYOUT.columns).skip(2) {
        let expected = if column.nullable { Value::Null } else { column.kind.zero() };
        assert_eq!(value, &expected, "{}", column.name);
    }
    assert_eq!(encoded(&stored("{}")), format!("{HEAD},{TAIL}"));
}

#[test]
fn name_and_etag_are_virtual() {
    let decoded = decoded(r#"{"name":"items/two","etag":"abc","sku":"s"}"#);
    assert_eq!((decoded.name.as_deref(), decoded.etag.as_deref()), (Some("items/two"), Some("abc")));
    assert_eq!(decoded.values[0], Value::Null);
    assert_eq!(decoded.values[1], Value::Null);
    assert_eq!(decoded.present, [column("sku")]);
    assert_eq!(mainstay_record::etag_text(255), "00000000000000ff");
}

#[test]
fn references_are_stored_as_keys() {
    comes_back(r#""product":"products/cup""#);
    comes_back(r#""shelf":"stores/a/shelves/b""#);
    assert_eq!(value(r#""product":"products/cup""#, "product_0"), Value::Text("cup".into()));
    assert_eq!(value(r#""shelf":"stores/a/shelves/b""#, "shelf_1"), Value::Text("b".into()));
    assert_eq!(value(r#""product":"""#, "product_0"), Value::Null);
    let found = violations(r#"{"product":"cup","shelf":"stores/a"}"#);
    assert_eq!(found.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), ["product", "shelf"]);
    assert!(found[0].description.contains("products/*"), "{}", found[0].description);
}

#[test]
fn messages_are_flattened_with_their_presence() {
    comes_back(r#""inner":{"title":"t","count":1,"innermost":{"text":"x","number":0,"tags":["a"]}}"#);
    comes_back(r#""inner":{}"#);
    comes_back(r#""inner":{"innermost":{}}"#);
    assert_eq!(value(r#""inner":{}"#, "_has_inner"), Value::Bool(true));
    assert_eq!(value(r#""sku":"x""#, "_has_inner"), Value::Bool(false));
    assert_eq!(value(r#""inner":{"count":3}"#, "inner__count"), Value::Int(3));
    assert_eq!(
        value(r#""inner":{"innermost":{"tags":["a"]}}"#, "inner__innermost__tags"),
        Value::Json(r#"["a"]"#.into())
    );
}

#[test]
fn moments_are_cut_to_microseconds() {
    becomes(r#""createTime":"2026-01-01T00:00:00.123456789Z""#, r#""createTime":"2026-01-01T00:00:00.123456Z""#);
    becomes(r#""createTime":"1969-12-31T23:59:59.999999999Z""#, r#""createTime":"1969-12-31T23:59:59.999999Z""#);
    becomes(r#""duration":"-1.999999999s""#, r#""duration":"-1.999999s""#);
    becomes(r#""duration":"0.000000999s""#, r#""duration":"0s""#);
    assert_eq!(value(r#""createTime":"1970-01-01T00:00:01Z""#, "create_time"), Value::Timestamp(1_000_000));
    assert_eq!(value(r#""duration":"-1.5s""#, "duration"), Value::Int(-1_500_000));
}

#[test]
fn decimals_are_texts_that_sort_and_times_of_day_are_numbers() {
    comes_back(r#""decimal":{"value":"-12.5"},"opens":{"hours":24},"decimals":[{"value":"0"},{"value":"1E50"}]"#);
    assert_eq!(value(r#""decimal":{"value":"12.50"}"#, "decimal"), Value::Text(">5002.125".into()));
    assert_eq!(value(r#""opens":{"seconds":1,"nanos":2}"#, "opens"), Value::Int(1_000_000_002));
}

#[test]
fn dates_are_numbers() {
    comes_back(r#""date":{"year":2026,"month":11,"day":21}"#);
    comes_back(r#""date":{"month":2,"day":29}"#);
    comes_back(r#""date":{"year":2026}"#);
    comes_back(r#""date":{}"#);
    assert_eq!(value(r#""date":{"year":2026,"month":2}"#, "date"), Value::Int(20_260_200));
    for date in [
        r#"{"year":2026,"month":2,"day":29}"#,
        r#"{"day":1}"#,
        r#"{"year":2026,"day":1}"#,
        r#"{"month":2}"#,
        r#"{"month":13}"#,
        r#"{"year":-1}"#,
        r#"{"year":10000}"#,
        r#"{"year":2026,"month":1,"day":-1}"#,
    ] {
        assert_eq!(violations(&format!("{{\"date\":{date}}}"))[0].field, "date", "{date}");
    }
}

#[test]
fn wrappers_and_optional_fields_tell_zero_from_unset() {
    comes_back(
        r#""boolWrapper":false,"int64Wrapper":"0","uint64Wrapper":"5","doubleWrapper":0,"stringWrapper":"","bytesWrapper":"""#,
    );
    comes_back(r#""maybeText":"","maybeNumber":0"#);
    assert_eq!(value(r#""maybeText":"""#, "maybe_text"), Value::Text(String::new()));
    assert_eq!(value(r#""boolWrapper":false"#, "bool_wrapper"), Value::Bool(false));
}

#[test]
fn unknown_enum_numbers_survive() {
    comes_back(r#""state":77"#);
    comes_back(r#""rich":{"states":["PLACED",77,-5]}"#);
}

#[test]
fn json_columns_hold_storage_keys_numbers_and_plain_values() {
    for (json, name, stored) in [
        (
            r#""lines":[{"title":"a","innermost":{"number":0}},{}]"#,
            "lines",
            r#"[{"TITLE":"a","INNERMOST":{"NUMBER":0}},{}]"#,
        ),
        (r#""notes":{"k":{"count":2}}"#, "notes", r#"{"k":{"COUNT":2}}"#),
        (r#""numbers":[1,-2]"#, "numbers", "[1,-2]"),
        (r#""times":["1970-01-01T00:00:00.000001Z"]"#, "times", "[1]"),
        (r#""dates":[{"year":2026,"month":1,"day":2},{}]"#, "dates", "[20260102,0]"),
        (r#""blobs":{"-1":"AQ=="}"#, "blobs", r#"{"-1":"AQ=="}"#),
        (r#""structure":{"a":[1,null,{"b":"c"}]}"#, "structure", r#"{"a":[1,null,{"b":"c"}]}"#),
        (r#""tree":{"label":"a","children":[{"label":"b"}]}"#, "tree", r#"{"LABEL":"a","CHILDREN":[{"LABEL":"b"}]}"#),
        (
            r#""riches":[{"time":"1970-01-01T00:00:01Z","duration":"-0.500s","date":{"year":2026},"value":null,"states":["PLACED",9],"doubles":{"true":1.5},"number":"0","right":{"text":"x"},"big":"9223372036854775807","small":0.1}]"#,
            "riches",
            r#"[{"TIME":1000000,"DURATION":-500000,"DATE":20260000,"VALUE":null,"STATES":[2,9],"DOUBLES":{"true":1.5},"NUMBER":0,"RIGHT":{"TEXT":"x"},"BIG":9223372036854775807,"SMALL":0.10000000149011612}]"#,
        ),
        (r#""rich":{"value":"x"}"#, "rich__value", r#""x""#),
        (r#""mask":"inner.title""#, "mask", r#"["inner.title"]"#),
        (
            r#""any":{"@type":"a/test.v1.Innermost","text":"x"}"#,
            "any",
            r#"{"@type":"a/test.v1.Innermost","value":"CgF4"}"#,
        ),
    ] {
        assert_eq!(value(json, name), Value::Json(stored.to_owned()), "{json}");
        comes_back(json);
    }
}

#[test]
fn empty_lists_and_maps_are_null() {
    for name in ["lines", "notes", "numbers", "structure", "tree", "rich__states"] {
        assert_eq!(value(r#""sku":"x""#, name), Value::Null, "{name}");
    }
    // packed, but with nothing in it
    assert_eq!(PLAN.decode(b"\xc2\x02\x00").unwrap().values[column("numbers")], Value::Null);
    comes_back(r#""structure":{}"#);
    comes_back(r#""tree":{}"#);
}

#[test]
fn oneofs_keep_their_last_member() {
    comes_back(r#""choiceNumber":"0""#);
    comes_back(r#""choiceFlag":false"#);
    comes_back(r#""choiceInner":{"title":"a"}"#);
    let piece = |json: &str| from_json("test.v1.Item", json).unwrap();
    let wire = [piece(r#"{"choiceInner":{"title":"a"}}"#), piece(r#"{"choiceText":"b"}"#)].concat();
    let decoded = PLAN.decode(&wire).unwrap();
    assert_eq!(decoded.present, [column("choice_text")]);
    assert_eq!(decoded.values[column("_has_choice_inner")], Value::Bool(false));
    assert_eq!(decoded.values[column("choice_inner__title")], Value::Text(String::new()));
    let wire = [piece(r#"{"choiceStruct":{"a":1}}"#), piece(r#"{"choiceText":"b"}"#)].concat();
    assert_eq!(PLAN.decode(&wire).unwrap().values[column("choice_struct")], Value::Null);
    let wire = [wire, piece(r#"{"choiceStruct":{"b":2}}"#)].concat();
    let decoded = PLAN.decode(&wire).unwrap();
    assert_eq!(decoded.values[column("choice_struct")], Value::Json(r#"{"b":2}"#.into()));
    assert_eq!(decoded.values[column("choice_text")], Value::Null);
}

#[test]
fn pieces_are_merged() {
    let piece = |json: &str| from_json("test.v1.Item", json).unwrap();
    let wire = [
        piece(r#"{"inner":{"title":"a"},"lines":[{"title":"x"}],"createTime":"1970-01-01T00:00:05Z","sku":"1"}"#),
        piece(r#"{"inner":{"count":2},"lines":[{"title":"y"}],"createTime":"1970-01-01T00:00:00.5Z","sku":"2"}"#),
    ]
    .concat();
    let row = PLAN.decode(&wire).unwrap().values;
    assert_eq!(row[column("inner__title")], Value::Text("a".into()));
    assert_eq!(row[column("inner__count")], Value::Int(2));
    assert_eq!(row[column("lines")], Value::Json(r#"[{"TITLE":"x"},{"TITLE":"y"}]"#.into()));
    assert_eq!(row[column("create_time")], Value::Timestamp(5_500_000));
    assert_eq!(row[column("sku")], Value::Text("2".into()));
}

#[test]
fn what_no_column_can_hold_is_refused_with_every_place() {
    let json = r#"{"sku":"a\u0000","inner":{"innermost":{"text":"\u0000","tags":["","\u0000"]}},"lines":[{},{"title":"\u0000"}],
        "notes":{"k":{"title":"\u0000"}},"uint64Value":"9223372036854775808","fixed64Value":"9223372036854775808","doubleValue":"NaN",
        "floatValue":"NaN","rich":{"big":"9223372036854775808","doubles":{"true":"NaN"}},"structure":{"a":{"b\u0000":1}},
        "uint64Wrapper":"9223372036854775808","stringWrapper":"\u0000","doubleWrapper":"NaN","product":"products/\u0000","riches":[{"small":"NaN"}]}"#;
    let mut fields: Vec<String> = violations(json).into_iter().map(|violation| violation.field).collect();
    fields.sort();
    let mut expected = [
        "sku",
        "inner.innermost.text",
        "inner.innermost.tags[1]",
        "lines[1].title",
        r#"notes["k"].title"#,
        "uint64_value",
        "fixed64_value",
        "double_value",
        "float_value",
        "rich.big",
        r#"rich.doubles["true"]"#,
        "uint64_wrapper",
        "string_wrapper",
        "double_wrapper",
        "product",
        "riches[0].small",
    ]
    .map(str::to_owned)
    .to_vec();
    expected.push("structure[\"a\"][\"b\u{fffd}\"]".to_owned());
    expected.sort();
    assert_eq!(fields, expected);
}

#[test]
fn infinities_and_zeros_without_sign_are_stored() {
    comes_back(r#""doubleValue":"Infinity""#);
    comes_back(r#""rich":{"doubles":{"false":"-Infinity"}}"#);
    let row =
        decoded(r#"{"doubleValue":-0.0,"doubleWrapper":-0.0,"structure":{"a":-0.0},"rich":{"doubles":{"true":-0.0}}}"#);
    assert!(matches!(row.values[column("double_value")], Value::Double(zero) if zero.is_sign_positive()));
    assert!(matches!(row.values[column("double_wrapper")], Value::Double(zero) if zero.is_sign_positive()));
    assert_eq!(row.values[column("structure")], Value::Json(r#"{"a":0}"#.into()));
    assert!(!row.present.contains(&column("double_value")));
}

#[test]
fn unknown_fields_are_dropped() {
    let wire = [from_json("test.v1.Item", r#"{"sku":"x"}"#).unwrap(), b"\xa8\x3f\x01".to_vec()].concat();
    assert_eq!(PLAN.decode(&wire).unwrap(), decoded(r#"{"sku":"x"}"#));
}

#[test]
fn malformed_bytes_are_refused() {
    for wire in [
        &b"\x0a"[..],
        b"\x12\x05a",
        b"\x10\x01",
        b"\x22\x01\x0a",
        b"\x12\x01\xff",
        b"\x2a\x02\x0a\x05",
        b"\xea\x01\x01\x08",
    ] {
        assert!(!PLAN.decode(wire).unwrap_err().violations.is_empty(), "{wire:?}");
    }
}

#[test]
fn deep_records_are_refused() {
    let deep = |depth: usize| format!("{{\"tree\":{}{}}}", r#"{"children":["#.repeat(depth) + "{}", "]}".repeat(depth));
    assert!(PLAN.decode(&from_json("test.v1.Item", &deep(90)).unwrap()).is_ok());
    let wire = (0..10_000).fold(Vec::new(), |inner: Vec<u8>, _| {
        let mut outer = Vec::new();
        frame::put_message(2, &inner, &mut outer);
        outer
    });
    let mut item = Vec::new();
    frame::put_message(39, &wire, &mut item);
    let error = PLAN.decode(&item).unwrap_err();
    assert!(error.violations[0].description.contains("deeper"), "{error}");
}

#[test]
fn a_row_can_be_a_field_of_a_page() {
    let mut out = Vec::new();
    let rows = [stored(r#"{"sku":"a"}"#), stored(&format!(r#"{{"sku":"{}"}}"#, "b".repeat(500)))];
    for row in &rows {
        PLAN.encode_field(1, row, None, &mut out).unwrap();
    }
    let json = to_json("test.v1.Page", &out).unwrap();
    assert_eq!(json, format!("{{\"items\":[{},{}]}}", encoded(&rows[0]), encoded(&rows[1])));
}

#[test]
fn only_selected_fields_are_encoded() {
    let row = stored(
        r#"{"sku":"s","inner":{"title":"t","count":1},"lines":[{"title":"a","count":2}],"notes":{"k":{}},"flag":true}"#,
    );
    for (paths, json) in [
        (&["name"][..], r#"{"name":"items/one"}"#),
        (&["article", "etag"], r#"{"sku":"s","etag":"00000000000000ff"}"#),
        (&["inner.count"], r#"{"inner":{"count":1}}"#),
        (&["interior"], r#"{"inner":{"title":"t","count":1}}"#),
        (&["lines.title"], r#"{"lines":[{"title":"a"}]}"#),
        (&["lines.heading", "notes"], r#"{"lines":[{"title":"a"}],"notes":{"k":{}}}"#),
        (&["inner.innermost.tags"], r#"{"inner":{}}"#),
    ] {
        let mut out = Vec::new();
        PLAN.encode_masked(&row, &PLAN.select(paths).unwrap(), &mut out).unwrap();
        assert_eq!(to_json("test.v1.Item", &out).as_deref(), Ok(json), "{paths:?}");
    }
    for path in ["nope", "inner.nope", "lines.nope", "notes.k", "createTime.seconds", "name.x", "structure.a", ""] {
        assert_eq!(PLAN.select(&[path]).unwrap_err().path, path);
    }
    assert!(PLAN.select(&["*"]).unwrap().is_whole());
}

#[test]
fn a_damaged_row_is_an_error_that_names_the_column() {
    for (name, value) in [
        ("lines", Value::Json("{".into())),
        ("lines", Value::Json("5".into())),
        ("lines", Value::Json(r#"[{"TITLE":5}]"#.into())),
        ("structure", Value::Json("[]".into())),
        ("int32_value", Value::Int(1 << 40)),
        ("uint64_value", Value::Int(-1)),
        ("fixed32_value", Value::Int(-1)),
        ("sku", Value::Int(1)),
        ("date", Value::Int(-1)),
        ("decimal", Value::Text("12.5".into())),
        ("opens", Value::Int(-1)),
        ("create_time", Value::Text("now".into())),
        ("_id", Value::Null),
    ] {
        let mut row = stored("{}");
        row[column(name)] = value;
        let mut out = b"before".to_vec();
        let error = PLAN.encode(&row, &mut out).unwrap_err();
        assert_eq!(error.column, name, "{error}");
        assert_eq!(&out[..], b"before");
        assert!(PLAN.encode_field(1, &row, None, &mut out).is_err());
        assert_eq!(&out[..], b"before");
    }
}

#[test]
fn keys_of_fields_that_are_gone_are_passed_over() {
    let mut row = stored("{}");
    row[column("lines")] = Value::Json(r#"[{"OLD":{"deep":[1,"x",null]},"TITLE":"a"}]"#.into());
    assert_eq!(encoded(&row), format!(r#"{HEAD},"lines":[{{"title":"a"}}],{TAIL}"#));
}

#[test]
fn json_that_the_engine_wrote_in_its_own_way_is_read() {
    let mut row = stored("{}");
    row[column("riches")] = Value::Json(r#"[ {"BIG" : 1E2, "TIME":1.0e0, "SMALL": 0.10000000149011612000 } ]"#.into());
    let expected = r#""riches":[{"time":"1970-01-01T00:00:00.000001Z","big":"100","small":0.1}]"#;
    assert_eq!(encoded(&row), format!("{HEAD},{expected},{TAIL}"));
}
