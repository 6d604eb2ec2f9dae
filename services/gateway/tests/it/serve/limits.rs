//! Size, depth and number (S22, S23).

use std::net::Ipv4Addr;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, Request, StatusCode};
use http_body_util::StreamBody;
use mainstay_gateway::{
    Config, DEFAULT_MAX_REQUEST_BYTES, DEFAULT_TIMEOUT_MS, FIRST_MESSAGE_WAIT, HEARTBEAT, MAX_FORM_BYTES, MAX_KEYS,
    MAX_REQUEST_BYTES_LIMIT, SMALLEST, transcode::MAX_QUERY_PARAMETERS,
};
use mainstay_layers::Peer;
use tonic::Code;

use crate::support::{Harness, full, library};

const CREATE_BOOK: &str = "/library.v1.BookService/CreateBook";

async fn small() -> Harness {
    Harness::with(Config { max_request_bytes: 1_000, ..Config::default() }, Some(library()), None).await
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused() {
    let harness = Harness::start().await;
    let body = format!("{{\"title\": \"{}\"}}", "x".repeat(10_000_000));
    let answer = harness.post("/library/v1/books", body).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"));
    assert!(harness.data.calls().is_empty());
}

#[tokio::test]
async fn a_body_without_a_length_is_read_only_as_far_as_the_limit() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let harness = small().await;
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    let chunks = futures_util::stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, tonic::Status>(http_body::Frame::data(bytes::Bytes::from_static(&[b' '; 100])))
    });
    let body = mainstay_layers::Body::new(http_body_util::StreamBody::new(chunks.take(100_000)));
    let request = Request::builder().method(Method::POST).uri("/library/v1/books").body(body).unwrap();
    assert_eq!(harness.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(read.load(Ordering::Relaxed) <= 12, "{read:?}");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_accepted() {
    let harness = small().await;
    harness.data.on_empty(CREATE_BOOK);
    let body = format!("{:<1000}", r#"{"title": "T"}"#);
    assert_eq!(harness.post("/library/v1/books", body.clone()).await.status, StatusCode::OK);
    assert_eq!(harness.post("/library/v1/books", body + " ").await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_grpc_message_above_the_limit_is_refused_with_the_same_reason() {
    use tonic_types::StatusExt as _;

    let harness = small().await;
    assert!(harness.grpc(CREATE_BOOK, vec![0; 1_000]).await.is_ok());
    let status = harness.grpc(CREATE_BOOK, vec![0; 1_001]).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_compressed_message_is_measured_as_it_is_after_decompression() {
    use bytes::Bytes;
    use mainstay_runtime::RawCodec;
    use tonic::codec::CompressionEncoding;

    let harness = small().await;
    let call = async |size: usize| {
        let mut client = harness.client().send_compressed(CompressionEncoding::Gzip);
        let path = http::uri::PathAndQuery::from_static(CREATE_BOOK);
        client.unary(tonic::Request::new(Bytes::from(vec![0; size])), path, RawCodec).await
    };
    assert!(call(900).await.is_ok());
    let plain = harness.grpc(CREATE_BOOK, vec![0; 1_001]).await.unwrap_err();
    // Small as it comes and large as it is, and large already as it comes.
    for size in [1_001, 50_000_000] {
        let status = call(size).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, plain.message()), "{size}");
        assert_eq!(status.details(), plain.details(), "{size}");
    }
}

/// S23: deep nesting is refused, in every shape it can have, and the process goes on.
#[tokio::test]
async fn s23_ten_thousand_levels_of_json_are_refused() {
    let harness = Harness::start().await;
    let deep = 10_000;
    let bodies = [
        "[".repeat(deep),
        "{\"a\":".repeat(deep),
        format!("{{\"notes\": {}1{}}}", "{\"a\":".repeat(deep), "}".repeat(deep)),
        format!("{{\"notes\": {{\"a\": {}{}}}}}", "[".repeat(deep), "]".repeat(deep)),
        format!("{{\"publisher\": {}{}}}", "{\"publisher\":".repeat(deep), "}".repeat(deep)),
    ];
    harness.data.on_empty(CREATE_BOOK);
    for body in bodies {
        let answer = harness.post("/library/v1/books", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.len() < 2_000, "an error does not repeat the request");
    }
    assert_eq!(harness.post("/library/v1/books", r#"{"notes": {"a": {"b": [1]}}}"#).await.status, StatusCode::OK);
    assert!(
        harness.get(&format!("/library/v1/messages:search?{}=1", "range.inner.".repeat(2_000))).await.status
            == StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn s23_odd_json_is_refused_and_leaves_the_process_alive() {
    let harness = Harness::start().await;
    for body in [
        r#"{"title": "a", "title": "b"}"#,
        r#"{"pages": NaN}"#,
        r#"{"pages": 1e400}"#,
        r#"{"title": "\ud800"}"#,
        r#"{"pages": 2147483648}"#,
        r#"{"authors": "one"}"#,
        r#"{"authors": [null]}"#,
    ] {
        let answer = harness.post("/library/v1/books", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let many: Vec<String> = (0..100_000).map(|i| format!("\"k{i}\": {i}")).collect();
    let answer = harness.post("/library/v1/books", format!("{{{}}}", many.join(","))).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "UNKNOWN_FIELD"));
}

#[tokio::test]
async fn a_query_has_a_bounded_number_of_parameters() {
    let harness = Harness::start().await;
    harness.data.on_empty("/library.v1.Library/Search");
    let uri = |count: usize| format!("/library/v1/messages:search?{}", vec!["words=a"; count].join("&"));
    assert_eq!(harness.get(&uri(MAX_QUERY_PARAMETERS)).await.reason_or_ok(), "ok");
    assert_eq!(harness.get(&uri(MAX_QUERY_PARAMETERS + 1)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_one_that_says_it_is_not_is_taken() {
    let harness = Harness::start().await;
    harness.data.on_empty(CREATE_BOOK);
    let send = async |coding: &str| {
        let request =
            Request::builder().method(Method::POST).uri("/library/v1/books").header("content-encoding", coding);
        harness.send(request.body(full("{}")).unwrap()).await
    };
    for coding in ["gzip", "GZIP", "x-gzip", "br", "zstd", "identity, gzip", "gzip,identity", "chunked"] {
        let answer = send(coding).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{coding}");
        assert_eq!(answer.headers["accept-encoding"], "identity", "{coding}");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains("identity"), "{coding}");
    }
    for coding in ["identity", "Identity", "IDENTITY", " identity ", "identity, Identity", ""] {
        assert_eq!(send(coding).await.status, StatusCode::OK, "{coding:?}");
    }
}

#[test]
fn a_limit_that_makes_no_sense_is_refused_at_start() {
    for max_request_bytes in [0, mainstay_gateway::MAX_REQUEST_BYTES_LIMIT + 1] {
        assert_eq!(Config { max_request_bytes, ..Config::default() }.problems().len(), 1);
    }
    assert!(Config::default().problems().is_empty());
}

/// A body of which only the beginning comes.
fn unfinished(beginning: &'static [u8]) -> mainstay_layers::Body {
    let first = http_body::Frame::data(Bytes::from_static(beginning));
    let frames = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(first))).chain(stream::pending());
    mainstay_layers::Body::new(StreamBody::new(frames))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_a_request_timeout() {
    let harness = Harness::start().await;
    let request = Request::builder().method(Method::POST).uri("/library/v1/books");
    let answer = harness.send(request.body(unfinished(b"{")).unwrap()).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"));

    let request = Request::builder().method(Method::POST).uri("/library.v1.BookService/GetBook");
    let request = request.header("content-type", "application/grpc").body(unfinished(&[0, 0, 0, 0, 9])).unwrap();
    let answer = harness.send(request).await;
    assert_eq!((answer.status, &answer.headers["grpc-status"]), (StatusCode::OK, &http::HeaderValue::from_static("4")));
    assert!(harness.data.was_asked_for_nothing());
}

/// An answer for which there is no room, since nobody reads those before it, is told in each protocol's own form. A small one has
/// room.
#[tokio::test]
async fn an_answer_that_has_no_room_is_refused_in_the_protocols_own_form() {
    const GET_BOOK: &str = "/library.v1.BookService/GetBook";
    let harness = Harness::start().await;
    let unsent = mainstay_layers::Unsent::new(1 << 20);
    let open = unsent.open();
    let ask = async |kind: &str| {
        let (method, uri) =
            if kind == "rest" { (Method::GET, "/library/v1/books/1") } else { (Method::POST, GET_BOOK) };
        let kind = if kind == "rest" { "" } else { kind };
        let body: &[u8] = match kind {
            "" => b"",
            "application/json" => b"{}",
            "application/proto" => b"",
            _ => &[0, 0, 0, 0, 0],
        };
        let request = Request::builder().method(method).uri(uri).header("content-type", kind);
        let peer = Peer { answers: Some(open.answers().clone()), ..Peer::at(Ipv4Addr::LOCALHOST.into()) };
        let request = request.extension(peer).body(full(body)).unwrap();
        let answer = harness.send(request).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let code = answer.headers.get("grpc-status").map_or(0, |code| code.to_str().unwrap().parse::<u16>().unwrap());
        (answer.status.as_u16(), code, text.contains("ANSWERS_UNREAD"))
    };
    let kinds = ["rest", "application/json", "application/proto", "application/grpc", "application/grpc-web+proto"];
    for large in [true, false] {
        let title = "x".repeat(if large { 300_000 } else { 3_000 });
        let book = crate::support::encoded("library.v1.Book", serde_json::json!({"title": title}));
        harness.data.on(GET_BOOK, move |_| Ok(mainstay_runtime::channel::Reply::Message(Bytes::from(book.clone()))));
        for kind in kinds {
            assert_eq!(ask(kind).await, (200, 0, false), "{kind}: there is room");
        }
        let held = open.answers().count(700_000);
        for kind in kinds {
            let refused = if kind.starts_with("application/grpc") { (200, 8, false) } else { (429, 0, true) };
            assert_eq!(ask(kind).await, if large { refused } else { (200, 0, false) }, "{kind}");
        }
        drop(held);
    }
}

/// `8192` as it is written for people.
fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

#[test]
fn the_table_of_limits_is_what_the_code_does() {
    let readme = include_str!("../../../README.md");
    let mebibytes = |bytes: usize| bytes >> 20;
    let values = [
        (
            "`max_request_bytes`",
            format!(
                "{} MiB, configurable up to {} MiB",
                mebibytes(DEFAULT_MAX_REQUEST_BYTES),
                mebibytes(MAX_REQUEST_BYTES_LIMIT)
            ),
        ),
        ("depth of JSON", mainstay_wire::MAX_DEPTH.to_string()),
        ("query parameters", thousands(MAX_QUERY_PARAMETERS)),
        ("the head of a stream", format!("{} s; {} s", FIRST_MESSAGE_WAIT.as_secs(), HEARTBEAT.as_secs())),
        ("the smallest answer", format!("{} KiB", SMALLEST >> 10)),
        ("the form of a page", format!("{} KiB; 1,600 bytes", MAX_FORM_BYTES >> 10)),
        ("callers that a policy", format!("{}, some 2 MiB", thousands(MAX_KEYS))),
        ("a call waits for the Redis", format!("{DEFAULT_TIMEOUT_MS} ms (`timeout_ms`)")),
    ];
    for (limit, value) in values {
        let row = readme.lines().find(|line| line.starts_with(&format!("| {limit}")));
        let row = row.unwrap_or_else(|| panic!("no row for {limit:?}"));
        assert_eq!(row.split('|').nth(2).map(str::trim), Some(value.as_str()), "{row}");
    }
}
