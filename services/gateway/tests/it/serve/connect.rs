//! Connect: plain HTTP for a unary call, by POST and by GET, and envelopes for a stream.

use bytes::Bytes;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use flate2::{Compression, write::GzEncoder};
use futures_util::StreamExt as _;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::Config;
use mainstay_runtime::channel::Reply;
use prost::Message as _;
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::Arc;
use tonic_types::pb;
use tower::ServiceExt as _;

use crate::support::{Answered, Harness, full, operator};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const UPDATE_BOOK: &str = "/library.v1.BookService/UpdateBook";
const WATCH: &str = "/library.v1.Library/Watch";

/// `{"name": "books/1"}` and a message with a text as field 1: on the wire both are the same.
const NAME: &[u8] = b"\x0a\x07books/1";

async fn unary(harness: &Harness, path: &str, kind: &str, body: impl Into<Bytes>) -> Answered {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
    harness.send(request.body(full(body)).unwrap()).await
}

fn enveloped(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], &length[..], message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The code and the reason of an error as a client reads them.
fn refusal(error: &Value) -> (String, String) {
    let details = error["details"].as_array().cloned().unwrap_or_default();
    let info = details.iter().find(|detail| detail["type"] == "google.rpc.ErrorInfo").expect("an ErrorInfo");
    let bytes = BASE64_NOPAD.decode(info["value"].as_str().unwrap().as_bytes()).unwrap();
    (error["code"].as_str().unwrap().to_owned(), pb::ErrorInfo::decode(&*bytes).unwrap().reason)
}

/// What a client reads of a stream: its messages, and the end.
fn read(answer: &Answered) -> (Vec<Bytes>, Value) {
    assert_eq!(answer.status.as_u16(), 200);
    let mut body = answer.body.clone();
    let mut messages = Vec::new();
    loop {
        let head = body.split_to(5);
        let data = body.split_to(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize);
        if head[0] == 2 {
            assert!(body.is_empty(), "nothing comes after the end");
            return (messages, serde_json::from_slice(&data).unwrap());
        }
        assert_eq!(head[0], 0);
        messages.push(data);
    }
}

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
async fn s26_what_may_change_something_is_never_done_by_get() {
    let harness = Harness::start().await;
    for path in [UPDATE_BOOK, WATCH, "/library.v1.Library/NoRoute", "/mainstay.auth.v1.SessionService/SignIn"] {
        let answer = harness.get(&format!("{path}?connect=v1&encoding=json&message=%7B%7D")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["allow"]),
            (405, &"POST, OPTIONS".parse().unwrap()),
            "{path}"
        );
        assert_eq!(refusal(&answer.json()), ("unimplemented".to_owned(), "METHOD_NOT_ALLOWED".to_owned()), "{path}");
    }
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"] {
        for kind in ["application/proto", "application/json", "application/connect+json", "application/connect+proto"] {
            for path in [UPDATE_BOOK, GET_BOOK, WATCH] {
                let request = Request::builder().method(method).uri(path).header("content-type", kind);
                let answer = harness.send(request.body(full(NAME)).unwrap()).await;
                let status = match method {
                    "OPTIONS" => 204,
                    // It reads, and there is no message.
                    "GET" | "HEAD" if path == GET_BOOK => 400,
                    _ => 405,
                };
                assert_eq!(answer.status.as_u16(), status, "{method} {path} {kind}");
                let allow = answer.headers.get("allow").map_or("", |allow| allow.to_str().unwrap());
                assert_eq!(allow.contains("POST"), status != 400, "{method} {path} {kind}");
            }
        }
    }
    assert!(harness.data.calls().is_empty() && harness.auth.calls().is_empty());
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
async fn a_query_that_says_no_message_is_refused_with_what_is_missing() {
    let harness = Harness::start().await;
    for (query, part) in [
        ("encoding=json", "message"),
        ("message=%7B%7D", "encoding"),
        ("encoding=yaml&message=x", "json or proto"),
        ("connect=v2&encoding=json&message=%7B%7D", "v1"),
        ("encoding=json&message=%7B%7D&message=%7B%7D", "twice"),
        ("encoding=json&message=%7B%7D&callback=x", "callback"),
        ("encoding=proto&message=abc", "base64=1"),
        ("encoding=proto&base64=1&message=a%2Bb%2F", "character 2"),
        ("encoding=json&base64=yes&message=%7B%7D", "base64"),
        ("encoding=json&message=%7B", "could not be read"),
        ("encoding=json&message=%7B%22colour%22%3A1%7D", "colour"),
        ("encoding=proto&base64=1&compression=gzip&message=abcd", "gzip"),
    ] {
        let answer = harness.get(&format!("{GET_BOOK}?{query}")).await;
        let error = answer.json();
        assert_eq!((answer.status.as_u16(), &error["code"]), (400, &json!("invalid_argument")), "{query}: {error}");
        assert!(error["message"].as_str().unwrap().contains(part), "{query}: {error}");
    }
    let answer = harness.get(&format!("{GET_BOOK}?encoding=json&compression=br&message=%7B%7D")).await;
    assert_eq!((answer.status.as_u16(), refusal(&answer.json()).0.as_str()), (501, "unimplemented"));
    assert!(harness.data.was_asked_for_nothing());
}

#[tokio::test]
async fn an_error_is_connects_with_details_whoever_refuses() {
    let harness = Harness::start().await;
    harness.data.on(GET_BOOK, |_| Err(Fault::new(Reason::FieldViolation).violation("book.title", "is too long")));
    for (kind, body) in [("application/json", &b"{}"[..]), ("application/proto", b"")] {
        let answer = unary(&harness, GET_BOOK, kind, body).await;
        let error = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (400, &"application/json".parse().unwrap())
        );
        assert_eq!(refusal(&error), ("invalid_argument".to_owned(), "FIELD_VIOLATION".to_owned()));
        let bad = error["details"].as_array().unwrap().iter().find(|detail| detail["type"] == "google.rpc.BadRequest");
        assert_eq!(bad.unwrap()["debug"]["fieldViolations"][0]["field"], "book.title");
    }
    for (path, status, code, reason) in [
        ("/mainstay.data.v1.ContractService/GetContract", 401, "unauthenticated", "UNAUTHENTICATED"),
        ("/library.v1.BookService/Nothing", 501, "unimplemented", "METHOD_NOT_FOUND"),
        ("/library.v1.BookService/getBook", 501, "unimplemented", "METHOD_NOT_FOUND"),
    ] {
        let answer = unary(&harness, path, "application/json", "{}").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(refusal(&answer.json()), (code.to_owned(), reason.to_owned()), "{path}");
    }
    let contract = Request::builder().method(Method::POST).uri("/mainstay.data.v1.ContractService/GetContract");
    let contract = contract.header("content-type", "application/proto").header("authorization", operator());
    assert_eq!(harness.send(contract.body(full("")).unwrap()).await.status.as_u16(), 200);
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
async fn another_version_is_refused() {
    let harness = Harness::start().await;
    for (version, status) in [("1", 200), ("2", 400), ("v1", 400), ("", 400)] {
        let request = Request::builder().method(Method::POST).uri(GET_BOOK).header("content-type", "application/json");
        let answer = harness.send(request.header("connect-protocol-version", version).body(full("{}")).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{version:?}");
    }
}

#[tokio::test]
async fn a_message_may_come_as_gzip_and_no_other_way() {
    let config = Config { max_request_bytes: 1_000, ..Config::default() };
    let harness = Harness::with(config, Some(crate::support::library()), None).await;
    let call = |coding: &str, body: Vec<u8>| {
        let request = Request::builder().method(Method::POST).uri(GET_BOOK).header("content-type", "application/proto");
        harness.send(request.header("content-encoding", coding).body(full(body)).unwrap())
    };
    for (coding, body) in [("gzip", gzip(NAME)), ("GZIP", gzip(NAME)), ("identity", NAME.to_vec())] {
        assert_eq!(&*call(coding, body).await.body, NAME, "{coding}");
    }
    for coding in ["br", "zstd", "deflate", "gzip, gzip"] {
        let answer = call(coding, NAME.to_vec()).await;
        let error = answer.json();
        assert_eq!(refusal(&error).0, "unimplemented", "{coding}");
        assert!(error["message"].as_str().unwrap().contains("gzip, identity"), "{error}");
    }
    let cut = gzip(NAME)[..12].to_vec();
    for body in [NAME.to_vec(), cut] {
        assert_eq!(refusal(&call("gzip", body).await.json()).1, "MALFORMED_REQUEST");
    }
    let bomb = gzip(&vec![0; 10_000_000]);
    assert!(bomb.len() > 1_000, "the compressed size has a limit as well");
    assert_eq!(refusal(&call("gzip", bomb).await.json()).1, "PAYLOAD_TOO_LARGE");
    assert_eq!(refusal(&call("gzip", gzip(&vec![0; 100_000])).await.json()).1, "PAYLOAD_TOO_LARGE");
    assert_eq!(refusal(&call("identity", vec![0; 1_001]).await.json()).1, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn json_that_is_no_message_is_refused_with_the_place() {
    let harness = Harness::start().await;
    for (body, reason) in [
        ("", "MALFORMED_REQUEST"),
        ("{", "MALFORMED_REQUEST"),
        ("[]", "FIELD_VIOLATION"),
        (r#"{"name": 7}"#, "FIELD_VIOLATION"),
        (r#"{"colour": 7}"#, "UNKNOWN_FIELD"),
    ] {
        let answer = unary(&harness, GET_BOOK, "application/json", body).await;
        assert_eq!((answer.status.as_u16(), refusal(&answer.json()).1.as_str()), (400, reason), "{body}");
    }
    assert!(harness.data.was_asked_for_nothing());
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
async fn a_stream_that_is_refused_is_an_end_without_messages() {
    let harness = Harness::start().await;
    harness.data.on(WATCH, |_| Err(Fault::new(Reason::PermissionDenied)));
    for kind in ["application/connect+proto", "application/connect+json"] {
        let body = if kind.ends_with("json") { &b"{}"[..] } else { b"" };
        let answer = unary(&harness, WATCH, kind, enveloped(0, body)).await;
        assert_eq!(answer.headers["content-type"], kind);
        let (messages, end) = read(&answer);
        assert_eq!((messages.len(), refusal(&end["error"]).0.as_str()), (0, "permission_denied"));
    }
    let contracts = "/mainstay.data.v1.ContractService/WatchContract";
    let (_, end) = read(&unary(&harness, contracts, "application/connect+proto", enveloped(0, b"")).await);
    assert_eq!(refusal(&end["error"]).0, "unauthenticated");
    let metrics = harness.metrics.render();
    let counted = |code: &str| metrics.lines().any(|line| line.contains("_count") && line.contains(code));
    assert!(counted("rpc_grpc_status_code=\"7\"") && counted("rpc_grpc_status_code=\"16\""), "{metrics}");
    assert!(!counted("rpc_grpc_status_code=\"0\""), "what is refused is not counted as done: {metrics}");
}

#[tokio::test]
async fn what_is_no_envelope_is_refused_at_the_end_of_the_stream() {
    let config = Config { max_request_bytes: 1_000, ..Config::default() };
    let harness = Harness::with(config, Some(crate::support::library()), None).await;
    let cases: [(Vec<u8>, &str, &str); 11] = [
        (vec![], "MALFORMED_REQUEST", "no message"),
        (vec![0, 0, 0], "MALFORMED_REQUEST", "in the middle"),
        (vec![0, 0, 0, 0, 9, 1], "MALFORMED_REQUEST", "9 bytes"),
        (enveloped(2, b"{}"), "MALFORMED_REQUEST", "flags"),
        (enveloped(4, b"{}"), "MALFORMED_REQUEST", "flags"),
        (enveloped(0x80, b"{}"), "MALFORMED_REQUEST", "flags"),
        (enveloped(1, b"{}"), "INTERNAL", "connect-content-encoding"),
        ([enveloped(0, b"{}"), enveloped(0, b"{}")].concat(), "UNIMPLEMENTED", "one message"),
        (enveloped(0, b"{"), "MALFORMED_REQUEST", "could not be read"),
        (enveloped(0, &[b' '; 1_001]), "PAYLOAD_TOO_LARGE", "1000"),
        (vec![0, 255, 255, 255, 255], "PAYLOAD_TOO_LARGE", "1000"),
    ];
    for (body, reason, part) in cases {
        let (messages, end) = read(&unary(&harness, WATCH, "application/connect+json", body.clone()).await);
        let error = &end["error"];
        assert_eq!((messages.len(), refusal(error).1.as_str()), (0, reason), "{body:?}: {error}");
        assert!(error["message"].as_str().unwrap().contains(part), "{part}: {error}");
    }
    let call = |coding: &str, body: Vec<u8>| {
        let request = Request::builder().method(Method::POST).uri(WATCH);
        let request = request.header("content-type", "application/connect+json");
        harness.send(request.header("connect-content-encoding", coding).body(full(body)).unwrap())
    };
    let (_, end) = read(&call("br", enveloped(1, b"{}")).await);
    assert_eq!(refusal(&end["error"]).0, "unimplemented");
    let (_, end) = read(&call("gzip", enveloped(1, &gzip(&vec![b' '; 100_000]))).await);
    assert_eq!(refusal(&end["error"]).1, "PAYLOAD_TOO_LARGE");
    assert!(harness.data.was_asked_for_nothing());
    harness.data.on(WATCH, |_| Ok(Reply::Stream(Box::pin(tokio_stream::iter([])))));
    let (_, end) = read(&call("gzip", enveloped(1, &gzip(b"{}"))).await);
    assert_eq!(end, json!({}));
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
async fn what_the_gateway_answers_itself_is_refused_over_connect_naming_what_it_is_served_over() {
    let harness = Harness::start().await;
    for path in [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        for kind in ["application/json", "application/proto", "application/connect+json", "application/connect+proto"] {
            let answer = unary(&harness, path, kind, enveloped(0, b"{}")).await;
            let error = if kind.contains("connect") {
                read(&answer).1["error"].clone()
            } else {
                assert_eq!(answer.status.as_u16(), 501, "{path} {kind}");
                answer.json()
            };
            assert_eq!(refusal(&error), ("unimplemented".to_owned(), "UNIMPLEMENTED".to_owned()), "{path} {kind}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("gRPC and gRPC-Web") && message.contains("/readyz"), "{path} {kind}: {error}");
        }
    }
}

/// What of a request could be read decides who is told what is wrong with the rest.
#[tokio::test]
async fn what_is_wrong_with_json_is_told_to_who_may_make_the_request() {
    let harness = Harness::start().await;
    harness.data.on(UPDATE_BOOK, |call| {
        let update = crate::support::decoded("library.v1.UpdateBookRequest", &call.message);
        match update["book"]["name"].as_str() {
            Some("books/hidden") => Err(Fault::new(Reason::ResourceNotFound)),
            _ => Ok(Reply::Message(Bytes::new())),
        }
    });
    for (book, reason) in [
        (r#"{"name": "books/1", "colour": 1}"#, "UNKNOWN_FIELD"),
        (r#"{"name": "books/hidden", "colour": 1}"#, "RESOURCE_NOT_FOUND"),
        (r#"{"colour": 1, "name": "books/hidden"}"#, "RESOURCE_NOT_FOUND"),
        (r#"{"name": "books/hidden", "pages": "many"}"#, "RESOURCE_NOT_FOUND"),
        (r#"{"name": "books/hidden", "name": "books/1"}"#, "RESOURCE_NOT_FOUND"),
        (r#"{"name": "books/hidden", "publisher": 7}"#, "RESOURCE_NOT_FOUND"),
        (r#"{"name": 7}"#, "FIELD_VIOLATION"),
    ] {
        let answer = unary(&harness, UPDATE_BOOK, "application/json", format!(r#"{{"book": {book}}}"#)).await;
        assert_eq!(refusal(&answer.json()).1, reason, "{book}");
    }
    let broken = unary(&harness, UPDATE_BOOK, "application/json", r#"{"book": {"name": "books/hidden"}"#).await;
    assert_eq!(refusal(&broken.json()).1, "MALFORMED_REQUEST", "what is no JSON names no row");
    assert!(harness.data.was_asked_for_nothing());
}

/// A path, a content type, further headers, a body; and the reason that is told.
type Sent = (&'static str, &'static str, &'static [(&'static str, &'static str)], Vec<u8>, &'static str);

/// A caller whom no rule lets in is told how requests are sent, since that depends on no rule, and nothing of what they may say.
#[tokio::test]
async fn how_a_request_is_sent_is_told_to_everybody_and_what_it_says_to_who_may() {
    let harness = Harness::start().await;
    for path in [GET_BOOK, WATCH] {
        harness.data.on(path, |_| Err(Fault::new(Reason::PermissionDenied)));
    }
    let sent: [Sent; 21] = [
        (GET_BOOK, "application/json", &[("content-encoding", "br")], b"{}".to_vec(), "UNIMPLEMENTED"),
        (GET_BOOK, "application/json", &[("content-encoding", "gzip")], b"{}".to_vec(), "MALFORMED_REQUEST"),
        (GET_BOOK, "application/json", &[("connect-protocol-version", "2")], b"{}".to_vec(), "INVALID_ARGUMENT"),
        (
            WATCH,
            "application/connect+json",
            &[("connect-content-encoding", "br")],
            enveloped(1, b"{}"),
            "UNIMPLEMENTED",
        ),
        (WATCH, "application/connect+json", &[], enveloped(1, b"{}"), "INTERNAL"),
        (WATCH, "application/connect+json", &[], enveloped(2, b"{}"), "MALFORMED_REQUEST"),
        (WATCH, "application/connect+json", &[], vec![0, 0], "MALFORMED_REQUEST"),
        (WATCH, "application/connect+json", &[], [enveloped(0, b"{}"), enveloped(0, b"{}")].concat(), "UNIMPLEMENTED"),
        (GET_BOOK, "application/grpc-web", &[("grpc-encoding", "br")], enveloped(1, b""), "UNIMPLEMENTED"),
        (GET_BOOK, "application/grpc-web", &[], enveloped(1, b""), "INTERNAL"),
        (GET_BOOK, "application/grpc-web", &[], [enveloped(0, b""), enveloped(0, b"")].concat(), "UNIMPLEMENTED"),
        (GET_BOOK, "application/grpc-web-text", &[], b"!".to_vec(), "MALFORMED_REQUEST"),
        (GET_BOOK, "application/grpc", &[("grpc-encoding", "br")], enveloped(1, b""), "UNIMPLEMENTED"),
        (GET_BOOK, "application/grpc", &[], enveloped(1, b""), "INTERNAL"),
        (GET_BOOK, "application/grpc", &[("grpc-encoding", "gzip")], enveloped(1, b"no gzip"), "MALFORMED_REQUEST"),
        (GET_BOOK, "application/grpc", &[], [enveloped(0, b""), enveloped(0, b"")].concat(), "UNIMPLEMENTED"),
        (GET_BOOK, "application/grpc", &[], vec![0, 0], "MALFORMED_REQUEST"),
        // What it says.
        (GET_BOOK, "application/json", &[], b"{".to_vec(), "PERMISSION_DENIED"),
        (GET_BOOK, "application/json", &[("if-match", "*")], b"{}".to_vec(), "PERMISSION_DENIED"),
        (WATCH, "application/connect+json", &[], enveloped(0, b"{"), "PERMISSION_DENIED"),
        (GET_BOOK, "application/grpc", &[("x-goog-fieldmask", "no.such")], enveloped(0, b""), "PERMISSION_DENIED"),
    ];
    for (path, kind, headers, body, reason) in sent {
        let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = harness.send(request.body(full(body.clone())).unwrap()).await;
        assert_eq!(told(kind, &answer), reason, "{path} {kind} {headers:?} {body:?}");
    }
    for (uri, coding, reason) in [
        ("/library/v1/books/1", "", "PERMISSION_DENIED"),
        ("/library/v1/books/1?colour=red", "", "PERMISSION_DENIED"),
        ("/library/v1/books/1?colour=red", "br", "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let request = Request::builder().uri(uri).header("content-encoding", coding);
        let body = if coding.is_empty() { "" } else { "{}" };
        assert_eq!(harness.send(request.body(full(body)).unwrap()).await.reason(), reason, "{uri} {coding}");
    }
    assert_eq!(harness.data.calls().len(), 4 + 2, "asked only where it says something wrong, or nothing");
}

/// The reason of an error in its protocol's own form.
fn told(kind: &str, answer: &Answered) -> String {
    if kind.starts_with("application/grpc") {
        let status = tonic::Status::from_header_map(&answer.headers).expect("a status in the head");
        return tonic_types::StatusExt::get_error_details(&status).error_info().unwrap().reason.clone();
    }
    let error = if kind.starts_with("application/connect") { read(answer).1["error"].clone() } else { answer.json() };
    refusal(&error).1
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

#[tokio::test]
async fn s17_another_spelling_of_a_path_reaches_nothing() {
    let harness = Harness::start().await;
    for path in [
        "/library.v1.BookService/getBook",
        "/library.v1.bookservice/GetBook",
        "/library.v1.BookService/GetBook/",
        "//library.v1.BookService/GetBook",
        "/library.v1.BookService//GetBook",
        "/library.v1.BookService/GetBook;a=b",
        "/library.v1.BookService%2FGetBook",
        "/library/v1/BookService/GetBook",
    ] {
        for kind in ["application/json", "application/proto", "application/connect+json", "application/connect+proto"] {
            let answer = unary(&harness, path, kind, enveloped(0, b"{}")).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let is_refused = text.contains("NOT_FOUND") || text.contains("UNSUPPORTED_MEDIA_TYPE");
            assert!(is_refused, "{path} {kind}: {text}");
        }
        let answer = harness.get(&format!("{path}?connect=v1&encoding=json&message=%7B%7D")).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{path}");
    }
    assert!(harness.data.calls().is_empty() && harness.auth.calls().is_empty());
}
