//! One request refused by each layer: each is answered properly, and each is counted.

use crate::desk::{bench, credential, get, reason};
use mainstay_layers::MAX_TIMEOUT;

#[tokio::test]
async fn an_answer_is_counted_once_under_its_route() {
    let bench = bench(10);
    assert_eq!(bench.send(get("/t.S/Open")).await.status(), 200);
    assert_eq!(bench.count("/t.S/Open", 200), 1);
}

#[tokio::test]
async fn a_path_that_resolves_to_nothing_is_counted_as_unresolved() {
    let bench = bench(10);
    let response = bench.send(get("/nowhere/at/all")).await;
    assert_eq!((response.status().as_u16(), reason(&response).as_str()), (404, "ROUTE_NOT_FOUND"));
    assert_eq!(bench.count("unresolved", 404), 1);
}

#[tokio::test]
async fn more_than_the_global_limit_is_shed_and_counted() {
    let bench = bench(1);
    let held = tokio::spawn({
        let stack = bench.stack.clone();
        async move { tower::ServiceExt::oneshot(stack, get("/t.S/Never").body(Default::default()).unwrap()).await }
    });
    tokio::task::yield_now().await;
    let response = bench.send(get("/t.S/Open")).await;
    assert_eq!((response.status().as_u16(), reason(&response).as_str()), (503, "OVERLOADED"));
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(bench.count("unresolved", 503), 1);
    held.abort();
    let _ = held.await;
    assert_eq!(bench.send(get("/t.S/Open")).await.status(), 200, "the slot is free again");
    assert_eq!(bench.count("/t.S/Never", 499), 1, "the caller that went away is counted");
}

/// What is streamed is not worked on: it keeps no place, neither while it goes on nor when its client leaves it.
#[tokio::test]
async fn a_stream_keeps_no_place_whether_it_is_read_or_left() {
    let bench = bench(1);
    let mut open = Vec::new();
    for _ in 0..10 {
        let stream = get("/t.S/Stream").body(Default::default()).unwrap();
        open.push(tower::ServiceExt::oneshot(bench.stack.clone(), stream).await.unwrap());
        assert_eq!(bench.send(get("/t.S/Open")).await.status(), 200);
    }
    drop(open);
    // One that is left before it has begun.
    for _ in 0..10 {
        let watch = bench.send(get("/t.S/Watch"));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), watch).await.is_err());
    }
    assert_eq!(bench.send(get("/t.S/Open")).await.status(), 200);
    assert_eq!((bench.count("/t.S/Stream", 499), bench.count("/t.S/Watch", 499)), (10, 10));
}

#[tokio::test]
async fn a_timeout_that_is_none_is_refused_and_counted() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Open").header("grpc-timeout", "soon")).await;
    assert_eq!((response.status().as_u16(), reason(&response).as_str()), (400, "INVALID_ARGUMENT"));
    assert_eq!(bench.count("/t.S/Open", 400), 1);
}

#[tokio::test]
async fn a_deadline_that_has_passed_already_is_refused_and_counted() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Open").header("grpc-timeout", "0n")).await;
    assert_eq!(reason(&response), "DEADLINE_EXCEEDED");
    assert_eq!(bench.count("/t.S/Open", 504), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_cut_and_counted() {
    let bench = bench(10);
    let before = tokio::time::Instant::now();
    let response = bench.send(get("/t.S/Never").header("x-server-timeout", "2.5")).await;
    assert_eq!((response.status().as_u16(), reason(&response).as_str()), (504, "DEADLINE_EXCEEDED"));
    assert_eq!(before.elapsed().as_millis().div_euclid(10), 250);
    assert_eq!(bench.count("/t.S/Never", 504), 1);
}

#[tokio::test(start_paused = true)]
async fn no_caller_gets_more_time_than_the_longest() {
    let bench = bench(10);
    let before = tokio::time::Instant::now();
    bench.send(get("/t.S/Never").header("connect-timeout-ms", "9999999999")).await;
    assert!(before.elapsed() <= MAX_TIMEOUT + std::time::Duration::from_secs(1));
}

#[tokio::test]
async fn a_bad_token_is_refused_and_counted_even_where_everyone_may_call() {
    let bench = bench(10);
    for token in ["Bearer x", "Basic dTpw", "Bearer", "Bearer mainstay-service.gateway.wrong", "Bearer a.b.c"] {
        let response = bench.send(get("/t.S/Open").header("authorization", token)).await;
        assert_eq!((response.status().as_u16(), reason(&response).as_str()), (401, "TOKEN_INVALID"), "{token}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
    assert_eq!(bench.count("/t.S/Open", 401), 5);
}

#[tokio::test]
async fn nobody_and_somebody_without_the_right_are_refused_differently_and_counted() {
    let bench = bench(10);
    assert_eq!(reason(&bench.send(get("/t.S/Members")).await), "UNAUTHENTICATED");
    assert_eq!(bench.count("/t.S/Members", 401), 1);
    let known = || get("/t.S/Admins").header("authorization", credential("gateway"));
    assert_eq!(reason(&bench.send(known()).await), "PERMISSION_DENIED");
    assert_eq!(bench.count("/t.S/Admins", 403), 1);
}

#[tokio::test]
async fn a_caller_that_the_endpoint_refuses_is_counted_and_told_in_headers() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Open").header("x-request-id", "loud")).await;
    assert_eq!((response.status().as_u16(), reason(&response).as_str()), (429, "RATE_LIMITED"));
    assert_eq!(response.headers()["ratelimit"], "\"quiet\";r=0;t=1");
    assert_eq!(bench.count("/t.S/Open", 429), 1);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_that_tells_nothing_and_is_counted() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Panic").header("x-request-id", "find-me")).await;
    assert_eq!((response.status().as_u16(), reason(&response).as_str()), (500, "INTERNAL"));
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("find-me"), "what is in the log can be found: {text}");
    assert_eq!(bench.count("/t.S/Panic", 500), 1);
}

#[tokio::test]
async fn a_panic_while_resolving_is_an_internal_error_too() {
    let bench = bench(1);
    assert_eq!(reason(&bench.send(get("/t.S/ResolvePanic")).await), "INTERNAL");
    assert_eq!(bench.count("unresolved", 500), 1);
    assert_eq!(bench.send(get("/t.S/Open")).await.status(), 200, "its slot is free again");
}

#[tokio::test]
async fn a_fault_of_a_handler_is_rendered_without_its_source_and_counted() {
    let bench = bench(10);
    let response = bench.send(get("/t.S/Fault")).await;
    assert_eq!(reason(&response), "INTERNAL");
    assert!(!String::from_utf8_lossy(response.body()).contains("secret"));
    assert_eq!(bench.count("/t.S/Fault", 500), 1);
}

#[tokio::test]
async fn active_requests_return_to_none() {
    let bench = bench(10);
    bench.send(get("/t.S/Open")).await;
    bench.send(get("/t.S/Panic")).await;
    assert!(bench.metrics.render().contains("http_server_active_requests 0"), "{}", bench.metrics.render());
}
