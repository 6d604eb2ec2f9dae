//! Permission comes before validation, existence before both the old rule and the request, the etag after the rules.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture, on_the_wire};

const SERVICE: &str = "gate.v1.DoorService";

fn doors() -> String {
    file(
        "gate.v1",
        r#"
message Door {
  option (google.api.resource) = {type: "gate.example.com/Door" pattern: "doors/{door}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.owner == auth.uid || 'guard' in auth.roles"
      create: "resource.owner == auth.uid && 'smith' in auth.roles"
      update: "'smith' in auth.roles && old.owner == auth.uid && new.owner == auth.uid"
      delete: "'smith' in auth.roles && resource.owner == auth.uid"
    }
    index {fields: "code" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string code = 3 [(google.api.field_behavior) = REQUIRED, (buf.validate.field).string.max_len = 4];
  string etag = 4;
  string made_of = 5 [(google.api.field_behavior) = IMMUTABLE];
}
"#,
    )
}

async fn gate(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &doors()).await;
    for (id, owner) in [("anns", "ann"), ("bobs", "bob")] {
        let door = json!({"code": id, "made_of": "oak"});
        let create = json!({"door_id": id, "door": door});
        fixture.user(owner, &["smith"]).ok(&format!("{SERVICE}/CreateDoor"), create).await;
    }
    fixture
}

/// Requests that are wrong in every way that their method knows.
fn invalid(id: &str) -> [(String, Json); 3] {
    let door =
        json!({"name": format!("doors/{id}"), "code": "too long", "owner": "eve", "made_of": "tin", "etag": "stale"});
    [
        (
            format!("{SERVICE}/CreateDoor"),
            json!({"door_id": "NO GOOD", "door": {"code": "too long"}, "request_id": "a b"}),
        ),
        (format!("{SERVICE}/UpdateDoor"), json!({"door": door, "update_mask": "noSuch", "request_id": "a b"})),
        (
            format!("{SERVICE}/DeleteDoor"),
            json!({"name": format!("doors/{id}"), "etag": "stale", "force": true, "request_id": "a b"}),
        ),
    ]
}

async fn reason(caller: &Caller<'_>, method: &str, request: &Json) -> Reason {
    caller.fault(&format!("{SERVICE}/{method}"), request.clone()).await.reason().unwrap()
}

both_engines! {
    async fn who_may_not_write_learns_nothing_of_what_is_wrong(engine: Engine) {
        let fixture = gate(engine).await;
        let callers = [
            (fixture.anonymous(), Reason::Unauthenticated),
            (fixture.user("zoe", &[]), Reason::PermissionDenied),
            (fixture.user("ann", &[]), Reason::PermissionDenied),
            (fixture.user("gus", &["guard"]), Reason::PermissionDenied),
        ];
        for (caller, expected) in callers {
            for (method, request) in invalid("anns") {
                let fault = caller.fault(&method, request.clone()).await;
                assert_eq!(fault.reason(), Some(expected), "{method} {request}");
                assert!(fault.violations().is_empty(), "{method}");
            }
        }
    }

    async fn what_is_hidden_does_not_exist_whatever_else_is_wrong(engine: Engine) {
        let fixture = gate(engine).await;
        let bob = fixture.user("bob", &["smith"]);
        for ((method, hidden), (_, missing)) in invalid("anns").into_iter().zip(invalid("none")).skip(1) {
            let (hidden, missing) = (bob.fault(&method, hidden).await, bob.fault(&method, missing).await);
            assert_eq!(hidden.reason(), Some(Reason::ResourceNotFound), "{method}");
            assert_eq!(on_the_wire(hidden), on_the_wire(missing), "{method}");
        }
    }

    async fn what_is_seen_but_not_ones_own_is_refused_before_the_request_is_read(engine: Engine) {
        let fixture = gate(engine).await;
        let smith = fixture.user("gus", &["guard", "smith"]);
        for (method, request) in invalid("anns").into_iter().skip(1) {
            let fault = smith.fault(&method, request).await;
            assert_eq!(fault.reason(), Some(Reason::PermissionDenied), "{method}: {fault:?}");
        }
    }

    async fn each_check_of_an_update_comes_in_its_turn(engine: Engine) {
        let fixture = gate(engine).await;
        let ann = fixture.user("ann", &["smith"]);
        let mut door = json!({"name": "doors/anns", "code": "too long", "owner": "eve", "made_of": "tin", "etag": "stale"});
        let request = |door: &Json, mask: &str| json!({"door": door, "update_mask": mask});
        assert_eq!(reason(&ann, "UpdateDoor", &request(&door, "noSuch")).await, Reason::InvalidMask, "the mask");
        let whole = "code,owner,madeOf";
        assert_eq!(reason(&ann, "UpdateDoor", &request(&door, whole)).await, Reason::PermissionDenied, "the new rule");
        door["owner"] = json!("ann");
        assert_eq!(reason(&ann, "UpdateDoor", &request(&door, whole)).await, Reason::EtagMismatch, "the etag");
        door["etag"] = json!("");
        let refused = reason(&ann, "UpdateDoor", &request(&door, whole)).await;
        assert!(matches!(refused, Reason::ImmutableField | Reason::FieldViolation), "the values: {refused:?}");
        door["made_of"] = json!("oak");
        assert_eq!(reason(&ann, "UpdateDoor", &request(&door, whole)).await, Reason::FieldViolation, "the values");
        door["code"] = json!("bobs");
        assert_eq!(reason(&ann, "UpdateDoor", &request(&door, whole)).await, Reason::UniqueViolation, "the store");
        door["code"] = json!("new");
        ann.ok(&format!("{SERVICE}/UpdateDoor"), request(&door, whole)).await;
    }

    async fn a_create_asks_the_rule_before_the_values(engine: Engine) {
        let fixture = gate(engine).await;
        let ann = fixture.user("ann", &["smith"]);
        let create = |owner: &str, code: &str| json!({"door": {"owner": owner, "code": code}});
        assert_eq!(reason(&ann, "CreateDoor", &create("eve", "too long")).await, Reason::PermissionDenied);
        assert_eq!(reason(&ann, "CreateDoor", &create("ann", "too long")).await, Reason::FieldViolation);
        assert_eq!(reason(&ann, "CreateDoor", &create("ann", "bobs")).await, Reason::UniqueViolation);
    }

    async fn a_rule_on_the_new_row_waits_for_the_new_row(engine: Engine) {
        let fixture = Fixture::start(engine, &file("wait.v1", r#"
message Item {
  option (google.api.resource) = {type: "wait.example.com/Item" pattern: "items/{item}"};
  option (mainstay.v1.resource) = {
    access {
      read: "true" create: "true"
      update: "old.owner == auth.uid && has(new.rank) && 'ok' in new.tags && new.owner == old.owner && size(new.tags) > 0"
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  optional int32 rank = 3;
  repeated string tags = 4;
}
"#)).await;
        let ann = fixture.user("ann", &[]);
        ann.ok("wait.v1.ItemService/CreateItem", json!({"item_id": "a", "item": {}})).await;
        let update = "wait.v1.ItemService/UpdateItem";
        let good = json!({"item": {"name": "items/a", "rank": 1, "tags": ["ok"]}});
        let bad = json!({"item": {"name": "items/a", "rank": 1, "tags": ["no"]}});
        assert_eq!(ann.refused(update, bad).await.0, Reason::PermissionDenied);
        assert_eq!(fixture.user("bob", &[]).refused(update, good.clone()).await.0, Reason::PermissionDenied);
        ann.ok(update, good).await;
    }

    async fn allowing_what_is_missing_needs_the_right_to_create(engine: Engine) {
        let fixture = Fixture::start(engine, &file("half.v1", r#"
message Half {
  option (google.api.resource) = {type: "half.example.com/Half" pattern: "halves/{half}"};
  option (mainstay.v1.resource) = {access {read: "true" update: "true" create: "'maker' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
"#)).await;
        let request = json!({"half": {"name": "halves/a", "title": "A"}, "allow_missing": true});
        let method = "half.v1.HalfService/UpdateHalf";
        assert_eq!(fixture.user("u", &[]).refused(method, request.clone()).await.0, Reason::PermissionDenied);
        assert_eq!(fixture.anonymous().refused(method, request.clone()).await.0, Reason::Unauthenticated);
        fixture.user("u", &["maker"]).ok(method, request).await;
    }
}
