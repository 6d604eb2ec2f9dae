//! S17: no other spelling of a request gets another decision.

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};

use crate::support::{Harness, full};

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
    let headers: [&[(&str, &str)]; 5] = [
        &[("content-type", "application/grpc"), ("te", "trailers")],
        &[("content-type", "application/grpc+proto")],
        &[("content-type", "application/grpc;charset=utf-8"), ("te", "chunked")],
        &[("content-type", "Application/GRPC")],
        &[("content-type", "application/grpc-web")],
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
