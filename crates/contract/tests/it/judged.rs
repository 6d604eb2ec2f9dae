//! Values are held to constraints as protovalidate holds them.
//!
//! `constraints.tsv` has rules, each with a name, what it is on, and an option; then values in JSON, each with the names of the
//! rules of its kind that take it, as protovalidate 2.1.0 judged them. Bytes that are no text are left out: where a pattern is
//! asked of them, protovalidate fails, and here they match nothing.

use data_encoding::BASE64;
use mainstay_contract::Resource;
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

#[test]
fn a_value_is_taken_where_protovalidate_takes_it() {
    let lines: Vec<Vec<&str>> =
        include_str!("constraints.tsv").lines().map(|line| line.split('\t').collect()).collect();
    let rules: Vec<Rule<'_>> = lines
        .iter()
        .filter_map(|line| match line[..] {
            ["rule", name, kind, option] => Some(Rule { name, kind, option }),
            _ => None,
        })
        .collect();
    let fields: String = rules.iter().zip(2..).map(declared).collect();
    let contract = compile_text(&thing(&fields)).unwrap_or_else(|problems| panic!("{problems}"));
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
    assert!(judged > 150, "{judged}");
    assert!(wrong.is_empty(), "{} of {judged} differ:\n{}", wrong.len(), wrong.join("\n"));
}
