//! Transitions that happen by themselves, at the moment that their rows say.

use mainstay_data::clock::{LONGEST, Passed, Patience, is_due, transitions};
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const HOUR: i64 = 3_600;
const CREATE: &str = "bank.v1.HoldService/CreateHold";
const GET: &str = "bank.v1.HoldService/GetHold";

/// Holds that end by themselves, each of which a job of a test takes along: the folder's own job looks, too.
const BANK: &str = r#"
message Account {
  option (google.api.resource) = {type: "bank.example.com/Account" pattern: "accounts/{account}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int64 held = 2 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int64.gte = 0];
  int64 released = 3 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int64.lte = 1000];
}
message Hold {
  option (google.api.resource) = {type: "bank.example.com/Hold" pattern: "holds/{hold}"};
  option (mainstay.v1.resource) = {
    access {read: "true" create: "true" update: "true" delete: "true"}
    index {fields: "end_time"}
    soft_delete: true
    effect {on: "create" adjust {field: "account.held" by: "resource.amount"}}
    effect {on: "Release" adjust {field: "account.held" by: "-resource.amount"}}
    effect {on: "Release" adjust {field: "account.released" by: "resource.amount"}}
    effect {on: "Release" set {field: "ender" value: "auth.uid"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(google.api.resource_reference).type = "bank.example.com/Account"];
  int64 amount = 3;
  google.protobuf.Timestamp end_time = 4;
  bool stopped = 5;
  string ender = 6 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp delete_time = 7 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp grace_time = 8;
  State state = 9 [(mainstay.v1.states) = {
    initial: "ACTIVE"
    transition {name: "Capture" from: "ACTIVE" to: "CAPTURED" access: "true"}
    transition {name: "Release" from: "ACTIVE" to: "RELEASED" access: "false" guard: "!resource.stopped" at: "resource.end_time"}
    transition {name: "Forget" from: "RELEASED" to: "FORGOTTEN" access: "false" at: "resource.grace_time"}
  }];
  enum State { STATE_UNSPECIFIED = 0; ACTIVE = 1; CAPTURED = 2; RELEASED = 3; FORGOTTEN = 4; }
}
"#;

/// When the clock of the fixture begins, and so many seconds later.
fn at(seconds: i64) -> String {
    let begin = 1_700_000_000 + seconds;
    let (day, second) = (begin / 86_400, begin % 86_400);
    // The 14th of November 2023 is the day 19,675.
    let day = 14 + day - 19_675;
    format!("2023-11-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

async fn bank(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("bank.v1", BANK)).await;
    fixture
        .user("ann", &[])
        .ok("bank.v1.AccountService/CreateAccount", json!({"account_id": "a", "account": {}}))
        .await;
    fixture
}

async fn hold(caller: &Caller<'_>, id: &str, hold: Json) {
    let mut all = json!({"account": "accounts/a", "amount": 10});
    all.as_object_mut().unwrap().extend(hold.as_object().unwrap().clone());
    caller.ok(CREATE, json!({"hold_id": id, "hold": all})).await;
}

async fn state(caller: &Caller<'_>, id: &str) -> String {
    caller.ok(GET, json!({"name": format!("holds/{id}")})).await["state"].as_str().unwrap_or_default().to_owned()
}

async fn passages(caller: &Caller<'_>, id: &str) -> Vec<Json> {
    let past = caller.ok("bank.v1.HoldService/ListHoldTransitions", json!({"name": format!("holds/{id}")})).await;
    past["transitions"].as_array().cloned().unwrap_or_default()
}

/// Takes along what is due, beside the service's own job, until that has nothing to do either.
async fn tick(fixture: &Fixture) -> Passed {
    transitions(fixture.data.resources(), &mut Patience::default()).await.unwrap()
}

both_engines! {
    async fn a_row_that_does_not_go_is_left_alone_for_a_while_and_holds_up_nobody(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        let resources = fixture.data.resources();
        hold(&ann, "stuck", json!({"endTime": at(HOUR), "stopped": true})).await;
        fixture.clock.advance_seconds(HOUR + 1);
        let mut patience = Patience::default();
        assert!(is_due(resources, &patience).await.unwrap(), "nobody tried yet");
        assert_eq!(transitions(resources, &mut patience).await.unwrap(), Passed { moved: 0, waiting: 1 });
        assert!(!is_due(resources, &patience).await.unwrap(), "it is left alone, and no lease is written for it");
        hold(&ann, "free", json!({"endTime": at(HOUR)})).await;
        assert!(is_due(resources, &patience).await.unwrap() || state(&ann, "free").await == "RELEASED", "behind it is one that goes");
        let passed = transitions(resources, &mut patience).await.unwrap();
        assert_eq!(passed.waiting, 1, "it waits still, and is told");
        assert_eq!(state(&ann, "free").await, "RELEASED");
        ann.ok("bank.v1.HoldService/UpdateHold", json!({"hold": {"name": "holds/stuck", "stopped": false}, "update_mask": "stopped"})).await;
        fixture.clock.advance_seconds(LONGEST / 1_000_000 + 1);
        transitions(resources, &mut patience).await.unwrap();
        assert_eq!(state(&ann, "stuck").await, "RELEASED", "within a minute it is tried again");
        assert!(!is_due(resources, &patience).await.unwrap());
    }

    async fn a_row_goes_along_when_its_moment_has_come_and_not_before(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        hold(&ann, "soon", json!({"endTime": at(HOUR)})).await;
        hold(&ann, "later", json!({"endTime": at(3 * HOUR)})).await;
        hold(&ann, "never", json!({})).await;
        hold(&ann, "taken", json!({"endTime": at(HOUR)})).await;
        ann.ok("bank.v1.HoldService/CaptureHold", json!({"name": "holds/taken"})).await;
        fixture.clock.advance_seconds(HOUR - 60);
        assert_eq!(tick(&fixture).await, Passed::default(), "a minute is left");
        fixture.clock.advance_seconds(120);
        tick(&fixture).await;
        let released = ann.ok(GET, json!({"name": "holds/soon"})).await;
        assert_eq!(released["state"], "RELEASED");
        assert!(released.get("ender").is_none(), "nobody did it");
        for (id, expected) in [("later", "ACTIVE"), ("never", "ACTIVE"), ("taken", "CAPTURED")] {
            assert_eq!(state(&ann, id).await, expected, "{id}");
        }
        let past = passages(&ann, "soon").await;
        assert_eq!((past.len(), &past[0]["transition"], past[0].get("actor")), (1, &json!("Release"), None), "{past:?}");
        let account = ann.ok("bank.v1.AccountService/GetAccount", json!({"name": "accounts/a"})).await;
        assert_eq!((&account["held"], &account["released"]), (&json!("30"), &json!("10")));
        assert_eq!(ann.refused("bank.v1.HoldService/ReleaseHold", json!({"name": "holds/later"})).await.0, Reason::PermissionDenied);
    }

    async fn a_moment_is_what_the_row_says_by_then(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        hold(&ann, "put-off", json!({"endTime": at(HOUR), "graceTime": at(3 * HOUR)})).await;
        let change = json!({"hold": {"name": "holds/put-off", "endTime": at(2 * HOUR)}, "update_mask": "endTime"});
        ann.ok("bank.v1.HoldService/UpdateHold", change).await;
        fixture.clock.advance_seconds(HOUR + 60);
        tick(&fixture).await;
        assert_eq!(state(&ann, "put-off").await, "ACTIVE");
        fixture.clock.advance_seconds(HOUR);
        tick(&fixture).await;
        assert_eq!(state(&ann, "put-off").await, "RELEASED");
        tick(&fixture).await;
        assert_eq!(state(&ann, "put-off").await, "RELEASED", "not yet");
        fixture.clock.advance_seconds(HOUR);
        tick(&fixture).await;
        assert_eq!(state(&ann, "put-off").await, "FORGOTTEN");
    }

    async fn a_row_that_cannot_go_holds_up_no_other_and_goes_when_it_can(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        hold(&ann, "a-guarded", json!({"endTime": at(HOUR), "stopped": true})).await;
        hold(&ann, "b-much", json!({"endTime": at(HOUR), "amount": 2_000})).await;
        hold(&ann, "c-good", json!({"endTime": at(HOUR)})).await;
        hold(&ann, "d-deleted", json!({"endTime": at(HOUR)})).await;
        ann.ok("bank.v1.HoldService/DeleteHold", json!({"name": "holds/d-deleted"})).await;
        fixture.clock.advance_seconds(2 * HOUR);
        let passed = tick(&fixture).await;
        assert_eq!(passed.waiting, 2);
        assert_eq!(state(&ann, "c-good").await, "RELEASED");
        let deleted = ann.ok(GET, json!({"name": "holds/d-deleted"})).await;
        assert_eq!(deleted["state"], "ACTIVE");
        let change = json!({"hold": {"name": "holds/a-guarded"}, "update_mask": "stopped"});
        ann.ok("bank.v1.HoldService/UpdateHold", change).await;
        assert_eq!(tick(&fixture).await.waiting, 1);
        assert_eq!(state(&ann, "a-guarded").await, "RELEASED");
        assert_eq!(state(&ann, "b-much").await, "ACTIVE");
    }

    async fn a_row_goes_once_whoever_else_is_at_it(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        let other = if engine == Engine::Postgres { Some(fixture.second().await) } else { None };
        let requests: Vec<Json> = (0..60).map(|n| json!({
            "hold_id": format!("h{n}"), "hold": {"account": "accounts/a", "amount": 1, "endTime": at(HOUR)},
        })).collect();
        ann.ok("bank.v1.HoldService/BatchCreateHolds", json!({"requests": requests})).await;
        fixture.clock.advance_seconds(2 * HOUR);
        let also = other.as_ref().unwrap_or(&fixture);
        let (one, two, three) = tokio::join!(tick(&fixture), tick(also), tick(&fixture));
        assert_eq!((one.waiting, two.waiting, three.waiting), (0, 0, 0));
        // The service's own job may have taken some.
        assert!(one.moved + two.moved + three.moved <= 60);
        tick(&fixture).await;
        let account = ann.ok("bank.v1.AccountService/GetAccount", json!({"name": "accounts/a"})).await;
        assert_eq!((account.get("held"), &account["released"]), (None, &json!("60")));
        for n in 0..60 {
            assert_eq!(passages(&ann, &format!("h{n}")).await.len(), 1, "h{n}");
        }
    }

    async fn the_service_does_it_by_itself(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        hold(&ann, "soon", json!({"endTime": at(HOUR)})).await;
        fixture.clock.advance_seconds(2 * HOUR);
        mainstay_testkit::wait::until("the hold is released", || async {
            (state(&ann, "soon").await == "RELEASED").then_some(())
        })
        .await;
    }

    async fn more_than_a_batch_goes_in_one_round(engine: Engine) {
        let fixture = bank(engine).await;
        let ann = fixture.user("ann", &[]);
        for part in 0..6 {
            let requests: Vec<Json> = (0..90).map(|n| json!({
                "hold_id": format!("h{part}-{n}"), "hold": {"amount": 1, "stopped": n % 2 == 0, "endTime": at(HOUR)},
            })).collect();
            ann.ok("bank.v1.HoldService/BatchCreateHolds", json!({"requests": requests})).await;
        }
        fixture.clock.advance_seconds(2 * HOUR);
        assert_eq!(tick(&fixture).await.waiting, 270);
        let left = json!({"filter": "state = ACTIVE AND stopped = false"});
        let left = ann.ok("bank.v1.HoldService/ListHolds", left).await;
        assert!(left.get("holds").is_none(), "{left}");
    }
}
