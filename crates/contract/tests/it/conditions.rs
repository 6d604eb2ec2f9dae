//! Conditions that a contract writes out for what is stored, wherever it lies.

use mainstay_contract::{Contract, Resource};
use mainstay_record::{Kind, Value};

use crate::harness::{compile_text, thing};

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

fn violations(contract: &Contract, values: &[(&str, Value)]) -> Vec<String> {
    let resource = &contract.resources[0];
    let found = resource.violations(&row(resource, values), None).into_iter().map(|violated| violated.violation);
    found.map(|violation| format!("{}: {}", violation.field, violation.description)).collect()
}

fn json(text: &str) -> Value {
    Value::Json(text.to_owned())
}

#[test]
fn a_field_of_any_kind_is_held_to_its_conditions() {
    let contract = compiled(
        r#"string code = 2 [(buf.validate.field).cel = {id: "no_x" message: "must not begin with x" expression: "!this.startsWith('x')"}];
           optional int32 even = 3 [(buf.validate.field).cel_expression = "this in [2, 4, 6]"];
           google.protobuf.Duration wait = 4 [(buf.validate.field).cel = {id: "short" expression: "this < duration('1m')"}];
           google.protobuf.Timestamp when = 5 [(buf.validate.field).cel_expression = "this > timestamp('2020-01-01T00:00:00Z')"];
           Kind kind = 6 [(buf.validate.field).cel_expression = "this != Kind.SECOND"];
           repeated string tags = 7 [(buf.validate.field).cel_expression = "size(this) < 3 && this.all(tag, tag != 'bad')"];
           map<string, int32> counts = 8 [(buf.validate.field).cel_expression = "!('secret' in this)"];
           repeated int32 numbers = 9 [(buf.validate.field).repeated.items.cel = {id: "positive" expression: "this > 0"}];
           map<string, string> texts = 10 [(buf.validate.field).map.values.cel_expression = "size(this) <= 2"];
           google.protobuf.Int32Value wrapped = 11 [(buf.validate.field).cel_expression = "this < 5"];
           enum Kind { KIND_UNSPECIFIED = 0; FIRST = 1; SECOND = 2; }"#,
    );
    assert_eq!(violations(&contract, &[]), [""; 0], "all of them take what is unset");
    let good = [
        ("code", Value::Text("ax".into())),
        ("even", Value::Int(4)),
        ("wait", Value::Int(1_000_000)),
        ("when", Value::Timestamp(1_700_000_000_000_000)),
        ("kind", Value::Int(1)),
        ("tags", json(r#"["a","b"]"#)),
        ("counts", json(r#"{"a":1}"#)),
        ("numbers", json("[1,2]")),
        ("texts", json(r#"{"a":"bb"}"#)),
        ("wrapped", Value::Int(4)),
    ];
    assert_eq!(violations(&contract, &good), [""; 0]);
    let bad = [
        ("code", Value::Text("xa".into())),
        ("even", Value::Int(5)),
        ("wait", Value::Int(60_000_000)),
        ("when", Value::Timestamp(0)),
        ("kind", Value::Int(2)),
        ("tags", json(r#"["bad"]"#)),
        ("counts", json(r#"{"secret":1}"#)),
        ("numbers", json("[1,-2]")),
        ("texts", json(r#"{"a":"bbb"}"#)),
        ("wrapped", Value::Int(5)),
    ];
    assert_eq!(
        violations(&contract, &bad),
        [
            "code: must not begin with x (no_x)",
            "even: must be so that this in [2, 4, 6] (this in [2, 4, 6])",
            "wait: must be so that this < duration('1m') (short)",
            "when: must be so that this > timestamp('2020-01-01T00:00:00Z') (this > timestamp('2020-01-01T00:00:00Z'))",
            "kind: must be so that this != Kind.SECOND (this != Kind.SECOND)",
            "tags: must be so that size(this) < 3 && this.all(tag, tag != 'bad') (size(this) < 3 && this.all(tag, tag != 'bad'))",
            "counts: must be so that !('secret' in this) (!('secret' in this))",
            "numbers[1]: must be so that this > 0 (positive)",
            "texts[\"a\"]: must be so that size(this) <= 2 (size(this) <= 2)",
            "wrapped: must be so that this < 5 (this < 5)",
        ]
    );
}

/// The messages of a document are held to what stands on them and on their fields, each where it is.
#[test]
fn messages_in_lists_and_maps_are_held_to_their_conditions_at_any_depth() {
    let contract = compiled(
        r#"repeated Line lines = 2;
           map<string, Line> by_key = 3;
           Node tree = 4;
           message Line {
             option (buf.validate.message).cel = {id: "enough" message: "there are too many" expression: "this.taken <= this.there"};
             option (buf.validate.message).oneof = {fields: "product" fields: "text"};
             int32 taken = 1;
             int32 there = 2 [(buf.validate.field).cel_expression = "this < 100"];
             string product = 3;
             string text = 4;
             repeated Part parts = 5 [(buf.validate.field).repeated.items.cel = {id: "named" expression: "this.name != ''"}];
           }
           message Part {
             option (buf.validate.message).cel_expression = "this.from <= this.to";
             string name = 1; int32 from = 2; int32 to = 3;
             repeated int32 marks = 4 [(buf.validate.field).repeated.items.cel_expression = "this != 13"];
           }
           message Node {
             option (buf.validate.message).cel = {id: "weighs" expression: "this.weight > 0"};
             int32 weight = 1; repeated Node below = 2;
           }"#,
    );
    let good = r#"{"taken":1,"there":2,"product":"p","parts":[{"name":"a","from":1,"to":1,"marks":[12]}]}"#;
    let tree = r#"{"weight":1,"below":[{"weight":2}]}"#;
    let all =
        [("lines", json(&format!("[{good}]"))), ("by_key", json(&format!(r#"{{"k":{good}}}"#))), ("tree", json(tree))];
    assert_eq!(violations(&contract, &all), [""; 0]);
    let bad = r#"{"taken":101,"there":100,"product":"p","text":"t","parts":[{"from":2,"to":1,"marks":[1,13]}]}"#;
    let tree = r#"{"weight":1,"below":[{"weight":2,"below":[{}]}]}"#;
    let all = [
        ("lines", json(&format!("[{good},{bad}]"))),
        ("by_key", json(&format!(r#"{{"k":{bad}}}"#))),
        ("tree", json(tree)),
    ];
    let of_line = |at: &str| {
        [
            format!("{at}.there: must be so that this < 100 (this < 100)"),
            format!("{at}.parts[0]: must be so that this.name != '' (named)"),
            format!("{at}.parts[0].marks[1]: must be so that this != 13 (this != 13)"),
            format!("{at}.parts[0]: must be so that this.from <= this.to (this.from <= this.to)"),
            format!("{at}: there are too many (enough)"),
            format!("{at}: only one of `product`, `text` may be set (message.oneof)"),
        ]
    };
    let mut wanted = of_line("lines[1]").to_vec();
    wanted.extend(of_line("by_key[\"k\"]"));
    wanted.push("tree.below[0].below[0]: must be so that this.weight > 0 (weighs)".to_owned());
    assert_eq!(violations(&contract, &all), wanted);
}

#[test]
fn of_some_fields_no_two_are_set_and_one_where_it_must_be() {
    let contract = compiled(
        r#"option (buf.validate.message).oneof = {fields: "mail" fields: "phone" fields: "tags" required: true};
           option (buf.validate.message).oneof = {fields: "span" fields: "day"};
           string mail = 2; optional string phone = 3; repeated string tags = 4;
           Span span = 5; google.type.Date day = 6;
           message Span {
             option (buf.validate.message).oneof = {fields: "a" fields: "b" required: true};
             int32 a = 1; int32 b = 2;
           }"#,
    );
    let text = |text: &str| Value::Text(text.into());
    for one in [("mail", text("a")), ("phone", text("")), ("tags", json(r#"["a"]"#))] {
        assert_eq!(violations(&contract, &[one]), [""; 0]);
    }
    let must = ": one of `mail`, `phone`, `tags` must be set (message.oneof)";
    let only = ": only one of `mail`, `phone`, `tags` may be set (message.oneof)";
    assert_eq!(violations(&contract, &[]), [must]);
    assert_eq!(violations(&contract, &[("mail", text("a")), ("tags", json(r#"["a"]"#))]), [only]);
    assert_eq!(violations(&contract, &[("phone", text("")), ("tags", json(r#"["a"]"#))]), [only]);
    let both = [
        ("mail", text("a")),
        ("_has_span", Value::Bool(true)),
        ("span__a", Value::Int(1)),
        ("span__b", Value::Int(1)),
        ("day", Value::Int(20_260_101)),
    ];
    assert_eq!(
        violations(&contract, &both),
        [
            "span: only one of `a`, `b` may be set (message.oneof)",
            ": only one of `span`, `day` may be set (message.oneof)"
        ]
    );
    let unset = [("mail", text("a")), ("_has_span", Value::Bool(true))];
    assert_eq!(violations(&contract, &unset), ["span: one of `a`, `b` must be set (message.oneof)"]);
}

#[test]
fn a_condition_may_say_itself_what_is_wrong() {
    let contract = compiled(
        r#"option (buf.validate.message).cel = {id: "most" message: "unused" expression: "this.a > this.b ? 'a is above b' : ''"};
           int32 a = 2; int32 b = 3;
           string c = 4 [(buf.validate.field).cel_expression = "this == 'x' ? 'x is taken' : ''"];"#,
    );
    assert_eq!(violations(&contract, &[("a", Value::Int(1)), ("b", Value::Int(1))]), [""; 0]);
    let bad = [("a", Value::Int(2)), ("b", Value::Int(1)), ("c", Value::Text("x".into()))];
    let source = "this == 'x' ? 'x is taken' : ''";
    assert_eq!(violations(&contract, &bad), [format!("c: x is taken ({source})"), ": a is above b (most)".to_owned()]);
}

/// A message that lies in columns is compared there.
#[test]
fn a_field_that_holds_a_message_in_columns_is_held_to_its_conditions() {
    let contract = compiled(
        r#"Span span = 2 [(buf.validate.field).cel = {id: "order" message: "it ends before it begins" expression: "this.from <= this.to"}];
           message Span { int32 from = 1; int32 to = 2 [(buf.validate.field).cel_expression = "this != 7"]; }"#,
    );
    let span = |from: i64, to: i64| {
        [("_has_span", Value::Bool(true)), ("span__from", Value::Int(from)), ("span__to", Value::Int(to))]
    };
    assert_eq!(violations(&contract, &[]), [""; 0]);
    assert_eq!(violations(&contract, &span(1, 2)), [""; 0]);
    assert_eq!(
        violations(&contract, &span(8, 7)),
        ["span.to: must be so that this != 7 (this != 7)", "span: it ends before it begins (order)"]
    );
    let over = contract.resources[0].violations(&row(&contract.resources[0], &span(8, 6)), None);
    assert_eq!(over[0].over.len(), 2, "what it compares is known");
}

#[test]
fn a_condition_that_cannot_be_one_is_told_at_its_place() {
    for (fields, said) in [
        (r#"string a = 2 [(buf.validate.field).cel = {expression: "this != ''"}];"#, "the constraint has no id"),
        (r#"string a = 2 [(buf.validate.field).cel = {id: "x" expression: "this + 1 > 2"}];"#, ""),
        (r#"string a = 2 [(buf.validate.field).cel_expression = "this == auth.uid"];"#, "not about the message alone"),
        (
            r#"google.protobuf.Timestamp a = 2 [(buf.validate.field).cel_expression = "this < now"];"#,
            "not about the message alone",
        ),
        (r#"string a = 2 [(buf.validate.field).cel_expression = "resource.a != ''"];"#, "nothing is named `resource`"),
        (r#"string a = 2 [(buf.validate.field).cel_expression = "this.b != ''"];"#, "has no field `b`"),
        (r#"repeated string a = 2 [(buf.validate.field).repeated.items.cel_expression = "this > 1"];"#, ""),
        (r#"option (buf.validate.message).oneof = {fields: "nothing"}; string a = 2;"#, "has no field `nothing`"),
        (r#"option (buf.validate.message).oneof = {fields: "a" fields: "a"}; string a = 2;"#, "names `a` twice"),
        (r#"option (buf.validate.message).oneof = {required: true}; string a = 2;"#, "names no field"),
        (r#"string a = 2 [(buf.validate.field).string = {min_len: 3 max_len: 2}];"#, "no value can be like this"),
        (r#"bytes a = 2 [(buf.validate.field).bytes.pattern = "("];"#, "not a regular expression"),
    ] {
        let problems = compile_text(&thing(fields)).expect_err(fields);
        let found = problems.0.iter().find(|problem| problem.message.contains(said));
        let found = found.unwrap_or_else(|| panic!("{fields}: {problems}"));
        assert!(found.line > 1, "{fields}: {problems}");
    }
}
