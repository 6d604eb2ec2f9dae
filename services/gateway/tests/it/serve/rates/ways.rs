//! S17: every way to a method draws on the same allowance.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::{By, Page};
use mainstay_layers::Body;
use mainstay_runtime::channel::Reply;
use tonic_types::StatusExt as _;

use super::{GET_ORDER, from, get, hourly, left, with};
use crate::support::full;

/// `{"name": "orders/1"}`.
const MESSAGE: &[u8] = b"\x0a\x08orders/1";

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

fn post(uri: &str, kind: &str, body: impl Into<Bytes>) -> Request<Body> {
    Request::builder().method(Method::POST).uri(uri).header("content-type", kind).body(full(body)).unwrap()
}

/// Every way on which `GetOrder` is called.
fn ways() -> Vec<(&'static str, Request<Body>)> {
    let head = Request::builder().method(Method::HEAD).uri("/orders/v1/orders/1").body(full("")).unwrap();
    vec![
        ("REST", get("/orders/v1/orders/1")),
        ("REST, HEAD", head),
        ("REST, the other route", get("/orders/v1/stores/1/orders/1")),
        ("REST, some fields", get("/orders/v1/orders/1?$fields=name")),
        ("Connect", post(GET_ORDER, "application/json", r#"{"name": "orders/1"}"#)),
        ("Connect, binary", post(GET_ORDER, "application/proto", MESSAGE)),
        ("Connect, GET", get(&format!("{GET_ORDER}?encoding=json&message=%7B%22name%22%3A%22orders%2F1%22%7D"))),
        ("gRPC", post(GET_ORDER, "application/grpc", framed(MESSAGE))),
        ("gRPC, in capitals", post(GET_ORDER, "Application/gRPC+proto", framed(MESSAGE))),
        ("gRPC-Web", post(GET_ORDER, "application/grpc-web+proto", framed(MESSAGE))),
        ("gRPC-Web, text", post(GET_ORDER, "application/grpc-web-text", BASE64.encode(&framed(MESSAGE)))),
    ]
}

#[tokio::test]
async fn s17_every_protocol_and_every_route_draws_on_one_allowance() {
    let all = u32::try_from(ways().len()).unwrap();
    let harness = with(&[("per-address", hourly(By::Address, all, &["orders.v1.OrderService/GetOrder"]))]).await;
    let mut expected = all;
    for (way, request) in ways() {
        expected -= 1;
        let answered = harness.send(from("192.0.2.7", request)).await;
        assert_eq!((answered.status, left(&answered).1), (StatusCode::OK, expected), "{way}: {answered:?}");
    }
    let asked = harness.data.calls().len();
    for (way, request) in ways() {
        let answered = harness.send(from("192.0.2.7", request)).await;
        assert_eq!(left(&answered).1, 0, "{way}");
        if way.starts_with("gRPC") {
            let status = tonic::Status::from_header_map(&answered.headers).expect("a status in the head");
            let details = status.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "RATE_LIMITED", "{way}");
            assert!(details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()), "{way}");
        } else {
            assert_eq!(answered.status, StatusCode::TOO_MANY_REQUESTS, "{way}");
            assert!(answered.headers.contains_key("retry-after"), "{way}");
        }
    }
    assert_eq!(harness.data.calls().len(), asked);
}

#[tokio::test]
async fn s17_what_a_page_and_another_application_ask_counts_as_the_method_that_it_is() {
    const SIGN_IN: &str = "mainstay.auth.v1.SessionService/SignIn";
    const ISSUE: &str = "mainstay.auth.v1.AuthorizationService/IssueToken";
    for (method, uri) in [(SIGN_IN, Page::SignIn.path()), (ISSUE, "/auth/oauth2/token")] {
        let harness = with(&[("tries", hourly(By::Address, 2, &[method]))]).await;
        harness.auth.on(&format!("/{method}"), |_| Err(Fault::new(Reason::InvalidArgument)));
        let form = || {
            let request = post(uri, "application/x-www-form-urlencoded", "email=a&password=b&grant_type=c");
            let (mut parts, body) = request.into_parts();
            parts.headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
            from("192.0.2.7", Request::from_parts(parts, body))
        };
        for _ in 0..2 {
            assert_ne!(harness.send(form()).await.status, StatusCode::TOO_MANY_REQUESTS, "{uri}");
        }
        assert_eq!(harness.send(form()).await.status, StatusCode::TOO_MANY_REQUESTS, "{uri}");
        let asked = harness.auth.calls().iter().filter(|call| call.path[1..] == *method).count();
        assert_eq!(asked, 2, "{uri}");
        if method == SIGN_IN {
            // The method itself is used up as well.
            let call = post("/auth/v1/sessions:signIn", "application/json", "{}");
            assert_eq!(harness.send(from("192.0.2.7", call)).await.status, StatusCode::TOO_MANY_REQUESTS);
        }
    }
}

#[tokio::test]
async fn the_answer_of_a_stream_says_what_is_left_in_its_head() {
    let harness = with(&[("per-address", hourly(By::Address, 2, &[]))]).await;
    harness.data.on("/orders.v1.OrderService/WatchOrders", |_| {
        use futures_util::StreamExt as _;
        Ok(Reply::Stream(futures_util::stream::iter([Ok(Bytes::from_static(MESSAGE))]).boxed()))
    });
    for kind in ["text/event-stream", "application/x-ndjson"] {
        let request = Request::builder().uri("/orders/v1/orders/1:watch").header("accept", kind);
        let answered = harness.send(from("192.0.2.7", request.body(full("")).unwrap())).await;
        assert_eq!(left(&answered).0, "per-address", "{kind}");
    }
}
