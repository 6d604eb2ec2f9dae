//! Several resources are written together, over every protocol, and told together what is wrong.

use http::Method;
use mainstay_testkit::http::{Answer, Http};
use serde_json::{Value, json};

use crate::support::{Folder, System};

const TILL: &str = r#"syntax = "proto3";
package till.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Product {
  option (google.api.resource) = {type: "till.example.org/Product" pattern: "products/{product}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 stock = 2 [(buf.validate.field).int32.gte = 0];
  string etag = 3;
}
message Order {
  option (google.api.resource) = {type: "till.example.org/Order" pattern: "orders/{order}"};
  option (mainstay.v1.resource) = {access {read: "resource.buyer == auth.uid" write: "resource.buyer == auth.uid"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string buyer = 2 [(mainstay.v1.field) = {default: "auth.uid"}];
  string note = 3 [(buf.validate.field).string.max_len = 10];
}
message OrderLine {
  option (google.api.resource) = {type: "till.example.org/OrderLine" pattern: "orders/{order}/orderLines/{order_line}"};
  option (mainstay.v1.resource) = {access {read: "order.buyer == auth.uid" write: "order.buyer == auth.uid"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string sold_product = 2 [(google.api.resource_reference).type = "till.example.org/Product"];
}
"#;

const POST: &str = r#"syntax = "proto3";
package post.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Parcel {
  option (google.api.resource) = {type: "post.example.org/Parcel" pattern: "parcels/{parcel}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string order = 2 [(google.api.resource_reference).type = "till.example.org/Order"];
}
"#;

const PATH: &str = "/till/v1:commit";
const RPC: &str = "till.v1.CommitService/Commit";

fn folder() -> Folder {
    let folder = Folder::with("till/v1/till.proto", TILL);
    folder.write("post/v1/post.proto", POST);
    folder
}

mainstay_testkit::both_engines! {
    async fn resources_are_written_together_over_every_protocol(engine: Engine) {
        write_together(&System::one(engine, folder()).await).await;
    }

    async fn resources_are_written_together_through_three_processes(engine: Engine) {
        write_together(&System::three(engine, folder()).await).await;
    }
}

async fn write_together(system: &System) {
    let ann = system.user("ann@example.org").await;
    for (id, stock) in [("cup", 5), ("mug", 5), ("old", 1)] {
        ann.post(&format!("/till/v1/products?productId={id}"), json!({"stock": stock})).await.ok();
    }
    over_rest(&ann).await;
    told_over_rest(&ann).await;
    unread_over_rest(&ann).await;
    conditions_over_rest(&ann).await;
    over_connect(&ann).await;
    over_grpc(system, &ann);
    let nobody = system
        .http()
        .post(PATH, json!({"writes": [{"createOrder": {"order": {"note": "far too long for it"}}}]}))
        .await;
    let refusal = nobody.refusal(401, "UNAUTHENTICATED");
    assert!(!refusal.to_string().contains("note"), "who may not is not told what is wrong: {refusal}");
    assert_eq!(ann.get(PATH).await.status, 405);
    let cup = ann.get("/till/v1/products/cup").await.ok();
    assert_eq!(cup["stock"], 1, "four were taken, each once");
}

/// A whole order: one of what it sells is taken.
fn sale(kind: &str) -> Value {
    json!({"requestId": format!("sale-{kind}"), "writes": [
        {"label": "order", "createOrder": {"order": {"note": kind}}},
        {"createOrderLine": {"parent": "$order", "orderLineId": "one", "orderLine": {"soldProduct": "products/cup"}}},
        {"updateProduct": {"product": {"name": "products/cup"}, "transforms": [{"field": "stock", "add": -1}]}},
    ]})
}

fn is_sale(answer: &Value, kind: &str) {
    let results = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let order = results[0]["order"]["name"].as_str().unwrap_or_default();
    assert_eq!(results[0]["order"]["note"], kind, "{answer}");
    assert_eq!(results[1]["orderLine"]["name"], format!("{order}/orderLines/one"), "{answer}");
    assert!(results[2]["product"]["stock"].is_number(), "{answer}");
}

async fn over_rest(ann: &Http) {
    let first = ann.post(PATH, sale("rest")).await.ok();
    is_sale(&first, "rest");
    assert_eq!(ann.post(PATH, sale("rest")).await.ok(), first, "the same request is answered as before");
    // Other names of the same fields.
    let snake = json!({"request_id": "sale-snake", "writes": [
        {"label": "order", "create_order": {"order": {"note": "snake"}}},
        {"create_order_line": {"parent": "$order", "order_line_id": "one", "order_line": {"sold_product": "products/cup"}}},
        {"update_product": {"product": {"name": "products/cup"}, "transforms": [{"field": "stock", "add": -1}]}},
    ]});
    is_sale(&ann.post(PATH, snake).await.ok(), "snake");
    let mut dry = sale("dry");
    dry["validateOnly"] = json!(true);
    is_sale(&ann.post(PATH, dry).await.ok(), "dry");
    let gone = ann.post(PATH, json!({"writes": [{"deleteProduct": {"name": "products/old"}}]})).await.ok();
    assert_eq!(gone, json!({"results": [{}]}));
}

/// The reason of a refusal with this status, and the fields that it names.
fn told(answer: &Answer, status: u16) -> (String, Vec<String>) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let details = answer.json()["error"]["details"].clone();
    let reason = details[0]["reason"].as_str().unwrap_or_default().to_owned();
    let violations = details.as_array().into_iter().flatten().filter_map(|detail| detail["fieldViolations"].as_array());
    let fields = violations.flatten().filter_map(|violation| violation["field"].as_str().map(str::to_owned));
    (reason, fields.collect())
}

async fn told_over_rest(ann: &Http) {
    let order = json!({"createOrder": {}});
    for (body, reason, field) in [
        (json!({}), "FIELD_VIOLATION", "writes"),
        (
            json!({"writes": [order, {"createOrder": {"order": {"note": "far too long for it"}}}]}),
            "FIELD_VIOLATION",
            "writes[1].create_order.order.note",
        ),
        (
            json!({"writes": [order, {"updateProduct": {"product": {"name": "products/cup", "stock": -1}}}]}),
            "FIELD_VIOLATION",
            "writes[1].update_product.product.stock",
        ),
        (
            json!({"writes": [{"createOrderLine": {"parent": "$order"}}, {"label": "order", "createOrder": {}}]}),
            "FIELD_VIOLATION",
            "writes[0].create_order_line.parent",
        ),
        (
            json!({"writes": [{"label": "a", "createOrder": {}}, {"label": "a", "createOrder": {}}]}),
            "FIELD_VIOLATION",
            "writes[1].label",
        ),
        (json!({"writes": vec![order.clone(); 1_001]}), "FIELD_VIOLATION", "writes"),
        (json!({"writes": [order, {}]}), "FIELD_VIOLATION", "writes[1]"),
        (json!({"writes": [{"foldOrder": {}}]}), "UNKNOWN_FIELD", "writes[0].foldOrder"),
        (
            json!({"writes": [{"createOrder": {"requestId": "r"}}]}),
            "FIELD_VIOLATION",
            "writes[0].create_order.request_id",
        ),
        (
            json!({"writes": [order], "preconditions": [{"name": "parcels/a", "exists": true}]}),
            "FIELD_VIOLATION",
            "preconditions[0].name",
        ),
        (json!({"writes": [{"createOrderLine": {"parent": "orders/none", "orderLine": {}}}]}), "PERMISSION_DENIED", ""),
        (
            json!({"writes": [{"updateProduct": {"product": {"name": "cups/cup"}}}]}),
            "INVALID_NAME",
            "writes[0].update_product.product.name",
        ),
    ] {
        let answer = ann.post(PATH, body.clone()).await;
        let status = if reason == "PERMISSION_DENIED" { 403 } else { 400 };
        let (found, fields) = told(&answer, status);
        assert_eq!(
            (found.as_str(), fields.first().map_or("", String::as_str)),
            (reason, field),
            "{body}: {}",
            answer.text()
        );
    }
}

/// What is no JSON of a Commit: another package's resource, two operations in one write, what is no list.
async fn unread_over_rest(ann: &Http) {
    for (body, named) in [
        (json!({"writes": [{"createParcel": {"parcel": {}}}]}).to_string(), "createParcel"),
        (json!({"writes": [{"createOrder": {}, "deleteOrder": {"name": "orders/a"}}]}).to_string(), "writes[0].delete_order"),
        (json!({"writes": {"createOrder": {}}}).to_string(), "writes"),
        (json!({"writes": [{"createOrder": {"order": {"colour": 1}}}]}).to_string(), "colour"),
        (r#"{"writes": [{"createOrder": {}, "createOrder": {}}]}"#.to_owned(), "writes[0]"),
        (json!({"writes": [{"updateProduct": {"product": {}, "transforms": [{"field": "stock", "add": 1, "min": 1}]}}]}).to_string(), "min"),
    ] {
        let answer = ann.send_bytes(Method::POST, PATH, Some(body.clone().into())).await.expect("an answer");
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(answer.text().contains(named), "{body}: {}", answer.text());
    }
    assert_eq!(ann.get("/till/v1/orders?pageSize=100").await.ok()["orders"].as_array().map(Vec::len), Some(2));
}

async fn conditions_over_rest(ann: &Http) {
    let etag = ann.get("/till/v1/products/mug").await.ok()["etag"].clone();
    let take = async |precondition: Value| {
        let update = json!({"product": {"name": "products/mug"}, "transforms": [{"field": "stock", "add": -1}]});
        ann.post(PATH, json!({"writes": [{"updateProduct": update}], "preconditions": [precondition]})).await
    };
    for (precondition, status, word) in [
        (json!({"name": "products/none", "exists": true}), 400, "FAILED_PRECONDITION"),
        (json!({"name": "products/cup", "exists": false}), 400, "FAILED_PRECONDITION"),
        (json!({"name": "products/mug", "etag": "0000000000000000"}), 409, "ABORTED"),
    ] {
        let refusal = take(precondition).await.refusal(status, word);
        assert_eq!(refusal["details"][0]["metadata"]["element"], "preconditions[0]", "{refusal}");
    }
    let taken = take(json!({"name": "products/mug", "etag": etag})).await.ok();
    assert_eq!(taken["results"][0]["product"]["stock"], 4);
    take(json!({"name": "products/mug", "etag": etag})).await.refusal(409, "ABORTED");
}

async fn over_connect(ann: &Http) {
    let path = format!("/{RPC}");
    is_sale(&ann.post(&path, sale("connect")).await.ok(), "connect");
    let refused = ann.post(&path, json!({"writes": [{}]})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("invalid_argument")), "{}", refused.text());
}

fn over_grpc(system: &System, ann: &Http) {
    let grpc = system.grpc().with_token(ann.token());
    is_sale(&grpc.call(RPC, &sale("grpc")).expect("it is done"), "grpc");
    let broken = json!({"writes": [{"createOrder": {}}], "preconditions": [{"name": "products/none", "exists": true}]});
    assert_eq!(grpc.call(RPC, &broken).expect_err("there is none").code, "FailedPrecondition");
    let twice = json!({"writes": [{"label": "a", "createOrder": {}}, {"label": "a", "createOrder": {}}]});
    assert_eq!(grpc.call(RPC, &twice).expect_err("the label is taken").code, "InvalidArgument");
    assert_eq!(system.grpc().call(RPC, &sale("nobody")).expect_err("nobody may").code, "Unauthenticated");
}
