//! Long answers: their JSON is written as it is sent.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use mainstay_layers::{answer_size, source_size};
use mainstay_runtime::channel::Reply;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Harness, encoded, full};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";

/// Answers with a book, and says how long it is as a message.
fn book(harness: &Harness, title: &str) -> usize {
    let book = encoded("library.v1.Book", json!({"name": "books/1", "title": title, "etag": "0a"}));
    let length = book.len();
    harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(book.clone()))));
    length
}

/// The ways to ask for JSON that is one text.
fn ways() -> [http::request::Builder; 3] {
    [
        Request::builder().uri("/library/v1/books/1"),
        Request::builder().method("POST").uri(GET_BOOK).header("content-type", "application/json"),
        Request::builder().uri(format!("{GET_BOOK}?connect=v1&encoding=json&message=%7B%7D")),
    ]
}

fn body(way: usize) -> &'static str {
    if way == 1 { "{}" } else { "" }
}

#[tokio::test]
async fn a_long_answer_is_written_in_pieces_that_together_are_the_whole_of_it() {
    let harness = Harness::start().await;
    let title = "a \"word\" \u{e4}\n".repeat(40_000);
    let length = book(&harness, &title);
    for (way, request) in ways().into_iter().enumerate() {
        let response = harness.service.clone().oneshot(request.body(full(body(way))).unwrap()).await.unwrap();
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"application/json".parse().unwrap())
        );
        assert_eq!((answer_size(&response), source_size(&response)), (0, length), "the message is all that is held");
        let mut body = response.into_body();
        assert_eq!(body.size_hint().exact(), None);
        let (mut whole, mut longest) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            longest = longest.max(data.len());
            whole.extend_from_slice(&data);
        }
        assert!(longest < 32 << 10, "{longest}");
        assert_eq!(serde_json::from_slice::<Value>(&whole).unwrap()["title"], title, "{way}");
    }
}

#[tokio::test]
async fn a_short_answer_says_how_long_it_is() {
    let harness = Harness::start().await;
    book(&harness, &"word ".repeat(10_000));
    for (way, request) in ways().into_iter().enumerate() {
        let response = harness.service.clone().oneshot(request.body(full(body(way))).unwrap()).await.unwrap();
        assert!(response.body().size_hint().exact().is_some_and(|length| length > 50_000), "{way}");
        assert_eq!(source_size(&response), 0);
    }
}

/// What is wrong with the message itself has a status. What is only found further on breaks the answer off: its head has left,
/// and it must not look as if it had ended well.
#[tokio::test]
async fn a_long_answer_that_cannot_be_read_is_an_error_or_breaks_off() {
    let harness = Harness::start().await;
    let sound = encoded("library.v1.Book", json!({"name": "books/1", "title": "word ".repeat(40_000)}));
    // A field of a wire type that there is not; a last field, of the author's texts, that is not UTF-8.
    let damaged = [&sound[..], b"\xff\x01\x00"].concat();
    let (mut foreign, place) = (sound.clone(), sound.len() - 5);
    foreign[place] = 0xff;
    for wire in [damaged, foreign] {
        harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(wire.clone()))));
        for (way, request) in ways().into_iter().enumerate() {
            let response = harness.service.clone().oneshot(request.body(full(body(way))).unwrap()).await.unwrap();
            match response.status() {
                StatusCode::OK => assert!(response.into_body().collect().await.is_err(), "{way}"),
                status => assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{way}"),
            }
        }
    }
}
