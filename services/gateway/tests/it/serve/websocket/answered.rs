//! Calls that are answered.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Kind;
use mainstay_runtime::channel::Reply;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::support::websocket::{Socket, listen, reason};
use crate::support::{Harness, decoded, encoded, operator, service};

const GET_BOOK: &str = "library.v1.BookService/GetBook";
const FOLLOW: &str = "library.v1.Library/Follow";
const COLLECT: &str = "library.v1.Library/Collect";
const CHECK: &str = "mainstay.data.v1.ContractService/CheckContract";

fn path(method: &str) -> String {
    format!("/{method}")
}

/// Answers with whatever the test sends, as it sends it.
fn live(harness: &Harness) -> mpsc::UnboundedSender<Result<Bytes, Fault>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Mutex::new(Some(receiver));
    harness.data.on(&path(FOLLOW), move |_| {
        let receiver = receiver.lock().unwrap().take().expect("followed once");
        Ok(Reply::Stream(UnboundedReceiverStream::new(receiver).boxed()))
    });
    sender
}

fn event(text: &str) -> Result<Bytes, Fault> {
    Ok(encoded("library.v1.Event", json!({"text": text})).into())
}

#[tokio::test]
async fn many_calls_come_over_one_socket_and_each_ends_once() {
    let at = listen(Harness::start().await);
    at.harness.data.on(&path(GET_BOOK), |heard| {
        let book = decoded("library.v1.GetBookRequest", &heard.message);
        match book["name"].as_str() {
            Some("books/none") => Err(Fault::new(Reason::ResourceNotFound)),
            _ => Ok(Reply::Message(encoded("library.v1.Book", json!({"name": book["name"], "title": "A"})).into())),
        }
    });
    let mut socket = Socket::open(at.address).await;
    for id in 1..=20 {
        let name = format!("books/{id}");
        let answer = socket.call(id, GET_BOOK, json!({"name": name})).await;
        assert_eq!(answer, json!({"id": id, "message": {"name": name, "title": "A"}, "end": true}));
    }
    let missing = socket.call(21, GET_BOOK, json!({"name": "books/none"})).await;
    assert_eq!(
        (&missing["end"], &missing["error"]["code"], reason(&missing)),
        (&json!(true), &json!(404), "RESOURCE_NOT_FOUND")
    );
    // The layers have seen each of them by itself.
    let ids: std::collections::HashSet<_> = at.harness.data.calls().into_iter().map(|call| call.request_id).collect();
    assert_eq!(ids.len(), 21);
    let metrics = at.harness.metrics.render();
    assert!(
        metrics.lines().any(|line| line.starts_with("mainstay_gateway_sockets") && line.ends_with(" 1")),
        "{metrics}"
    );
    let counted =
        metrics.lines().find(|line| line.contains("duration_seconds_count") && line.contains(&path(GET_BOOK)));
    assert!(counted.is_some(), "{metrics}");
}

#[tokio::test]
async fn a_call_has_its_mask_its_deadline_and_its_request_id() {
    let at = listen(Harness::start().await);
    at.harness.data.on(&path(GET_BOOK), |_| {
        Ok(Reply::Message(encoded("library.v1.Book", json!({"name": "books/1", "title": "A"})).into()))
    });
    let mut socket = Socket::open(at.address).await;
    let metadata = json!({"X-Goog-FieldMask": "title", "x-request-id": "from-a-page"});
    let frame =
        json!({"id": 1, "method": GET_BOOK, "message": {"name": "books/1"}, "metadata": metadata, "timeout": "2s"});
    socket.say(frame).await;
    assert_eq!(socket.heard().await["end"], true);
    let heard = at.harness.data.only_call();
    assert_eq!(heard.metadata["x-goog-fieldmask"], "title");
    assert_eq!(heard.request_id.unwrap(), "from-a-page");
    let left = heard.deadline.unwrap().saturating_duration_since(std::time::Instant::now());
    assert!(left <= Duration::from_secs(2), "{left:?}");

    let untaken = json!({"id": 9, "method": GET_BOOK, "message": {"name": "books/1"}, "timeout": "0.2s", "credit": 0});
    socket.say(untaken).await;
    assert_eq!(reason(&socket.heard().await), "DEADLINE_EXCEEDED", "nor is an answer kept that nobody takes");

    let _never = live(&at.harness);
    socket.say(json!({"id": 10, "method": FOLLOW, "message": {}, "timeout": "0.2s", "credit": 0})).await;
    assert_eq!(reason(&socket.heard().await), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_stream_comes_as_its_client_has_credit_for_it_and_beside_it_others_go_on() {
    let at = listen(Harness::start().await);
    let events = live(&at.harness);
    let mut socket = Socket::open(at.address).await;
    socket.say(json!({"id": 1, "method": FOLLOW, "message": {"name": "messages/1"}, "credit": 2})).await;
    for text in ["a", "b", "c", "d"] {
        events.send(event(text)).unwrap();
    }
    for text in ["a", "b"] {
        assert_eq!(socket.heard().await, json!({"id": 1, "message": {"text": text}}));
    }
    assert_eq!(
        socket.call(2, GET_BOOK, json!({"name": "books/1"})).await["end"],
        true,
        "the other one waits for credit"
    );
    socket.say(json!({"id": 1, "credit": 1})).await;
    assert_eq!(socket.heard().await["message"]["text"], "c");
    socket.say(json!({"id": 1, "credit": 5})).await;
    assert_eq!(socket.heard().await["message"]["text"], "d");
    events.send(Err(Fault::new(Reason::Unavailable))).unwrap();
    let end = socket.heard().await;
    assert_eq!((&end["id"], &end["end"], reason(&end)), (&json!(1), &json!(true), "UNAVAILABLE"));
}

#[tokio::test]
async fn a_call_that_is_cancelled_ends_and_its_stream_is_let_go_of() {
    let at = listen(Harness::start().await);
    let events = live(&at.harness);
    let mut socket = Socket::open(at.address).await;
    socket.say(json!({"id": 1, "method": FOLLOW, "message": {}})).await;
    events.send(event("a")).unwrap();
    assert_eq!(socket.heard().await["message"]["text"], "a");
    socket.say(json!({"id": 1, "cancel": true})).await;
    assert_eq!(reason(&socket.heard().await), "CANCELLED");
    timeout(Duration::from_secs(5), events.closed()).await.expect("nobody reads it");
    // What comes late is passed over.
    socket.say(json!({"id": 1, "credit": 1})).await;
    socket.say(json!({"id": 1, "cancel": true})).await;
    assert_eq!(socket.call(2, GET_BOOK, json!({"name": "books/1"})).await["end"], true);
}

#[tokio::test]
async fn a_socket_that_is_left_takes_its_calls_along() {
    let at = listen(Harness::start().await);
    let events = live(&at.harness);
    let mut socket = Socket::open(at.address).await;
    socket.say(json!({"id": 1, "method": FOLLOW, "message": {}})).await;
    events.send(event("a")).unwrap();
    socket.heard().await;
    drop(socket);
    timeout(Duration::from_secs(5), events.closed()).await.expect("nobody reads it");
}

#[tokio::test]
async fn a_client_sends_as_many_messages_as_it_is_let() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    socket.say(json!({"id": 1, "method": COLLECT})).await;
    let (mut room, mut sent) = (16, 0);
    while sent < 100 {
        if room == 0 {
            let granted = socket.heard().await;
            assert_eq!(granted["id"], 1, "{granted}");
            room += granted["credit"].as_u64().expect("credit");
        }
        room -= 1;
        sent += 1;
        socket.say(json!({"id": 1, "message": {"name": format!("messages/{sent}")}})).await;
    }
    socket.say(json!({"id": 1, "end": true})).await;
    let end = loop {
        let heard = socket.heard().await;
        if heard.get("credit").is_none() {
            break heard;
        }
    };
    assert_eq!(
        (&end["end"], &end["message"]["name"]),
        (&json!(true), &json!("messages/100")),
        "the last one wins: {end}"
    );
}

#[tokio::test]
async fn whoever_shows_a_credential_calls_from_then_on() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    assert_eq!(reason(&socket.call(1, CHECK, json!({})).await), "UNAUTHENTICATED");
    for (id, credential, said) in [(2, service(), Some("PERMISSION_DENIED")), (3, operator(), None)] {
        socket.say(json!({"auth": {"token": credential.trim_start_matches("Bearer ")}})).await;
        assert_eq!(socket.heard().await, json!({"auth": {}}));
        let answer = socket.call(id, CHECK, json!({})).await;
        assert_eq!(answer.get("error").map(|_| reason(&answer)), said, "{answer}");
    }
    assert_eq!(at.harness.data.only_call().principal.kind(), Kind::Service);
    socket.say(json!({"auth": {}})).await;
    assert_eq!(socket.heard().await, json!({"auth": {}}));
    assert_eq!(reason(&socket.call(4, CHECK, json!({})).await), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_large_answer_comes_whole() {
    let at = listen(Harness::start().await);
    let title = "a \"word\" \u{e4}\n".repeat(100_000);
    let book: Bytes = encoded("library.v1.Book", json!({"name": "books/1", "title": title})).into();
    at.harness.data.on(&path(GET_BOOK), move |_| Ok(Reply::Message(book.clone())));
    let mut socket = Socket::open(at.address).await;
    for id in 1..=3 {
        assert_eq!(
            socket.call(id, GET_BOOK, json!({"name": "books/1"})).await["message"]["title"],
            Value::from(title.clone())
        );
    }
}
