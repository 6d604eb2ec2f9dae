//! Texts of a known form are told as protovalidate tells them.
//!
//! `formats.tsv` has a text in JSON and the rules of `buf.validate` that take it, as protovalidate 2.1.0 judged them: by hand,
//! and with characters put in, taken out and exchanged at random.

use mainstay_contract::Resource;
use mainstay_record::{Kind, Value};

use crate::harness::{compile_text, thing};

const RULES: [(&str, &str); 24] = [
    ("address", "address: true"),
    ("email", "email: true"),
    ("header_name_false", "well_known_regex: KNOWN_REGEX_HTTP_HEADER_NAME strict: false"),
    ("header_name_true", "well_known_regex: KNOWN_REGEX_HTTP_HEADER_NAME"),
    ("header_value_false", "well_known_regex: KNOWN_REGEX_HTTP_HEADER_VALUE strict: false"),
    ("header_value_true", "well_known_regex: KNOWN_REGEX_HTTP_HEADER_VALUE strict: true"),
    ("host_and_port", "host_and_port: true"),
    ("hostname", "hostname: true"),
    ("ip", "ip: true"),
    ("ip_prefix", "ip_prefix: true"),
    ("ip_with_prefixlen", "ip_with_prefixlen: true"),
    ("ipv4", "ipv4: true"),
    ("ipv4_prefix", "ipv4_prefix: true"),
    ("ipv4_with_prefixlen", "ipv4_with_prefixlen: true"),
    ("ipv6", "ipv6: true"),
    ("ipv6_prefix", "ipv6_prefix: true"),
    ("ipv6_with_prefixlen", "ipv6_with_prefixlen: true"),
    ("protobuf_dot_fqn", "protobuf_dot_fqn: true"),
    ("protobuf_fqn", "protobuf_fqn: true"),
    ("tuuid", "tuuid: true"),
    ("ulid", "ulid: true"),
    ("uri", "uri: true"),
    ("uri_ref", "uri_ref: true"),
    ("uuid", "uuid: true"),
];

/// The rules that take a text.
fn takers(resource: &Resource, text: &str) -> String {
    let columns = resource.layout.columns.iter();
    let row = columns.map(|column| match column.kind {
        Kind::Text if column.nullable => Value::Text(text.to_owned()),
        kind => kind.zero(),
    });
    let refused = resource.violations(&row.collect::<Vec<_>>(), None).into_iter();
    let refused: Vec<String> = refused.map(|violated| violated.violation.field).collect();
    let takers = RULES.iter().map(|(rule, _)| *rule).filter(|rule| !refused.iter().any(|field| field == rule));
    takers.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_text_has_a_form_where_protovalidate_says_so() {
    let fields = RULES.iter().zip(2..).map(|((rule, option), number)| {
        format!("optional string {rule} = {number} [(buf.validate.field).string = {{{option}}}];\n")
    });
    let contract = compile_text(&thing(&fields.collect::<String>())).unwrap_or_else(|problems| panic!("{problems}"));
    let mut wrong = Vec::new();
    for line in include_str!("formats.tsv").lines() {
        let (text, wanted) = line.split_once('\t').expect("a text and rules");
        let text: String = serde_json::from_str(text).expect("a text in JSON");
        let found = takers(&contract.resources[0], &text);
        if found != wanted {
            let differ =
                |rule: &&str| found.split(' ').any(|it| it == *rule) != wanted.split(' ').any(|it| it == *rule);
            let differ: Vec<&str> = RULES.iter().map(|(rule, _)| *rule).filter(differ).collect();
            wrong.push(format!("{text:?}: {}", differ.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
