//! gRPC callers get gRPC statuses, others get JSON; streams are counted when they end.

use crate::desk::{bench, get};
use http_body_util::BodyExt as _;
use mainstay_layers::{Native, Protocol as _};
use tower::ServiceExt as _;

fn grpc(path: &str) -> http::request::Builder {
    get(path).method("POST").header("content-type", "application/grpc")
}

#[tokio::test]
async fn a_grpc_caller_gets_a_status_in_headers() {
    let bench = bench(10);
    let response = bench.send(grpc("/t.S/Members")).await;
    assert_eq!((response.status().as_u16(), &response.headers()["grpc-status"]), (200, &"16".parse().unwrap()));
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let text = bench.metrics.render();
    assert!(text.contains("rpc_grpc_status_code=\"16\""), "{text}");
}

#[tokio::test]
async fn a_panic_reaches_a_grpc_caller_as_internal() {
    let response = bench(10).send(grpc("/t.S/Panic")).await;
    assert_eq!((response.status().as_u16(), &response.headers()["grpc-status"]), (200, &"13".parse().unwrap()));
}

#[test]
fn only_grpc_itself_counts_as_grpc() {
    for (kind, protocol) in [
        ("application/grpc", Native::Grpc),
        ("application/grpc+proto", Native::Grpc),
        ("application/grpc; charset=x", Native::Grpc),
        ("APPLICATION/GRPC", Native::Grpc),
        ("Application/Grpc+PROTO ; a=b", Native::Grpc),
        ("application/grpc+json", Native::Http),
        ("application/grpcx", Native::Http),
        ("application/grpc-web", Native::Http),
        ("application/grpc-web+proto", Native::Http),
        ("application/json", Native::Http),
        ("", Native::Http),
    ] {
        let request = http::Request::builder().header("content-type", kind).body(()).unwrap();
        assert_eq!(Native::of(&request.into_parts().0), protocol, "{kind}");
    }
}

#[tokio::test]
async fn a_stream_is_counted_with_the_status_in_its_trailers() {
    let bench = bench(10);
    let response = bench.stack.clone().oneshot(grpc("/t.S/Stream").body(Default::default()).unwrap()).await.unwrap();
    assert_eq!(bench.count("/t.S/Stream", 200), 0, "not before its end");
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "5");
    assert_eq!(bench.count("/t.S/Stream", 200), 1);
    assert!(bench.metrics.render().contains("rpc_grpc_status_code=\"5\""));
}

#[tokio::test]
async fn a_stream_that_its_caller_drops_is_counted_as_given_up() {
    let bench = bench(10);
    let response = bench.stack.clone().oneshot(grpc("/t.S/Stream").body(Default::default()).unwrap()).await.unwrap();
    drop(response);
    assert_eq!(bench.count("/t.S/Stream", 499), 1);
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_stream_ends_it_with_internal() {
    let bench = bench(10);
    let response =
        bench.stack.clone().oneshot(grpc("/t.S/BrokenStream").body(Default::default()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "13");
    assert_eq!(bench.count("/t.S/BrokenStream", 500), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_no_deadline_unless_its_caller_gives_one() {
    let bench = bench(10);
    let watch = bench.send(get("/t.S/Watch"));
    let waited = tokio::time::timeout(std::time::Duration::from_secs(86_400), watch).await;
    assert!(waited.is_err(), "it went on for a day");
    let response = bench.send(get("/t.S/Watch").header("grpc-timeout", "3S")).await;
    assert_eq!(response.status(), 504);
}
