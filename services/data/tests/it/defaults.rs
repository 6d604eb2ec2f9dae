//! Defaults: what a Create leaves out gets them, and what it says stays, a zero included.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

const CREATE: &str = "pref.v1.PrefService/CreatePref";
const GET: &str = "pref.v1.PrefService/GetPref";

fn prefs() -> String {
    file(
        "pref.v1",
        r#"
message Pref {
  option (google.api.resource) = {type: "pref.example.com/Pref" pattern: "prefs/{pref}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional bool public = 2 [(mainstay.v1.field).default = "true"];
  optional int32 stock = 3 [(mainstay.v1.field).default = "7"];
  optional double rate = 4 [(mainstay.v1.field).default = "0.5"];
  optional string title = 5 [(mainstay.v1.field).default = "'new'"];
  optional Level level = 6 [(mainstay.v1.field).default = "Level.HIGH"];
  google.protobuf.BoolValue wrapped = 7 [(mainstay.v1.field).default = "true"];
  State state = 8 [(mainstay.v1.field).default = "State.CART"];
  string owner = 9 [(mainstay.v1.field).default = "auth.uid", (buf.validate.field).string.max_len = 3];
  string code = 10 [(mainstay.v1.field).default = "'none'", (buf.validate.field).string.min_len = 2];
  google.protobuf.Int64Value count = 11 [(mainstay.v1.field).default = "9"];
  optional bytes seal = 12 [(mainstay.v1.field).default = "b'x'"];
  enum Level { LOW = 0; HIGH = 1; }
  enum State { STATE_UNSPECIFIED = 0; CART = 1; PAID = 2; }
}
"#,
    )
}

fn zeros() -> Json {
    json!({
        "public": false, "stock": 0, "rate": 0.0, "title": "", "level": "LOW", "wrapped": false, "count": "0", "seal": "",
    })
}

both_engines! {
    async fn what_is_left_out_gets_its_default(engine: Engine) {
        let fixture = Fixture::start(engine, &prefs()).await;
        let made = fixture.user("ann", &[]).ok(CREATE, json!({"pref_id": "a", "pref": {}})).await;
        let expected = json!({
            "name": "prefs/a", "public": true, "stock": 7, "rate": 0.5, "title": "new", "level": "HIGH", "wrapped": true,
            "state": "CART", "owner": "ann", "code": "none", "count": "9", "seal": "eA==",
        });
        assert_eq!(made, expected);
    }

    async fn a_zero_that_was_sent_stays(engine: Engine) {
        let fixture = Fixture::start(engine, &prefs()).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(CREATE, json!({"pref_id": "a", "pref": zeros()})).await;
        let read = ann.ok(GET, json!({"name": "prefs/a"})).await;
        for (field, zero) in zeros().as_object().unwrap() {
            assert_eq!(read.get(field), Some(zero), "{field}");
        }
    }

    async fn an_unspecified_state_and_an_empty_text_that_nobody_can_mean_count_as_left_out(engine: Engine) {
        let fixture = Fixture::start(engine, &prefs()).await;
        let empty = json!({"state": "STATE_UNSPECIFIED", "owner": "", "code": ""});
        let made = fixture.user("ann", &[]).ok(CREATE, json!({"pref_id": "a", "pref": empty})).await;
        assert_eq!((&made["state"], &made["owner"], &made["code"]), (&json!("CART"), &json!("ann"), &json!("none")));
        let said = json!({"state": "PAID", "owner": "bob", "code": "xy"});
        let made = fixture.user("ann", &[]).ok(CREATE, json!({"pref_id": "b", "pref": said})).await;
        assert_eq!((&made["state"], &made["owner"], &made["code"]), (&json!("PAID"), &json!("bob"), &json!("xy")));
    }

    async fn a_default_of_the_caller_is_checked_on_the_row(engine: Engine) {
        let fixture = Fixture::start(engine, &prefs()).await;
        let refused = fixture.user("longer", &[]).refused(CREATE, json!({"pref": {}})).await;
        assert_eq!(refused, (Reason::FieldViolation, vec!["pref.owner".to_owned()]));
    }

    async fn a_contract_that_was_applied_before_its_default_was_refused_still_starts(engine: Engine) {
        let fixture = Fixture::start(engine, &prefs()).await;
        fixture.anonymous().ok(CREATE, json!({"pref_id": "a", "pref": {}})).await;
        // As an earlier version took it: nothing refuses the empty text that the default would replace.
        fixture.sql("UPDATE mainstay_contracts SET sources = replace(sources, 'string.min_len = 2', 'string.max_len = 9')").await;
        fixture.write("no contract at all");
        let restarted = fixture.restart().await;
        restarted.anonymous().ok(GET, json!({"name": "prefs/a"})).await;
    }
}
