//! Clients that are programs.

use serde_json::json;

use super::journey::{Shop, assert_seen};

async fn programs_see_the_shop(shop: Shop) {
    assert_seen(&shop.workshop.python(), &["grpcio"]);
    let transports = [
        "connect-node connect, protobuf, HTTP/1.1",
        "connect-node connect, JSON, HTTP/1.1",
        "connect-node connect, protobuf, HTTP/2",
        "connect-node connect, GET",
        "connect-node gRPC",
        "connect-node gRPC-Web",
    ];
    assert_seen(&shop.workshop.program("node"), &transports);
    // What may be asked by GET is, where a client is told to.
    shop.system.gateway.logged(r#""method":"GET","route":"/shop.v1.ProductService/GetProduct""#).await;
    for protocol in ["grpc", "grpcweb", "connect"] {
        buf_curl_sees_the_shop(&shop, protocol);
    }
    grpcurl_sees_the_shop(&shop);
}

#[tokio::test]
async fn programs_see_one_process_on_sqlite() {
    programs_see_the_shop(Shop::one().await).await;
}

#[tokio::test]
async fn programs_see_three_processes_on_postgres() {
    programs_see_the_shop(Shop::three().await).await;
}

fn buf_curl_sees_the_shop(shop: &Shop, protocol: &str) {
    let curl = |method: &str, request, token| shop.workshop.buf_curl(protocol, method, &request, token);
    let (_, cup) = curl("shop.v1.ProductService/GetProduct", json!({"name": "products/cup"}), None);
    assert_eq!((&cup["title"], &cup["price"]["units"]), (&json!("Coffee cup"), &json!("5")), "{protocol}");
    let (well, missing) = curl("shop.v1.ProductService/GetProduct", json!({"name": "products/nowhere"}), None);
    assert_eq!((well, &missing["code"]), (false, &json!("not_found")), "{protocol}");
    let review = json!({"review": {"product": "products/cup", "stars": 9}});
    let (well, invalid) = curl("shop.v1.ReviewService/CreateReview", review, Some(&shop.user));
    assert_eq!((well, &invalid["code"]), (false, &json!("invalid_argument")), "{protocol}");
    let details = invalid["details"].as_array().expect("it has details");
    let types: Vec<&str> = details.iter().filter_map(|detail| detail["type"].as_str()).collect();
    assert_eq!(types, ["google.rpc.ErrorInfo", "google.rpc.BadRequest"], "{protocol}");
}

fn grpcurl_sees_the_shop(shop: &Shop) {
    let grpc = shop.system.grpc();
    let cup = grpc.call("shop.v1.ProductService/GetProduct", &json!({"name": "products/cup"})).expect("it is there");
    assert_eq!(cup["title"], "Coffee cup");
    let review = json!({"review": {"product": "products/cup", "stars": 9}});
    let invalid = grpc.with_token(&shop.user).call("shop.v1.ReviewService/CreateReview", &review);
    let invalid = invalid.expect_err("nine stars are too many");
    assert_eq!(invalid.code, "InvalidArgument");
}
