//! What Connect answers.

use bytes::Bytes;
use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use futures_util::StreamExt as _;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::channel::Reply;
use serde_json::json;
use std::sync::Arc;
use tower::ServiceExt as _;

use crate::support::{Harness, full};

use super::{GET_BOOK, NAME, UPDATE_BOOK, WATCH, enveloped, gzip, read, refusal, unary};

#[tokio::test]
async fn a_unary_call_is_plain_http_in_json_and_in_protobuf() {
    let harness = Harness::start().await;
    let answer = unary(&harness, GET_BOOK, "application/proto", NAME).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, NAME));
    assert_eq!(answer.headers["content-type"], "application/proto");
    assert_eq!(answer.headers["cache-control"], "no-store");
    for kind in ["application/json", "application/json; charset=utf-8"] {
        let answer = unary(&harness, GET_BOOK, kind, r#"{"name": "books/1"}"#).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"name": "books/1"})));
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let call = &harness.data.calls()[1];
    assert_eq!((&*call.path, &*call.message, call.streams), (GET_BOOK, NAME, false));
}

#[tokio::test]
async fn what_changes_nothing_may_be_asked_by_get() {
    let harness = Harness::start().await;
    let json = "%7B%22name%22%3A%22books%2F1%22%7D";
    let base64 = BASE64URL_NOPAD.encode(NAME);
    let padded = BASE64URL.encode(NAME);
    let packed = BASE64URL_NOPAD.encode(&gzip(NAME));
    for (query, kind) in [
        (format!("connect=v1&encoding=json&message={json}"), "application/json"),
        (format!("encoding=json&message={json}"), "application/json"),
        (format!("connect=v1&encoding=proto&base64=1&message={base64}"), "application/proto"),
        (format!("message={padded}&base64=1&encoding=proto"), "application/proto"),
        (format!("encoding=proto&base64=1&compression=gzip&message={packed}"), "application/proto"),
    ] {
        let answer = harness.get(&format!("{GET_BOOK}?{query}")).await;
        assert_eq!((answer.status.as_u16(), &answer.headers["content-type"]), (200, &kind.parse().unwrap()), "{query}");
        assert_eq!(&*harness.data.calls().pop().unwrap().message, NAME, "{query}");
        assert_eq!(answer.headers["cache-control"], "private, no-cache");
        assert_eq!(answer.headers["vary"], "authorization, accept-encoding, x-goog-fieldmask");
    }
    let answer = harness.get(&format!("{GET_BOOK}?encoding=proto&base64=1&message=")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "an empty message");
}

#[tokio::test]
async fn a_rest_path_takes_nothing_of_connect_and_answers_as_rest() {
    let harness = Harness::start().await;
    for kind in ["application/proto", "application/connect+json", "application/connect+proto"] {
        for method in [Method::POST, Method::DELETE, Method::PATCH, Method::GET] {
            let request =
                Request::builder().method(method.clone()).uri("/library/v1/books/1").header("content-type", kind);
            let request = request.header("connect-protocol-version", "1");
            let answer = harness.send(request.body(full("{}")).unwrap()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.reason().as_str()),
                (415, "UNSUPPORTED_MEDIA_TYPE"),
                "{method} {kind}"
            );
        }
    }
    let request =
        Request::builder().method(Method::POST).uri("/library/v1/books").header("content-type", "application/json");
    let request = request.header("connect-protocol-version", "1");
    let answer = harness.send(request.body(full(r#"{"colour": 1}"#)).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"]["code"].as_u64()), (400, Some(400)), "in REST's form");
}

#[tokio::test]
async fn a_deadline_is_connects_own() {
    let harness = Harness::start().await;
    harness.data.on_later(GET_BOOK, |_| Box::pin(std::future::pending()));
    let call = |timeout: &str| {
        let request = Request::builder().method(Method::POST).uri(GET_BOOK).header("content-type", "application/json");
        harness.send(request.header("connect-timeout-ms", timeout).body(full("{}")).unwrap())
    };
    let answer = call("20").await;
    assert_eq!((answer.status.as_u16(), refusal(&answer.json()).0.as_str()), (504, "deadline_exceeded"));
    for timeout in ["soon", "-1", "1.5", "12345678901", ""] {
        assert_eq!(refusal(&call(timeout).await.json()).0, "invalid_argument", "{timeout}");
    }
}

#[tokio::test]
async fn a_stream_comes_in_envelopes_and_ends_with_its_status() {
    let harness = Harness::start().await;
    harness.data.on(WATCH, |_| {
        let messages = [Ok(Bytes::from_static(NAME)), Ok(Bytes::new())];
        Ok(Reply::Stream(Box::pin(tokio_stream::iter(messages))))
    });
    let answer = unary(&harness, WATCH, "application/connect+proto", enveloped(0, b"")).await;
    assert_eq!(answer.headers["content-type"], "application/connect+proto");
    assert_eq!(read(&answer), (vec![Bytes::from_static(NAME), Bytes::new()], json!({})));
    let answer = unary(&harness, WATCH, "application/connect+json", enveloped(0, b"{}")).await;
    assert_eq!(answer.headers["content-type"], "application/connect+json");
    let (messages, end) = read(&answer);
    assert_eq!((messages.len(), &*messages[1], end), (2, &b"{}"[..], json!({})));
    assert_eq!(&*harness.data.calls()[0].path, WATCH);

    harness.data.on(WATCH, |_| {
        let broken = Err(Fault::new(Reason::Unavailable).message("the disk is away"));
        Ok(Reply::Stream(Box::pin(tokio_stream::iter([Ok(Bytes::from_static(NAME)), broken]))))
    });
    let (messages, end) = read(&unary(&harness, WATCH, "application/connect+proto", enveloped(0, b"")).await);
    assert_eq!(messages.len(), 1);
    assert_eq!(refusal(&end["error"]), ("unavailable".to_owned(), "UNAVAILABLE".to_owned()));
    assert!(harness.metrics.render().contains("rpc_grpc_status_code=\"14\""), "it is counted with its code");
}

#[tokio::test]
async fn a_method_is_called_as_its_answer_is() {
    let harness = Harness::start().await;
    for (path, kind, accept) in [
        (WATCH, "application/json", "application/connect+json"),
        (WATCH, "application/proto", "application/connect+proto"),
        (GET_BOOK, "application/connect+json", "application/json"),
        (GET_BOOK, "application/connect+proto", "application/proto"),
    ] {
        let answer = unary(&harness, path, kind, "{}").await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status.as_u16(), 415, "{path} {kind}");
        assert!(text.contains("UNSUPPORTED_MEDIA_TYPE") && text.contains(accept), "{path} {kind}: {text}");
    }
    let answer = unary(&harness, "/library.v1.Library/Collect", "application/connect+json", enveloped(0, b"{}")).await;
    let (_, end) = read(&answer);
    assert_eq!(refusal(&end["error"]).0, "unimplemented");
    for kind in ["application/connect+yaml", "application/connect", "application/protobuf", "text/plain", ""] {
        let answer = unary(&harness, GET_BOOK, kind, "{}").await;
        assert_eq!(answer.status.as_u16(), 415, "{kind}");
        assert!(answer.headers["accept"].to_str().unwrap().contains("application/proto"), "{kind}");
    }
    assert!(harness.data.calls().is_empty());
}

#[tokio::test]
async fn what_an_rpcs_path_takes_is_said_alike_by_options_and_by_405() {
    let harness = Harness::start().await;
    for (path, allow) in [
        (GET_BOOK, "POST, GET, HEAD, OPTIONS"),
        (UPDATE_BOOK, "POST, OPTIONS"),
        (WATCH, "POST, OPTIONS"),
        ("/library.v1.Library/Collect", "POST, OPTIONS"),
        ("/grpc.health.v1.Health/Check", "POST, OPTIONS"),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "POST, OPTIONS"),
    ] {
        for kind in ["", "application/json", "application/proto", "application/connect+json", "text/plain"] {
            for (method, status) in [("OPTIONS", 204), ("PUT", 405), ("DELETE", 405), ("PATCH", 405)] {
                let request = Request::builder().method(method).uri(path).header("content-type", kind);
                let answer = harness.send(request.body(full("")).unwrap()).await;
                assert_eq!(answer.status.as_u16(), status, "{method} {path} {kind}");
                assert_eq!(answer.headers["allow"], allow, "{method} {path} {kind}");
            }
        }
        for method in [Method::GET, Method::HEAD] {
            for query in ["", "?connect=v1", "?encoding=json&message=%7B%7D"] {
                let answer = harness.rest(method.clone(), &format!("{path}{query}"), "").await;
                let is_taken = allow.contains("GET");
                assert_eq!(answer.status == 405, !is_taken, "{method} {path}{query}: {answer:?}");
                assert_eq!(answer.headers.get("allow").is_some(), !is_taken, "{method} {path}{query}");
            }
        }
    }
    let answer = harness.get(GET_BOOK).await;
    assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (400, "MALFORMED_REQUEST"));
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("message="), "{answer:?}");
}

#[tokio::test]
async fn a_call_by_get_keeps_https_conditions_and_one_by_post_refuses_them() {
    let harness = Harness::start().await;
    let book = crate::support::encoded("library.v1.Book", json!({"name": "books/1", "etag": "0a1b"}));
    harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(book.clone()))));
    let uri = format!("{GET_BOOK}?connect=v1&encoding=json&message=%7B%22name%22%3A%22books%2F1%22%7D");
    let get = async |header: &str, value: &str| {
        harness.send(Request::builder().uri(&uri).header(header, value).body(full("")).unwrap()).await
    };
    assert_eq!(get("x-none", "").await.headers["etag"], "\"0a1b\"");
    for (header, value, status) in [
        ("if-none-match", "\"0a1b\"", 304),
        ("if-none-match", "W/\"0a1b\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"x\"", 200),
        ("if-match", "\"0a1b\"", 200),
        ("if-match", "*", 200),
        ("if-match", "\"x\"", 412),
        ("if-match", "x", 400),
    ] {
        let answer = get(header, value).await;
        assert_eq!(answer.status.as_u16(), status, "{header}: {value}");
        assert_eq!(answer.headers.contains_key("etag"), status < 400, "{header}: {value}");
    }
    for (path, kind) in
        [(GET_BOOK, "application/json"), (GET_BOOK, "application/proto"), (UPDATE_BOOK, "application/json")]
    {
        for header in ["if-match", "if-none-match"] {
            let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
            let answer = harness
                .send(request.header(header, "*").body(full(if kind.ends_with("json") { "{}" } else { "" })).unwrap())
                .await;
            assert_eq!(
                (answer.status.as_u16(), refusal(&answer.json()).1.as_str()),
                (400, "INVALID_ARGUMENT"),
                "{path} {header}"
            );
        }
        let request = Request::builder().method(Method::POST).uri(GET_BOOK).header("content-type", "application/proto");
        assert!(!harness.send(request.body(full("")).unwrap()).await.headers.contains_key("etag"));
    }
}

/// Over Connect and over gRPC-Web.
#[tokio::test]
async fn a_stream_that_its_caller_drops_ends_behind_the_gateway_too() {
    let harness = Harness::start().await;
    let open = Arc::new(());
    let watched = open.clone();
    harness.data.on(WATCH, move |_| {
        let held = watched.clone();
        let first = futures_util::stream::iter([Ok(Bytes::from_static(NAME))]);
        let messages =
            first.chain(futures_util::stream::pending()).inspect(move |_| assert!(Arc::strong_count(&held) > 1));
        Ok(Reply::Stream(messages.boxed()))
    });
    for kind in ["application/connect+proto", "application/grpc-web+proto", "application/grpc-web-text"] {
        let body = enveloped(0, b"");
        let body = if kind.ends_with("text") { BASE64.encode(&body).into_bytes() } else { body };
        let request = Request::builder().method(Method::POST).uri(WATCH).header("content-type", kind);
        let Ok(response) = harness.service.clone().oneshot(request.body(full(body)).unwrap()).await;
        let mut body = response.into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data(), "{kind}");
        assert_eq!(Arc::strong_count(&open), 3, "{kind}");
        drop(body);
        assert_eq!(Arc::strong_count(&open), 2, "{kind}: nothing is left of the stream");
        assert!(harness.metrics.render().contains("http_server_active_requests 0"), "{kind}");
    }
}
