//! What Connect refuses, and what it says.

use bytes::Bytes;
use http::{Method, Request};
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::Config;
use mainstay_runtime::channel::Reply;
use serde_json::json;

use crate::support::{Harness, full, operator};

use super::{GET_BOOK, NAME, Sent, UPDATE_BOOK, WATCH, enveloped, gzip, read, refusal, told, unary};

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
