//! S17: no other spelling of a request gets another decision.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};

use crate::support::{Harness, full, operator, signed_in};

const GRPC: &str = "/mainstay.data.v1.ContractService/CheckContract";

fn request(method: Method, uri: &str, headers: &[(&str, &str)]) -> Request<mainstay_layers::Body> {
    let mut request = Request::builder().method(method).uri(uri).version(Version::HTTP_2);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // A gRPC frame with an empty message; for REST a body that is no JSON.
    request.body(full(Bytes::from_static(&[0, 0, 0, 0, 0]))).unwrap()
}

/// Whether the request was refused before any service was asked, and not answered with success.
async fn refused(harness: &Harness, request: Request<mainstay_layers::Body>) -> bool {
    let answer = harness.send(request).await;
    let grpc = answer.headers.get("grpc-status").map(|status| status != "0");
    let http = answer.status != StatusCode::OK;
    harness.data.calls().is_empty() && harness.auth.calls().is_empty() && grpc.unwrap_or(http)
}

#[tokio::test]
async fn s17_no_spelling_of_a_grpc_path_gets_past_its_policy() {
    let harness = Harness::start().await;
    let paths = [
        GRPC.to_owned(),
        GRPC.to_uppercase(),
        GRPC.to_lowercase(),
        format!("/{GRPC}"),
        format!("{GRPC}/"),
        format!("{GRPC}?x=1"),
        GRPC.replacen("CheckContract", "/CheckContract", 1),
        GRPC.replacen("/CheckContract", "%2FCheckContract", 1),
        GRPC.replacen("CheckContract", "%43heckContract", 1),
        GRPC.replacen("CheckContract", "./CheckContract", 1),
        GRPC.replacen("CheckContract", "x/../CheckContract", 1),
        GRPC.replacen("mainstay.data", "mainstay%2Edata", 1),
        format!("http://127.0.0.1{GRPC}"),
        format!("{GRPC};a=b"),
        "*".to_owned(),
        "/".to_owned(),
    ];
    let headers: [&[(&str, &str)]; 6] = [
        &[("content-type", "application/grpc"), ("te", "trailers")],
        &[("content-type", "application/grpc+proto")],
        &[("content-type", "application/grpc;charset=utf-8"), ("te", "chunked")],
        &[("content-type", "Application/GRPC")],
        &[("content-type", "application/grpc-web")],
        // What a WebSocket makes of its calls is told by more than this.
        &[("content-type", "application/vnd.mainstay.socket")],
    ];
    for path in &paths {
        for headers in headers {
            let request = request(Method::POST, path, headers);
            assert!(refused(&harness, request).await, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn s17_no_header_replaces_the_method_the_path_or_the_host() {
    let harness = Harness::start().await;
    for (name, value) in [
        ("x-http-method-override", "GET"),
        ("x-http-method", "GET"),
        ("x-method-override", "GET"),
        ("x-original-url", "/library/v1/books"),
        ("x-rewrite-url", "/library/v1/books"),
        ("x-forwarded-prefix", "/library/v1"),
        ("x-forwarded-host", "internal"),
        ("host", "internal"),
        ("content-type", "application/grpc-web+proto"),
    ] {
        let headers = [(name, value)];
        assert!(refused(&harness, request(Method::POST, "/auth/v1/accounts/1:setRoles", &headers)).await, "{name}");
        assert!(refused(&harness, request(Method::PUT, "/library/v1/books/1", &headers)).await, "{name}");
    }
}

#[tokio::test]
async fn s17_a_rest_path_has_one_spelling() {
    let harness = Harness::start().await;
    for path in [
        "/library/v1/books/1/",
        "//library/v1/books/1",
        "/library//v1/books/1",
        "/Library/v1/books/1",
        "/library/v1/Books/1",
        "/library%2Fv1/books/1",
        "/library/v1%2fbooks/1",
        "/library/v1/books%2F1",
        "/library/v1/b%6Foks/1",
        "/library/./v1/books/1",
        "/x/../library/v1/books/1",
        "/library/v1/books;x=1/1",
    ] {
        let answer = harness.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(harness.data.calls().is_empty());
    assert_eq!(harness.get("http://somewhere/library/v1/books/1").await.status, StatusCode::OK, "absolute form");
}

#[tokio::test]
async fn grpc_is_a_post() {
    let harness = Harness::start().await;
    let get = request(Method::GET, "/library.v1.BookService/GetBook", &[("content-type", "application/grpc")]);
    assert!(refused(&harness, get).await);
}

/// What a request says beside its method and path changes what it is answered with, never who may ask.
#[tokio::test]
async fn s17_no_form_of_a_rest_request_gets_past_its_policy() {
    const WATCH: &str = "/mainstay.data.v1.ContractService/WatchContract";
    let harness = Harness::start().await;
    harness.data.on_empty(WATCH);
    let forms: [&[(&str, &str)]; 10] = [
        &[],
        &[("accept", "text/event-stream")],
        &[("accept", "text/event-stream"), ("last-event-id", "0")],
        &[("accept", "application/x-ndjson")],
        &[("accept", "*/*;q=0")],
        &[("if-none-match", "*")],
        &[("if-match", "*")],
        &[("accept-encoding", "gzip, zstd")],
        &[("range", "bytes=0-"), ("x-http-method-override", "OPTIONS")],
        &[("connect-protocol-version", "1")],
    ];
    for path in ["/data/v1/contract:watch", "/data/v1/contract"] {
        for form in forms {
            for method in [Method::GET, Method::HEAD] {
                let answer = harness.send(request(method.clone(), path, form)).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {form:?}");
                assert!(!answer.headers.contains_key("etag") && !answer.headers.contains_key("content-encoding"));
            }
            assert_eq!(harness.send(request(Method::OPTIONS, path, form)).await.status, StatusCode::NO_CONTENT);
        }
    }
    for path in [
        "/data/v1/contract:WATCH",
        "/data/v1/contract:watch/",
        "/data/v1//contract:watch",
        "/data/v1/contract%3Awatch",
        "/data/v1/contract:watch:watch",
        "/Data/v1/contract:watch",
    ] {
        for form in forms {
            let answer = harness.send(request(Method::GET, path, form)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} {form:?}");
        }
    }
    assert!(harness.data.calls().is_empty(), "{:?}", harness.data.calls());
    let served = signed_in(Method::GET, "/data/v1/contract:watch", &operator(), "");
    assert_eq!(harness.send(served).await.status, StatusCode::OK, "the path is a good one");
}
