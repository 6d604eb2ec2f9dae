//! Compressed answers over REST.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::SMALLEST;
use mainstay_runtime::channel::Reply;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower::ServiceExt as _;

use crate::support::harness::Answered;
use crate::support::{Harness, encoded, full};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const FOLLOW: &str = "/library.v1.Library/Follow";

/// Answers with a book of about so many bytes as JSON.
fn book(harness: &Harness, bytes: usize) {
    let title = "word ".repeat(bytes / 5);
    let book = encoded("library.v1.Book", json!({"name": "books/1", "title": title, "etag": "0a"}));
    harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(book.clone()))));
}

async fn get(harness: &Harness, accept: &str) -> Answered {
    let request = Request::builder().uri("/library/v1/books/1").header("accept-encoding", accept);
    harness.send(request.body(full("")).unwrap()).await
}

fn unpacked(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "gzip" => GzDecoder::new(body).read_to_end(&mut plain).unwrap(),
        "zstd" => zstd::stream::read::Decoder::new(body).unwrap().read_to_end(&mut plain).unwrap(),
        other => panic!("{other}"),
    };
    plain
}

#[tokio::test]
async fn an_answer_is_compressed_for_who_reads_it_and_says_the_same() {
    let harness = Harness::start().await;
    for bytes in [SMALLEST, 30_000, 500_000] {
        book(&harness, bytes);
        let plain = get(&harness, "").await;
        assert!(!plain.headers.contains_key("content-encoding"));
        assert_eq!(plain.headers["etag"], "\"0a\"");
        for coding in ["gzip", "zstd"] {
            let answer = get(&harness, coding).await;
            assert_eq!(
                (answer.status, &answer.headers["content-encoding"]),
                (StatusCode::OK, &coding.parse().unwrap())
            );
            assert_eq!(unpacked(coding, &answer.body), plain.body);
            assert!(answer.body.len() < plain.body.len());
            assert_eq!(answer.headers["etag"], "W/\"0a\"", "another form of the same");
            assert_eq!(answer.headers["vary"], "authorization, accept-encoding, x-goog-fieldmask");
            assert_eq!(answer.headers["content-type"], "application/json");
        }
    }
}

#[tokio::test]
async fn a_small_answer_and_one_for_somebody_who_does_not_read_it_stay_plain() {
    let harness = Harness::start().await;
    book(&harness, SMALLEST / 2);
    let small = get(&harness, "gzip, zstd").await;
    assert!(small.body.len() < SMALLEST && !small.headers.contains_key("content-encoding"));
    assert_eq!(small.headers["vary"], "authorization, accept-encoding, x-goog-fieldmask");
    book(&harness, 10_000);
    for accept in ["", "br", "identity", "gzip;q=0", "*;q=0", "gzip;q=nonsense", ";;,q=1"] {
        assert!(!get(&harness, accept).await.headers.contains_key("content-encoding"), "{accept}");
    }
}

#[tokio::test]
async fn what_does_not_get_smaller_stays_plain() {
    let harness = Harness::start().await;
    // Letters that hardly repeat.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from_u32(0x4e00 + u32::try_from(state >> 44).unwrap() % 0x5000).unwrap()
    };
    let title: String = (0..1_000).map(|_| next()).collect();
    let wire = encoded("library.v1.Book", json!({"title": title}));
    harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(wire.clone()))));
    let answer = get(&harness, "gzip, zstd").await;
    let read = match answer.headers.get("content-encoding") {
        Some(coding) => serde_json::from_slice(&unpacked(coding.to_str().unwrap(), &answer.body)).unwrap(),
        None => answer.json(),
    };
    assert_eq!(read["title"], title);
}

#[tokio::test]
async fn connects_answers_are_compressed_alike() {
    let harness = Harness::start().await;
    book(&harness, 20_000);
    let ask = async |kind: &str, accept: &str| {
        let request = Request::builder().method("POST").uri(GET_BOOK).header("content-type", kind);
        let body = if kind.ends_with("json") { "{}" } else { "" };
        harness.send(request.header("accept-encoding", accept).body(full(body)).unwrap()).await
    };
    for kind in ["application/json", "application/proto"] {
        let plain = ask(kind, "identity").await;
        assert!(plain.status == StatusCode::OK && !plain.headers.contains_key("content-encoding"), "{plain:?}");
        for coding in ["gzip", "zstd"] {
            let answer = ask(kind, coding).await;
            assert_eq!(answer.headers["content-encoding"], coding);
            assert_eq!(unpacked(coding, &answer.body), plain.body, "{kind} {coding}");
        }
    }
    book(&harness, SMALLEST / 2);
    assert!(!ask("application/proto", "gzip").await.headers.contains_key("content-encoding"));
}

/// The body of an error is compressed by the measure of any other.
#[tokio::test]
async fn a_long_error_is_compressed_and_a_short_one_is_not() {
    let harness = Harness::start().await;
    let ask = async |way: &str, accept: &str| {
        let request = match way {
            "rest" => Request::builder().uri("/library/v1/books/1"),
            "get" => Request::builder().uri(format!("{GET_BOOK}?connect=v1&encoding=json&message=%7B%7D")),
            "unserved" => {
                Request::builder().method("POST").uri("/library/v1/books").header("content-type", "application/x-proto")
            }
            kind => Request::builder().method("POST").uri(GET_BOOK).header("content-type", kind),
        };
        let body = if way == "application/json" { "{}" } else { "" };
        harness.send(request.header("accept-encoding", accept).body(full(body)).unwrap()).await
    };
    for (long, violations) in [(true, 40), (false, 1)] {
        harness.data.on(GET_BOOK, move |_| {
            let fault = Fault::new(Reason::FieldViolation);
            Err((0..violations)
                .fold(fault, |fault, n| fault.violation(format!("book.authors[{n}]"), "must not be empty")))
        });
        for way in ["rest", "get", "application/json", "application/proto"] {
            let plain = ask(way, "").await;
            assert!(
                plain.status == StatusCode::BAD_REQUEST && !plain.headers.contains_key("content-encoding"),
                "{way}"
            );
            assert_eq!(plain.body.len() >= SMALLEST, long, "{way}");
            for coding in ["gzip", "zstd"] {
                let answer = ask(way, coding).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                assert_eq!(answer.headers.get("content-encoding").is_some(), long, "{way} {coding}");
                let read = if long { unpacked(coding, &answer.body) } else { answer.body.to_vec() };
                assert_eq!(read, plain.body, "{way} {coding}");
                assert!(answer.headers.get_all("vary").iter().any(|vary| vary == "accept-encoding"), "{way}");
            }
            assert!(!ask(way, "gzip;q=0").await.headers.contains_key("content-encoding"), "{way}");
        }
    }
    assert_eq!(ask("unserved", "gzip").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// The envelopes of a stream of Connect: flags and what is in them.
fn envelopes(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [flags, a, b, c, d, rest @ ..] = body {
        let (message, after) = rest.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        found.push((*flags, message.to_vec()));
        body = after;
    }
    found
}

#[tokio::test]
async fn the_messages_of_connects_streams_are_compressed_one_by_one_where_it_is_worth_it() {
    let harness = Harness::start().await;
    for failing in [false, true] {
        harness.data.on(FOLLOW, move |_| {
            let event = |text: String| Ok(Bytes::from(encoded("library.v1.Event", json!({"text": text}))));
            let last = failing.then(|| Err(Fault::new(Reason::ShuttingDown)));
            let items = [event("word ".repeat(1_000)), event("short".to_owned())];
            Ok(Reply::Stream(futures_util::stream::iter(items.into_iter().chain(last)).boxed()))
        });
        for coding in ["gzip", "zstd"] {
            let mut sent = vec![0, 0, 0, 0, 2];
            sent.extend_from_slice(b"{}");
            let request =
                Request::builder().method("POST").uri(FOLLOW).header("content-type", "application/connect+json");
            let answer =
                harness.send(request.header("connect-accept-encoding", coding).body(full(sent)).unwrap()).await;
            assert_eq!(
                (answer.status, &answer.headers["connect-content-encoding"]),
                (StatusCode::OK, &coding.parse().unwrap())
            );
            let found = envelopes(&answer.body);
            let [(1, long), (0, short), (2, end)] = &found[..] else { panic!("{found:?}") };
            let long: Value = serde_json::from_slice(&unpacked(coding, long)).unwrap();
            assert_eq!(long["text"], "word ".repeat(1_000));
            assert_eq!(serde_json::from_slice::<Value>(short).unwrap(), json!({"text": "short"}));
            let end: Value = serde_json::from_slice(end).unwrap();
            assert_eq!(end["error"]["code"].as_str(), failing.then_some("unavailable"), "{end}");
        }
    }
}

/// Each message of a stream can be read when it is sent, not when the stream ends.
#[tokio::test]
async fn a_compressed_stream_is_flushed_with_each_message() {
    for coding in ["gzip", "zstd"] {
        for accept in ["text/event-stream", "application/x-ndjson", "application/json"] {
            let harness = Harness::start().await;
            let (sender, receiver) = mpsc::unbounded_channel();
            let receiver = std::sync::Mutex::new(Some(receiver));
            harness.data.on(FOLLOW, move |_| {
                let receiver = receiver.lock().unwrap().take().unwrap();
                Ok(Reply::Stream(UnboundedReceiverStream::new(receiver).boxed()))
            });
            let event = |text: &str| Ok(Bytes::from(encoded("library.v1.Event", json!({"place": "a", "text": text}))));
            sender.send(event("first")).unwrap();
            let request = Request::builder().uri("/library/v1/messages/1:follow").header("accept", accept);
            let request = request.header("accept-encoding", coding).body(full("")).unwrap();
            let response = harness.service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.headers()["content-encoding"], coding);
            let mut body = response.into_body();
            let mut sent = Vec::new();
            for text in ["first", "second", "third"] {
                while !partly(coding, &sent).contains(text) {
                    sent.extend_from_slice(&body.frame().await.unwrap().unwrap().into_data().unwrap());
                }
                sender.send(event(if text == "first" { "second" } else { "third" })).unwrap();
            }
            drop(sender);
            sent.extend_from_slice(&body.collect().await.unwrap().to_bytes());
            let whole = String::from_utf8(unpacked(coding, &sent)).unwrap();
            assert!(whole.contains("third"), "{coding} {accept}: the end is there: {whole}");
            if accept == "application/json" {
                assert!(serde_json::from_str::<Value>(&whole).unwrap().is_array());
            }
        }
    }
}

/// What can be read of a body whose end has not come.
fn partly(coding: &str, sent: &[u8]) -> String {
    let mut plain = Vec::new();
    let mut buffer = [0; 4096];
    let mut read: Box<dyn std::io::Read> = match coding {
        "gzip" => Box::new(GzDecoder::new(sent)),
        _ => Box::new(zstd::stream::read::Decoder::new(sent).unwrap()),
    };
    while let Ok(count @ 1..) = read.read(&mut buffer) {
        plain.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&plain).into_owned()
}
