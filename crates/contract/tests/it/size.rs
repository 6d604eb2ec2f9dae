//! Contracts of a thousand resources: what one costs is what any costs.

use std::fmt::Write as _;
use std::time::Instant;

use mainstay_contract::{Source, compile};

const TYPES: [&str; 8] =
    ["string", "int64", "bool", "double", "google.protobuf.Timestamp", "int32", "bytes", "repeated string"];

/// A contract of so many resources with so many fields each, in files of so many resources.
pub fn large(resources: usize, fields: usize, in_a_file: usize) -> Vec<Source> {
    let files = (0..resources).collect::<Vec<_>>();
    let files = files.chunks(in_a_file).enumerate().map(|(file, numbers)| {
        let text = numbers.iter().fold(HEADER.to_owned(), |text, number| text + &resource(*number, fields));
        Source { path: format!("big/v1/part{file:04}.proto"), text }
    });
    files.collect()
}

const HEADER: &str = r#"syntax = "proto3";
package big.v1;

import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";
"#;

fn resource(number: usize, fields: usize) -> String {
    let mut text = format!(
        r#"
// The things of kind {number}.
message Kind{number:04} {{
  option (google.api.resource) = {{type: "big.example.com/Kind{number:04}" pattern: "kinds{number:04}/{{kind}}"}};
  option (mainstay.v1.resource) = {{
    access {{read: "resource.owner == auth.uid || 'support' in auth.roles" write: "resource.owner == auth.uid"}}
    index {{fields: "owner" fields: "create_time desc"}}
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {{default: "auth.uid"}}, (google.api.field_behavior) = IMMUTABLE];
  google.protobuf.Timestamp create_time = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  string etag = 4;
"#
    );
    if let Some(before) = number.checked_sub(1).filter(|_| number.is_multiple_of(4)) {
        let reference = format!("[(google.api.resource_reference).type = \"big.example.com/Kind{before:04}\"]");
        let _ = writeln!(text, "  string before = {} {reference};", fields + 1);
    }
    for field in 5..=fields {
        let ty = TYPES[field % TYPES.len()];
        let constraint = match ty {
            "string" => " [(buf.validate.field).string.max_len = 200]",
            "int64" => " [(buf.validate.field).int64.gte = 0]",
            _ => "",
        };
        let _ = writeln!(text, "  // What field {field} is for.\n  {ty} f{field:02} = {field}{constraint};");
    }
    text + "}\n"
}

#[test]
fn many_resources_compile_in_one_file_and_in_many() {
    for in_a_file in [1, 40] {
        let contract = compile(large(40, 30, in_a_file)).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((contract.resources.len(), contract.commits.len(), contract.warnings.len()), (40, 1, 0));
        assert_eq!(contract.derived.len(), 41);
    }
}

#[test]
#[ignore = "prints how long a contract of a thousand resources takes; run with --ignored --nocapture"]
fn how_long_a_thousand_resources_take() {
    for (resources, in_a_file) in [(250, 250), (1_000, 250), (1_000, 1)] {
        let sources = large(resources, 50, in_a_file);
        let start = Instant::now();
        let contract = compile(sources).unwrap_or_else(|problems| panic!("{problems}"));
        let (took, set) = (start.elapsed(), contract.descriptor_set.len());
        let derived: usize = contract.derived.iter().map(|file| file.text.len()).sum();
        println!(
            "{resources} resources, {in_a_file} in a file: {took:?}, {set} bytes of descriptors, {derived} derived"
        );
    }
}
