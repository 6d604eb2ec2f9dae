//! What is the server's, and what never changes, in the lines of a list and in all else that a message can stand in: over
//! REST and over gRPC, on one process and on three.

use serde_json::{Value, json};

use crate::support::{Folder, System};

const FILE: &str = "till/v1/receipt.proto";

const CONTRACT: &str = r#"syntax = "proto3";

package till.v1;

import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

message Receipt {
  option (google.api.resource) = {type: "till.example.org/Receipt" pattern: "receipts/{receipt}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};

  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
  repeated Line lines = 3;
  map<string, Line> shelf = 4;
  Group group = 5;

  message Line {
    string sku = 1 [(google.api.field_behavior) = REQUIRED];
    int64 price = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
    string batch = 3 [(google.api.field_behavior) = IMMUTABLE];
  }
  message Group {
    repeated Line lines = 1;
    repeated Group groups = 2;
  }
}
"#;

mainstay_testkit::both_engines! {
    async fn annotations_hold_at_any_depth_on_one_process(engine: Engine) {
        Box::pin(journey(System::one(engine, Folder::with(FILE, CONTRACT)).await)).await;
    }

    async fn annotations_hold_at_any_depth_on_three_processes(engine: Engine) {
        Box::pin(journey(System::three(engine, Folder::with(FILE, CONTRACT)).await)).await;
    }
}

/// A receipt with this line wherever one can be.
fn receipt(line: &Value) -> Value {
    let inner = json!({"lines": [line]});
    json!({"title": "T", "lines": [line], "shelf": {"k": line}, "group": {"lines": [line], "groups": [inner]}})
}

async fn journey(system: System) {
    let (http, grpc) = (system.http(), system.grpc());
    let line = json!({"sku": "s", "batch": "b"});
    let priced = json!({"sku": "s", "price": "1", "batch": "b"});
    let mut whole = receipt(&line);
    whole["name"] = json!("receipts/r");
    let path = "/till/v1/receipts/r";

    assert_eq!(http.post("/till/v1/receipts?receiptId=r", receipt(&priced)).await.ok(), whole);
    for query in ["", "?updateMask=*", "?updateMask=lines,shelf,group", "?allowMissing=true"] {
        assert_eq!(http.patch(&format!("{path}{query}"), receipt(&priced)).await.ok(), whole, "{query}");
    }
    let new = http.patch("/till/v1/receipts/new?allowMissing=true&updateMask=title", receipt(&priced)).await.ok();
    assert_eq!((&new["lines"], &new["group"]), (&whole["lines"], &whole["group"]));

    let other = receipt(&json!({"sku": "s", "batch": "another"}));
    for (query, field) in [
        ("?updateMask=lines", "receipt.lines[0].batch"),
        ("?updateMask=shelf", r#"receipt.shelf[\"k\"].batch"#),
        ("?updateMask=group", "receipt.group.groups[0].lines[0].batch"),
        ("?updateMask=*", "receipt.lines[0].batch"),
        ("", "receipt.lines[0].batch"),
    ] {
        let refusal = http.patch(&format!("{path}{query}"), other.clone()).await.refusal(400, "INVALID_ARGUMENT");
        let text = refusal.to_string();
        assert!(text.contains("IMMUTABLE_FIELD") && text.contains(field), "{query}: {text}");
    }
    let bare = receipt(&json!({"price": "1"}));
    let refusal = http.post("/till/v1/receipts", bare).await.refusal(400, "INVALID_ARGUMENT").to_string();
    for field in ["receipt.lines[0].sku", r#"receipt.shelf[\"k\"].sku"#, "receipt.group.groups[0].lines[0].sku"] {
        assert!(refusal.contains(field), "{field}: {refusal}");
    }

    let mut sent = receipt(&priced);
    let made = grpc.call("till.v1.ReceiptService/CreateReceipt", &json!({"receipt_id": "g", "receipt": sent}));
    sent["name"] = json!("receipts/g");
    whole["name"] = json!("receipts/g");
    assert_eq!(made.as_ref(), Ok(&whole));
    for paths in [json!([]), json!(["*"]), json!(["lines", "shelf", "group"])] {
        let request = json!({"receipt": sent, "update_mask": {"paths": paths}});
        assert_eq!(grpc.call("till.v1.ReceiptService/UpdateReceipt", &request).as_ref(), Ok(&whole), "{paths}");
    }
    let mut other = other;
    other["name"] = json!("receipts/g");
    let request = json!({"receipt": other, "update_mask": {"paths": ["group"]}});
    let refused = grpc.call("till.v1.ReceiptService/UpdateReceipt", &request).expect_err("it is immutable");
    assert_eq!(refused.code, "InvalidArgument");
}
