//! Server streams over REST: server-sent events, JSON lines, JSON arrays.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::{Config, FIRST_MESSAGE_WAIT, HEARTBEAT};
use mainstay_layers::Body;
use mainstay_runtime::channel::Reply;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower::ServiceExt as _;

use crate::support::{Harness, decoded, encoded, full, library};

const FOLLOW: &str = "/library.v1.Library/Follow";
const COUNT: &str = "/library.v1.Library/Count";
const URI: &str = "/library/v1/messages/1:follow";

type Said = Result<Value, Reason>;

/// Answers with these events, and then as `Reason` says.
fn says(harness: &Harness, events: Vec<Said>) {
    harness.data.on(FOLLOW, move |_| {
        let items: Vec<Result<Bytes, Fault>> = events
            .iter()
            .map(|said| said.clone().map(|event| encoded("library.v1.Event", event).into()).map_err(Fault::new))
            .collect();
        Ok(Reply::Stream(futures_util::stream::iter(items).boxed()))
    });
}

/// Answers with whatever the test sends, as it sends it.
fn live(harness: &Harness) -> mpsc::UnboundedSender<Result<Bytes, Fault>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    harness.data.on(FOLLOW, move |_| {
        let receiver = receiver.lock().unwrap().take().expect("followed once");
        Ok(Reply::Stream(UnboundedReceiverStream::new(receiver).boxed()))
    });
    sender
}

fn event(place: &str, text: &str) -> Bytes {
    encoded("library.v1.Event", json!({"place": place, "text": text})).into()
}

fn asking(uri: &str, accept: &str) -> http::request::Builder {
    let request = Request::builder().uri(uri);
    if accept.is_empty() { request } else { request.header("accept", accept) }
}

async fn open(harness: &Harness, request: http::request::Builder) -> Response<Body> {
    harness.service.clone().oneshot(request.body(full("")).unwrap()).await.unwrap()
}

async fn text(harness: &Harness, uri: &str, accept: &str) -> (String, String) {
    let answer = harness.send(asking(uri, accept).body(full("")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let kind = answer.headers["content-type"].to_str().unwrap().to_owned();
    (kind, String::from_utf8(answer.body.to_vec()).unwrap())
}

async fn chunk(body: &mut Body) -> String {
    String::from_utf8(body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn each_form_writes_the_same_messages() {
    let harness = Harness::start().await;
    says(&harness, vec![Ok(json!({"place": "a", "text": "one\ntwo"})), Ok(json!({"place": "b"})), Ok(json!({}))]);
    let (kind, events) = text(&harness, URI, "text/event-stream").await;
    assert_eq!(kind, "text/event-stream");
    assert_eq!(
        events,
        "retry: 2000\n\nid: a\nevent: message\ndata: {\"place\":\"a\",\"text\":\"one\\ntwo\"}\n\n\
         id: b\nevent: message\ndata: {\"place\":\"b\"}\n\nevent: message\ndata: {}\n\n"
    );
    let (kind, lines) = text(&harness, URI, "application/x-ndjson").await;
    assert_eq!(kind, "application/x-ndjson");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (kind, array) = text(&harness, URI, "application/json").await;
    assert_eq!(kind, "application/json");
    assert_eq!(array, "[\n{\"place\":\"a\",\"text\":\"one\\ntwo\"}\n,\n{\"place\":\"b\"}\n,\n{}\n]\n");
    assert_eq!(serde_json::from_str::<Value>(&array).unwrap(), Value::from(lines.clone()));
    assert_eq!(lines, [json!({"place": "a", "text": "one\ntwo"}), json!({"place": "b"}), json!({})]);
}

#[tokio::test]
async fn a_stream_without_messages_is_empty_in_each_form() {
    let harness = Harness::start().await;
    says(&harness, vec![]);
    assert_eq!(text(&harness, URI, "text/event-stream").await.1, "retry: 2000\n\n");
    assert_eq!(text(&harness, URI, "application/x-ndjson").await.1, "");
    assert_eq!(serde_json::from_str::<Value>(&text(&harness, URI, "").await.1).unwrap(), json!([]));
}

#[tokio::test]
async fn the_form_is_the_one_that_is_wanted_most() {
    let harness = Harness::start().await;
    says(&harness, vec![]);
    let (events, lines, array) = ("text/event-stream", "application/x-ndjson", "application/json");
    for (accept, kind) in [
        ("", array),
        ("*/*", array),
        ("text/html", array),
        ("text/event-stream", events),
        ("TEXT/Event-Stream", events),
        ("text/event-stream; charset=utf-8", events),
        ("text/*", events),
        ("text/html, text/event-stream, */*", events),
        ("application/ndjson", lines),
        ("application/jsonl", lines),
        ("application/*", array),
        ("text/event-stream;q=0", array),
        ("application/x-ndjson;q=0, text/event-stream;q=0.0", array),
        ("text/event-stream ;q=.5", array),
        ("application/json;q=0.5, application/x-ndjson", lines),
        ("application/json;q=0.5, application/x-ndjson;q=0.4", array),
        ("application/json;q=0, */*", events),
        ("text/event-stream;q=0, application/x-ndjson", lines),
        ("text/event-stream;q=nonsense, application/x-ndjson;q=0.001", lines),
        (",;q,=;text/event-stream", array),
    ] {
        assert_eq!(text(&harness, URI, accept).await.0, kind, "{accept:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_first_message_has_its_own_status() {
    let harness = Harness::start().await;
    for accept in ["text/event-stream", "application/x-ndjson", "application/json"] {
        for (reason, status) in
            [(Reason::ResourceNotFound, 404), (Reason::PermissionDenied, 403), (Reason::Unavailable, 503)]
        {
            says(&harness, vec![Err(reason)]);
            let in_stream = harness.send(asking(URI, accept).body(full("")).unwrap()).await;
            harness.data.on(FOLLOW, move |_| Err(Fault::new(reason)));
            let at_once = harness.send(asking(URI, accept).body(full("")).unwrap()).await;
            for answer in [in_stream, at_once] {
                assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, reason.name()), "{accept}");
                assert_eq!(answer.headers["content-type"], "application/json");
            }
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_after_it_is_the_last_thing_that_is_said() {
    let harness = Harness::start().await;
    says(&harness, vec![Ok(json!({"place": "a"})), Err(Reason::ShuttingDown)]);
    let status =
        |json: &Value| json["error"]["details"][0]["reason"] == "SHUTTING_DOWN" && json["error"]["code"] == 503;
    let events = text(&harness, URI, "text/event-stream").await.1;
    let (_, last) = events.rsplit_once("event: error\ndata: ").unwrap();
    assert!(status(&serde_json::from_str(last).unwrap()), "{events}");
    let lines = text(&harness, URI, "application/x-ndjson").await.1;
    assert!(status(&serde_json::from_str(lines.lines().last().unwrap()).unwrap()), "{lines}");
    let array: Value = serde_json::from_str(&text(&harness, URI, "").await.1).unwrap();
    assert!(array.as_array().unwrap().len() == 2 && status(&array[1]), "{array}");
}

#[tokio::test]
async fn every_reason_is_the_same_before_the_first_message_and_after_it() {
    let harness = Harness::start().await;
    for reason in Reason::ALL {
        let (name, status) = (reason.name(), Fault::new(*reason).http_status().as_u16());
        says(&harness, vec![Err(*reason)]);
        for accept in ["text/event-stream", "application/x-ndjson", "application/json"] {
            let answer = harness.send(asking(URI, accept).body(full("")).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (status, name), "{accept}");
        }
        says(&harness, vec![Ok(json!({"place": "a"})), Err(*reason)]);
        let lines = text(&harness, URI, "application/x-ndjson").await.1;
        let events = text(&harness, URI, "text/event-stream").await.1;
        let array: Value = serde_json::from_str(&text(&harness, URI, "").await.1).unwrap();
        let event = events.rsplit_once("event: error\ndata: ").unwrap().1;
        for told in [lines.lines().last().unwrap(), event, &array[1].to_string()] {
            let told: Value = serde_json::from_str(told).unwrap();
            assert_eq!(
                (&told["error"]["code"], &told["error"]["details"][0]["reason"]),
                (&json!(status), &json!(name))
            );
        }
    }
}

#[tokio::test]
async fn a_message_that_is_none_of_its_type_is_told_as_internal_and_says_no_more() {
    let harness = Harness::start().await;
    harness.data.on(FOLLOW, |_| {
        let items = [Ok(event("a", "x")), Ok(Bytes::from_static(b"\x0a\xff"))];
        Ok(Reply::Stream(futures_util::stream::iter(items).boxed()))
    });
    let lines = text(&harness, URI, "application/x-ndjson").await.1;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["error"]["details"][0]["reason"], "INTERNAL", "{lines}");
}

#[tokio::test]
async fn the_head_of_a_stream_keeps_whoever_is_between_from_touching_it() {
    let harness = Harness::start().await;
    says(&harness, vec![Ok(json!({}))]);
    for method in [Method::GET, Method::HEAD] {
        let answer = harness.send(asking(URI, "text/event-stream").method(method).body(full("")).unwrap()).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("cache-control"), "no-store, no-transform");
        assert_eq!((header("x-accel-buffering"), header("x-content-type-options")), ("no".into(), "nosniff".into()));
        assert_eq!(header("vary"), "accept, authorization, accept-encoding");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_come_one_by_one_and_silence_is_broken_by_a_heartbeat() {
    assert!(HEARTBEAT <= Duration::from_secs(15));
    let harness = Harness::start().await;
    let sender = live(&harness);
    let mut body = open(&harness, asking(URI, "text/event-stream")).await.into_body();
    assert_eq!(chunk(&mut body).await, "retry: 2000\n\n", "before anything happens");
    for _ in 0..3 {
        let began = tokio::time::Instant::now();
        assert_eq!(chunk(&mut body).await, ":\n\n");
        assert!(began.elapsed() <= HEARTBEAT, "{:?}", began.elapsed());
    }
    sender.send(Ok(event("a", "x"))).unwrap();
    assert_eq!(chunk(&mut body).await, "id: a\nevent: message\ndata: {\"place\":\"a\",\"text\":\"x\"}\n\n");
    let began = tokio::time::Instant::now();
    assert_eq!(chunk(&mut body).await, ":\n\n");
    assert_eq!(began.elapsed(), HEARTBEAT, "counted from the last message");
    drop(sender);
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_of_lines_has_no_empty_line_and_an_array_stays_an_array() {
    let harness = Harness::start().await;
    let sender = live(&harness);
    let mut lines = open(&harness, asking(URI, "application/x-ndjson")).await.into_body();
    let silent = tokio::time::timeout(HEARTBEAT * 5, lines.frame()).await;
    assert!(silent.is_err(), "{silent:?}");
    sender.send(Ok(event("a", ""))).unwrap();
    assert_eq!(chunk(&mut lines).await, "{\"place\":\"a\"}\n");
    let sender = live(&harness);
    let body = open(&harness, asking(URI, "")).await.into_body();
    let later = async {
        tokio::time::sleep(HEARTBEAT * 3).await;
        sender.send(Ok(event("a", ""))).unwrap();
        tokio::time::sleep(HEARTBEAT * 3).await;
        drop(sender);
    };
    let (array, ()) = tokio::join!(body.collect(), later);
    let array = array.unwrap().to_bytes();
    assert!(array.iter().filter(|byte| **byte == b'\n').count() > 5, "{array:?}");
    assert_eq!(serde_json::from_slice::<Value>(&array).unwrap(), json!([{"place": "a"}]));
}

#[tokio::test(start_paused = true)]
async fn the_head_waits_a_moment_for_what_may_go_wrong_and_no_longer() {
    let harness = Harness::start().await;
    let sender = live(&harness);
    let began = tokio::time::Instant::now();
    let answer = open(&harness, asking(URI, "text/event-stream")).await;
    assert_eq!((answer.status(), began.elapsed()), (StatusCode::OK, FIRST_MESSAGE_WAIT));
    sender.send(Err(Fault::new(Reason::ResourceNotFound))).unwrap();
    let late = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(late.ends_with(b"}\n\n") && late.windows(12).any(|part| part == b"event: error"), "{late:?}");
    let sender = live(&harness);
    let soon = async {
        tokio::time::sleep(FIRST_MESSAGE_WAIT / 2).await;
        sender.send(Err(Fault::new(Reason::ResourceNotFound))).unwrap();
    };
    let (answer, ()) = tokio::join!(open(&harness, asking(URI, "text/event-stream")), soon);
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_that_comes_again_goes_on_where_it_was() {
    let harness = Harness::start().await;
    says(&harness, vec![]);
    harness.data.on(COUNT, |_| {
        let items = [1, 2].map(|n| Ok(encoded("library.v1.CountResponse", json!({"number": n})).into()));
        Ok(Reply::Stream(futures_util::stream::iter(items).boxed()))
    });
    let heard = |message: &str| {
        let call = harness.data.calls().pop().unwrap();
        assert!(!call.defective, "{call:?}");
        decoded(message, &call.message)
    };
    let again = async |uri: &str, accept: &str, last: &[u8]| {
        let last = http::HeaderValue::from_bytes(last).unwrap();
        harness.send(asking(uri, accept).header("last-event-id", last).body(full("")).unwrap()).await
    };
    let sse = "text/event-stream";
    again(URI, sse, b"place 7").await;
    assert_eq!(heard("library.v1.FollowRequest"), json!({"name": "messages/1", "afterPlace": "place 7"}));
    again(&format!("{URI}?afterPlace=place+3"), sse, b"place 7").await;
    assert_eq!(heard("library.v1.FollowRequest")["afterPlace"], "place 7", "what was seen last counts");
    again(URI, sse, b"").await;
    assert_eq!(heard("library.v1.FollowRequest"), json!({"name": "messages/1"}));
    again(URI, "application/x-ndjson", b"place 7").await;
    assert_eq!(heard("library.v1.FollowRequest"), json!({"name": "messages/1"}), "only events have an id");
    let counted = again("/library/v1/messages:count", sse, b"41").await;
    assert_eq!(heard("library.v1.CountRequest"), json!({"afterNumber": "41"}));
    let counted = String::from_utf8(counted.body.to_vec()).unwrap();
    assert!(counted.contains("id: 1\n") && counted.contains("id: 2\n"), "{counted}");
    for last in [&b"x"[..], b"9223372036854775808", b"1.5", b"\xff"] {
        let refused = again("/library/v1/messages:count", sse, last).await;
        assert_eq!((refused.status, refused.violations()), (StatusCode::BAD_REQUEST, vec!["after_number".to_owned()]));
    }
}

#[tokio::test]
async fn an_event_is_called_what_its_message_is() {
    let harness = Harness::start().await;
    harness.data.on(COUNT, |_| {
        let messages = [
            json!({"number": 1, "bookAdded": "books/1", "note": "n"}),
            json!({"textChanged": {"text": "x"}}),
            json!({"error": "of the method's own"}),
            json!({"number": 4, "note": "n"}),
        ];
        let messages = messages.map(|message| Ok(encoded("library.v1.CountResponse", message).into()));
        Ok(Reply::Stream(futures_util::stream::iter(messages).boxed()))
    });
    let events = text(&harness, "/library/v1/messages:count", "text/event-stream").await.1;
    let kinds: Vec<_> = events.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(kinds, ["bookAdded", "textChanged", "message", "message"], "an error is never a message's kind");
}

#[tokio::test]
async fn a_place_that_no_line_can_hold_is_no_id() {
    let harness = Harness::start().await;
    says(
        &harness,
        vec![Ok(json!({"place": "a\ndata: forged"})), Ok(json!({"place": "b\r"})), Ok(json!({"place": "c\u{0}"}))],
    );
    let events = text(&harness, URI, "text/event-stream").await.1;
    assert!(!events.contains("id:") && !events.lines().any(|line| line.starts_with("data: forged")), "{events}");
}

#[tokio::test]
async fn masks_response_bodies_and_defaults_hold_for_each_message() {
    let config = Config { emit_defaults: true, ..Config::default() };
    let harness = Harness::with(config, Some(library()), None).await;
    says(&harness, vec![Ok(json!({"place": "a", "text": "x"}))]);
    let whole: Value = serde_json::from_str(&text(&harness, URI, "").await.1).unwrap();
    assert_eq!(whole, json!([{"place": "a", "text": "x", "size": 0}]));
    let part = text(&harness, &format!("{URI}?$fields=text"), "text/event-stream").await.1;
    assert_eq!(
        part, "retry: 2000\n\nid: a\nevent: message\ndata: {\"text\":\"x\"}\n\n",
        "the id is there all the same"
    );
    let one = text(&harness, "/library/v1/messages/1:followText", "application/x-ndjson").await.1;
    assert_eq!(one, "\"x\"\n");
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_told_as_everywhere() {
    let harness = Harness::start().await;
    says(&harness, vec![Ok(json!({"place": "a"}))]);
    for (uri, reason) in
        [(format!("{URI}?colour=red"), "UNKNOWN_FIELD"), (format!("{URI}?$fields=colour"), "INVALID_MASK")]
    {
        let answer = harness.send(asking(&uri, "text/event-stream").body(full("")).unwrap()).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, reason));
    }
    let answer = harness.post("/library/v1/messages:follow", "{").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST"));
    assert!(harness.data.was_asked_for_nothing());
    assert_eq!(harness.post("/library/v1/messages:follow", r#"{"name": "messages/1"}"#).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_method_that_takes_a_stream_says_in_every_protocol_that_grpc_alone_serves_it() {
    const COLLECT: &str = "/library.v1.Library/Collect";
    const SAID: &str = "takes a stream of messages, which is served over gRPC and WebSockets";
    let harness = Harness::start().await;
    for (path, kind) in [
        ("/library/v1/messages:collect", "application/json"),
        (COLLECT, "application/json"),
        (COLLECT, "application/proto"),
        (COLLECT, "application/connect+json"),
        (COLLECT, "application/connect+proto"),
        (COLLECT, "application/grpc-web+proto"),
        (COLLECT, "application/grpc-web-text"),
    ] {
        let request = Request::builder().method("POST").uri(path).header("content-type", kind);
        let answer = harness.send(request.body(full("")).unwrap()).await;
        let told = answer.headers.get("grpc-message").and_then(|told| told.to_str().ok()).unwrap_or_default();
        let told = told.replace("%20", " ") + &String::from_utf8_lossy(&answer.body);
        assert!(told.contains(SAID), "{path} {kind}: {} {told}", answer.status);
        let plain = answer.headers.get("grpc-status").is_none() && !kind.contains("connect+");
        assert_eq!(answer.status == StatusCode::NOT_IMPLEMENTED, plain, "{kind}: {}", answer.status);
        let code = answer.headers.get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
        assert_eq!(code.unwrap_or("12".to_owned()), "12", "UNIMPLEMENTED");
    }
    assert!(harness.data.was_asked_for_nothing());
}

#[tokio::test(start_paused = true)]
async fn a_stream_over_rest_ends_at_the_deadline_of_its_caller() {
    let harness = Harness::start().await;
    let sender = live(&harness);
    sender.send(Ok(event("a", ""))).unwrap();
    let request = asking(URI, "application/x-ndjson").header("x-server-timeout", "5");
    let lines = open(&harness, request).await.into_body().collect().await.unwrap().to_bytes();
    let last: Value = serde_json::from_slice(lines.split(|byte| *byte == b'\n').nth(1).unwrap()).unwrap();
    assert_eq!(last["error"]["details"][0]["reason"], "DEADLINE_EXCEEDED", "{last}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_over_grpc_ends_at_the_deadline_of_its_caller() {
    let harness = Harness::start().await;
    let sender = live(&harness);
    sender.send(Ok(event("a", ""))).unwrap();
    let mut request = tonic::Request::new(Bytes::new());
    request.set_timeout(Duration::from_secs(5));
    let path = http::uri::PathAndQuery::from_static(FOLLOW);
    let mut stream =
        harness.client().server_streaming(request, path, mainstay_runtime::RawCodec).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(stream.message().await.unwrap_err().code(), tonic::Code::DeadlineExceeded);
}

/// A stream has no etag.
#[tokio::test]
async fn a_streams_conditions_are_kept_as_those_of_what_has_no_etag() {
    let harness = Harness::start().await;
    says(&harness, vec![Ok(json!({"place": "a"}))]);
    for accept in ["text/event-stream", "application/x-ndjson", ""] {
        for (header, value, status) in [
            ("if-match", "*", 200),
            ("if-match", "\"x\"", 412),
            ("if-none-match", "*", 304),
            ("if-none-match", "\"x\"", 200),
            ("if-none-match", "x", 400),
        ] {
            let answer = harness.send(asking(URI, accept).header(header, value).body(full("")).unwrap()).await;
            assert_eq!(answer.status.as_u16(), status, "{accept} {header}: {value}");
        }
    }
    // Who may not follow is told that, whatever the condition is.
    says(&harness, vec![Err(Reason::PermissionDenied)]);
    let answer = harness.send(asking(URI, "").header("if-none-match", "*").body(full("")).unwrap()).await;
    assert_eq!(answer.status.as_u16(), 403);
}

/// A stream whose first message is waited for is not worked on.
#[tokio::test(start_paused = true)]
async fn a_stream_keeps_no_place_while_its_first_message_is_waited_for() {
    let harness = Harness::limited(1).await;
    let sender = live(&harness);
    let waiting =
        tokio::spawn(harness.service.clone().oneshot(asking(URI, "text/event-stream").body(full("")).unwrap()));
    while harness.data.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    harness.data.on_empty("/library.v1.BookService/GetBook");
    let others = harness.get("/library/v1/books/1").await;
    assert_eq!(others.status, StatusCode::OK, "{others:?}");
    assert!(!waiting.is_finished(), "the head still waits");
    sender.send(Ok(event("a", ""))).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::OK);
    for _ in 0..3 {
        assert_eq!(harness.get("/library/v1/books/1").await.status, StatusCode::OK, "the place is counted once");
    }
}

/// What a stream that nobody reads any more leaves behind: nothing.
#[tokio::test]
async fn a_stream_that_its_client_leaves_is_dropped_at_once() {
    struct Alive(Arc<AtomicUsize>);
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let harness = Harness::start().await;
    let alive = Arc::new(AtomicUsize::new(0));
    let counted = alive.clone();
    harness.data.on(FOLLOW, move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        let held = Alive(counted.clone());
        let messages = futures_util::stream::iter([Ok(event("a", ""))]).chain(futures_util::stream::pending());
        Ok(Reply::Stream(
            messages
                .map(move |message| {
                    let _ = &held;
                    message
                })
                .boxed(),
        ))
    });
    let mut open_streams = Vec::new();
    for accept in ["text/event-stream", "application/x-ndjson", "application/json"] {
        for _ in 0..20 {
            let mut body = open(&harness, asking(URI, accept)).await.into_body();
            chunk(&mut body).await;
            open_streams.push(body);
        }
    }
    let grpc = harness.grpc_stream(FOLLOW, "").await.unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 61);
    drop((open_streams, grpc));
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
