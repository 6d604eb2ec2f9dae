//! How often who may call: what a call counts as, for whom, and what is told of it.

mod callers;
mod costs;
mod shared;
mod ways;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mainstay_gateway::{By, Config, LimitsConfig, PolicyConfig};
use mainstay_layers::{Body, Peer};
use serde_json::{Value, json};

use crate::support::{Answered, Harness, compile, full, operator, service, signed_in};

const GET_ORDER: &str = "/orders.v1.OrderService/GetOrder";
const HOUR: u32 = 3_600;

fn orders() -> &'static [u8] {
    static SET: OnceLock<Vec<u8>> = OnceLock::new();
    SET.get_or_init(|| compile("orders/v1/orders.proto", include_str!("orders.proto")))
}

/// So many in an hour: in the time that a test takes, nothing comes back.
fn hourly(by: By, quota: u32, methods: &[&str]) -> PolicyConfig {
    PolicyConfig { by, methods: methods.into(), quota, per_seconds: HOUR, burst: None }
}

/// So many in a day: of a thousand, not even one comes back in the time that a test takes.
fn daily(by: By, quota: u32, methods: &[&str]) -> PolicyConfig {
    PolicyConfig { per_seconds: 24 * HOUR, ..hourly(by, quota, methods) }
}

fn limits(policies: &[(&str, PolicyConfig)]) -> LimitsConfig {
    let policies: BTreeMap<_, _> = policies.iter().map(|(name, policy)| ((*name).to_owned(), policy.clone())).collect();
    LimitsConfig { policies, ..LimitsConfig::default() }
}

async fn with(policies: &[(&str, PolicyConfig)]) -> Harness {
    started(Config { limits: limits(policies), ..Config::default() }).await
}

/// A gateway before a service that answers with nothing, but for an order with itself.
async fn started(config: Config) -> Harness {
    let harness = Harness::with(config, Some(orders()), None).await;
    for method in ["ListOrders", "CreateOrder", "BatchGetOrders", "BatchCreateOrders"] {
        harness.data.on_empty(&format!("/orders.v1.OrderService/{method}"));
    }
    harness.data.on_empty("/orders.v1.CommitService/Commit");
    harness
}

/// The request as if it came from an address.
fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    let address: IpAddr = address.parse().unwrap();
    request.extensions_mut().insert(Peer::at(address));
    request
}

fn get(uri: &str) -> Request<Body> {
    Request::builder().uri(uri).body(full("")).unwrap()
}

/// What is said to be left: the policy, `r` and `t`.
fn left(answered: &Answered) -> (String, u32, u32) {
    let text = answered.headers.get("ratelimit").unwrap_or_else(|| panic!("{answered:?}")).to_str().unwrap();
    let (name, rest) = text.strip_prefix('"').unwrap().split_once("\";r=").unwrap();
    let (left, resets) = rest.split_once(";t=").unwrap();
    (name.to_owned(), left.parse().unwrap(), resets.parse().unwrap())
}

fn is_told(answered: &Answered) -> bool {
    answered.headers.contains_key("ratelimit") || answered.headers.contains_key("ratelimit-policy")
}

fn info(answered: &Answered) -> (Value, Option<String>) {
    let json = answered.json();
    let details = json["error"]["details"].as_array().unwrap().clone();
    let info = details.iter().find(|detail| detail["reason"].is_string()).unwrap()["metadata"].clone();
    let retry = details.iter().find_map(|detail| detail["retryDelay"].as_str().map(str::to_owned));
    (info, retry)
}

#[tokio::test]
async fn every_answer_says_what_is_left_and_what_is_too_much_is_refused() {
    let harness = with(&[("per-address", hourly(By::Address, 3, &[]))]).await;
    for expected in [2, 1, 0] {
        let answered = harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
        assert_eq!(answered.status, StatusCode::OK);
        assert_eq!(answered.headers["ratelimit-policy"], "\"per-address\";q=3;w=3600");
        let (name, left, resets) = left(&answered);
        assert_eq!((name.as_str(), left), ("per-address", expected));
        assert!((1_150..=3_600).contains(&resets), "{resets}");
    }
    let answered = harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
    assert_eq!((answered.status, answered.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    let (name, left, resets) = left(&answered);
    assert_eq!((name.as_str(), left), ("per-address", 0));
    // The two say the same moment (section 4 of the draft).
    assert_eq!(answered.headers["retry-after"].to_str().unwrap(), resets.to_string());
    assert!((1_100..=1_200).contains(&resets), "one comes back each 1200 s: {resets}");
    let (metadata, retry) = info(&answered);
    assert_eq!(metadata["policy"], "per-address");
    assert!(retry.is_some_and(|delay| delay.starts_with("11") || delay.starts_with("12")));
    assert_eq!(harness.data.calls().len(), 3, "what is refused reaches no service");
    let metrics = harness.metrics.render();
    assert!(metrics.contains("mainstay_rate_limit_refusals_total{policy=\"per-address\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_refused_call_that_failed_for_another_reason_says_what_is_left_as_well() {
    use mainstay_fault::{Fault, Reason};

    let harness = with(&[("per-address", hourly(By::Address, 3, &[]))]).await;
    harness.data.on(GET_ORDER, |_| Err(Fault::new(Reason::ResourceNotFound)));
    let answered = harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
    assert_eq!(answered.status, StatusCode::NOT_FOUND);
    assert_eq!(left(&answered).1, 2);
    // What cannot be read was asked, too.
    let unreadable = Request::builder().method(Method::POST).uri("/orders/v1/orders").body(full("{")).unwrap();
    let answered = harness.send(from("192.0.2.7", unreadable)).await;
    assert_eq!((answered.status, left(&answered).1), (StatusCode::BAD_REQUEST, 1));
}

#[tokio::test]
async fn where_no_policy_is_nothing_is_told() {
    let harness = with(&[("creates", hourly(By::Address, 1, &["orders.v1.OrderService/CreateOrder"]))]).await;
    for _ in 0..5 {
        let answered = harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
        assert_eq!((answered.status, is_told(&answered)), (StatusCode::OK, false));
    }
    let create = || {
        let request = Request::builder().method(Method::POST).uri("/orders/v1/orders").body(full("{}")).unwrap();
        harness.send(from("192.0.2.7", request))
    };
    assert_eq!(create().await.status, StatusCode::OK);
    assert_eq!(create().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!is_told(&harness.get("/healthz").await));
}

#[tokio::test]
async fn each_address_each_account_and_each_credential_has_its_own() {
    let harness = with(&[("per-address", hourly(By::Address, 1, &[]))]).await;
    let asked = async |address: &str| harness.send(from(address, get("/orders/v1/orders/1"))).await.status;
    assert_eq!(asked("192.0.2.7").await, StatusCode::OK);
    assert_eq!(asked("192.0.2.8").await, StatusCode::OK);
    assert_eq!(asked("::ffff:192.0.2.7").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(asked("2001:db8:0:1::1").await, StatusCode::OK);
    assert_eq!(asked("2001:db8:0:1:ffff::2").await, StatusCode::TOO_MANY_REQUESTS, "one network");
    assert_eq!(asked("2001:db8:0:2::1").await, StatusCode::OK);

    for by in [By::Account, By::Credential] {
        let harness = with(&[("each", hourly(by, 1, &[]))]).await;
        let asked = async |credential: &str, address: &str| {
            let request = signed_in(Method::GET, "/orders/v1/orders/1", credential, "");
            harness.send(from(address, request)).await.status
        };
        assert_eq!(asked(&operator(), "192.0.2.7").await, StatusCode::OK);
        assert_eq!(asked(&operator(), "192.0.2.8").await, StatusCode::TOO_MANY_REQUESTS, "{by:?}");
        assert_eq!(asked(&service(), "192.0.2.7").await, StatusCode::OK, "{by:?}");
        let nobody = harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
        assert_eq!((nobody.status, is_told(&nobody)), (StatusCode::OK, false), "{by:?}");
    }
}

#[tokio::test]
async fn by_method_all_callers_share_and_methods_do_not() {
    let harness = with(&[("each-method", hourly(By::Method, 2, &["orders.v1.*"]))]).await;
    let asked = async |address: &str, uri: &str| harness.send(from(address, get(uri))).await.status;
    assert_eq!(asked("192.0.2.1", "/orders/v1/orders/1").await, StatusCode::OK);
    assert_eq!(asked("192.0.2.2", "/orders/v1/orders/2").await, StatusCode::OK);
    assert_eq!(asked("192.0.2.3", "/orders/v1/orders/3").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(asked("192.0.2.3", "/orders/v1/orders").await, StatusCode::OK);
}

#[tokio::test]
async fn of_several_policies_all_have_to_let_a_call_in_and_the_tightest_is_told() {
    let gets = ["orders.v1.OrderService/GetOrder"];
    let policies = [("a-wide", hourly(By::Address, 100, &[])), ("b-narrow", hourly(By::Method, 3, &gets))];
    let harness = with(&policies).await;
    let ask = async |uri: &str| harness.send(from("192.0.2.7", get(uri))).await;
    for expected in [2, 1, 0] {
        let answered = ask("/orders/v1/orders/1").await;
        assert_eq!(answered.headers["ratelimit-policy"], "\"a-wide\";q=100;w=3600, \"b-narrow\";q=3;w=3600");
        assert_eq!(left(&answered).0, "b-narrow");
        assert_eq!(left(&answered).1, expected);
    }
    for _ in 0..10 {
        let refused = ask("/orders/v1/orders/1").await;
        assert_eq!((refused.status, left(&refused).0.as_str()), (StatusCode::TOO_MANY_REQUESTS, "b-narrow"));
    }
    // What the narrow one refused, the wide one has not counted.
    let (name, left, _) = left(&ask("/orders/v1/orders").await);
    assert_eq!((name.as_str(), left), ("a-wide", 96));
}

#[tokio::test(start_paused = true)]
async fn what_was_used_comes_back_evenly() {
    let policy = PolicyConfig { burst: Some(2), ..hourly(By::Address, 60, &[]) };
    let harness = with(&[("steady", policy)]).await;
    let ask = async || harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await.status;
    assert_eq!([ask().await, ask().await], [StatusCode::OK; 2]);
    assert_eq!(ask().await, StatusCode::TOO_MANY_REQUESTS);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!([ask().await, ask().await], [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]);
    tokio::time::advance(Duration::from_secs(HOUR.into())).await;
    assert_eq!([ask().await, ask().await, ask().await][..2], [StatusCode::OK; 2]);
    assert_eq!(ask().await, StatusCode::TOO_MANY_REQUESTS, "no more than there is at once comes back");
}

#[tokio::test]
async fn who_is_refused_is_not_read() {
    use futures_util::StreamExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let harness = with(&[("per-address", hourly(By::Address, 1, &[]))]).await;
    let read = Arc::new(AtomicUsize::new(0));
    let send = async || {
        let counter = read.clone();
        let chunks = futures_util::stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, tonic::Status>(http_body::Frame::data(Bytes::from_static(&[b' '; 100])))
        });
        let body = Body::new(http_body_util::StreamBody::new(chunks.take(10)));
        let request = Request::builder().method(Method::POST).uri("/orders/v1/orders").body(body).unwrap();
        harness.send(from("192.0.2.7", request)).await.status
    };
    send().await;
    let before = read.load(Ordering::Relaxed);
    assert!(before > 0);
    assert_eq!(send().await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(read.load(Ordering::Relaxed), before);
}

#[tokio::test]
async fn pages_of_other_origins_may_read_it() {
    let config: Config = serde_json::from_value(json!({
        "cors": {"origins": ["https://app.example.com"]},
        "limits": {"policies": {"per-address": {"by": "address", "quota": 1, "per_seconds": HOUR}}},
    }))
    .unwrap();
    let harness = started(config).await;
    for status in [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        let request = Request::builder().uri("/orders/v1/orders/1").header("origin", "https://app.example.com");
        let answered = harness.send(from("192.0.2.7", request.body(full("")).unwrap())).await;
        assert_eq!(answered.status, status);
        let exposed = answered.headers["access-control-expose-headers"].to_str().unwrap();
        for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
            assert!(exposed.split(", ").any(|exposed| exposed == name), "{exposed}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_to_everybody_uses_nothing_up() {
    let harness = with(&[("per-address", hourly(By::Address, 1, &[]))]).await;
    for _ in 0..5 {
        let request = signed_in(Method::GET, "/orders/v1/orders/1", "Bearer nonsense", "");
        assert_eq!(harness.send(from("192.0.2.7", request)).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(harness.send(from("192.0.2.7", get("/orders/v1/nothing"))).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_document_says_which_methods_are_limited() {
    let harness = with(&[("gets", hourly(By::Address, 100, &["orders.v1.OrderService/GetOrder"]))]).await;
    let document = harness.get("/openapi.json").await.json();
    let get = &document["paths"]["/orders/v1/orders/{order}"]["get"];
    let get = if get.is_null() { &document["paths"]["/orders/v1/{name}"]["get"] } else { get };
    assert!(get["description"].as_str().unwrap().contains("`gets` (by address): 100 in 3600 s"), "{get}");
    assert!(get["responses"]["200"]["headers"]["RateLimit"].is_object(), "{get}");
    let list = &document["paths"]["/orders/v1/orders"]["get"];
    assert!(list["responses"]["200"]["headers"].is_null(), "{list}");
    assert_eq!(list["responses"]["429"]["$ref"], "#/components/responses/ResourceExhausted");
    let refused = &get["responses"]["429"]["headers"];
    for header in ["RateLimit", "RateLimit-Policy", "Retry-After"] {
        assert!(refused[header]["schema"].is_object(), "{refused}");
    }
}

#[tokio::test]
async fn the_policy_that_refuses_is_the_one_that_is_told() {
    let policies = [("a-daily", daily(By::Address, 20, &[])), ("b-hourly", hourly(By::Address, 10, &[]))];
    let harness = with(&policies).await;
    for _ in 0..10 {
        assert_eq!(harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await.status, StatusCode::OK);
    }
    let refused = harness.send(from("192.0.2.7", get("/orders/v1/orders/1"))).await;
    assert_eq!((refused.status, left(&refused).0.as_str()), (StatusCode::TOO_MANY_REQUESTS, "b-hourly"));
    assert_eq!(info(&refused).0["policy"], "b-hourly");
}
