//! Calls that are refused.

use futures_util::StreamExt as _;
use mainstay_runtime::channel::Reply;
use serde_json::json;

use crate::support::Harness;
use crate::support::websocket::{Socket, listen, reason};

const GET_BOOK: &str = "library.v1.BookService/GetBook";
const CREATE_BOOK: &str = "library.v1.BookService/CreateBook";
const COLLECT: &str = "library.v1.Library/Collect";
const FOLLOW: &str = "library.v1.Library/Follow";

#[tokio::test]
async fn a_method_that_is_not_there_or_not_for_a_socket_is_refused_and_the_socket_goes_on() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    for (id, method, said) in [
        (1, "library.v1.BookService/Nothing", "METHOD_NOT_FOUND"),
        (2, "/library.v1.BookService/GetBook", "METHOD_NOT_FOUND"),
        (3, "ws", "METHOD_NOT_FOUND"),
        (4, "library.v1.BookService/GetBook?x=1", "METHOD_NOT_FOUND"),
        (5, "LIBRARY.V1.BookService/GetBook", "METHOD_NOT_FOUND"),
        (6, "grpc.health.v1.Health/Check", "UNIMPLEMENTED"),
        (7, "mainstay.auth.v1.AccountService/SetRoles", "UNAUTHENTICATED"),
    ] {
        assert_eq!(reason(&socket.call(id, method, json!({})).await), said, "{method}");
    }
    assert!(at.harness.data.calls().is_empty() && at.harness.auth.calls().is_empty());
    assert_eq!(socket.call(8, GET_BOOK, json!({"name": "books/1"})).await["end"], true);
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_told_by_field_and_after_permission() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    let wrong = socket.call(1, CREATE_BOOK, json!({"book": {"pages": "many"}})).await;
    assert_eq!(wrong["error"]["details"][1]["fieldViolations"][0]["field"], "book.pages", "{wrong}");
    assert!(at.harness.data.was_asked_for_nothing());
    at.harness
        .data
        .on(&format!("/{CREATE_BOOK}"), |_| Err(mainstay_fault::Fault::new(mainstay_fault::Reason::PermissionDenied)));
    let denied = socket.call(2, CREATE_BOOK, json!({"book": {"pages": "many"}})).await;
    assert_eq!(reason(&denied), "PERMISSION_DENIED");
    socket.say(json!({"id": 3, "method": CREATE_BOOK, "end": true})).await;
    assert_eq!(reason(&socket.heard().await), "MALFORMED_REQUEST", "it takes a message");
}

/// S9: nobody says who they are in metadata.
#[tokio::test]
async fn s9_a_call_brings_no_identity_of_its_own() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    for (id, name) in (1..).zip([
        "authorization",
        "Authorization",
        "cookie",
        "x-mainstay-peer",
        "X_Mainstay-Peer",
        "x-user-id",
        "host",
    ]) {
        let frame = json!({"id": id, "method": GET_BOOK, "message": {"name": "books/1"}, "metadata": {name: "root"}});
        socket.say(frame).await;
        assert_eq!(reason(&socket.heard().await), "INVALID_ARGUMENT", "{name}");
    }
    socket.say(json!({"auth": {"token": "x", "uid": "root"}})).await;
    assert_eq!(reason(&socket.heard().await), "MALFORMED_REQUEST");
    assert!(at.harness.data.calls().is_empty());
}

/// S5: credentials are not tried one after the other over one socket.
#[tokio::test]
async fn s5_a_credential_that_is_not_good_closes_the_socket() {
    let at = listen(Harness::start().await);
    for token in ["nonsense", "a\nb", ""] {
        let mut socket = Socket::open(at.address).await;
        socket.say(json!({"auth": {"token": token}})).await;
        let said = socket.heard().await;
        assert_eq!(said["auth"]["error"]["code"].as_u64().or(said["error"]["code"].as_u64()), Some(401), "{said}");
        assert_eq!(socket.closed().await.0, 1008, "{token:?}");
    }
}

#[tokio::test]
async fn one_socket_has_so_many_open_calls() {
    let at = listen(Harness::start().await);
    at.harness.data.on(&format!("/{FOLLOW}"), |_| Ok(Reply::Stream(futures_util::stream::pending().boxed())));
    let mut socket = Socket::open(at.address).await;
    for id in 1..=100 {
        socket.say(json!({"id": id, "method": FOLLOW, "message": {}})).await;
    }
    let refused = socket.call(101, FOLLOW, json!({})).await;
    assert_eq!(reason(&refused), "RATE_LIMITED");
    socket.say(json!({"id": 7, "cancel": true})).await;
    assert_eq!((&socket.heard().await["id"], true), (&json!(7), true));
    assert_eq!(socket.call(102, GET_BOOK, json!({"name": "books/1"})).await["end"], true);
}

#[tokio::test]
async fn messages_beyond_what_a_call_takes_end_it() {
    let at = listen(Harness::start().await);
    at.harness.data.on_later(&format!("/{GET_BOOK}"), |_| Box::pin(std::future::pending()));
    let mut socket = Socket::open(at.address).await;
    socket.say(json!({"id": 1, "method": GET_BOOK, "message": {"name": "books/1"}})).await;
    socket.say(json!({"id": 1, "message": {"name": "books/2"}})).await;
    assert_eq!(reason(&socket.heard().await), "UNIMPLEMENTED", "it takes one");
    socket.say(json!({"id": 2, "method": COLLECT, "message": {}, "end": true})).await;
    assert_eq!(socket.heard().await["end"], true);
    socket.say(json!({"id": 3, "method": COLLECT, "message": {"nothing": 1}})).await;
    let unread = socket.heard().await;
    assert_eq!((&unread["id"], reason(&unread)), (&json!(3), "UNKNOWN_FIELD"));
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_not_buffered_for() {
    let at = listen(Harness::start().await);
    let (sender, made) = std::sync::mpsc::channel();
    at.harness.data.on(&format!("/{FOLLOW}"), move |_| {
        let sender = sender.clone();
        let events = futures_util::stream::iter(0..100_000).map(move |number| {
            let _ = sender.send(number);
            Ok(crate::support::encoded("library.v1.Event", json!({"text": "x".repeat(10_000)})).into())
        });
        Ok(Reply::Stream(events.boxed()))
    });
    let mut socket = Socket::open(at.address).await;
    socket.say(json!({"id": 1, "method": FOLLOW, "message": {}})).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let made = made.try_iter().count();
    // As much as the system buffers for a connection, and no more.
    assert!(made < 2_000, "{made}");
    assert_eq!(socket.heard().await["id"], 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_call_alone() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    let name = "x".repeat(4 << 20);
    assert_eq!(reason(&socket.call(1, GET_BOOK, json!({"name": name})).await), "PAYLOAD_TOO_LARGE");
    assert_eq!(socket.call(2, GET_BOOK, json!({"name": "books/1"})).await["end"], true);
}
