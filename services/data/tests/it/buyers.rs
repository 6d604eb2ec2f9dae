//! Many who want what there is not enough of.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

/// Orders of lines, of which each reserves what it is for.
const SHOP: &str = r#"
message Variant {
  option (google.api.resource) = {type: "shop.example.com/Variant" pattern: "variants/{variant}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "'merchant' in auth.roles"}};
  option (buf.validate.message).cel = {id: "reserved" message: "more is reserved than there is" expression: "this.reserved <= this.on_hand"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 on_hand = 2 [(buf.validate.field).int32.gte = 0];
  int32 reserved = 3 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int32.gte = 0];
  int64 price = 4;
}
message Order {
  option (google.api.resource) = {type: "shop.example.com/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {
    access {
      read: "resource.buyer == auth.uid" create: "resource.buyer == auth.uid"
      update: "old.buyer == auth.uid && old.state == State.CART" delete: "false"
    }
    index {fields: "buyer"}
    effect {on: "Place" set {field: "lines.unit_price" value: "this.variant.price"}}
    effect {on: "Place" adjust {field: "lines.variant.reserved" by: "this.quantity"}}
    effect {on: "Cancel" adjust {field: "lines.variant.reserved" by: "-this.quantity"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string buyer = 2 [(google.api.field_behavior) = IMMUTABLE, (mainstay.v1.field) = {default: "auth.uid"}];
  repeated Line lines = 3 [(buf.validate.field).repeated.max_items = 100];
  State state = 4 [(mainstay.v1.states) = {
    initial: "CART"
    transition {name: "Place" from: "CART" to: "PLACED" access: "resource.buyer == auth.uid" guard: "size(resource.lines) > 0"}
    transition {name: "Cancel" from: "PLACED" to: "CANCELLED" access: "resource.buyer == auth.uid"}
  }];
  message Line {
    string variant = 1 [(google.api.field_behavior) = REQUIRED, (google.api.resource_reference).type = "shop.example.com/Variant"];
    int32 quantity = 2 [(buf.validate.field).int32 = {gte: 1 lte: 1000}];
    int64 unit_price = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  }
  enum State { STATE_UNSPECIFIED = 0; CART = 1; PLACED = 2; CANCELLED = 3; }
}
"#;

const UNITS: i64 = 50;
const BUYERS: usize = 200;
const PLACE: &str = "shop.v1.OrderService/PlaceOrder";

/// What a buyer wants: each fifth the same in two lines, and each seventh something else before it, of which there is enough.
fn lines(buyer: usize) -> (Vec<Json>, i64) {
    let line = |variant: &str| json!({"variant": format!("variants/{variant}"), "quantity": 1});
    let mut lines = vec![line("cup")];
    if buyer.is_multiple_of(5) {
        lines.push(line("cup"));
    }
    let cups = i64::try_from(lines.len()).unwrap();
    if buyer.is_multiple_of(7) {
        lines.insert(0, line("pot"));
    }
    (lines, cups)
}

/// Asks until there is an answer that says what became of it, as clients do who are told to come again.
async fn placed(fixture: &Fixture, buyer: usize) -> Result<i64, String> {
    let request = json!({"name": format!("orders/o{buyer}")});
    loop {
        match fixture.user(&format!("buyer{buyer}"), &[]).call(PLACE, request.clone()).await {
            Ok(order) => return Ok(order["lines"][0]["unit_price"].as_str().unwrap().parse().unwrap()),
            Err(fault) => match fault.reason() {
                Some(Reason::EffectRefused) => return Err(fault.metadata("field").unwrap_or_default().to_owned()),
                Some(Reason::Overloaded | Reason::Conflict) => {}
                other => panic!("{other:?} {fault:?}"),
            },
        }
    }
}

both_engines! {
    async fn two_hundred_buyers_reserve_fifty_units_and_each_refusal_names_the_line(engine: Engine) {
        let fixture = Fixture::start(engine, &file("shop.v1", SHOP)).await;
        let merchant = fixture.user("mia", &["merchant"]);
        for (id, on_hand) in [("cup", UNITS), ("pot", 1_000)] {
            let variant = json!({"on_hand": on_hand, "price": 7});
            merchant.ok("shop.v1.VariantService/CreateVariant", json!({"variant_id": id, "variant": variant})).await;
        }
        for buyer in 0..BUYERS {
            let order = json!({"order_id": format!("o{buyer}"), "order": {"lines": lines(buyer).0}});
            fixture.user(&format!("buyer{buyer}"), &[]).ok("shop.v1.OrderService/CreateOrder", order).await;
        }
        let outcomes = join_all((0..BUYERS).map(|buyer| placed(&fixture, buyer))).await;
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut cups, mut pots) = (0, 0);
        for (buyer, outcome) in outcomes.iter().enumerate() {
            let (lines, wanted) = lines(buyer);
            let before = lines.len() - usize::try_from(wanted).unwrap();
            match outcome {
                Ok(price) => {
                    assert_eq!(*price, 7);
                    cups += wanted;
                    pots += i64::try_from(before).unwrap();
                }
                Err(field) => {
                    let of_a_cup = (before..lines.len()).any(|line| *field == format!("lines[{line}].variant"));
                    assert!(of_a_cup, "buyer{buyer} is told {field}");
                    *told.entry(field.as_str()).or_default() += 1;
                }
            }
        }
        let reserved = async |id: &str| {
            let found = merchant.ok("shop.v1.VariantService/GetVariant", json!({"name": format!("variants/{id}")})).await;
            found["reserved"].as_i64().unwrap_or(0)
        };
        assert_eq!((cups, reserved("cup").await), (UNITS, UNITS), "{told:?}");
        assert_eq!(reserved("pot").await, pots, "what a refused order had first is free again");
        // Who gives up gives back what each line had.
        for (buyer, _) in outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_ok()) {
            let name = json!({"name": format!("orders/o{buyer}")});
            fixture.user(&format!("buyer{buyer}"), &[]).ok("shop.v1.OrderService/CancelOrder", name).await;
        }
        assert_eq!((reserved("cup").await, reserved("pot").await), (0, 0));
    }
}
