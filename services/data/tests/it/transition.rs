//! Transitions (AIP-216): who may, when, with what; and that nothing else changes a state.

use futures_util::future::join_all;
use mainstay_fault::{Fault, Reason};
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

pub const CREATE: &str = "shop.v1.OrderService/CreateOrder";
const UPDATE: &str = "shop.v1.OrderService/UpdateOrder";
const GET: &str = "shop.v1.OrderService/GetOrder";
pub const DELETE: &str = "shop.v1.OrderService/DeleteOrder";
pub const PLACE: &str = "shop.v1.OrderService/PlaceOrder";
pub const SHIP: &str = "shop.v1.OrderService/ShipOrder";
const CANCEL: &str = "shop.v1.OrderService/CancelOrder";
pub const RATE: &str = "shop.v1.OrderService/RateOrder";
const CREATE_DEPOT: &str = "shop.v1.DepotService/CreateDepot";
const COMMIT: &str = "shop.v1.CommitService/Commit";
pub const ORDER: &str = "orders/one";

/// Orders, and the depots that they leave from, of which some are secret.
pub fn orders() -> String {
    file(
        "shop.v1",
        r#"
message Order {
  option (google.api.resource) = {type: "shop.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {access {
    read: "resource.buyer == auth.uid || 'staff' in auth.roles"
    create: "resource.buyer == auth.uid"
    update: "old.buyer == auth.uid && old.state == State.CART"
    delete: "resource.buyer == auth.uid"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string buyer = 2 [(mainstay.v1.field) = {default: "auth.uid"}, (google.api.field_behavior) = IMMUTABLE];
  repeated Line lines = 3 [(buf.validate.field).repeated.max_items = 3];
  State state = 4 [(mainstay.v1.states) = {
    initial: "CART"
    transition {name: "Place" from: "CART" to: "PLACED" access: "resource.buyer == auth.uid" guard: "size(resource.lines) > 0" input: "address"}
    transition {
      name: "Ship" from: "PLACED" to: "SHIPPED" access: "'staff' in auth.roles"
      guard: "resource.depot.open" input: "tracking" input: "depot" input: "weight"
    }
    transition {name: "Cancel" from: "CART" from: "PLACED" to: "CANCELLED" access: "resource.buyer == auth.uid || 'staff' in auth.roles"}
    transition {name: "Lose" from: "SHIPPED" to: "CANCELLED" access: "false"}
    transition {name: "Burn" from: "SHIPPED" to: "CANCELLED"}
  }];
  Address address = 5;
  string tracking = 6 [
    (google.api.field_behavior) = REQUIRED, (google.api.field_behavior) = OUTPUT_ONLY,
    (buf.validate.field).string = {max_len: 8}
  ];
  string depot = 7 [(google.api.resource_reference).type = "shop.example.com/Depot", (google.api.field_behavior) = OUTPUT_ONLY];
  fixed64 weight = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp update_time = 9;
  string etag = 10;
  Mood mood = 11 [(mainstay.v1.states) = {
    initial: "MOOD_UNSPECIFIED"
    transition {name: "Rate" from: "MOOD_UNSPECIFIED" from: "GOOD" from: "BAD" to: "GOOD" access: "resource.buyer == auth.uid"}
  }];

  message Line { string product = 1; int32 quantity = 2; }
  message Address {
    string city = 1 [(buf.validate.field).string = {max_len: 10}];
    string zone = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
  }
  enum State { STATE_UNSPECIFIED = 0; CART = 1; PLACED = 2; SHIPPED = 3; CANCELLED = 4; }
  enum Mood { MOOD_UNSPECIFIED = 0; GOOD = 1; BAD = 2; }
}

message Depot {
  option (google.api.resource) = {type: "shop.example.com/Depot" pattern: "depots/{depot}"};
  option (mainstay.v1.resource) = {access {read: "!resource.secret || 'chief' in auth.roles" write: "'staff' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  bool secret = 2;
  bool open = 3;
}
"#,
    )
}

pub fn cart(id: &str) -> Json {
    json!({"order_id": id, "order": {"lines": [{"product": "cup", "quantity": 2}]}})
}

/// An order of ann's.
pub async fn with_an_order(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &orders()).await;
    fixture.user("ann", &[]).ok(CREATE, cart("one")).await;
    let staff = fixture.user("stan", &["staff", "chief"]);
    for (id, depot) in
        [("main", json!({"open": true})), ("shut", json!({})), ("dark", json!({"open": true, "secret": true}))]
    {
        staff.ok(CREATE_DEPOT, json!({"depot_id": id, "depot": depot})).await;
    }
    fixture
}

fn said(fault: &Fault, key: &str) -> String {
    fault.metadata(key).unwrap_or_default().to_owned()
}

async fn state(caller: &Caller<'_>) -> Json {
    caller.ok(GET, json!({"name": ORDER})).await["state"].clone()
}

both_engines! {
    async fn a_row_goes_from_state_to_state_with_what_is_given(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        let cart = ann.ok(GET, json!({"name": ORDER})).await;
        assert_eq!(cart["state"], "CART", "a new row is in the initial state");
        let placed = ann.ok(PLACE, json!({"name": ORDER, "address": {"city": "Ulm", "zone": "mine"}})).await;
        assert_eq!((&placed["state"], &placed["address"]), (&json!("PLACED"), &json!({"city": "Ulm"})));
        assert_eq!(placed["lines"], cart["lines"], "all else stays");
        assert!(placed["etag"] != cart["etag"] && placed["update_time"].as_str() > cart["update_time"].as_str());
        assert_eq!(ann.ok(GET, json!({"name": ORDER})).await, placed);
        let given = json!({"name": ORDER, "tracking": "T1", "depot": "depots/main", "weight": 7});
        let shipped = staff.ok(SHIP, given).await;
        assert_eq!((&shipped["state"], &shipped["tracking"]), (&json!("SHIPPED"), &json!("T1")));
        assert_eq!((&shipped["depot"], &shipped["weight"]), (&json!("depots/main"), &json!("7")));
    }

    async fn a_transition_that_does_not_begin_where_the_row_is_says_where_it_does(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        let ship = json!({"name": ORDER, "tracking": "T", "depot": "depots/main"});
        let fault = staff.fault(SHIP, ship.clone()).await;
        assert_eq!((fault.reason(), fault.code()), (Some(Reason::IllegalTransition), tonic::Code::FailedPrecondition));
        assert_eq!((said(&fault, "state"), said(&fault, "from")), ("CART".into(), "PLACED".into()));
        assert_eq!(said(&fault, "allowed"), "Place,Cancel", "of this machine, and where the row is");
        ann.ok(CANCEL, json!({"name": ORDER})).await;
        let fault = ann.fault(PLACE, json!({"name": ORDER})).await;
        assert_eq!((said(&fault, "state"), said(&fault, "from"), said(&fault, "allowed")), ("CANCELLED".into(), "CART".into(), String::new()));
        assert_eq!(ann.refused(CANCEL, json!({"name": ORDER})).await.0, Reason::IllegalTransition, "nor again");
        ann.ok(RATE, json!({"name": ORDER})).await;
        let rated = ann.ok(RATE, json!({"name": ORDER})).await;
        assert_eq!((&rated["state"], &rated["mood"]), (&json!("CANCELLED"), &json!("GOOD")), "two machines, and a loop");
    }

    async fn who_may_not_is_told_so_before_anything_else(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let (ann, ben, staff) = (fixture.user("ann", &[]), fixture.user("ben", &[]), fixture.user("stan", &["staff"]));
        let wrong = json!({"name": ORDER, "etag": "stale", "tracking": "far too long"});
        assert_eq!(fixture.anonymous().refused(PLACE, json!({"name": ORDER})).await.0, Reason::Unauthenticated);
        assert_eq!(ben.refused(PLACE, json!({"name": ORDER})).await.0, Reason::ResourceNotFound, "hidden is missing");
        assert_eq!(ben.refused(PLACE, json!({"name": "orders/none"})).await.0, Reason::ResourceNotFound);
        assert_eq!(staff.refused(PLACE, json!({"name": ORDER})).await.0, Reason::PermissionDenied);
        assert_eq!(ann.refused(SHIP, wrong.clone()).await, (Reason::PermissionDenied, vec![]));
        assert_eq!(staff.refused(SHIP, wrong).await.0, Reason::EtagMismatch, "then the version");
        for method in ["LoseOrder", "BurnOrder"] {
            let method = format!("shop.v1.OrderService/{method}");
            assert_eq!(ann.refused(&method, json!({"name": ORDER})).await.0, Reason::PermissionDenied, "{method}");
        }
        assert_eq!(state(&ann).await, "CART");
    }

    async fn a_guard_holds_for_everybody_and_sees_what_is_given(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        ann.ok(UPDATE, json!({"order": {"name": ORDER}, "update_mask": "lines"})).await;
        let fault = ann.fault(PLACE, json!({"name": ORDER})).await;
        assert_eq!((fault.reason(), fault.code()), (Some(Reason::GuardRefused), tonic::Code::FailedPrecondition));
        assert_eq!(said(&fault, "transition"), "Place");
        assert_eq!(fixture.system().refused(PLACE, json!({"name": ORDER})).await.0, Reason::GuardRefused);
        ann.ok(UPDATE, json!({"order": {"name": ORDER, "lines": [{"product": "cup"}]}})).await;
        ann.ok(PLACE, json!({"name": ORDER})).await;
        let ship = |depot: &str| json!({"name": ORDER, "tracking": "T", "depot": depot});
        assert_eq!(staff.refused(SHIP, ship("depots/shut")).await.0, Reason::GuardRefused);
        // What one may not read one learns nothing of: it is as if it were missing.
        for hidden in ["depots/dark", "depots/none"] {
            assert_eq!(staff.refused(SHIP, ship(hidden)).await.0, Reason::GuardRefused, "{hidden}");
        }
        fixture.user("cora", &["staff", "chief"]).ok(SHIP, ship("depots/dark")).await;
    }

    async fn what_is_given_is_checked_as_any_field_and_named_as_the_request_has_it(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        let refused = ann.refused(PLACE, json!({"name": ORDER, "address": {"city": "Llanfairpwll"}})).await;
        assert_eq!(refused, (Reason::FieldViolation, vec!["address.city".to_owned()]));
        ann.ok(PLACE, json!({"name": ORDER})).await;
        let missing = staff.refused(SHIP, json!({"name": ORDER, "depot": "depots/main"})).await;
        assert_eq!(missing, (Reason::FieldViolation, vec!["tracking".to_owned()]), "what is REQUIRED must be given");
        let long = json!({"name": ORDER, "tracking": "123456789", "depot": "depots/main"});
        assert_eq!(staff.refused(SHIP, long).await, (Reason::FieldViolation, vec!["tracking".to_owned()]));
        let foreign = json!({"name": ORDER, "tracking": "1", "depot": "orders/one"});
        assert_eq!(staff.refused(SHIP, foreign).await, (Reason::FieldViolation, vec!["depot".to_owned()]));
        let huge = json!({"name": ORDER, "tracking": "1", "depot": "depots/main", "weight": u64::MAX.to_string()});
        assert_eq!(staff.refused(SHIP, huge).await, (Reason::FieldViolation, vec!["weight".to_owned()]));
    }

    async fn a_field_with_a_write_rule_is_given_by_whom_it_lets_alone(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let ruled = "(google.api.field_behavior) = OUTPUT_ONLY, (mainstay.v1.field).write = \"'chief' in auth.roles\"";
        let changed = orders().replace("fixed64 weight = 8 [(google.api.field_behavior) = OUTPUT_ONLY", &format!("fixed64 weight = 8 [{ruled}"));
        assert_ne!(changed, orders());
        fixture.rewrite(&changed).await;
        fixture.user("ann", &[]).ok(PLACE, json!({"name": ORDER})).await;
        let ship = json!({"name": ORDER, "tracking": "T", "depot": "depots/main", "weight": 7});
        let fault = fixture.user("stan", &["staff"]).fault(SHIP, ship.clone()).await;
        assert_eq!((fault.reason(), fault.metadata("field")), (Some(Reason::PermissionDenied), Some("weight")));
        fixture.user("cora", &["staff", "chief"]).ok(SHIP, ship).await;
    }

    async fn s15_no_way_of_writing_sets_a_state(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let ann = fixture.user("ann", &[]);
        let refused = (Reason::FieldViolation, vec!["order.state".to_owned()]);
        let create = |state: Json| json!({"order": {"lines": [{"product": "cup"}], "state": state}});
        assert_eq!(ann.refused(CREATE, create(json!("PLACED"))).await, refused);
        let fault = ann.fault(CREATE, create(json!(77))).await;
        assert!(fault.violations()[0].description.contains("PlaceOrder, ShipOrder, CancelOrder"), "{fault:?}");
        assert_eq!(ann.ok(CREATE, create(json!("CART"))).await["state"], "CART", "what it is anyhow may be said");
        let update = |mask: Option<&str>| {
            let mut update = json!({"order": {"name": ORDER, "state": "PLACED", "lines": [{"product": "pot"}]}});
            update.as_object_mut().unwrap().extend(mask.map(|mask| ("update_mask".to_owned(), json!(mask))));
            update
        };
        for mask in [None, Some("state"), Some("*"), Some("lines,state")] {
            assert_eq!(ann.refused(UPDATE, update(mask)).await, refused, "{mask:?}");
        }
        assert_eq!(ann.ok(UPDATE, update(Some("lines"))).await["state"], "CART", "what the mask leaves out is not meant");
        let mut upsert = update(None);
        upsert["allow_missing"] = json!(true);
        upsert["order"]["name"] = json!("orders/new");
        assert_eq!(ann.refused(UPDATE, upsert.clone()).await, refused);
        upsert["order"].as_object_mut().unwrap().remove("state");
        assert_eq!(ann.ok(UPDATE, upsert).await["state"], "CART");
        let unset = json!({"order": {"name": ORDER}, "update_mask": "state,mood"});
        assert_eq!(ann.ok(UPDATE, unset).await["state"], "CART", "nor is it unset");
        let add = json!({"order": {"name": ORDER}, "transforms": [{"field": "state", "add": 1}]});
        ann.refused(UPDATE, add).await;
        let one = json!({"requests": [create(json!("PLACED"))]});
        let batch = ann.refused("shop.v1.OrderService/BatchCreateOrders", one).await;
        assert_eq!(batch, (Reason::FieldViolation, vec!["requests[0].order.state".to_owned()]));
        let commit = ann.refused(COMMIT, json!({"writes": [{"update_order": update(None)}]})).await;
        assert_eq!(commit, (Reason::FieldViolation, vec!["writes[0].update_order.order.state".to_owned()]));
        assert_eq!(state(&ann).await, "CART");
        let seeded = fixture.system().ok(CREATE, create(json!("PLACED"))).await;
        assert_eq!(seeded["state"], "PLACED", "the process itself may, for a seed");
    }

    async fn of_two_that_race_one_wins(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let ann = fixture.user("ann", &[]);
        let all = join_all((0..16).map(|which| {
            let (ann, method) = (ann.clone(), if which % 2 == 0 { PLACE } else { CANCEL });
            async move { ann.call(method, json!({"name": ORDER})).await }
        }));
        let outcomes = all.await;
        let placed = outcomes.iter().step_by(2).filter(|outcome| outcome.is_ok()).count();
        let cancelled = outcomes.iter().skip(1).step_by(2).filter(|outcome| outcome.is_ok()).count();
        assert!(placed <= 1 && cancelled == 1, "{placed} placed, {cancelled} cancelled");
        for fault in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(fault.reason(), Some(Reason::IllegalTransition), "{fault:?}");
        }
    }

    async fn a_repeated_request_is_done_once_and_one_that_only_asks_not_at_all(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let ann = fixture.user("ann", &[]);
        let dry = ann.ok(PLACE, json!({"name": ORDER, "validate_only": true})).await;
        assert_eq!((dry["state"].clone(), state(&ann).await), (json!("PLACED"), json!("CART")));
        let place = json!({"name": ORDER, "request_id": "once", "address": {"city": "Ulm"}});
        let placed = ann.ok(PLACE, place.clone()).await;
        assert_eq!(ann.ok(PLACE, place).await, placed);
        let other = json!({"name": ORDER, "request_id": "once", "address": {"city": "Bern"}});
        assert_eq!(ann.refused(PLACE, other).await.0, Reason::RequestIdReused);
        let cancelled = ann.ok(CANCEL, json!({"name": ORDER, "request_id": "once"})).await;
        assert_eq!(cancelled["state"], "CANCELLED", "another transition's ids are others");
    }

    async fn transitions_are_writes_of_a_commit(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff", "chief"]));
        ann.ok(CREATE, cart("two")).await;
        let place = |name: &str| json!({"place_order": {"name": name, "address": {"city": "Ulm"}}});
        let both = ann.ok(COMMIT, json!({"writes": [place(ORDER), place("orders/two")]})).await;
        assert_eq!(both["results"][1]["order"]["state"], "PLACED");
        // A label is a reference where it is given with a transition.
        let writes = json!([
            {"label": "depot", "create_depot": {"depot_id": "new", "depot": {"open": true}}},
            {"ship_order": {"name": ORDER, "tracking": "T", "depot": "$depot"}},
        ]);
        let shipped = staff.ok(COMMIT, json!({"writes": writes})).await;
        assert_eq!(shipped["results"][1]["order"]["depot"], "depots/new");
        let mixed = json!({"writes": [{"cancel_order": {"name": "orders/two"}}, {"cancel_order": {"name": ORDER}}]});
        let fault = staff.fault(COMMIT, mixed).await;
        assert_eq!(fault.reason(), Some(Reason::IllegalTransition));
        assert_eq!(said(&fault, "element"), "writes[1].cancel_order");
        let two = staff.ok(GET, json!({"name": "orders/two"})).await;
        assert_eq!(two["state"], "PLACED", "all or nothing");
        let twice = json!({"writes": [{"cancel_order": {"name": "orders/two"}}, {"cancel_order": {"name": "orders/two"}}]});
        assert_eq!(staff.refused(COMMIT, twice).await.0, Reason::FieldViolation, "a row is written once");
    }

    async fn a_renamed_transition_has_its_new_name_and_a_moved_one_keeps_its_own(engine: Engine) {
        let fixture = with_an_order(engine).await;
        let cancel = r#"    transition {name: "Cancel""#;
        let first = format!("    transition {{name: \"Recall\" from: \"PLACED\" to: \"CART\" access: \"true\"}}\n{cancel}");
        let changed = orders().replace(cancel, &first).replace(r#"name: "Place" from: "CART""#, r#"name: "Order" from: "CART""#);
        fixture.rewrite(&changed).await;
        let ann = fixture.user("ann", &[]);
        ann.ok("shop.v1.OrderService/OrderOrder", json!({"name": ORDER})).await;
        ann.ok(CANCEL, json!({"name": ORDER})).await;
        ann.ok(DELETE, json!({"name": ORDER})).await;
    }
}
