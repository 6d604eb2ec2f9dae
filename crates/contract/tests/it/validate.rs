//! Records are validated as the contract says.

use mainstay_contract::{Contract, Resource};
use mainstay_record::{Kind, Value};

use crate::harness::{compile_text, shop, thing};

fn compiled(fields: &str) -> Contract {
    compile_text(&thing(fields)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A row of zeros and NULLs, with these values.
fn row(resource: &Resource, values: &[(&str, Value)]) -> Vec<Value> {
    let columns = resource.layout.columns.iter();
    let row = columns.map(|column| match values.iter().find(|(name, _)| *name == column.name) {
        Some((_, value)) => value.clone(),
        None if column.nullable || column.kind == Kind::Json => Value::Null,
        None => column.kind.zero(),
    });
    row.collect()
}

/// When everything here is written.
const NOW: i64 = 1_700_000_000_000_000;

fn violations(contract: &Contract, values: &[(&str, Value)]) -> Vec<String> {
    let resource = &contract.resources[0];
    let found = resource.violations(&row(resource, values), Some(NOW)).into_iter().map(|violated| violated.violation);
    found.map(|violation| format!("{} {}", violation.field, violation.description)).collect()
}

#[test]
fn a_required_field_must_be_set() {
    let contract = compiled(
        "string a = 2 [(google.api.field_behavior) = REQUIRED]; optional int32 b = 3 [(buf.validate.field).required = true];",
    );
    assert_eq!(violations(&contract, &[]), ["a is required", "b is required"]);
    assert_eq!(violations(&contract, &[("a", Value::Text("x".into())), ("b", Value::Int(0))]), [""; 0]);
}

#[test]
fn a_field_without_presence_is_checked_even_where_it_is_zero() {
    let contract = compiled(
        "int32 a = 2 [(buf.validate.field).int32.gt = 0]; optional int32 b = 3 [(buf.validate.field).int32.gt = 0];",
    );
    assert_eq!(violations(&contract, &[]), ["a must be greater than 0"]);
    assert_eq!(violations(&contract, &[("a", Value::Int(1)), ("b", Value::Int(0))]), ["b must be greater than 0"]);
}

#[test]
fn a_zero_can_be_let_through() {
    let ignore = "(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE";
    let contract = compiled(&format!("string a = 2 [(buf.validate.field).string.min_len = 2, {ignore}];"));
    assert_eq!(violations(&contract, &[]), [""; 0]);
    assert_eq!(violations(&contract, &[("a", Value::Text("x".into()))]), ["a must have at least 2 characters"]);
}

#[test]
fn an_element_that_is_zero_can_be_let_through() {
    let zero = "ignore: IGNORE_IF_ZERO_VALUE";
    let contract = compiled(&format!(
        "repeated string texts = 2 [(buf.validate.field).repeated.items = {{string: {{min_len: 2}} {zero}}}];
         repeated int32 numbers = 3 [(buf.validate.field).repeated.items = {{int32: {{gte: 5}} {zero}}}];
         repeated double doubles = 4 [(buf.validate.field).repeated.items = {{double: {{gte: 5}} {zero}}}];
         repeated Kind kinds = 5 [(buf.validate.field).repeated.items = {{enum: {{in: 2}} {zero}}}];
         repeated google.protobuf.StringValue wrapped = 6 [(buf.validate.field).repeated.items = {{string: {{min_len: 2}} {zero}}}];
         repeated Node nodes = 7;
         repeated string never = 8 [(buf.validate.field).repeated.items = {{string: {{min_len: 2}} ignore: IGNORE_ALWAYS}}];
         repeated string all = 9 [(buf.validate.field).repeated.items = {{string: {{min_len: 2}} ignore: IGNORE_UNSPECIFIED}}];
         message Node {{ repeated string inner = 1 [(buf.validate.field).repeated.items = {{string: {{min_len: 2}} {zero}}}]; }}
         enum Kind {{ KIND_UNSPECIFIED = 0; FIRST = 1; SECOND = 2; }}"
    ));
    let json = |text: &str| Value::Json(text.into());
    let texts = json(r#"["","a","ab"]"#);
    let numbers = json("[0,1,5]");
    for (column, value, said) in [
        ("texts", texts.clone(), "texts[1] must have at least 2 characters"),
        ("numbers", numbers.clone(), "numbers[1] must be at least 5"),
        ("doubles", numbers, "doubles[1] must be at least 5"),
        ("kinds", json("[0,1,2]"), "kinds[1] must be one of SECOND"),
        ("wrapped", texts.clone(), "wrapped[1] must have at least 2 characters"),
        ("nodes", json(r#"[{"inner":["","a"]}]"#), "nodes[0].inner[1] must have at least 2 characters"),
    ] {
        assert_eq!(violations(&contract, &[(column, value)]), [said], "{column}");
    }
    assert_eq!(violations(&contract, &[("never", texts.clone())]), [""; 0]);
    let all = ["all[0] must have at least 2 characters", "all[1] must have at least 2 characters"];
    assert_eq!(violations(&contract, &[("all", texts)]), all);
}

#[test]
fn constraints_can_be_switched_off() {
    let contract = compiled(
        "string a = 2 [(buf.validate.field).string.min_len = 2, (buf.validate.field).ignore = IGNORE_ALWAYS];",
    );
    assert_eq!(violations(&contract, &[("a", Value::Text("x".into()))]), [""; 0]);
}

#[test]
fn each_constraint_says_what_the_value_must_be() {
    for (ty, rule, good, bad, said) in [
        ("int32", "int32.gte = 3", Value::Int(3), Value::Int(2), "must be at least 3"),
        ("int64", "int64.lt = 3", Value::Int(2), Value::Int(3), "must be less than 3"),
        ("sint32", "sint32.lte = -3", Value::Int(-3), Value::Int(-2), "must be at most -3"),
        ("uint32", "uint32 = {in: [1, 2]}", Value::Int(2), Value::Int(3), "must be one of 1, 2"),
        ("fixed64", "fixed64.not_in = 7", Value::Int(2), Value::Int(7), "must be none of 7"),
        ("uint64", "uint64.lte = 18446744073709551615", Value::Int(2), Value::Null, ""),
        ("double", "double.gt = 0.5", Value::Double(0.6), Value::Double(0.5), "must be greater than 0.5"),
        ("float", "float.const = 2", Value::Double(2.0), Value::Double(0.5), "must be one of 2"),
        ("bool", "bool.const = true", Value::Bool(true), Value::Bool(false), "must be true"),
        (
            "string",
            "string.max_len = 1",
            Value::Text("ß".into()),
            Value::Text("ab".into()),
            "must have at most 1 character",
        ),
        (
            "string",
            "string.len = 2",
            Value::Text("ab".into()),
            Value::Text("a".into()),
            "must have at least 2 characters",
        ),
        ("string", "string.pattern = '^a+$'", Value::Text("aa".into()), Value::Text("ab".into()), "must match ^a+$"),
        (
            "string",
            "string = {in: ['a', 'b']}",
            Value::Text("a".into()),
            Value::Text("c".into()),
            "must be one of \"a\", \"b\"",
        ),
        ("string", "string.not_in = 'a'", Value::Text("b".into()), Value::Text("a".into()), "must be none of \"a\""),
        ("google.protobuf.Int32Value", "int32.gte = 3", Value::Int(3), Value::Int(2), "must be at least 3"),
        ("Kind", "enum.defined_only = true", Value::Int(1), Value::Int(2), "must be one of KIND_UNSPECIFIED, FIRST"),
        ("Kind", "enum.const = 1", Value::Int(1), Value::Int(0), "must be one of FIRST"),
        ("Kind", "enum.not_in = 1", Value::Int(0), Value::Int(1), "must be none of FIRST"),
    ] {
        let contract = compiled(&format!(
            "{ty} a = 2 [(buf.validate.field).{rule}]; enum Kind {{ KIND_UNSPECIFIED = 0; FIRST = 1; }}"
        ));
        assert_eq!(violations(&contract, &[("a", good)]), [""; 0], "{rule}");
        if !said.is_empty() {
            assert_eq!(violations(&contract, &[("a", bad)]), [format!("a {said}")], "{rule}");
        }
    }
}

#[test]
fn an_empty_list_has_no_elements_and_a_long_one_too_many() {
    let contract = compiled(
        "repeated string tags = 2 [(buf.validate.field).repeated = {min_items: 1, max_items: 2, items: {string: {min_len: 2}}}];",
    );
    assert_eq!(violations(&contract, &[]), ["tags must have at least 1 element, not 0"]);
    let many = Value::Json(r#"["ab","c","de"]"#.into());
    let said = ["tags must have at most 2 elements, not 3", "tags[1] must have at least 2 characters"];
    assert_eq!(violations(&contract, &[("tags", many)]), said);
}

#[test]
fn what_lies_inside_messages_is_checked_where_they_are_set() {
    let contract =
        compiled("Inner inner = 2; message Inner { string a = 1 [(buf.validate.field).string.min_len = 1]; }");
    assert_eq!(violations(&contract, &[]), [""; 0]);
    assert_eq!(violations(&contract, &[("_has_inner", Value::Bool(true))]), ["inner.a must have at least 1 character"]);
}

#[test]
fn the_lines_of_an_order_are_checked_one_by_one() {
    let contract = shop();
    let order = contract.resource("shop.example.com/Order").expect("the shop has orders");
    let lines = r#"[{"product":"products/cup","quantity":2},{"product":"products/cup"},{"quantity":2000}]"#;
    let found = order.violations(&row(order, &[("lines", Value::Json(lines.into()))]), None).into_iter();
    let found = found.map(|found| format!("{} {}", found.violation.field, found.violation.description));
    let found: Vec<String> = found.collect();
    assert_eq!(found, ["lines[1].quantity must be at least 1", "lines[2].quantity must be at most 1000"]);
}

#[test]
fn maps_and_recursive_messages_are_checked_all_the_way_down() {
    let contract = compiled(
        "Node tree = 2; map<string, Node> nodes = 3; message Node { int32 size = 1 [(buf.validate.field).int32.gt = 0]; \
         repeated Node more = 2; string label = 3 [(google.api.field_behavior) = REQUIRED]; }",
    );
    let tree = Value::Json(r#"{"size":1,"label":"a","more":[{"size":1,"label":"b","more":[{"label":"c"}]}]}"#.into());
    assert_eq!(violations(&contract, &[("tree", tree)]), ["tree.more[0].more[0].size must be greater than 0"]);
    let nodes = Value::Json(r#"{"x":{"size":1}}"#.into());
    assert_eq!(violations(&contract, &[("nodes", nodes)]), ["nodes[\"x\"].label is required"]);
}

#[test]
fn a_damaged_column_is_no_reason_to_panic() {
    let contract = compiled(
        "repeated Node nodes = 2 [(buf.validate.field).repeated.min_items = 1]; message Node { int32 size = 1 [(buf.validate.field).int32.gt = 0]; }",
    );
    for text in ["", "{", "7", "[7,null,\"a\",[]]", "{\"size\":{}}"] {
        violations(&contract, &[("nodes", Value::Json(text.into()))]);
    }
    contract.resources[0].violations(&[], None);
}

#[test]
fn a_check_keeps_its_identity_when_an_enum_value_is_renamed() {
    let said = |name: &str| {
        let contract = compiled(&format!(
            "Kind a = 2 [(buf.validate.field).enum.defined_only = true]; enum Kind {{ KIND_UNSPECIFIED = 0; {name} = 1; }}"
        ));
        contract.resources[0].fields.iter().flat_map(|field| &field.checks).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said("FIRST"), ["must be one of 0, 1"]);
    assert_eq!(said("FIRST"), said("RENAMED"));
}

fn money(contract: &Contract, currency: &str, units: i64, nanos: i64) -> Vec<String> {
    let found = violations(
        contract,
        &[
            ("_has_a", Value::Bool(true)),
            ("a__currency_code", Value::Text(currency.into())),
            ("a__units", Value::Int(units)),
            ("a__nanos", Value::Int(nanos)),
        ],
    );
    let json = serde_json::json!([{"currency_code": currency, "units": units, "nanos": nanos}]);
    let listed = violations(contract, &[("list", Value::Json(json.to_string()))]);
    let renamed: Vec<String> = listed.iter().map(|text| text.replacen("list[0]", "a", 1)).collect();
    assert_eq!(found, renamed, "the same in columns and in JSON");
    found
}

#[test]
fn the_parts_of_money_must_agree() {
    let contract = compiled("google.type.Money a = 2; repeated google.type.Money list = 3;");
    assert_eq!(violations(&contract, &[]), [""; 0], "unset");
    for (currency, units, nanos) in
        [("", 0, 0), ("EUR", 0, 0), ("EUR", i64::MAX, 999_999_999), ("EUR", i64::MIN, -999_999_999), ("XAU", 0, -1)]
    {
        assert_eq!(money(&contract, currency, units, nanos), [""; 0], "{currency} {units} {nanos}");
    }
    for currency in ["", "eur", "EU", "EURO", "EU1", "ÄB", "E R"] {
        let said = ["a.currency_code must be three upper-case letters, a code of ISO 4217 such as EUR"];
        assert_eq!(money(&contract, currency, 1, 0), said, "{currency}");
    }
    for nanos in [1_000_000_000, -1_000_000_000, i64::MAX, i64::MIN] {
        let said = ["a.nanos must be from -999999999 to 999999999: whole units belong in `units`"];
        assert_eq!(money(&contract, "EUR", 0, nanos), said, "{nanos}");
    }
    for (units, nanos) in [(1, -1), (-1, 1), (i64::MIN, 1)] {
        let said = ["a.nanos must have the sign of `units`: -1.75 is units -1 and nanos -750000000"];
        assert_eq!(money(&contract, "EUR", units, nanos), said, "{units} {nanos}");
    }
    assert_eq!(money(&contract, "eur1", 1, -2_000_000_000).len(), 2, "all at once");
}

#[test]
fn money_deep_inside_documents_is_checked_too() {
    let contract = compiled(
        "map<string, Line> lines = 2; Node node = 3; message Line { google.type.Money price = 1; } \
         message Node { google.type.Money price = 1; Node next = 2; }",
    );
    let lines = Value::Json(r#"{"x":{"price":{"units":1}},"y":{"price":{}},"z":{}}"#.into());
    let said = " must be three upper-case letters, a code of ISO 4217 such as EUR";
    assert_eq!(violations(&contract, &[("lines", lines)]), [format!("lines[\"x\"].price.currency_code{said}")]);
    let node = Value::Json(r#"{"next":{"next":{"price":{"nanos":5}}}}"#.into());
    assert_eq!(violations(&contract, &[("node", node)]), [format!("node.next.next.price.currency_code{said}")]);
}

#[test]
fn a_text_is_measured_in_bytes_and_by_its_parts() {
    let contract = compiled(
        r#"string a = 2 [(buf.validate.field).string.max_bytes = 2];
           string b = 3 [(buf.validate.field).string.min_bytes = 3];
           string c = 4 [(buf.validate.field).string.len_bytes = 2];
           string d = 5 [(buf.validate.field).string = {prefix: "x" suffix: "z" contains: "y" not_contains: "q"}];
           optional string mail = 6 [(buf.validate.field).string.email = true];"#,
    );
    let text = |text: &str| Value::Text(text.to_owned());
    let good = [
        ("a", text("ä")),
        ("b", text("ab\u{e4}")),
        ("c", text("ä")),
        ("d", text("xyz")),
        ("mail", text("ada@example.org")),
    ];
    assert_eq!(violations(&contract, &good), [""; 0]);
    let bad = [("a", text("äb")), ("b", text("ä")), ("c", text("abc")), ("d", text("q")), ("mail", text("ada"))];
    assert_eq!(
        violations(&contract, &bad),
        [
            "a must have at most 2 bytes",
            "b must have at least 3 bytes",
            "c must have at most 2 bytes",
            "d must begin with \"x\"",
            "d must end with \"z\"",
            "d must contain \"y\"",
            "d must not contain \"q\"",
            "mail must be an e-mail address",
        ]
    );
}

#[test]
fn elements_are_told_apart_and_entries_counted() {
    let contract = compiled(
        r#"repeated string tags = 2 [(buf.validate.field).repeated = {unique: true items: {string: {email: true}}}];
           repeated double rates = 3 [(buf.validate.field).repeated.unique = true];
           map<string, string> labels = 4 [(buf.validate.field).map = {min_pairs: 1 max_pairs: 2 values: {string: {max_len: 1}}}];
           Inner inner = 5;
           message Inner { repeated int32 numbers = 1 [(buf.validate.field).repeated.unique = true]; repeated Inner more = 2; }"#,
    );
    let json = |text: &str| Value::Json(text.to_owned());
    let good =
        [("tags", json(r#"["a@b.de","c@d.de"]"#)), ("rates", json("[1.0,2.5]")), ("labels", json(r#"{"a":"x"}"#))];
    assert_eq!(violations(&contract, &good), [""; 0]);
    let bad = [
        ("tags", json(r#"["a@b.de","c","a@b.de"]"#)),
        ("rates", json("[1.5,2.0,1.5]")),
        ("labels", json(r#"{"a":"xx","b":"","c":""}"#)),
        ("inner", json(r#"{"numbers":[1,1],"more":[{"numbers":[2,3]},{"numbers":[2,3,3]}]}"#)),
    ];
    assert_eq!(
        violations(&contract, &bad),
        [
            "tags must have no element twice: element 2 stands there before",
            "tags[1] must be an e-mail address",
            "rates must have no element twice: element 2 stands there before",
            "labels must have at most 2 elements, not 3",
            "labels[\"a\"] must have at most 1 character",
            "inner.numbers must have no element twice: element 1 stands there before",
            "inner.more[1].numbers must have no element twice: element 2 stands there before",
        ]
    );
}

#[test]
fn a_number_can_be_held_to_be_finite() {
    let contract = compiled(
        "double a = 2 [(buf.validate.field).double.finite = true]; float b = 3 [(buf.validate.field).float.finite = true];",
    );
    assert_eq!(violations(&contract, &[("a", Value::Double(1e300))]), [""; 0]);
    let endless = [("a", Value::Double(f64::INFINITY)), ("b", Value::Double(f64::NEG_INFINITY))];
    assert_eq!(violations(&contract, &endless), ["a must be finite", "b must be finite"]);
}

#[test]
fn bytes_and_times_have_bounds_in_columns_and_in_lists() {
    let contract = compiled(
        r#"optional bytes key = 2 [(buf.validate.field).bytes = {min_len: 2 max_len: 3 prefix: "\x01" not_in: "\x01\x02"}];
           google.protobuf.Duration wait = 3 [(buf.validate.field).duration = {gt: {seconds: 1} lte: {seconds: 90 nanos: 500000000}}];
           google.protobuf.Timestamp start = 4 [(buf.validate.field).timestamp.gte = {seconds: 1577836800}];
           repeated google.protobuf.Duration waits = 5 [(buf.validate.field).repeated.items.duration.in = {seconds: 5}];
           repeated bytes keys = 6 [(buf.validate.field).repeated.items.bytes.len = 1];"#,
    );
    let json = |text: &str| Value::Json(text.to_owned());
    let good = [
        ("key", Value::Bytes(vec![1, 3])),
        ("wait", Value::Int(90_500_000)),
        ("start", Value::Timestamp(1_577_836_800_000_000)),
        ("waits", json("[5000000]")),
        ("keys", json(r#"["AQ=="]"#)),
    ];
    assert_eq!(violations(&contract, &good), [""; 0]);
    assert_eq!(violations(&contract, &[]), [""; 0], "what is unset is not checked");
    let bad = [
        ("key", Value::Bytes(vec![2, 1, 1, 1])),
        ("wait", Value::Int(1_000_000)),
        ("start", Value::Timestamp(1_577_836_799_999_999)),
        ("waits", json("[5000000,6000000]")),
        ("keys", json(r#"["AQ==","AQI="]"#)),
    ];
    assert_eq!(
        violations(&contract, &bad),
        [
            "key must have at most 3 bytes",
            "key must begin with 0x01",
            "wait must be greater than 1s",
            "start must be at least 2020-01-01T00:00:00Z",
            "waits[1] must be one of 5s",
            "keys[1] must have at most 1 byte",
        ]
    );
    assert_eq!(violations(&contract, &[("key", Value::Bytes(vec![1, 2]))]), ["key must be none of 0x0102"]);
}

#[test]
fn a_message_is_held_to_what_is_said_of_it_as_a_whole() {
    let contract = compiled(
        r#"option (buf.validate.message).cel = {id: "used_up" message: "the coupon is used up" expression: "this.uses <= this.max_uses"};
           option (buf.validate.message).cel_expression = "this.code != 'x' || !has(this.span)";
           int32 uses = 2; int32 max_uses = 3; string code = 4; Span span = 5;
           message Span {
             option (buf.validate.message).cel = {id: "order" expression: "this.first < this.last"};
             google.type.Date first = 1; google.type.Date last = 2;
           }"#,
    );
    let days = |first: i64, last: i64| {
        [("_has_span", Value::Bool(true)), ("span__first", Value::Int(first)), ("span__last", Value::Int(last))]
    };
    assert_eq!(violations(&contract, &[("uses", Value::Int(3)), ("max_uses", Value::Int(3))]), [""; 0]);
    assert_eq!(violations(&contract, &days(20_260_101, 20_260_102)), [""; 0]);
    assert_eq!(
        violations(&contract, &days(20_260_102, 20_260_102)),
        ["span must be so that this.first < this.last (order)"]
    );
    let half = [("_has_span", Value::Bool(true)), ("uses", Value::Int(4)), ("code", Value::Text("x".to_owned()))];
    assert_eq!(
        violations(&contract, &half),
        [
            "span must be so that this.first < this.last (order)",
            " must be so that this.code != 'x' || !has(this.span) (this.code != 'x' || !has(this.span))",
            " the coupon is used up (used_up)",
        ]
    );
}

#[test]
fn a_range_may_exclude_its_middle() {
    let contract = compiled(
        "int32 a = 2 [(buf.validate.field).int32 = {gt: 10, lt: 5}];
         double b = 3 [(buf.validate.field).double = {gte: 1.5, lte: -1.5}];
         google.protobuf.Duration c = 4 [(buf.validate.field).duration = {gt: {seconds: 60}, lt: {seconds: 30}}];
         int64 d = 5 [(buf.validate.field).int64 = {gte: 9007199254740993, lte: 9007199254740992}];
         int32 e = 6 [(buf.validate.field).int32 = {gte: 5, lte: 5}];",
    );
    let fine = [("a", 4), ("a", 11), ("d", 9_007_199_254_740_992), ("d", 9_007_199_254_740_993), ("c", 29_000_000)];
    for (column, value) in fine {
        let mut row = vec![("a", Value::Int(0)), ("b", Value::Double(2.0)), ("e", Value::Int(5))];
        row.retain(|(known, _)| *known != column);
        row.push((column, Value::Int(value)));
        assert_eq!(violations(&contract, &row), [""; 0], "{column} {value}");
    }
    let bad = [("a", Value::Int(7)), ("b", Value::Double(0.0)), ("c", Value::Int(45_000_000)), ("e", Value::Int(6))];
    assert_eq!(
        violations(&contract, &bad),
        [
            "a must be greater than 10 or less than 5",
            "b must be at least 1.5 or at most -1.5",
            "c must be greater than 60s or less than 30s",
            "e must be at most 5",
        ]
    );
}

#[test]
fn a_timestamp_is_held_to_the_time_of_the_write() {
    let contract = compiled(
        "google.protobuf.Timestamp past = 2 [(buf.validate.field).timestamp.lt_now = true];
         google.protobuf.Timestamp future = 3 [(buf.validate.field).timestamp.gt_now = true];
         google.protobuf.Timestamp near = 4 [(buf.validate.field).timestamp.within = {seconds: 90}];",
    );
    const SECOND: i64 = 1_000_000;
    let at = |past: i64, future: i64, near: i64| {
        [("past", past), ("future", future), ("near", near)].map(|(name, off)| (name, Value::Timestamp(NOW + off)))
    };
    assert_eq!(violations(&contract, &[]), [""; 0], "what is unset is not checked");
    assert_eq!(violations(&contract, &at(-1, 1, 90 * SECOND)), [""; 0]);
    assert_eq!(violations(&contract, &at(-1, 1, -90 * SECOND)), [""; 0]);
    let wrong =
        ["past must be in the past", "future must be in the future", "near must be no further than 90s from now"];
    for near in [90 * SECOND + 1, -90 * SECOND - 1] {
        assert_eq!(violations(&contract, &at(0, 0, near)), wrong);
    }
    let row = row(&contract.resources[0], &at(1, -1, 1 << 50));
    assert_eq!(contract.resources[0].violations(&row, None), [], "nobody knows when");
}

#[test]
fn bytes_may_be_of_a_form() {
    let contract = compiled(
        r#"optional bytes text = 2 [(buf.validate.field).bytes.pattern = "^[a-z]+$"];
           optional bytes ip = 3 [(buf.validate.field).bytes.ip = true];
           optional bytes ipv4 = 4 [(buf.validate.field).bytes.ipv4 = true];
           optional bytes ipv6 = 5 [(buf.validate.field).bytes.ipv6 = true];
           optional bytes uuid = 6 [(buf.validate.field).bytes.uuid = true];"#,
    );
    let of = |text: &[u8], ip: usize, four: usize, six: usize, uuid: usize| {
        let bytes = |count| Value::Bytes(vec![0; count]);
        [
            ("text", Value::Bytes(text.to_vec())),
            ("ip", bytes(ip)),
            ("ipv4", bytes(four)),
            ("ipv6", bytes(six)),
            ("uuid", bytes(uuid)),
        ]
    };
    assert_eq!(violations(&contract, &of(b"abc", 4, 4, 16, 16)), [""; 0]);
    assert_eq!(violations(&contract, &of(b"abc", 16, 4, 16, 16)), [""; 0]);
    let wrong = [
        "text must be text that matches ^[a-z]+$",
        "ip must be an IP address, 4 or 16 bytes",
        "ipv4 must be an IPv4 address, 4 bytes",
        "ipv6 must be an IPv6 address, 16 bytes",
        "uuid must be a UUID, 16 bytes",
    ];
    assert_eq!(violations(&contract, &of(b"ab1", 5, 16, 4, 15)), wrong);
    assert_eq!(violations(&contract, &of(b"ab\xff", 0, 0, 0, 0)), wrong, "bytes that are no text match nothing");
}

#[test]
fn the_keys_of_a_map_are_held_to_what_is_said_of_them() {
    let contract = compiled(
        r#"map<string, int32> a = 2 [(buf.validate.field).map = {keys: {string: {pattern: "^[a-z]+$"}} values: {int32: {gt: 0}}}];
           map<int32, string> b = 3 [(buf.validate.field).map.keys = {int32: {gt: 10 lt: 5} cel_expression: "this != 99"}];
           map<bool, string> c = 4 [(buf.validate.field).map.keys.bool.const = true];
           map<int64, Inner> d = 5;
           message Inner { map<string, string> e = 1 [(buf.validate.field).map.keys.string.len = 1]; }"#,
    );
    let json = |text: &str| Value::Json(text.to_owned());
    let good = [
        ("a", json(r#"{"x":1}"#)),
        ("b", json(r#"{"4":"","11":""}"#)),
        ("c", json(r#"{"true":""}"#)),
        ("d", json(r#"{"1":{"e":{"x":""}}}"#)),
    ];
    assert_eq!(violations(&contract, &good), [""; 0]);
    let bad = [
        ("a", json(r#"{"X":0}"#)),
        ("b", json(r#"{"7":"","99":""}"#)),
        ("c", json(r#"{"false":""}"#)),
        ("d", json(r#"{"1":{"e":{"xx":""}}}"#)),
    ];
    assert_eq!(
        violations(&contract, &bad),
        [
            "a[\"X\"] has a key that must match ^[a-z]+$",
            "a[\"X\"] must be greater than 0",
            "b[\"7\"] has a key that must be greater than 10 or less than 5",
            "b[\"99\"] has a key that must be so that this != 99 (this != 99)",
            "c[\"false\"] has a key that must be true",
            "d[\"1\"].e[\"xx\"] has a key that must have at most 1 character",
        ]
    );
}
