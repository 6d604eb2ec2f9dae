//! Contracts that the tests are about.

/// What every file begins with.
pub fn file(package: &str, body: &str) -> String {
    format!(
        r#"syntax = "proto3";
package {package};
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "google/type/money.proto";
import "mainstay/v1/options.proto";
{body}
"#
    )
}

/// Publishers, of which some are hidden, and their books.
pub fn library() -> String {
    file(
        "lib.v1",
        r#"
message Publisher {
  option (google.api.resource) = {type: "lib.example.com/Publisher" pattern: "publishers/{publisher}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.open || resource.owner == auth.uid" write: "resource.owner == auth.uid"}
    index {fields: "title"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2 [(google.api.field_behavior) = REQUIRED];
  string owner = 3 [(mainstay.v1.field) = {default: "auth.uid"}];
  bool open = 4;
  string etag = 5;
}

message Book {
  option (google.api.resource) = {type: "lib.example.com/Book" pattern: "publishers/{publisher}/books/{book}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "'staff' in auth.roles"}
    index {fields: "isbn" unique: true}
    index {fields: "year desc" fields: "pages"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2 [(google.api.field_behavior) = REQUIRED, (mainstay.v1.field) = {aliases: "headline"}];
  optional string isbn = 3;
  int32 year = 4 [(buf.validate.field).int32 = {gte: 0, lte: 3000}];
  optional int32 pages = 5;
  repeated string tags = 6 [(buf.validate.field).repeated.max_items = 5];
  Person author = 7;
  string etag = 8;
  google.protobuf.Timestamp create_time = 9 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp update_time = 10 [(google.api.field_behavior) = OUTPUT_ONLY];
  string uid = 11 [(google.api.field_behavior) = OUTPUT_ONLY];
  string stamp = 12 [(google.api.field_behavior) = OUTPUT_ONLY];
  string origin = 13 [(google.api.field_behavior) = IMMUTABLE];
  string distributor = 14 [(google.api.resource_reference).type = "lib.example.com/Publisher"];
  string sequel_of = 15 [(google.api.resource_reference).type = "lib.example.com/Book"];
  map<string, string> labels = 16;
  Status status = 17;
  google.protobuf.Struct extra = 18;

  message Person {
    string family = 1;
    string given = 2;
    Home home = 3;
    repeated string titles = 4;
  }
  message Home {
    string city = 1 [(mainstay.v1.field) = {aliases: "town"}];
    optional string street = 2;
  }
  enum Status { STATUS_UNSPECIFIED = 0; DRAFT = 1; PRINTED = 2; }
}
"#,
    )
}

/// One field of each kind.
pub fn kinds() -> String {
    file("kinds.v1", KINDS)
}

const KINDS: &str = r#"
message Thing {
  option (google.api.resource) = {type: "kinds.example.com/Thing" pattern: "things/{thing}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  bool a_bool = 2;
  int32 a_int32 = 3;
  int64 a_int64 = 4;
  uint32 a_uint32 = 5;
  uint64 a_uint64 = 6;
  sint32 a_sint32 = 7;
  sint64 a_sint64 = 8;
  fixed32 a_fixed32 = 9;
  fixed64 a_fixed64 = 10;
  sfixed32 a_sfixed32 = 11;
  sfixed64 a_sfixed64 = 12;
  float a_float = 13;
  double a_double = 14;
  string a_string = 15;
  bytes a_bytes = 16;
  Color a_color = 17;
  optional bool o_bool = 20;
  optional int64 o_int64 = 21;
  optional uint64 o_uint64 = 22;
  optional double o_double = 23;
  optional string o_string = 24;
  optional bytes o_bytes = 25;
  optional Color o_color = 26;
  repeated string r_string = 30;
  repeated int64 r_int64 = 31;
  repeated uint64 r_uint64 = 32;
  repeated double r_double = 33;
  repeated bytes r_bytes = 34;
  repeated bool r_bool = 35;
  repeated Color r_color = 36;
  repeated Inner r_inner = 37;
  repeated google.protobuf.Timestamp r_time = 38;
  map<string, string> m_string = 40;
  map<string, Inner> m_inner = 41;
  map<int32, int64> m_number = 42;
  google.protobuf.Timestamp time = 50;
  google.protobuf.Duration duration = 51;
  google.type.Date date = 52;
  google.type.Money money = 53;
  google.protobuf.Struct structure = 54;
  google.protobuf.BoolValue w_bool = 60;
  google.protobuf.Int64Value w_int64 = 61;
  google.protobuf.DoubleValue w_double = 62;
  google.protobuf.StringValue w_string = 63;
  google.protobuf.BytesValue w_bytes = 64;
  Inner inner = 70;
  Tree tree = 71;

  enum Color { COLOR_UNSPECIFIED = 0; RED = 1; GREEN = 2; }
  message Inner {
    string text = 1;
    optional int32 number = 2;
    Deep deep = 3;
    google.type.Date date = 4;
  }
  message Deep {
    int64 big = 1;
    optional bool flag = 2;
  }
  message Tree {
    string label = 1;
    repeated Tree children = 2;
    Tree only = 3;
  }
}
"#;

/// Notes whose fields are named and optioned by the caller: `fields` follows the name.
pub fn notes(fields: &str) -> String {
    notes_with("", fields)
}

/// The same, with more options of the resource (indexes).
pub fn notes_with(options: &str, fields: &str) -> String {
    file(
        "note.v1",
        &format!(
            r#"
message Note {{
  option (google.api.resource) = {{type: "note.example.com/Note" pattern: "notes/{{note}}"}};
  option (mainstay.v1.resource) = {{access {{read: "true" write: "true"}} {options}}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  {fields}
}}
"#
        ),
    )
}
