//! S10 and S15 of effects: what they change is told to nobody who may not read it, and set by nobody who tries.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::relations::method;
use crate::s10_two_worlds::Worlds;
use crate::support::Fixture;

/// Orders that anybody makes, and coupons that change with them and that nobody but the staff reads.
fn market() -> String {
    file(
        "m.v1",
        r#"
message Coupon {
  option (google.api.resource) = {type: "m.example.com/Coupon" pattern: "coupons/{coupon}"};
  option (mainstay.v1.resource) = {access {read: "'staff' in auth.roles" refer: "true" write: "'staff' in auth.roles"}};
  option (buf.validate.message).cel = {id: "used_up" message: "the coupon is used up" expression: "this.uses <= this.max_uses"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 max_uses = 2;
  int32 uses = 3 [(buf.validate.field).int32.lte = 100];
  bool blocked = 4;
  string label = 5;
  State state = 6 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "Use" from: "OPEN" to: "USED" access: "false" guard: "!resource.blocked && !Coupon.exists(c, c.label == 'stop')"}
    transition {name: "Reopen" from: "USED" to: "OPEN" access: "'staff' in auth.roles"}
  }];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; USED = 2; STOPPED = 3; }
}
message Mark {
  option (google.api.resource) = {type: "m.example.com/Mark" pattern: "marks/{mark}"};
  option (mainstay.v1.resource) = {
    access {read: "'staff' in auth.roles" write: "'staff' in auth.roles"}
    index {fields: "text" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string text = 2;
  string owner = 3 [(google.api.field_behavior) = IMMUTABLE];
}
message Order {
  option (google.api.resource) = {type: "m.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {
    access {read: "true" create: "true" update: "true" delete: "true"}
    effect {on: "create" if: "resource.kind == 'count'" adjust {field: "lines.coupon.uses" by: "this.count"}}
    effect {on: "create" if: "resource.kind == 'use'" move {row: "coupon" transition: "Use"}}
    effect {on: "create" if: "resource.kind == 'mark'" put {resource: "Mark" id: "resource.text" set {field: "text" value: "resource.text"} set {field: "owner" value: "'shop'"}}}
    effect {on: "update" set {field: "seen" value: "resource.text"}}
    effect {on: "Settle" set {field: "price" value: "7"}}
    effect {on: "Settle" adjust {field: "coupon.uses" by: "1"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string kind = 2;
  string text = 3;
  string coupon = 4 [(google.api.resource_reference).type = "m.example.com/Coupon"];
  repeated Line lines = 5;
  int64 price = 6 [(google.api.field_behavior) = OUTPUT_ONLY];
  int64 discount = 7 [(mainstay.v1.field) = {write: "'staff' in auth.roles"}];
  string seen = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
  State state = 9 [(mainstay.v1.states) = {
    initial: "CART"
    transition {name: "Settle" from: "CART" to: "SETTLED" access: "auth.uid != null" input: "text"}
  }];
  message Line { string coupon = 1 [(google.api.resource_reference).type = "m.example.com/Coupon"]; int32 count = 2; }
  enum State { STATE_UNSPECIFIED = 0; CART = 1; SETTLED = 2; }
}
"#,
    )
}

/// Refused alike by other causes, and done alike to rows that differ.
async fn worlds(engine: Engine) -> Worlds {
    let coupon = |id: &'static str, one: Json, other: Json| (("Coupon", "", id), one, other);
    let rows = [
        coupon("open", json!({"max_uses": 50, "label": "a"}), json!({"max_uses": 99, "uses": 9, "label": "b"})),
        coupon("full", json!({"max_uses": 3, "uses": 3}), json!({"max_uses": 500, "uses": 100})),
        coupon(
            "shut",
            json!({"state": "USED", "max_uses": 1}),
            json!({"state": "OPEN", "blocked": true, "max_uses": 9}),
        ),
        coupon("gone", json!({"state": "STOPPED"}), json!({"state": "USED", "label": "c"})),
        (("Mark", "", "one"), json!({"text": "taken"}), Json::Null),
        (("Mark", "", "two"), Json::Null, json!({"text": "taken", "owner": "eve"})),
        // In one world the id is somebody's, in the other the text.
        (("Mark", "", "mine"), json!({"text": "x", "owner": "eve"}), Json::Null),
        (("Mark", "", "other"), Json::Null, json!({"text": "mine"})),
        // One that is there, and one that is not.
        (("Mark", "", "there"), json!({"text": "y", "owner": "shop"}), Json::Null),
    ];
    Worlds::of(engine, &market(), &rows).await
}

both_engines! {
    async fn s10_effects_on_hidden_rows_tell_nothing_of_them(engine: Engine) {
        let worlds = worlds(engine).await;
        let create = method("Create", "Order");
        for coupon in ["open", "full", "shut", "gone"] {
            for kind in ["count", "use"] {
                let name = format!("coupons/{coupon}");
                let order = json!({"kind": kind, "coupon": name, "lines": [{"coupon": name, "count": 1}, {"coupon": name, "count": 200}]});
                if (coupon, kind) != ("open", "use") {
                    worlds.agree(&create, json!({"order": order})).await;
                    worlds.agree(&create, json!({"order": order, "validate_only": true})).await;
                }
            }
        }
        let one = json!({"kind": "count", "lines": [{"coupon": "coupons/open", "count": 1}]});
        worlds.agree(&create, json!({"order": one})).await;
        worlds.agree("m.v1.OrderService/BatchCreateOrders", json!({"requests": [{"order": one}, {"order": one}]})).await;
        for text in ["taken", "mine", "there", "free", "No Id"] {
            let order = json!({"order": {"kind": "mark", "text": text}});
            worlds.agree(&create, order.clone()).await;
            worlds.agree("m.v1.CommitService/Commit", json!({"writes": [{"create_order": order}]})).await;
        }
        // What there is not, is told as what may not be named, whatever an effect would do.
        worlds.agree(&create, json!({"order": {"kind": "use", "coupon": "coupons/none"}})).await;
    }

    async fn s15_what_effects_and_transitions_set_nobody_sets_by_any_way(engine: Engine) {
        let fixture = Fixture::start(engine, &market()).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("mia", &["staff"]));
        let forged = json!({"name": "orders/x", "text": "t", "price": "1", "seen": "forged", "discount": "0", "state": "CART"});
        let ways = |order: &Json, mask: &str, is_there: bool| {
            let mut change = json!({"order": order, "update_mask": mask});
            change["allow_missing"] = json!(!is_there);
            let create = json!({"order_id": "x", "order": order});
            let mut ways = vec![
                (method("Update", "Order"), change.clone()),
                ("m.v1.OrderService/BatchUpdateOrders".to_owned(), json!({"requests": [change]})),
                ("m.v1.CommitService/Commit".to_owned(), json!({"writes": [{"update_order": change}]})),
            ];
            if !is_there {
                ways.push((method("Create", "Order"), create.clone()));
                ways.push(("m.v1.OrderService/BatchCreateOrders".to_owned(), json!({"requests": [create]})));
                ways.push(("m.v1.CommitService/Commit".to_owned(), json!({"writes": [{"create_order": create}]})));
            }
            ways
        };
        let delete = json!({"name": "orders/x", "allow_missing": true});
        for is_there in [false, true] {
            for mask in ["", "*", "price,seen,state,discount,text"] {
                for (way, request) in ways(&forged, mask, is_there) {
                    ann.ok(&method("Delete", "Order"), delete.clone()).await;
                    if is_there {
                        ann.ok(&method("Create", "Order"), json!({"order_id": "x", "order": {}})).await;
                    }
                    ann.ok(&way, request).await;
                    let stored = ann.ok(&method("Get", "Order"), json!({"name": "orders/x"})).await;
                    assert!(stored.get("price").is_none() && stored["seen"] != "forged", "{way} {mask}: {stored}");
                    assert_eq!(stored["state"], "CART", "{way} {mask}");
                }
                let mut worse = forged.clone();
                worse["state"] = json!("SETTLED");
                let mut cheap = forged.clone();
                cheap["discount"] = json!("5");
                for ((way, settled), (_, cheap)) in ways(&worse, mask, is_there).into_iter().zip(ways(&cheap, mask, is_there)) {
                    ann.ok(&method("Delete", "Order"), delete.clone()).await;
                    if is_there {
                        ann.ok(&method("Create", "Order"), json!({"order_id": "x", "order": {}})).await;
                    }
                    assert_eq!(ann.refused(&way, settled).await.0, Reason::FieldViolation, "{way} {mask}");
                    assert_eq!(ann.refused(&way, cheap).await.0, Reason::PermissionDenied, "{way} {mask}");
                }
            }
        }
        // Nor by a transform, nor with a transition.
        ann.ok(&method("Delete", "Order"), delete).await;
        staff.ok(&method("Create", "Coupon"), json!({"coupon_id": "c", "coupon": {"max_uses": 1}})).await;
        ann.ok(&method("Create", "Order"), json!({"order_id": "x", "order": {"coupon": "coupons/c"}})).await;
        for field in ["price", "discount"] {
            let change = json!({"update_order": {"order": {"name": "orders/x"}, "transforms": [{"field": field, "add": 3}]}});
            let _ = ann.call("m.v1.CommitService/Commit", json!({"writes": [change]})).await;
        }
        let settled = ann.ok("m.v1.OrderService/SettleOrder", json!({"name": "orders/x", "text": "done"})).await;
        assert_eq!((&settled["price"], settled.get("discount"), settled.get("seen")), (&json!("7"), None, None));
        let counted = staff.ok(&method("Get", "Coupon"), json!({"name": "coupons/c"})).await;
        assert_eq!(counted["uses"], 1);
        assert_eq!(ann.refused(&method("Get", "Coupon"), json!({"name": "coupons/c"})).await.0, Reason::ResourceNotFound);
        for changing in [method("Update", "Coupon"), "m.v1.CouponService/BatchUpdateCoupons".to_owned()] {
            let change = json!({"coupon": {"name": "coupons/c", "uses": 0}, "update_mask": "uses"});
            let request = if changing.contains("Batch") { json!({"requests": [change]}) } else { change };
            assert!(matches!(ann.refused(&changing, request).await.0, Reason::PermissionDenied), "{changing}");
        }
    }
}
