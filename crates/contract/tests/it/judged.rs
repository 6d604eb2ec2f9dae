//! Values are held to constraints as protovalidate holds them.
//!
//! `constraints.tsv` has rules, each with a name, what it is on, and an option; then values in JSON, each with the names of the
//! rules of its kind that take it, as protovalidate 2.1.0 judged them. Bytes that are no text are left out: where a pattern is
//! asked of them, protovalidate fails, and here they match nothing. `predefined.tsv` has the same for the constraints of a
//! contract's own that are in `predefined.proto`.

use data_encoding::BASE64;
use mainstay_contract::{Contract, Diagnostics, Resource, Source, compile};
use mainstay_record::time::Duration;
use mainstay_record::{Kind, Value};

use crate::harness::{compile_text, thing};

struct Rule<'t> {
    name: &'t str,
    kind: &'t str,
    option: &'t str,
}

/// The kinds that are fields of a type; the other is a message in a list.
const TYPES: [(&str, &str); 10] = [
    ("int64", "optional int64"),
    ("double", "optional double"),
    ("bytes", "optional bytes"),
    ("string", "optional string"),
    ("list", "repeated int64"),
    ("map", "map<string, int64>"),
    ("numbered", "map<int64, string>"),
    ("duration", "google.protobuf.Duration"),
    ("any", "google.protobuf.Any"),
    ("mask", "google.protobuf.FieldMask"),
];

fn declared((rule, number): (&Rule<'_>, usize)) -> String {
    let Rule { name, kind, option } = rule;
    match TYPES.iter().find(|(known, _)| known == kind) {
        Some((_, ty)) => format!("{ty} {name} = {number} [{option}];\n"),
        None => format!(
            "repeated Held{number} {name} = {number};\nmessage Held{number} {{\n  option (buf.validate.message).{option};\n  \
             optional int32 a = 1; string b = 2; repeated int32 c = 3;\n}}\n"
        ),
    }
}

/// A value as the column of its kind has it.
fn stored(kind: &str, json: &serde_json::Value) -> Value {
    match (kind, json) {
        ("int64", json) => Value::Int(json.as_i64().expect("a number")),
        ("double", serde_json::Value::String(text)) => Value::Double(text.parse().expect("infinite")),
        ("double", json) => Value::Double(json.as_f64().expect("a number")),
        ("bytes", json) => Value::Bytes(BASE64.decode(json.as_str().expect("base64").as_bytes()).expect("base64")),
        ("string", json) => Value::Text(json.as_str().expect("a text").to_owned()),
        ("duration", json) => Value::Int(Duration::parse(json.as_str().expect("a text")).expect("a duration").micros()),
        ("message", json) => Value::Json(format!("[{json}]")),
        ("any" | "mask", json) => Value::Json(json.to_string()),
        (_, json) if json.as_array().is_some_and(Vec::is_empty) => Value::Null,
        (_, json) => Value::Json(json.to_string()),
    }
}

/// The rules that take a value.
fn takers<'t>(resource: &Resource, rules: &[Rule<'t>], kind: &str, value: &Value) -> Vec<&'t str> {
    let own: Vec<&str> = rules.iter().filter(|rule| rule.kind == kind).map(|rule| rule.name).collect();
    let columns = resource.layout.columns.iter();
    let row = columns.map(|column| match own.contains(&&*column.name) {
        true => value.clone(),
        false if column.nullable || column.kind == Kind::Json => Value::Null,
        false => column.kind.zero(),
    });
    let refused = resource.violations(&row.collect::<Vec<_>>(), None);
    let is_of = |field: &str, name: &str| {
        field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    };
    let takes = |name: &&str| !refused.iter().any(|violated| is_of(&violated.violation.field, name));
    own.into_iter()
        .filter(takes)
        .filter_map(|name| rules.iter().find(|rule| rule.name == name))
        .map(|rule| rule.name)
        .collect()
}

/// Says how many values were judged; fails where the judgement is another one.
fn agrees(table: &str, compile: impl Fn(&str) -> Result<Contract, Diagnostics>) -> usize {
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let rules: Vec<Rule<'_>> = lines
        .iter()
        .filter_map(|line| match line[..] {
            ["rule", name, kind, option] => Some(Rule { name, kind, option }),
            _ => None,
        })
        .collect();
    let fields: String = rules.iter().zip(2..).map(declared).collect();
    let contract = compile(&thing(&fields)).unwrap_or_else(|problems| panic!("{problems}"));
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for line in &lines {
        let [kind, value, wanted] = line[..] else { continue };
        judged += 1;
        let json: serde_json::Value = serde_json::from_str(value).expect("a value in JSON");
        let found = takers(&contract.resources[0], &rules, kind, &stored(kind, &json)).join(" ");
        if found != wanted {
            let differ = |rule: &&Rule<'_>| {
                found.split(' ').any(|it| it == rule.name) != wanted.split(' ').any(|it| it == rule.name)
            };
            let differ: Vec<&str> = rules.iter().filter(differ).map(|rule| rule.option).collect();
            wrong.push(format!("{kind} {value}: {}", differ.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} differ:\n{}", wrong.len(), wrong.join("\n"));
    judged
}

#[test]
fn a_value_is_taken_where_protovalidate_takes_it() {
    let judged = agrees(include_str!("constraints.tsv"), compile_text);
    assert!(judged > 150, "{judged}");
}

/// Two files: constraints of the contract's own, and a resource with them.
fn compile_predefined(text: &str) -> Result<Contract, Diagnostics> {
    let text = text.replacen("import ", "import \"rules/v1/rules.proto\";\nimport ", 1);
    let rules = Source { path: "rules/v1/rules.proto".into(), text: include_str!("predefined.proto").into() };
    compile(vec![rules, Source { path: "shop/v1/test.proto".into(), text }])
}

#[test]
fn a_value_is_taken_by_predefined_constraints_where_protovalidate_takes_it() {
    let judged = agrees(include_str!("predefined.tsv"), compile_predefined);
    assert!(judged > 35, "{judged}");
}

/// What is wrong with a contract that has this field beside these constraints.
fn problems(extension: &str, field: &str) -> String {
    let rules = format!(
        "syntax = \"proto2\";\npackage rules.v1;\nimport \"buf/validate/validate.proto\";\nimport \"google/protobuf/any.proto\";\n{extension}\n"
    );
    let rules = Source { path: "rules/v1/rules.proto".into(), text: rules };
    let text = thing(field).replacen("import ", "import \"rules/v1/rules.proto\";\nimport ", 1);
    let problems = compile(vec![rules, Source { path: "shop/v1/test.proto".into(), text }]);
    problems.err().map_or_else(String::new, |problems| problems.to_string())
}

#[test]
fn what_is_wrong_with_a_predefined_constraint_is_told_where_it_is_written() {
    let predefined = |of: &str, field: &str, rule: &str| {
        format!("extend buf.validate.{of} {{\n  {field} = 1161 [(buf.validate.predefined).cel = {{{rule}}}];\n}}")
    };
    let told = |extension: &str, field: &str, parts: &[&str]| {
        let found = problems(extension, field);
        assert!(parts.iter().all(|part| found.contains(part)), "{parts:?} is not in\n{found}");
    };
    let text = "string a = 2 [(buf.validate.field).string.(rules.v1.own) = true];";
    let own = |rule: &str| predefined("StringRules", "optional bool own", rule);
    told(
        &own(r#"id: "a" expression: "this > 3""#),
        text,
        &["rules/v1/rules.proto:6:", "rules.v1.own on a field of shop.v1.Thing"],
    );
    told(
        &own(r#"id: "a" expression: "nothing == ''""#),
        text,
        &["rules/v1/rules.proto:6:", "nothing is named `nothing`"],
    );
    told(&own(r#"id: "a" expression: "this == rules.nothing""#), text, &["rules/v1/rules.proto:6:", "`rules`"]);
    told(&own(r#"expression: "this != ''""#), text, &["the constraint has no id"]);
    told(&own(r#"id: "a" expression: "this == auth.uid""#), text, &["rules/v1/rules.proto:6:"]);
    let large = predefined("UInt64Rules", "optional uint64 own", r#"id: "a" expression: "this < rule""#);
    told(
        &large,
        "uint64 a = 2 [(buf.validate.field).uint64.(rules.v1.own) = 18446744073709551615];",
        &["rules.v1.own is given what no condition is asked with"],
    );
    let any = predefined("StringRules", "optional google.protobuf.Any own", r#"id: "a" expression: "this != ''""#);
    told(
        &any,
        "string a = 2 [(buf.validate.field).string.(rules.v1.own) = {}];",
        &["rules.v1.own is given what no condition is asked with"],
    );
    let bare = "extend buf.validate.StringRules { optional bool own = 1161; }";
    told(bare, text, &["shop/v1/test.proto:28:", "rules.v1.own is no constraint"]);
    told(
        "",
        "string a = 2 [(buf.validate.predefined).cel = {id: \"a\" expression: \"true\"}];",
        &["stands where no field can name it"],
    );
    let many = predefined(
        "StringRules",
        "repeated string own",
        r#"id: "a" expression: "rule.all(a, rule.all(b, a != b || this != a))""#,
    );
    let values: Vec<String> = (0..60).map(|i| format!("\"{i}\"")).collect();
    let field = format!("string a = 2 [(buf.validate.field).string = {{[rules.v1.own]: [{}]}}];", values.join(", "));
    told(&many, &field, &["has more than 2000 parts"]);
}
