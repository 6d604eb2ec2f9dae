//! The capability table decides: each row has a contract that uses it.

use std::collections::BTreeMap;

use mainstay_contract::Severity;
use mainstay_contract::capabilities::{CAPABILITIES, Support, find, markdown};

use crate::harness::{compile_text, file, thing};

#[test]
fn every_row_of_the_table_does_what_it_says() {
    let examples = examples();
    for row in CAPABILITIES {
        let text = examples.get(row.name).unwrap_or_else(|| panic!("{} has no example", row.name));
        let outcome = compile_text(text);
        match (row.support, outcome) {
            (Support::Implemented, Ok(_)) => {}
            (Support::Implemented, Err(problems)) => panic!("{} is implemented, but:\n{problems}", row.name),
            (Support::NotYet, Ok(_)) => panic!("{} is accepted", row.name),
            (Support::NotYet, Err(problems)) => {
                let mut refused = problems.0.iter().filter(|problem| problem.message.ends_with("is not supported yet"));
                let refused = refused.find(|problem| problem.help.as_deref() == Some(row.note));
                let refused = refused.unwrap_or_else(|| panic!("{} is not refused as such:\n{problems}", row.name));
                assert!(refused.line > 1 && refused.severity == Severity::Error, "{} has no place", row.name);
            }
        }
    }
}

#[test]
fn no_example_is_left_over() {
    for name in examples().keys() {
        assert!(find(name).is_some(), "{name} is not in the table");
    }
}

#[test]
fn no_row_stands_in_the_table_twice() {
    for (i, row) in CAPABILITIES.iter().enumerate() {
        assert!(CAPABILITIES[..i].iter().all(|earlier| earlier.name != row.name), "{}", row.name);
    }
}

#[test]
fn the_table_can_be_shown() {
    let shown = markdown();
    assert_eq!(shown.lines().filter(|line| line.starts_with("| `")).count(), CAPABILITIES.len());
}

type Examples = BTreeMap<String, String>;

fn examples() -> Examples {
    let mut all = Examples::new();
    resource_options(&mut all);
    effects(&mut all);
    field_options(&mut all);
    state_options(&mut all);
    constraints(&mut all);
    types(&mut all);
    others(&mut all);
    all
}

/// A contract with one more field, which has this option.
fn optioned(ty: &str, option: &str) -> String {
    thing(&format!("{ty} extra = 9 [{option}];"))
}

fn resource(options: &str, mainstay: &str) -> String {
    file(&format!(
        "message Thing {{\n  option (google.api.resource) = {{{options}}};\n  option (mainstay.v1.resource) = {{{mainstay}}};\n  \
         string name = 1;\n  string sku = 2;\n}}\n"
    ))
}

const STANDARD: &str = r#"type: "shop.example.com/Thing" pattern: "things/{thing}""#;

fn resource_options(all: &mut Examples) {
    for verb in ["read", "create", "update", "delete", "write"] {
        all.insert(
            format!("(mainstay.v1.resource).access.{verb}"),
            resource(STANDARD, &format!("access {{{verb}: \"true\"}}")),
        );
    }
    for (name, value) in [
        ("index.fields", r#"index {fields: "sku"}"#),
        ("index.unique", r#"index {fields: "sku" unique: true}"#),
        ("access.refer", r#"access {refer: "true"}"#),
        ("index.where", r#"index {fields: "sku" where: "resource.sku != ''"}"#),
        ("index.ignore_case", r#"index {fields: "sku" unique: true ignore_case: true}"#),
        ("index.unset_conflicts", r#"index {fields: "sku" unique: true unset_conflicts: true}"#),
        ("predicate.name", r#"predicate {name: "open" rule: "resource.sku != ''"}"#),
        ("predicate.rule", r#"predicate {name: "open" rule: "resource.sku != ''"}"#),
        ("tenant", "tenant: true"),
        ("search", r#"search {fields: "sku"}"#),
        ("aggregate", r#"aggregate {fields: "sku"}"#),
        ("revisions", "revisions {keep: 3}"),
        ("audit", "audit {reads: true}"),
        ("expire", r#"expire: "end""#),
        ("soft_delete", "soft_delete: true"),
        ("purge_after", "soft_delete: true purge_after: \"720h\""),
    ] {
        let text = resource(STANDARD, value);
        let deleted = "string sku = 2;\n  google.protobuf.Timestamp delete_time = 3;";
        let kept = value.starts_with("soft_delete").then(|| text.replace("string sku = 2;", deleted));
        all.insert(format!("(mainstay.v1.resource).{name}"), kept.unwrap_or(text));
    }
    let times = "string sku = 2;\n  google.protobuf.Timestamp start = 3;\n  google.protobuf.Timestamp end = 4;";
    for name in ["fields", "from", "to", "where"] {
        let exclude = r#"exclude {fields: "sku" from: "start" to: "end" where: "resource.sku != 'x'"}"#;
        let text = resource(STANDARD, exclude).replace("string sku = 2;", times);
        all.insert(format!("(mainstay.v1.resource).exclude.{name}"), text);
    }
    let below = resource(
        r#"type: "shop.example.com/Part" pattern: "things/{thing}/parts/{part}""#,
        "on_parent_delete: CASCADE",
    );
    let below = below.split_once("message Thing").map_or("", |(_, below)| below).to_owned();
    all.insert(
        "(mainstay.v1.resource).on_parent_delete".into(),
        format!("{}message Part{below}", resource(STANDARD, "")),
    );
    for (name, more) in [
        ("type", ""),
        ("pattern", ""),
        ("plural", r#"plural: "things""#),
        ("singular", r#"singular: "thing""#),
        ("name_field", r#"name_field: "title""#),
        ("history", "history: FUTURE_MULTI_PATTERN"),
        ("style", "style: DECLARATIVE_FRIENDLY"),
    ] {
        let text = resource(&format!("{STANDARD} {more}"), r#"access {read: "true"}"#);
        all.insert(format!("(google.api.resource).{name}"), text);
    }
    let definition = r#"option (google.api.resource_definition) = {type: "a.example.com/B" pattern: "bs/{b}"};"#;
    all.insert("(google.api.resource_definition)".into(), thing("") + definition);
}

fn effects(all: &mut Examples) {
    for (name, effect) in [
        ("effect.on", r#"on: "create" on: "update" set {field: "sku" value: "'a'"}"#),
        ("effect.if", r#"on: "update" if: "resource.sku != old.sku" set {field: "sku" value: "'a'"}"#),
        ("effect.set.field", r#"on: "create" set {field: "other.sku" value: "'a'"}"#),
        ("effect.set.value", r#"on: "create" set {field: "sku" value: "auth.uid"}"#),
        ("effect.adjust.field", r#"on: "create" adjust {field: "other.count" by: "1"}"#),
        ("effect.adjust.by", r#"on: "delete" adjust {field: "other.count" by: "resource.count"}"#),
        ("effect.put.resource", r#"on: "delete" put {resource: "Thing"}"#),
        (
            "effect.put.each",
            r#"on: "update" put {resource: "Thing" each: "resource.tags" set {field: "sku" value: "this"}}"#,
        ),
        ("effect.put.id", r#"on: "update" put {resource: "Part" parent: "resource.name" id: "resource.sku"}"#),
        ("effect.put.parent", r#"on: "update" put {resource: "Part" parent: "resource.other"}"#),
        (
            "effect.put.set.field",
            r#"on: "delete" put {resource: "Thing" set {field: "other" value: "resource.other"}}"#,
        ),
        (
            "effect.put.set.value",
            r#"on: "delete" put {resource: "Thing" set {field: "count" value: "resource.count + 1"}}"#,
        ),
        ("effect.move.row", r#"on: "create" move {row: "resource" transition: "Age"}"#),
        ("effect.move.transition", r#"on: "create" move {row: "other" transition: "Age"}"#),
        ("effect.call", r#"on: "create" call {method: "a.B.C"}"#),
    ] {
        all.insert(format!("(mainstay.v1.resource).{name}"), with_effect(effect));
    }
}

/// A contract whose rows refer to others, and of one effect of which this is said.
fn with_effect(effect: &str) -> String {
    let fields = "string sku = 2;\n  int32 count = 3;\n  repeated string tags = 5;\n  \
                  string other = 4 [(google.api.resource_reference).type = \"shop.example.com/Thing\"];";
    let states = "  Age age = 6 [(mainstay.v1.states) = {initial: \"YOUNG\" transition {name: \"Age\" from: \"YOUNG\" to: \
                  \"OLD\" access: \"false\"}}];\n  enum Age { AGE_UNSPECIFIED = 0; YOUNG = 1; OLD = 2; }";
    let part = "message Part {\n  option (google.api.resource) = {type: \"shop.example.com/Part\" pattern: \
                \"things/{thing}/parts/{part}\"};\n  option (mainstay.v1.resource) = {access {read: \"true\"}};\n  string name = 1;\n}\n";
    let fields = format!("{fields}\n{states}");
    resource(STANDARD, &format!("effect {{{effect}}}")).replace("string sku = 2;", &fields) + part
}

/// A contract with a field of states, of which this is said.
fn states(said: &str) -> String {
    thing(&format!(
        "string title = 2;\n  google.protobuf.Timestamp due_time = 3;\n  enum State {{ STATE_UNSPECIFIED = 0; NEW = 1; OLD = 2; }}\n  \
         State state = 9 [(mainstay.v1.states) = {{initial: \"NEW\" {said}}}];"
    ))
}

fn state_options(all: &mut Examples) {
    all.insert("(mainstay.v1.states).initial".into(), states(""));
    for (name, more) in [
        ("name", ""),
        ("from", ""),
        ("to", ""),
        ("access", r#"access: "auth.uid != null""#),
        ("guard", r#"guard: "resource.title != ''""#),
        ("input", r#"input: "title""#),
        ("at", r#"at: "resource.due_time""#),
    ] {
        let text = states(&format!(r#"transition {{name: "Age" from: "NEW" to: "OLD" {more}}}"#));
        all.insert(format!("(mainstay.v1.states).transition.{name}"), text);
    }
}

fn field_options(all: &mut Examples) {
    for (name, ty, option) in [
        ("(mainstay.v1.field).aliases", "string", r#"(mainstay.v1.field).aliases = "former""#),
        ("(mainstay.v1.field).default", "string", r#"(mainstay.v1.field).default = "auth.uid""#),
        ("(mainstay.v1.field).read", "string", r#"(mainstay.v1.field).read = "true""#),
        (
            "(mainstay.v1.field).on_delete",
            "string",
            r#"(google.api.resource_reference).type = "shop.example.com/Thing", (mainstay.v1.field).on_delete = CASCADE"#,
        ),
        ("(mainstay.v1.field).write", "string", r#"(mainstay.v1.field).write = "true""#),
        ("(mainstay.v1.field).class", "string", "(mainstay.v1.field).class = PII"),
        ("(mainstay.v1.field).subject", "string", "(mainstay.v1.field).subject = true"),
        (
            "(mainstay.v1.field).acyclic",
            "string",
            r#"(google.api.resource_reference).type = "shop.example.com/Thing", (mainstay.v1.field).acyclic = true"#,
        ),
        ("(mainstay.v1.field).compute", "string", r#"(mainstay.v1.field).compute = "resource.sku""#),
        ("(mainstay.v1.field).rollup", "int64", r#"(mainstay.v1.field).rollup = {of: "likes"}"#),
        ("(mainstay.v1.field).sequence", "int64", "(mainstay.v1.field).sequence = {gap_free: true}"),
        ("(mainstay.v1.field).encrypted", "string", "(mainstay.v1.field).encrypted = true"),
        ("(mainstay.v1.field).file", "string", "(mainstay.v1.field).file = {max_bytes: 3}"),
        ("(mainstay.v1.field).merge", "string", "(mainstay.v1.field).merge = LAST"),
        ("(google.api.field_info).format", "string", "(google.api.field_info).format = UUID4"),
        (
            "(google.api.field_info).referenced_types",
            "string",
            r#"(google.api.field_info).referenced_types = {type_name: "*"}"#,
        ),
        (
            "(google.api.resource_reference).type",
            "string",
            r#"(google.api.resource_reference).type = "shop.example.com/Thing""#,
        ),
        (
            "(google.api.resource_reference).child_type",
            "string",
            r#"(google.api.resource_reference) = {type: "shop.example.com/Thing" child_type: "shop.example.com/Thing"}"#,
        ),
        ("(buf.validate.field).required", "string", "(buf.validate.field).required = true"),
        ("(buf.validate.field).ignore", "string", "(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE"),
    ] {
        all.insert(name.into(), optioned(ty, option));
    }
    predefined(all);
    for value in
        ["OPTIONAL", "REQUIRED", "OUTPUT_ONLY", "IMMUTABLE", "UNORDERED_LIST", "INPUT_ONLY", "NON_EMPTY_DEFAULT"]
    {
        let text = optioned("string", &format!("(google.api.field_behavior) = {value}"));
        all.insert(format!("(google.api.field_behavior) = {value}"), text);
    }
    all.insert("(google.api.field_behavior) = IDENTIFIER".into(), thing(""));
}

fn predefined(all: &mut Examples) {
    for part in ["id", "message", "expression"] {
        let rule = r#"{id: "a" message: "b" expression: "!rule || this != rules.const"}"#;
        let extension = format!(
            "extend buf.validate.StringRules {{ optional bool own = 1161 [(buf.validate.predefined).cel = {rule}]; }}\n"
        );
        let text = optioned("optional string", "(buf.validate.field).string.(shop.v1.own) = true")
            .replace("proto3", "proto2")
            .replace("string name", "optional string name");
        all.insert(format!("(buf.validate.predefined).cel.{part}"), text + &extension);
    }
}

fn constraints(all: &mut Examples) {
    for (name, value) in [
        ("const", "3"),
        ("lt", "3"),
        ("lte", "3"),
        ("gt", "3"),
        ("gte", "3"),
        ("in", "3"),
        ("not_in", "3"),
        ("example", "3"),
        ("finite", "true"),
    ] {
        let text = optioned("double", &format!("(buf.validate.field).double.{name} = {value}"));
        all.insert(format!("(buf.validate.field).<number>.{name}"), text);
    }
    for name in ["len", "min_len", "max_len", "len_bytes", "min_bytes", "max_bytes"] {
        all.insert(string_row(name), optioned("string", &format!("(buf.validate.field).string.{name} = 3")));
    }
    for name in ["const", "pattern", "in", "not_in", "example", "prefix", "suffix", "contains", "not_contains"] {
        all.insert(string_row(name), optioned("string", &format!("(buf.validate.field).string.{name} = \"a\"")));
    }
    for name in [
        "email",
        "hostname",
        "ip",
        "ipv4",
        "ipv6",
        "uri",
        "uri_ref",
        "address",
        "uuid",
        "tuuid",
        "ip_with_prefixlen",
        "ipv4_with_prefixlen",
        "ipv6_with_prefixlen",
        "ip_prefix",
        "ipv4_prefix",
        "ipv6_prefix",
        "host_and_port",
        "ulid",
        "protobuf_fqn",
        "protobuf_dot_fqn",
        "strict",
    ] {
        all.insert(string_row(name), optioned("string", &format!("(buf.validate.field).string.{name} = true")));
    }
    let header = "(buf.validate.field).string.well_known_regex = KNOWN_REGEX_HTTP_HEADER_NAME";
    all.insert(string_row("well_known_regex"), optioned("string", header));
    other_constraints(all);
    conditions(all);
}

fn conditions(all: &mut Examples) {
    for (name, ty, option) in [
        ("(buf.validate.field).cel.id", "string", r#"(buf.validate.field).cel = {id: "a" expression: "true"}"#),
        (
            "(buf.validate.field).cel.message",
            "string",
            r#"(buf.validate.field).cel = {id: "a" message: "b" expression: "this != 'x'"}"#,
        ),
        (
            "(buf.validate.field).cel.expression",
            "repeated string",
            r#"(buf.validate.field).repeated.items.cel = {id: "a" expression: "this != 'x'"}"#,
        ),
        ("(buf.validate.field).cel_expression", "string", r#"(buf.validate.field).cel_expression = "true""#),
    ] {
        all.insert(name.into(), optioned(ty, option));
    }
}

fn other_constraints(all: &mut Examples) {
    for (family, ty, name, value) in [
        ("bool.const", "bool", "bool.const", "true"),
        ("bool.example", "bool", "bool.example", "true"),
        ("enum.const", "Kind", "enum.const", "1"),
        ("enum.defined_only", "Kind", "enum.defined_only", "true"),
        ("enum.in", "Kind", "enum.in", "1"),
        ("enum.not_in", "Kind", "enum.not_in", "1"),
        ("enum.example", "Kind", "enum.example", "1"),
        ("repeated.min_items", "repeated string", "repeated.min_items", "1"),
        ("repeated.max_items", "repeated string", "repeated.max_items", "1"),
        ("repeated.items", "repeated string", "repeated.items.string.min_len", "1"),
        ("repeated.items.required", "repeated string", "repeated.items.required", "true"),
        ("repeated.unique", "repeated string", "repeated.unique", "true"),
        ("map.min_pairs", "map<string, string>", "map.min_pairs", "1"),
        ("map.max_pairs", "map<string, string>", "map.max_pairs", "1"),
        ("map.values", "map<string, string>", "map.values.string.min_len", "1"),
        ("map.keys", "map<string, string>", "map.keys.string.min_len", "1"),
        ("any.in", "google.protobuf.Any", "any.in", "\"a\""),
        ("any.not_in", "google.protobuf.Any", "any.not_in", "\"a\""),
        ("field_mask.const", "google.protobuf.FieldMask", "field_mask.const", "{paths: \"a\"}"),
        ("field_mask.in", "google.protobuf.FieldMask", "field_mask.in", "\"a\""),
        ("field_mask.not_in", "google.protobuf.FieldMask", "field_mask.not_in", "\"a\""),
        ("field_mask.example", "google.protobuf.FieldMask", "field_mask.example", "{paths: \"a\"}"),
    ] {
        let text = optioned(ty, &format!("(buf.validate.field).{name} = {value}"));
        all.insert(format!("(buf.validate.field).{family}"), text + "enum Kind { KIND_UNSPECIFIED = 0; FIRST = 1; }");
    }
    for name in ["const", "prefix", "suffix", "contains", "in", "not_in", "example", "pattern"] {
        add_rule(all, "bytes", &format!("bytes.{name}"), "\"a\"");
    }
    for name in ["len", "min_len", "max_len"] {
        add_rule(all, "bytes", &format!("bytes.{name}"), "3");
    }
    for name in ["ip", "ipv4", "ipv6", "uuid"] {
        add_rule(all, "bytes", &format!("bytes.{name}"), "true");
    }
    for name in ["const", "lt", "lte", "gt", "gte", "example"] {
        add_rule(all, "google.protobuf.Duration", &format!("duration.{name}"), "{seconds: 1}");
        add_rule(all, "google.protobuf.Timestamp", &format!("timestamp.{name}"), "{seconds: 1}");
    }
    for name in ["in", "not_in"] {
        add_rule(all, "google.protobuf.Duration", &format!("duration.{name}"), "{seconds: 1}");
    }
    for name in ["lt_now", "gt_now"] {
        add_rule(all, "google.protobuf.Timestamp", &format!("timestamp.{name}"), "true");
    }
    add_rule(all, "google.protobuf.Timestamp", "timestamp.within", "{seconds: 1}");
    constraints_on_messages(all);
}

fn constraints_on_messages(all: &mut Examples) {
    let cel = r#"option (buf.validate.message).cel = {id: "a" message: "b" expression: "this.name != ''"};"#;
    for name in ["cel.id", "cel.message", "cel.expression"] {
        all.insert(format!("(buf.validate.message).{name}"), thing(cel));
    }
    let cel = r#"option (buf.validate.message).cel_expression = "this.name != ''";"#;
    all.insert("(buf.validate.message).cel_expression".into(), thing(cel));
    for (name, more) in [("oneof.fields", ""), ("oneof.required", " required: true")] {
        let one = format!("option (buf.validate.message).oneof = {{fields: \"sku\"{more}}}; string sku = 5;");
        all.insert(format!("(buf.validate.message).{name}"), thing(&one));
    }
    let inner = r#"repeated Inner inner = 5; message Inner { option (buf.validate.message).cel_expression = "true"; string a = 1; }"#;
    all.insert("constraints on messages in lists".into(), thing(inner));
    let oneof = "oneof one { option (buf.validate.oneof).required = true; string a = 5; }";
    all.insert("(buf.validate.oneof).required".into(), thing(oneof));
}

fn add_rule(all: &mut Examples, ty: &str, name: &str, value: &str) {
    let text = optioned(ty, &format!("(buf.validate.field).{name} = {value}"));
    all.insert(format!("(buf.validate.field).{name}"), text);
}

fn string_row(name: &str) -> String {
    format!("(buf.validate.field).string.{name}")
}

fn types(all: &mut Examples) {
    for name in [
        "google.protobuf.Any",
        "google.protobuf.Value",
        "google.protobuf.ListValue",
        "google.protobuf.NullValue",
        "google.protobuf.Empty",
        "google.protobuf.FieldMask",
        "mainstay.v1.File",
        "google.type.Decimal",
        "google.type.LatLng",
        "google.type.TimeOfDay",
        "google.type.DateTime",
    ] {
        all.insert(name.into(), thing(&format!("{name} extra = 9;")));
    }
    all.insert("oneof".into(), thing("oneof one { string a = 5; string b = 6; }"));
    let proto2 = |fields: &str| {
        thing(fields)
            .replace("syntax = \"proto3\"", "syntax = \"proto2\"")
            .replace("string name", "optional string name")
    };
    let late = "optional Late late = 2; enum Late { FIRST = 1; }";
    all.insert("enums without a zero".into(), proto2(late));
    all.insert("proto2 required".into(), proto2("required string a = 2;"));
    all.insert("proto2 groups".into(), proto2("optional group Box = 2 { optional string a = 1; }"));
    all.insert("proto2 default values".into(), proto2("optional string a = 2 [default = \"b\"];"));
    all.insert("extension ranges".into(), proto2("extensions 100 to 199;"));
}

const REFERENCE: &str = r#"[(google.api.resource_reference).type = "shop.example.com/Thing"]"#;

fn others(all: &mut Examples) {
    let beyond = with_effect(r#"on: "create" set {field: "other.tags" value: "resource.tags"}"#);
    all.insert("effects on messages and lists".into(), beyond);
    let asks =
        with_effect(r#"on: "create" if: "Thing.exists(t, t.sku == resource.sku)" set {field: "sku" value: "'a'"}"#);
    all.insert("effects that quantify over rows".into(), asks);
    let mut add = |name: &str, text: String| {
        all.insert(name.into(), text);
    };
    let read = r#"access {read: "true"}"#;
    add("several patterns", resource(&format!(r#"{STANDARD} pattern: "shops/{{shop}}/things/{{thing}}""#), read));
    let single = r#"message Settings { option (google.api.resource) = {type: "a.example.com/Settings" pattern: "things/{thing}/settings"}; string name = 1; }"#;
    add("singleton resources", thing("") + single);
    let inner = r#"message Inner { option (google.api.resource) = {type: "a.example.com/Inner" pattern: "inners/{inner}"}; string name = 1; }"#;
    add("nested resource messages", thing(inner));
    add(
        "references inside repeated fields",
        thing(&format!("repeated Inner i = 2; message Inner {{ string thing = 1 {REFERENCE}; }}")),
    );
    let account = REFERENCE.replace("shop.example.com/Thing", "mainstay.dev/Account");
    add("references to accounts", thing(&format!("string owner = 2 {account};")));
    add("repeated references", thing(&format!("repeated string things = 2 {REFERENCE};")));
    add(
        "references to any resource",
        thing(&format!("string any = 2 {};", REFERENCE.replace("shop.example.com/Thing", "*"))),
    );
    let limited = REFERENCE.replace(']', ", (buf.validate.field).string.min_len = 1]");
    add("constraints on references", thing(&format!("string other = 2 {limited};")));
    add("constraints on name and etag", thing("string etag = 2 [(buf.validate.field).string.min_len = 1];"));
    add("ranges that exclude their middle", optioned("int32", "(buf.validate.field).int32 = {gt: 9, lt: 1}"));
    let inner = "message Inner { int32 a = 1 [(buf.validate.field).int32.gt = 1]; }";
    let ignored = format!("Inner i = 2 [(buf.validate.field).ignore = IGNORE_ALWAYS]; {inner}");
    add("IGNORE_ALWAYS on messages", thing(&ignored));
    let loose = "message Loose { int32 a = 1 [(buf.validate.field).int32.gt = 1]; }";
    add("constraints outside resources", thing("") + loose);
    let inside = r#"Inner i = 2; message Inner { string a = 1 [(mainstay.v1.field).default = "'b'"]; }"#;
    add("defaults inside messages", thing(inside));
    add("rules of fields inside messages", thing(&inside.replace("default = \"'b'\"", "read = \"true\"")));
    let around = REFERENCE.replace(']', ", (mainstay.v1.field).read = \"resource.other.owner == auth.uid\"]");
    add("rules of fields that look at other rows", thing(&format!("string owner = 3; string other = 2 {around};")));
    let service =
        |method: &str| thing("") + "message GetThingRequest { string name = 1; }\nservice Things { " + method + " }\n";
    let standard = |option: &str| service(&format!("rpc GetThing(GetThingRequest) returns (Thing) {{ {option} }}"));
    add(
        "(google.api.http)",
        standard(
            r#"option (google.api.http) = {get: "/a/{name=things/*}" additional_bindings {get: "/b/{name=things/*}"}};"#,
        ),
    );
    for (name, value) in [
        ("custom", r#"custom {kind: "LINK" path: "/a/{name=things/*}"}"#),
        ("response_body", r#"get: "/a/{name=things/*}" response_body: "name""#),
        ("selector", r#"get: "/a/{name=things/*}" selector: "a""#),
    ] {
        add(&format!("(google.api.http).{name}"), standard(&format!("option (google.api.http) = {{{value}}};")));
    }
    add("(google.api.method_signature)", standard(r#"option (google.api.method_signature) = "name";"#));
    let own = |method: &str| {
        thing("")
            + "service Own { option (mainstay.v1.upstream) = \"pricing\"; rpc Polish(Thing) returns (stream Thing)"
            + method
            + " }\n"
    };
    for (name, value) in [("public", "true"), ("authenticated", "true"), ("roles", "\"support\""), ("rule", "\"true\"")]
    {
        let callers = format!("{{ option (mainstay.v1.auth).{name} = {value}; }}");
        add(&format!("(mainstay.v1.auth).{name}"), own(&callers));
    }
    for (name, value) in [
        ("name", ""),
        ("title", r#"title: "Support""#),
        ("scope", "scope: ORGANISATION"),
        ("permissions", r#"permissions: "orders.read" permissions: "orders.cancel""#),
        ("includes", r#"includes: "viewer""#),
    ] {
        let roles =
            format!("option (mainstay.v1.roles) = {{role {{name: \"viewer\"}} role {{name: \"support\" {value}}}}};");
        add(&format!("(mainstay.v1.roles).role.{name}"), thing("") + &roles);
    }
    add("(mainstay.v1.sql)", standard(r#"option (mainstay.v1.sql).query = "SELECT 1";"#));
    add("(mainstay.v1.schedule)", standard(r#"option (mainstay.v1.schedule).cron = "0 0 * * *";"#));
    add("(mainstay.v1.webhook)", standard("option (mainstay.v1.webhook).signature = STRIPE;"));
    add("(mainstay.v1.upstream)", own(";"));
    for name in ["default_host", "oauth_scopes", "api_version"] {
        let option = format!("option (google.api.{name}) = \"a\"; rpc GetThing(GetThingRequest) returns (Thing);");
        add(&format!("(google.api.{name})"), service(&option));
    }
    add("methods of other shapes", service("rpc Polish(GetThingRequest) returns (Thing);"));
    add("streaming methods", service("rpc GetThing(GetThingRequest) returns (stream Thing);"));
}
