//! What a call counts as (S16: the operations inside, however they are sent).

use http::{Method, Request, StatusCode};
use mainstay_gateway::By;
use serde_json::json;

use super::{daily, from, get, hourly, info, left, with};
use crate::support::{Answered, Harness, full};

async fn post(harness: &Harness, uri: &str, body: &serde_json::Value) -> Answered {
    let request = Request::builder().method(Method::POST).uri(uri).header("content-type", "application/json");
    harness.send(from("192.0.2.7", request.body(full(body.to_string())).unwrap())).await
}

async fn thousand() -> Harness {
    with(&[("per-address", daily(By::Address, 1_000, &[]))]).await
}

#[tokio::test]
async fn s16_a_batch_of_a_hundred_counts_a_hundred() {
    let harness = thousand().await;
    let requests = json!({"requests": vec![json!({"order": {"name": "orders/1"}}); 100]});
    let mut expected = 1_000;
    for uri in ["/orders/v1/orders:batchCreate", "/orders.v1.OrderService/BatchCreateOrders"] {
        expected -= 100;
        let answered = post(&harness, uri, &requests).await;
        assert_eq!((answered.status, left(&answered).1), (StatusCode::OK, expected), "{uri}");
    }
    let names: String = (0..100).map(|number| format!("&names=orders/{number}")).collect();
    let answered = harness.send(from("192.0.2.7", get(&format!("/orders/v1/orders:batchGet?{}", &names[1..])))).await;
    assert_eq!(left(&answered).1, expected - 100);
    let message: Vec<u8> = b"\x0a\x08orders/1".repeat(100);
    let mut request = tonic::Request::new(bytes::Bytes::from(message));
    request.extensions_mut().insert(mainstay_layers::Peer::at("192.0.2.7".parse().unwrap()));
    harness.grpc_with("/orders.v1.OrderService/BatchGetOrders", request).await.unwrap();
    assert_eq!(left(&harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await).1, expected - 201);
}

#[tokio::test]
async fn s16_a_commit_counts_its_writes() {
    let harness = thousand().await;
    let writes = json!({"writes": vec![json!({"create": {"name": "orders/1"}}); 30]});
    assert_eq!(left(&post(&harness, "/orders/v1:commit", &writes).await).1, 970);
    assert_eq!(left(&post(&harness, "/orders.v1.CommitService/Commit", &writes).await).1, 940);
    assert_eq!(left(&post(&harness, "/orders/v1:commit", &json!({})).await).1, 939);
    let both = json!({"writes": [{"create": {}}], "preconditions": [{}, {}]});
    assert_eq!(left(&post(&harness, "/orders/v1:commit", &both).await).1, 936);
}

#[tokio::test]
async fn a_list_counts_one_for_each_hundred_rows_that_its_page_may_have() {
    let harness = thousand().await;
    let mut expected = 1_000;
    for (size, cost) in
        [("", 1), ("?pageSize=100", 1), ("?pageSize=101", 2), ("?page_size=1000", 10), ("?pageSize=5000", 10)]
    {
        expected -= cost;
        let answered = harness.send(from("192.0.2.7", get(&format!("/orders/v1/orders{size}")))).await;
        assert_eq!((answered.status, left(&answered).1), (StatusCode::OK, expected), "{size}");
    }
}

#[tokio::test]
async fn s16_a_batch_for_which_too_little_is_left_is_refused_before_anything_is_done() {
    let harness = with(&[("per-address", hourly(By::Address, 50, &[]))]).await;
    let batch = |size: usize| json!({"requests": vec![json!({"order": {"name": "orders/1"}}); size]});
    let uri = "/orders/v1/orders:batchCreate";
    assert_eq!(post(&harness, uri, &batch(40)).await.status, StatusCode::OK);
    let refused = post(&harness, uri, &batch(20)).await;
    assert_eq!((refused.status, refused.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    // That it was asked counts as one; of what it asked for nothing does.
    assert_eq!(left(&refused).1, 9);
    let (metadata, retry) = info(&refused);
    assert_eq!((metadata["cost"].as_str(), retry.is_some()), (Some("20"), true));
    // Eleven have to come back before all twenty are let in.
    let wait: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((11 * 72 - 60..=11 * 72).contains(&wait), "{wait}");
    assert_eq!(harness.data.calls().len(), 1);

    let never = post(&harness, uri, &batch(51)).await;
    assert_eq!(never.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!never.headers.contains_key("retry-after"), "there is no time at which it would be let in");
    assert!(never.json()["error"]["message"].as_str().unwrap().contains("more than there ever is"));
    assert_eq!(harness.data.calls().len(), 1);
}

#[tokio::test]
async fn a_stream_counts_once() {
    use futures_util::StreamExt as _;
    use mainstay_runtime::channel::Reply;

    let harness = thousand().await;
    harness.data.on("/orders.v1.OrderService/WatchOrders", |_| {
        let messages = (0..50).map(|_| Ok(bytes::Bytes::from_static(b"\x0a\x08orders/1")));
        Ok(Reply::Stream(futures_util::stream::iter(messages.collect::<Vec<_>>()).boxed()))
    });
    let answered = harness.send(from("192.0.2.7", get("/orders/v1/orders/1:watch"))).await;
    assert_eq!((answered.status, left(&answered).1), (StatusCode::OK, 999));
}

#[tokio::test]
async fn s16_what_is_wrong_with_a_batch_makes_it_no_smaller() {
    let harness = thousand().await;
    let requests = vec![json!({"order": {"name": "orders/1"}}); 100];
    let answered = post(&harness, "/orders/v1/orders:batchCreate?bogus=1", &json!({"requests": requests})).await;
    assert_eq!((answered.status, left(&answered).1), (StatusCode::BAD_REQUEST, 900));
    // What cannot be read could ask for anything.
    let asked = harness.data.calls().len();
    let mut request = tonic::Request::new(bytes::Bytes::from([&[0x38][..], &[0xff; 11]].concat()));
    request.extensions_mut().insert(mainstay_layers::Peer::at("192.0.2.7".parse().unwrap()));
    let status = harness.grpc_with("/orders.v1.OrderService/BatchGetOrders", request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert_eq!(harness.data.calls().len(), asked);
}
