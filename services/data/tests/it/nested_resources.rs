//! Resources that are declared inside other messages.

use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::file;
use crate::support::Fixture;

/// Lines of orders, of which the order keeps the last one as well.
fn contract() -> String {
    file(
        "shop.v1",
        r#"
message Order {
  option (google.api.resource) = {type: "shop.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  Line last = 2;
  string best = 3 [(google.api.resource_reference).type = "shop.example.com/Line"];
  message Line {
    option (google.api.resource) = {type: "shop.example.com/Line" pattern: "orders/{order}/lines/{line}"};
    option (mainstay.v1.resource) = {access {read: "true" write: "true"} on_parent_delete: CASCADE};
    string name = 1;
    int32 quantity = 2;
    State state = 3 [(mainstay.v1.states) = {initial: "OPEN" transition {name: "Pick" from: "OPEN" to: "PICKED" access: "true"}}];
    enum State { STATE_UNSPECIFIED = 0; OPEN = 1; PICKED = 2; }
  }
}
"#,
    )
}

both_engines! {
    async fn it_has_every_method_of_a_resource(engine: Engine) {
        let fixture = Fixture::start(engine, &contract()).await;
        let anonymous = fixture.anonymous();
        anonymous.ok("shop.v1.OrderService/CreateOrder", json!({"order_id": "o", "order": {"last": {"quantity": 3}}})).await;
        let line = |id: &str| json!({"parent": "orders/o", "line_id": id, "line": {"quantity": 1}});
        let made = anonymous.ok("shop.v1.LineService/CreateLine", line("a")).await;
        assert_eq!(made["name"], json!("orders/o/lines/a"));
        anonymous.ok("shop.v1.LineService/BatchCreateLines", json!({"parent": "orders/o", "requests": [line("b"), line("c")]})).await;
        let commit = json!({"writes": [
            {"update_line": {"line": {"name": "orders/o/lines/a", "quantity": 2}}},
            {"update_order": {"order": {"name": "orders/o", "best": "orders/o/lines/b"}}},
            {"pick_line": {"name": "orders/o/lines/c"}},
        ]});
        let done = anonymous.ok("shop.v1.CommitService/Commit", commit).await;
        assert_eq!(done["results"][0]["line"]["quantity"], json!(2));
        let listed = anonymous.ok("shop.v1.LineService/ListLines", json!({"parent": "orders/-", "filter": "quantity >= 1"})).await;
        assert_eq!(listed["lines"].as_array().unwrap().len(), 3);
        let order = anonymous.ok("shop.v1.OrderService/ListOrders", json!({"filter": "best.quantity = 1 AND last.quantity = 3"})).await;
        assert_eq!(order["orders"][0]["best"], json!("orders/o/lines/b"));
    }
}
