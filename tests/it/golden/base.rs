//! The contract that the changes start from, and its rows.

use mainstay_testkit::Engine;

/// How many items there are.
pub const ROWS: usize = 10_000;

/// Owners, items that refer to them, and parts of items.
pub const CONTRACT: &str = r#"syntax = "proto3";
package golden.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
import "mainstay/v1/options.proto";

message Item {
  option (google.api.resource) = {type: "golden.example.com/Item" pattern: "items/{item}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "'writer' in auth.roles"}
    index {fields: "code"}
    index {fields: "state" fields: "count desc"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string code = 2;
  string title = 3;
  int32 count = 4;
  optional string note = 5;
  Address address = 6;
  repeated Line lines = 7;
  State state = 8;
  string owner = 9 [(google.api.resource_reference).type = "golden.example.com/Owner"];
  string label = 10;
  map<string, Line> extra = 11;
  google.type.Money price = 12;
  repeated string tags = 13;
  int64 total = 14;
  bool hot = 15;
  double rate = 16;
  string maker = 17;
  optional int32 grade = 18;
  message Address { string city = 1; string street = 2; }
  message Line { string text = 1; int32 quantity = 2; }
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
}

message Owner {
  option (google.api.resource) = {type: "golden.example.com/Owner" pattern: "owners/{owner}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}

message Part {
  option (google.api.resource) = {type: "golden.example.com/Part" pattern: "items/{item}/parts/{part}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
"#;

/// The base with pieces of its text replaced; each piece must be there.
pub fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = CONTRACT.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the base has no {from}");
        text = text.replace(from, to);
    }
    text
}

/// The rows, as a busy service would have left them: each field follows from the row's number.
pub fn rows(engine: Engine) -> String {
    let json = |text: &str| match engine {
        Engine::Sqlite => text.to_owned(),
        Engine::Postgres => format!("({text})::jsonb"),
    };
    let series = |count: usize| match engine {
        Engine::Sqlite => {
            format!("WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < {count})")
        }
        Engine::Postgres => format!("WITH s(i) AS (SELECT generate_series(0, {}))", count - 1),
    };
    let line = json(r#"'[{"text":"l' || i || '","quantity":' || i || '}]'"#);
    let extra = json(r#"'{"k":{"text":"x' || i || '"}}'"#);
    let tags = json(r#"'["a","t' || i || '"]'"#);
    let insert = |into: &str, count: usize, values: &str| match engine {
        Engine::Sqlite => format!("INSERT INTO {into} {} SELECT {values} FROM s;\n", series(count)),
        Engine::Postgres => format!("{} INSERT INTO {into} SELECT {values} FROM s;\n", series(count)),
    };
    let columns = "golden_v1_item (_id, _revision, code, title, count, note, _has_address, address__city, address__street, lines, \
                   state, owner, label, extra, _has_price, price__currency_code, price__units, price__nanos, tags, total, hot, \
                   rate, maker, grade)";
    let values = format!(
        "'i' || i, 1, 'c' || i, 'title ' || i, i, CASE WHEN i % 2 = 0 THEN 'n' || i END, i % 3 <> 0, \
         CASE WHEN i % 3 <> 0 THEN 'city ' || (i % 10) ELSE '' END, '', {line}, i % 3, 'o' || (i % 100), '', {extra}, TRUE, 'EUR', i, 0, \
         {tags}, i * 1000, i % 2 = 0, i / 2.0, CASE WHEN i % 5 = 0 THEN '' ELSE 'owners/o' || (i % 100) END, \
         CASE WHEN i % 4 <> 0 THEN i % 7 END"
    );
    [
        insert("golden_v1_owner (_id, _revision, title)", 100, "'o' || i, 1, 'owner ' || i"),
        insert(columns, ROWS, &values),
        insert("golden_v1_part (_item_id, _id, _revision, title)", 500, "'i' || i, 'p', 1, 'part ' || i"),
    ]
    .concat()
}
