//! Effects on fields that lie in messages, which nothing has set before.

use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

const CREATE: &str = "till.v1.SaleService/CreateSale";
const UPDATE: &str = "till.v1.SaleService/UpdateSale";
const LIST: &str = "till.v1.SaleService/ListSales";

const TILL: &str = r#"
message Till {
  option (google.api.resource) = {type: "till.example.com/Till" pattern: "tills/{till}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  google.type.Money total = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
  string label = 3;
}

message Sale {
  option (google.api.resource) = {type: "till.example.com/Sale" pattern: "sales/{sale}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "true"}
    effect {on: "create" set {field: "paid.currency_code" value: "'EUR'"}}
    effect {on: "create" set {field: "paid.units" value: "resource.amount"}}
    effect {on: "create" set {field: "outer.inner.number" value: "resource.number"}}
    effect {on: "create" set {field: "other.text" value: "resource.till.label"}}
    effect {on: "create" set {field: "till.total.currency_code" value: "'EUR'"}}
    effect {on: "create" adjust {field: "till.total.units" by: "resource.amount"}}
    effect {on: "create" set {field: "loose" value: "'loose'"}}
    effect {on: "update" if: "resource.note == 'box'" set {field: "boxed.number" value: "resource.number"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string till = 2 [(google.api.resource_reference).type = "till.example.com/Till"];
  int64 amount = 3;
  google.type.Money paid = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
  Outer outer = 5 [(google.api.field_behavior) = OUTPUT_ONLY];
  Inner other = 6 [(google.api.field_behavior) = OUTPUT_ONLY];
  oneof kind {
    Inner boxed = 7 [(google.api.field_behavior) = OUTPUT_ONLY];
    string loose = 8 [(google.api.field_behavior) = OUTPUT_ONLY];
  }
  string note = 9;
  int32 number = 10;
  message Outer { Inner inner = 1; }
  message Inner { int32 number = 1; string text = 2; }
}
"#;

async fn with_till(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("till.v1", TILL)).await;
    let till = json!({"till_id": "one", "till": {"label": "left"}});
    fixture.user("ann", &[]).ok("till.v1.TillService/CreateTill", till).await;
    fixture
}

both_engines! {
    async fn who_sets_a_field_sets_the_messages_around_it(engine: Engine) {
        let fixture = with_till(engine).await;
        let ann = fixture.user("ann", &[]);
        let sale = |sale: Json| json!({"sale": sale});
        let made = ann.ok(CREATE, sale(json!({"till": "tills/one", "amount": "5"}))).await;
        assert_eq!(made["paid"], json!({"currency_code": "EUR", "units": "5"}));
        assert_eq!(made["outer"], json!({"inner": {}}), "also with a zero");
        assert_eq!(made["other"], json!({"text": "left"}));
        ann.ok(CREATE, sale(json!({"till": "tills/one", "amount": "2"}))).await;
        let till = ann.ok("till.v1.TillService/GetTill", json!({"name": "tills/one"})).await;
        assert_eq!(till["total"], json!({"currency_code": "EUR", "units": "7"}));
        let found = ann.ok(LIST, json!({"filter": "paid:* AND outer.inner:* AND paid.units = 5"})).await;
        assert_eq!(found["sales"].as_array().map(Vec::len), Some(1), "{found}");
    }

    async fn who_sets_nothing_sets_no_message(engine: Engine) {
        let fixture = with_till(engine).await;
        let made = fixture.user("ann", &[]).ok(CREATE, json!({"sale": {"amount": "5"}})).await;
        assert_eq!(made.get("other"), None, "nothing leads to a label: {made}");
    }

    async fn a_message_of_a_oneof_that_is_set_so_unsets_the_others(engine: Engine) {
        let fixture = with_till(engine).await;
        let ann = fixture.user("ann", &[]);
        let made = ann.ok(CREATE, json!({"sale_id": "one", "sale": {"amount": "5", "number": 3}})).await;
        assert_eq!((&made["loose"], made.get("boxed")), (&json!("loose"), None));
        let update = json!({"sale": {"name": "sales/one", "note": "box"}});
        let changed = ann.ok(UPDATE, update).await;
        assert_eq!((&changed["boxed"], changed.get("loose")), (&json!({"number": 3}), None));
    }
}
