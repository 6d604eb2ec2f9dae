//! Effects: what the contract does beside what was asked for, in the same transaction.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const CREATE: &str = "shop.v1.OrderService/CreateOrder";
const UPDATE: &str = "shop.v1.OrderService/UpdateOrder";
const DELETE: &str = "shop.v1.OrderService/DeleteOrder";
const GET: &str = "shop.v1.OrderService/GetOrder";
const PLACE: &str = "shop.v1.OrderService/PlaceOrder";
const CREATE_VARIANT: &str = "shop.v1.VariantService/CreateVariant";
const UPDATE_VARIANT: &str = "shop.v1.VariantService/UpdateVariant";
const GET_VARIANT: &str = "shop.v1.VariantService/GetVariant";
const CREATE_COUPON: &str = "shop.v1.CouponService/CreateCoupon";
const GET_COUPON: &str = "shop.v1.CouponService/GetCoupon";
const GET_TALLY: &str = "shop.v1.TallyService/GetTally";
const COMMIT: &str = "shop.v1.CommitService/Commit";
const CUP: &str = "variants/cup";

/// Orders that reserve what they are for, use up coupons that nobody reads, and are counted.
const SHOP: &str = r#"
message Variant {
  option (google.api.resource) = {type: "shop.example.com/Variant" pattern: "variants/{variant}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "'merchant' in auth.roles"}
    effect {on: "update" if: "resource.reserved != old.reserved" adjust {field: "tally.moves" by: "1"}}
  };
  option (buf.validate.message).cel = {id: "reserved" message: "more is reserved than there is" expression: "this.reserved <= this.on_hand"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 on_hand = 2 [(buf.validate.field).int32.gte = 0];
  int32 reserved = 3 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int32.gte = 0];
  int64 price = 4;
  string tally = 5 [(google.api.resource_reference).type = "shop.example.com/Tally"];
  google.protobuf.Timestamp update_time = 6 [(google.api.field_behavior) = OUTPUT_ONLY];
  string etag = 7;
}

message Tally {
  option (google.api.resource) = {type: "shop.example.com/Tally" pattern: "tallies/{tally}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "'merchant' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 moves = 2 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int32.lte = 100];
  int32 orders = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  double weight = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
}

message Coupon {
  option (google.api.resource) = {type: "shop.example.com/Coupon" pattern: "coupons/{coupon}"};
  option (mainstay.v1.resource) = {access {read: "'merchant' in auth.roles" write: "'merchant' in auth.roles" refer: "!resource.over"}};
  option (buf.validate.message).cel = {id: "used_up" message: "the coupon is used up" expression: "this.uses <= this.max_uses"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 max_uses = 2;
  int32 uses = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  bool over = 4;
  string note = 5 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp used_time = 6 [(google.api.field_behavior) = OUTPUT_ONLY];
}

message Order {
  option (google.api.resource) = {type: "shop.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.buyer == auth.uid || 'merchant' in auth.roles"
      create: "resource.buyer == auth.uid"
      update: "old.buyer == auth.uid && old.state == State.CART"
      delete: "resource.buyer == auth.uid"
    }
    effect {on: "Place" set {field: "price" value: "resource.variant.price"}}
    effect {on: "Place" set {field: "placer" value: "auth.uid"}}
    effect {on: "Place" set {field: "end_time" value: "now + duration('15m')"}}
    effect {on: "Place" adjust {field: "variant.reserved" by: "resource.quantity"}}
    effect {on: "Place" if: "resource.other != ''" adjust {field: "other.reserved" by: "resource.quantity"}}
    effect {on: "Place" if: "has(resource.coupon)" adjust {field: "coupon.uses" by: "1"}}
    effect {on: "Place" set {field: "coupon.used_time" value: "now"}}
    effect {on: "Free" adjust {field: "variant.reserved" by: "-resource.back"}}
    effect {on: "create" adjust {field: "variant.tally.orders" by: "1"}}
    effect {on: "create" adjust {field: "variant.tally.weight" by: "resource.weight"}}
    effect {on: "delete" adjust {field: "variant.tally.orders" by: "-1"}}
    effect {on: "create" on: "update" if: "resource.quantity != old.quantity" set {field: "asked" value: "resource.quantity"}}
    effect {on: "update" if: "resource.note == 'wide'" set {field: "asked" value: "resource.large"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string buyer = 2 [(mainstay.v1.field) = {default: "auth.uid"}, (google.api.field_behavior) = IMMUTABLE];
  string variant = 3 [(google.api.resource_reference).type = "shop.example.com/Variant"];
  string other = 4 [(google.api.resource_reference).type = "shop.example.com/Variant"];
  int32 quantity = 5;
  string coupon = 6 [(google.api.resource_reference).type = "shop.example.com/Coupon"];
  State state = 7 [(mainstay.v1.states) = {
    initial: "CART"
    transition {name: "Place" from: "CART" to: "PLACED" access: "resource.buyer == auth.uid" guard: "resource.quantity > 0"}
    transition {name: "Free" from: "PLACED" to: "CART" access: "resource.buyer == auth.uid" input: "back"}
  }];
  int64 price = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
  string placer = 9 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp end_time = 10 [(google.api.field_behavior) = OUTPUT_ONLY];
  int32 back = 11 [(google.api.field_behavior) = OUTPUT_ONLY];
  int32 asked = 12 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int32.lte = 1000];
  int64 large = 13;
  string note = 14;
  double weight = 15;
  string etag = 16;
  enum State { STATE_UNSPECIFIED = 0; CART = 1; PLACED = 2; }
}
"#;

/// Ten cups and two pots, counted together, and a coupon that is good once.
async fn with_stock(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("shop.v1", SHOP)).await;
    let merchant = fixture.user("mia", &["merchant"]);
    merchant.ok("shop.v1.TallyService/CreateTally", json!({"tally_id": "all", "tally": {}})).await;
    for (id, on_hand) in [("cup", 10), ("pot", 2)] {
        let variant = json!({"on_hand": on_hand, "price": 7, "tally": "tallies/all"});
        merchant.ok(CREATE_VARIANT, json!({"variant_id": id, "variant": variant})).await;
    }
    for (id, coupon) in [("once", json!({"max_uses": 1})), ("over", json!({"max_uses": 9, "over": true}))] {
        merchant.ok(CREATE_COUPON, json!({"coupon_id": id, "coupon": coupon})).await;
    }
    fixture
}

async fn order(caller: &Caller<'_>, id: &str, order: Json) -> Json {
    caller.ok(CREATE, json!({"order_id": id, "order": order})).await
}

async fn reserved(fixture: &Fixture, variant: &str) -> i64 {
    let found = fixture.user("mia", &["merchant"]).ok(GET_VARIANT, json!({"name": variant})).await;
    found["reserved"].as_i64().unwrap_or(0)
}

async fn tally(fixture: &Fixture) -> Json {
    fixture.user("mia", &["merchant"]).ok(GET_TALLY, json!({"name": "tallies/all"})).await
}

/// Leaves that whoever asks for one has approved by a manager whom he may not see.
const LEAVES: &str = r#"
message Employee {
  option (google.api.resource) = {type: "hr.example.com/Employee" pattern: "employees/{employee}"};
  option (mainstay.v1.resource) = {access {read: "resource.account == auth.uid" write: "'hr' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
  string manager = 3 [(google.api.resource_reference).type = "hr.example.com/Employee"];
}
message Leave {
  option (google.api.resource) = {type: "hr.example.com/Leave" pattern: "leaves/{leave}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    effect {on: "create" on: "update" set {field: "approver" value: "resource.employee.manager"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string employee = 2 [(google.api.resource_reference).type = "hr.example.com/Employee"];
  string approver = 3 [(google.api.resource_reference).type = "hr.example.com/Employee", (google.api.field_behavior) = OUTPUT_ONLY];
  string stand_in = 5 [(google.api.resource_reference).type = "hr.example.com/Employee"];
}
"#;

/// Albums that know how many photos they have, two at most.
const ALBUMS: &str = r#"
message Album {
  option (google.api.resource) = {type: "pic.example.com/Album" pattern: "albums/{album}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 photos = 2 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int32 = {gte: 0 lte: 2}];
}
message Photo {
  option (google.api.resource) = {type: "pic.example.com/Photo" pattern: "photos/{photo}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    soft_delete: true
    effect {on: "create" on: "undelete" adjust {field: "album.photos" by: "1"}}
    effect {on: "delete" adjust {field: "album.photos" by: "-1"}}
    effect {on: "undelete" if: "!resource.returned" set {field: "returned" value: "true"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string album = 2 [(google.api.resource_reference).type = "pic.example.com/Album"];
  bool returned = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  google.protobuf.Timestamp delete_time = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
}
"#;

both_engines! {
    async fn what_a_deletion_counts_down_counts_up_when_it_is_undone(engine: Engine) {
        let fixture = Fixture::start(engine, &file("pic.v1", ALBUMS)).await;
        let ann = fixture.user("ann", &[]);
        ann.ok("pic.v1.AlbumService/CreateAlbum", json!({"album_id": "a", "album": {}})).await;
        let count = async || {
            let album = ann.ok("pic.v1.AlbumService/GetAlbum", json!({"name": "albums/a"})).await;
            album["photos"].as_i64().unwrap_or_default()
        };
        let create = |id: &str| json!({"photo_id": id, "photo": {"album": "albums/a"}});
        let (delete, undelete) = ("pic.v1.PhotoService/DeletePhoto", "pic.v1.PhotoService/UndeletePhoto");
        for id in ["one", "two"] {
            ann.ok("pic.v1.PhotoService/CreatePhoto", create(id)).await;
        }
        ann.ok(delete, json!({"name": "photos/one"})).await;
        assert_eq!(count().await, 1);
        let checked = ann.ok(undelete, json!({"name": "photos/one", "validate_only": true})).await;
        assert_eq!((checked["returned"].as_bool(), count().await), (Some(true), 1), "nothing is done yet");
        let back = ann.ok(undelete, json!({"name": "photos/one", "request_id": "0199a1c4-0000-7000-8000-000000000001"})).await;
        assert!(back["returned"].as_bool() == Some(true) && back.get("delete_time").is_none(), "{back}");
        assert_eq!(count().await, 2);
        ann.ok(undelete, json!({"name": "photos/one", "request_id": "0199a1c4-0000-7000-8000-000000000001"})).await;
        assert_eq!(count().await, 2, "a call that is repeated counts once");
        ann.ok(delete, json!({"name": "photos/one"})).await;
        ann.ok("pic.v1.PhotoService/CreatePhoto", create("three")).await;
        let full = ann.refused(undelete, json!({"name": "photos/one"})).await;
        assert_eq!(full.0, Reason::EffectRefused, "{full:?}");
        assert_eq!(count().await, 2);
        let kept = ann.ok("pic.v1.PhotoService/GetPhoto", json!({"name": "photos/one"})).await;
        assert!(kept.get("delete_time").is_some(), "{kept}");
    }

    async fn what_an_effect_refers_to_is_named_by_the_contract_and_not_by_the_caller(engine: Engine) {
        let fixture = Fixture::start(engine, &file("hr.v1", LEAVES)).await;
        let ann = fixture.user("ann", &[]);
        let employ = |id: &str, account: &str, manager: &str| {
            json!({"employee_id": id, "employee": {"account": account, "manager": manager}})
        };
        // Who makes a row need not read it.
        let boss = fixture.user("boss", &["hr"]);
        boss.ok("hr.v1.EmployeeService/CreateEmployee", employ("boss", "boss", "")).await;
        boss.ok("hr.v1.EmployeeService/CreateEmployee", employ("ann", "ann", "employees/boss")).await;
        let create = "hr.v1.LeaveService/CreateLeave";
        let leave = json!({"leave_id": "l", "leave": {"employee": "employees/ann"}});
        let made = ann.ok(create, leave).await;
        assert_eq!(made["approver"], "employees/boss", "{made}");
        let named = json!({"leave": {"employee": "employees/ann", "stand_in": "employees/boss"}});
        assert_eq!(ann.refused(create, named).await.0, Reason::ReferenceNotFound, "whom he names himself he must see");
        let other = json!({"leave": {"employee": "employees/boss"}});
        assert_eq!(ann.refused(create, other).await.0, Reason::ReferenceNotFound);
        let update = json!({"leave": {"name": "leaves/l", "stand_in": "employees/ann"}, "update_mask": "standIn"});
        assert_eq!(ann.ok("hr.v1.LeaveService/UpdateLeave", update).await["approver"], "employees/boss");
    }

    async fn a_transition_changes_the_rows_that_its_row_refers_to(engine: Engine) {
        let fixture = with_stock(engine).await;
        let ann = fixture.user("ann", &[]);
        order(&ann, "one", json!({"variant": CUP, "quantity": 3})).await;
        let before = ann.ok(GET_VARIANT, json!({"name": CUP})).await;
        let placed = ann.ok(PLACE, json!({"name": "orders/one"})).await;
        assert_eq!((&placed["state"], &placed["price"], &placed["placer"]), (&json!("PLACED"), &json!("7"), &json!("ann")));
        assert!(placed["end_time"].is_string());
        assert_eq!(ann.ok(GET, json!({"name": "orders/one"})).await, placed);
        let after = ann.ok(GET_VARIANT, json!({"name": CUP})).await;
        assert_eq!(after["reserved"], 3);
        assert!(after["etag"] != before["etag"], "it is a change as any other");
        assert!(after["update_time"].as_str() > before["update_time"].as_str());
        assert_eq!(tally(&fixture).await["moves"], 1, "and has effects of its own");
        ann.ok("shop.v1.OrderService/FreeOrder", json!({"name": "orders/one", "back": 3})).await;
        assert_eq!(reserved(&fixture, CUP).await, 0);
    }

    async fn what_a_row_cannot_take_is_refused_by_what_led_to_it_and_nothing_is_done(engine: Engine) {
        let fixture = with_stock(engine).await;
        let ann = fixture.user("ann", &[]);
        for (id, made, field) in [
            ("much", json!({"variant": CUP, "quantity": 11}), "order.variant"),
            ("pots", json!({"variant": CUP, "other": "variants/pot", "quantity": 3}), "order.other"),
            ("both", json!({"variant": "variants/pot", "other": "variants/pot", "quantity": 2}), "order.other"),
            ("huge", json!({"variant": CUP, "other": CUP, "quantity": 1000}), "order.variant"),
        ] {
            order(&ann, id, made).await;
            let name = json!({"name": format!("orders/{id}")});
            let fault = ann.fault(PLACE, name.clone()).await;
            assert_eq!((fault.reason(), fault.code()), (Some(Reason::EffectRefused), tonic::Code::FailedPrecondition), "{id}");
            assert_eq!(ann.refused(PLACE, name.clone()).await.1, [field], "{id}");
            let dry = json!({"name": format!("orders/{id}"), "validate_only": true});
            assert_eq!(ann.refused(PLACE, dry).await, (Reason::EffectRefused, vec![field.to_owned()]), "{id}");
            assert_eq!(ann.ok(GET, name).await["state"], "CART", "{id}");
        }
        assert_eq!((reserved(&fixture, CUP).await, reserved(&fixture, "variants/pot").await), (0, 0));
        order(&ann, "down", json!({"variant": CUP, "quantity": 1})).await;
        ann.ok(PLACE, json!({"name": "orders/down"})).await;
        let free = json!({"name": "orders/down", "back": 2});
        let refused = ann.refused("shop.v1.OrderService/FreeOrder", free).await;
        assert_eq!(refused, (Reason::EffectRefused, vec!["order.variant".to_owned()]), "the floor");
        assert!(tally(&fixture).await["moves"] == 1);
    }

    async fn what_is_only_tried_changes_nothing(engine: Engine) {
        let fixture = with_stock(engine).await;
        let ann = fixture.user("ann", &[]);
        order(&ann, "one", json!({"variant": CUP, "quantity": 3})).await;
        let tried = ann.ok(PLACE, json!({"name": "orders/one", "validate_only": true})).await;
        assert_eq!((&tried["state"], &tried["price"]), (&json!("PLACED"), &json!("7")));
        assert_eq!(reserved(&fixture, CUP).await, 0);
    }

    async fn a_row_that_the_caller_may_only_name_changes_and_says_nothing_of_itself(engine: Engine) {
        let fixture = with_stock(engine).await;
        let (ann, merchant) = (fixture.user("ann", &[]), fixture.user("mia", &["merchant"]));
        order(&ann, "one", json!({"variant": CUP, "quantity": 1, "coupon": "coupons/once"})).await;
        order(&ann, "two", json!({"variant": CUP, "quantity": 1, "coupon": "coupons/once"})).await;
        ann.ok(PLACE, json!({"name": "orders/one"})).await;
        let used = merchant.ok(GET_COUPON, json!({"name": "coupons/once"})).await;
        assert_eq!(used["uses"], 1);
        assert!(used["used_time"].is_string());
        let fault = ann.fault(PLACE, json!({"name": "orders/two"})).await;
        assert_eq!(fault.reason(), Some(Reason::EffectRefused));
        assert_eq!(fault.metadata("field"), Some("coupon"));
        let said = format!("{fault:?}");
        assert!(!said.contains("used up") && !said.contains("uses"), "{said}");
        let hidden = json!({"order": {"variant": CUP, "quantity": 1, "coupon": "coupons/over"}});
        assert_eq!(ann.refused(CREATE, hidden).await.0, Reason::ReferenceNotFound);
    }

    async fn rows_that_are_made_and_deleted_are_counted(engine: Engine) {
        let fixture = with_stock(engine).await;
        let ann = fixture.user("ann", &[]);
        for id in ["one", "two", "three"] {
            order(&ann, id, json!({"variant": CUP, "weight": 0.5})).await;
        }
        order(&ann, "none", json!({})).await;
        ann.ok(DELETE, json!({"name": "orders/two"})).await;
        let counted = tally(&fixture).await;
        assert_eq!((&counted["orders"], &counted["weight"]), (&json!(2), &json!(1.5)));
    }

    async fn what_is_set_in_the_row_itself_is_part_of_the_write(engine: Engine) {
        let fixture = with_stock(engine).await;
        let ann = fixture.user("ann", &[]);
        let made = order(&ann, "one", json!({"quantity": 5, "asked": 77})).await;
        assert_eq!(made["asked"], 5, "nobody else sets it");
        let changed = ann.ok(UPDATE, json!({"order": {"name": "orders/one", "note": "x", "asked": 9}})).await;
        assert_eq!(changed["asked"], 5, "and only where its condition holds");
        let refused = (Reason::EffectRefused, vec!["order.asked".to_owned()]);
        let update = |order: Json| json!({"order": order});
        let many = update(json!({"name": "orders/one", "quantity": 1001}));
        assert_eq!(ann.refused(UPDATE, many).await, refused, "a constraint is a ceiling");
        let wide = update(json!({"name": "orders/one", "note": "wide", "large": "3000000000"}));
        assert_eq!(ann.refused(UPDATE, wide).await, refused, "so is its type");
        let missing = json!({"order": {"name": "orders/new", "quantity": 4}, "allow_missing": true});
        assert_eq!(ann.ok(UPDATE, missing).await["asked"], 4);
    }

    async fn effects_of_a_commit_are_summed_up_and_see_what_it_writes(engine: Engine) {
        let fixture = with_stock(engine).await;
        let ann = fixture.user("ann", &["merchant"]);
        for id in ["a", "b"] {
            order(&ann, id, json!({"variant": CUP, "quantity": 6})).await;
        }
        let place = |id: &str| json!({"place_order": {"name": format!("orders/{id}")}});
        let both = json!({"writes": [place("a"), place("b")]});
        assert_eq!(ann.refused(COMMIT, both.clone()).await, (Reason::EffectRefused, vec!["writes[1].place_order.order.variant".to_owned()]));
        let more = json!({"update_variant": {"variant": {"name": CUP, "on_hand": 12}, "update_mask": "onHand"}});
        let all = json!({"request_id": "once", "writes": [place("a"), more, place("b")]});
        let done = ann.ok(COMMIT, all.clone()).await;
        assert_eq!(done["results"][1]["variant"]["reserved"], 12, "{done}");
        assert_eq!(ann.ok(COMMIT, all).await, done, "a repetition does nothing again");
        assert_eq!(reserved(&fixture, CUP).await, 12);
        assert_eq!(tally(&fixture).await["moves"], 1, "one change of one row");
    }

    async fn nobody_reserves_what_is_reserved(engine: Engine) {
        let fixture = with_stock(engine).await;
        let buyers = 40;
        for n in 0..buyers {
            order(&fixture.user("ann", &[]), &format!("o{n}"), json!({"variant": CUP, "quantity": 1, "other": if n % 2 == 0 { "variants/pot" } else { "" }})).await;
        }
        let tries = (0..buyers).map(|n| {
            let fixture = &fixture;
            async move { fixture.user("ann", &[]).call(PLACE, json!({"name": format!("orders/o{n}")})).await.is_ok() }
        });
        let done = join_all(tries).await.into_iter().filter(|ok| *ok).count();
        assert_eq!(i64::try_from(done).unwrap(), reserved(&fixture, CUP).await);
        assert_eq!(reserved(&fixture, CUP).await, 10);
        assert_eq!(reserved(&fixture, "variants/pot").await, 2);
        assert_eq!(tally(&fixture).await["moves"], 12);
    }

    async fn what_effects_change_nobody_sets(engine: Engine) {
        let fixture = with_stock(engine).await;
        let merchant = fixture.user("mia", &["merchant"]);
        for mask in ["reserved", "*", "onHand,reserved"] {
            let update = json!({"variant": {"name": CUP, "reserved": 5, "on_hand": 10, "price": 7, "tally": "tallies/all"}, "update_mask": mask});
            let changed = merchant.ok(UPDATE_VARIANT, update).await;
            assert!(changed.get("reserved").is_none(), "{mask}: {changed}");
        }
        assert_eq!(tally(&fixture).await.get("moves"), None);
    }
}
