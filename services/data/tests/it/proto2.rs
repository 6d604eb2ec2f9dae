//! A resource written in proto2 is served like any other: every field has presence.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::support::Fixture;

const CREATE: &str = "old.v1.BoxService/CreateBox";
const GET: &str = "old.v1.BoxService/GetBox";
const LIST: &str = "old.v1.BoxService/ListBoxes";
const UPDATE: &str = "old.v1.BoxService/UpdateBox";
const DELETE: &str = "old.v1.BoxService/DeleteBox";

const CONTRACT: &str = r#"syntax = "proto2";
package old.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";

message Box {
  option (google.api.resource) = {type: "old.example.com/Box" pattern: "boxes/{box}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    index {fields: "label" unique: true}
  };
  optional string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional string label = 2 [(google.api.field_behavior) = REQUIRED];
  optional bool open = 3 [(mainstay.v1.field).default = "true"];
  optional int32 size = 4 [(buf.validate.field).int32 = {gte: 0, lte: 9}];
  repeated int32 sizes = 5;
  repeated sint64 packed = 6 [packed = true];
  optional Color color = 7;
  repeated Color colors = 8;
  optional Lid lid = 9;
  repeated Lid lids = 10;
  map<string, Color> named = 11;
  optional double weight = 12;
  optional bytes seal = 13;
  optional google.protobuf.Timestamp create_time = 14;
  optional string etag = 15;
  message Lid { optional string text = 1; optional int32 count = 2; }
  enum Color { NONE = 0; RED = 1; BLUE = 2; }
}
"#;

both_engines! {
    async fn everything_that_is_set_comes_back_and_nothing_else(engine: Engine) {
        let fixture = Fixture::start(engine, CONTRACT).await;
        let caller = fixture.anonymous();
        let full = json!({
            "label": "a", "open": false, "size": 0, "sizes": [1, 0, -1], "packed": ["3", "-4"], "color": "NONE",
            "colors": ["RED", "NONE"], "lid": {"text": "", "count": 0}, "lids": [{"text": "x"}, {"count": 0}],
            "named": {"k": "BLUE"}, "weight": 0.0, "seal": "",
        });
        let made = caller.ok(CREATE, json!({"box_id": "a", "box": full})).await;
        for (field, value) in full.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        assert_eq!(made["name"], "boxes/a");
        assert!(made["etag"].is_string() && made["create_time"].is_string(), "{made}");
        assert_eq!(caller.ok(GET, json!({"name": "boxes/a"})).await, made);
        let bare = caller.ok(CREATE, json!({"box_id": "b", "box": {"label": "b"}})).await;
        let mut fields: Vec<&String> = bare.as_object().unwrap().keys().collect();
        fields.sort();
        assert_eq!(fields, ["create_time", "etag", "label", "name", "open"]);
        assert_eq!(bare["open"], true, "its default");
    }

    async fn an_update_tells_zero_from_nothing(engine: Engine) {
        let fixture = Fixture::start(engine, CONTRACT).await;
        let caller = fixture.anonymous();
        caller.ok(CREATE, json!({"box_id": "a", "box": {"label": "a", "size": 3, "color": "RED"}})).await;
        let zero = json!({"box": {"name": "boxes/a", "size": 0, "color": "NONE"}});
        let after = caller.ok(UPDATE, zero).await;
        assert_eq!((&after["size"], &after["color"], &after["label"]), (&json!(0), &json!("NONE"), &json!("a")));
        let cleared = json!({"box": {"name": "boxes/a"}, "update_mask": "size,color"});
        let after = caller.ok(UPDATE, cleared).await;
        assert!(after.get("size").is_none() && after.get("color").is_none(), "{after}");
        let bare = json!({"box": {"name": "boxes/a", "label": "a"}, "update_mask": "*"});
        assert!(caller.ok(UPDATE, bare).await.get("open").is_none(), "a default is a creation's");
        let stale = json!({"box": {"name": "boxes/a", "label": "b", "etag": "\"stale\""}});
        assert_eq!(caller.refused(UPDATE, stale).await.0, Reason::EtagMismatch);
    }

    async fn constraints_filters_and_indexes_hold(engine: Engine) {
        let fixture = Fixture::start(engine, CONTRACT).await;
        let caller = fixture.anonymous();
        let refused = caller.refused(CREATE, json!({"box": {"size": 10}})).await;
        assert_eq!(refused, (Reason::FieldViolation, vec!["box.label".to_owned(), "box.size".to_owned()]));
        for (id, size, color) in [("a", json!(0), json!("RED")), ("b", json!(5), json!("BLUE"))] {
            let made = json!({"label": id, "size": size, "color": color, "lid": {"text": id}});
            caller.ok(CREATE, json!({"box_id": id, "box": made})).await;
        }
        caller.ok(CREATE, json!({"box_id": "c", "box": {"label": "c"}})).await;
        for (filter, expected) in [
            ("size >= 0 AND size:*", vec!["boxes/a", "boxes/b"]),
            ("color = RED", vec!["boxes/a"]),
            ("lid.text = \"b\"", vec!["boxes/b"]),
            ("size = null", vec!["boxes/c"]),
            ("open = true", vec!["boxes/a", "boxes/b", "boxes/c"]),
        ] {
            let page = caller.ok(LIST, json!({"filter": filter, "order_by": "label"})).await;
            let names: Vec<&str> = page["boxes"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
            assert_eq!(names, expected, "{filter}");
        }
        assert_eq!(caller.refused(CREATE, json!({"box": {"label": "a"}})).await.0, Reason::UniqueViolation);
        caller.ok(DELETE, json!({"name": "boxes/a"})).await;
    }
}
