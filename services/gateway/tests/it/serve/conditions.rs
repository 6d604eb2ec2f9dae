//! ETags and conditional requests over REST (RFC 9110, AIP-154).

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::channel::Reply;
use serde_json::{Value, json};

use crate::support::{Harness, decoded, encoded, full};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const UPDATE_BOOK: &str = "/library.v1.BookService/UpdateBook";
const DELETE_BOOK: &str = "/library.v1.BookService/DeleteBook";
const CREATE_BOOK: &str = "/library.v1.BookService/CreateBook";
const BOOK: &str = "/library/v1/books/1";

async fn harness() -> Harness {
    let harness = Harness::start().await;
    for method in [GET_BOOK, UPDATE_BOOK, CREATE_BOOK] {
        let book = encoded("library.v1.Book", json!({"name": "books/1", "title": "T", "etag": "0a1b"}));
        harness.data.on(method, move |_| Ok(Reply::Message(Bytes::from(book.clone()))));
    }
    harness.data.on_empty(DELETE_BOOK);
    harness
}

async fn send(
    harness: &Harness,
    method: Method,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> crate::support::harness::Answered {
    let request = headers
        .iter()
        .fold(Request::builder().method(method).uri(uri), |request, (name, value)| request.header(*name, *value));
    harness.send(request.body(full(body.to_owned())).unwrap()).await
}

fn heard(harness: &Harness, message: &str) -> Value {
    decoded(message, &harness.data.calls().pop().unwrap().message)
}

#[tokio::test]
async fn the_etag_of_a_resource_is_the_etag_of_its_answer() {
    let harness = harness().await;
    for (method, uri, body) in
        [(Method::GET, BOOK, ""), (Method::PATCH, BOOK, "{}"), (Method::POST, "/library/v1/books", "{}")]
    {
        let answer = send(&harness, method.clone(), uri, &[], body).await;
        assert_eq!(
            (answer.status, &answer.headers["etag"]),
            (StatusCode::OK, &"\"0a1b\"".parse().unwrap()),
            "{method}"
        );
    }
    let list = send(&harness, Method::GET, "/library/v1/books", &[], "").await;
    assert!(!list.headers.contains_key("etag"));
    for etag in ["", "a\"b", "a\nb", "\u{e9}"] {
        let book = encoded("library.v1.Book", json!({"name": "books/1", "etag": etag}));
        harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(book.clone()))));
        let answer = send(&harness, Method::GET, BOOK, &[], "").await;
        assert_eq!((answer.status, answer.headers.get("etag")), (StatusCode::OK, None), "{etag:?}");
    }
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let harness = harness().await;
    let (strong, weak) = ("\"0a1b\"", "W/\"0a1b\"");
    for (held, tag) in [
        (strong, strong),
        (weak, weak),
        ("\"x\", W/\"0a1b\"", weak),
        ("W/\"0a1b\", \"0a1b\"", strong),
        ("*", strong),
        ("\"x\" ,\"0a1b\" , \"y\"", strong),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = send(&harness, method, BOOK, &[("if-none-match", held)], "").await;
            assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{held}");
            assert_eq!(answer.headers["etag"], tag, "as the caller has it");
            assert_eq!(answer.headers["cache-control"], "private, no-cache");
            assert_eq!(answer.headers["vary"], "authorization, accept-encoding, x-goog-fieldmask");
        }
    }
    for other in ["\"x\"", "\"0a1b2\"", "W/\"\""] {
        let answer = send(&harness, Method::GET, BOOK, &[("if-none-match", other)], "").await;
        assert_eq!((answer.status, answer.json()["title"].as_str()), (StatusCode::OK, Some("T")), "{other}");
    }
    // Of an answer that is to have some fields only the etag is known all the same, and is not among them.
    let uri = format!("{BOOK}?$fields=title");
    let part = send(&harness, Method::GET, &uri, &[("if-none-match", "\"x\"")], "").await;
    assert_eq!((part.json(), &part.headers["etag"]), (json!({"title": "T"}), &"\"0a1b\"".parse().unwrap()));
    assert_eq!(harness.data.calls().pop().unwrap().metadata["x-goog-fieldmask"], "title,etag");
}

#[tokio::test]
async fn what_is_refused_is_refused_whatever_a_client_has() {
    let harness = harness().await;
    for (reason, status) in [(Reason::ResourceNotFound, 404), (Reason::Unauthenticated, 401)] {
        harness.data.on(GET_BOOK, move |_| Err(Fault::new(reason)));
        let answer = send(&harness, Method::GET, BOOK, &[("if-none-match", "*")], "").await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[tokio::test]
async fn if_match_says_which_etag_a_record_must_have() {
    let harness = harness().await;
    let held = [("if-match", "\"0a1b\"")];
    send(&harness, Method::PATCH, BOOK, &held, r#"{"title": "N"}"#).await;
    let update = heard(&harness, "library.v1.UpdateBookRequest");
    assert_eq!(update, json!({"book": {"name": "books/1", "title": "N", "etag": "0a1b"}, "updateMask": "title"}));
    send(&harness, Method::DELETE, BOOK, &held, "").await;
    assert_eq!(heard(&harness, "library.v1.DeleteBookRequest"), json!({"name": "books/1", "etag": "0a1b"}));
    send(&harness, Method::DELETE, BOOK, &[("if-match", "W/\"0a1b\"")], "").await;
    assert_eq!(heard(&harness, "library.v1.DeleteBookRequest")["etag"], "0a1b", "of a compressed answer");
    // Said twice is said once, and said otherwise is a mistake.
    send(&harness, Method::PATCH, BOOK, &held, r#"{"title": "N", "etag": "0a1b"}"#).await;
    assert_eq!(heard(&harness, "library.v1.UpdateBookRequest")["book"]["etag"], "0a1b");
    let differs = send(&harness, Method::PATCH, BOOK, &held, r#"{"title": "N", "etag": "other"}"#).await;
    assert_eq!((differs.status, differs.violations()), (StatusCode::BAD_REQUEST, vec!["book.etag".to_owned()]));
    let differs = send(&harness, Method::DELETE, &format!("{BOOK}?etag=other"), &held, "").await;
    assert_eq!((differs.status, differs.violations()), (StatusCode::BAD_REQUEST, vec!["etag".to_owned()]));
    // What must be there is not made; whether what must have an etag is there, is for who looks to say.
    for (held, allows) in [("*", None), ("\"0a1b\"", Some(&json!(true)))] {
        let uri = format!("{BOOK}?allowMissing=true");
        for (method, message) in [(Method::PATCH, "UpdateBookRequest"), (Method::DELETE, "DeleteBookRequest")] {
            let body = if method == Method::PATCH { "{}" } else { "" };
            send(&harness, method, &uri, &[("if-match", held)], body).await;
            assert_eq!(heard(&harness, &format!("library.v1.{message}")).get("allowMissing"), allows, "{held}");
        }
    }
}

#[tokio::test]
async fn a_mismatch_is_412_to_who_asked_in_http_and_409_to_who_asked_in_the_message() {
    let harness = harness().await;
    for method in [UPDATE_BOOK, DELETE_BOOK] {
        harness.data.on(method, |_| Err(Fault::new(Reason::EtagMismatch)));
    }
    for (method, body) in [(Method::PATCH, "{}"), (Method::DELETE, "")] {
        let by_header = send(&harness, method.clone(), BOOK, &[("if-match", "\"x\"")], body).await;
        assert_eq!((by_header.status, by_header.reason().as_str()), (StatusCode::PRECONDITION_FAILED, "ETAG_MISMATCH"));
        assert_eq!(by_header.json()["error"]["code"], 412);
        let uri = if method == Method::DELETE { format!("{BOOK}?etag=x") } else { BOOK.to_owned() };
        let in_message = send(&harness, method, &uri, &[], body).await;
        assert_eq!((in_message.status, in_message.reason().as_str()), (StatusCode::CONFLICT, "ETAG_MISMATCH"));
    }
    let read = send(&harness, Method::GET, BOOK, &[("if-match", "\"x\"")], "").await;
    assert_eq!((read.status, read.reason().as_str()), (StatusCode::PRECONDITION_FAILED, "ETAG_MISMATCH"));
    assert_eq!(send(&harness, Method::GET, BOOK, &[("if-match", "\"x\", \"0a1b\"")], "").await.status, StatusCode::OK);
}

/// Nobody may believe that a condition was kept.
#[tokio::test]
async fn a_condition_that_cannot_be_kept_is_refused() {
    let harness = harness().await;
    for (method, uri, header, value) in [
        (Method::POST, "/library/v1/books", "if-match", "\"x\""),
        (Method::POST, "/library/v1/books", "if-none-match", "\"x\""),
        (Method::POST, "/library/v1/messages/1:tags", "if-match", "*"),
        (Method::POST, "/library/v1/messages:follow", "if-none-match", "*"),
        (Method::POST, "/library/v1/messages/1:tags", "if-none-match", "*"),
        (Method::PATCH, BOOK, "if-none-match", "*"),
        (Method::DELETE, BOOK, "if-none-match", "\"x\""),
        (Method::PATCH, BOOK, "if-match", "\"a\", \"b\""),
        (Method::PATCH, BOOK, "if-match", "\"\""),
        (Method::DELETE, BOOK, "if-match", "W/\"\""),
        (Method::POST, "/auth/v1/sessions:signIn", "if-none-match", "*"),
        (Method::PATCH, BOOK, "if-match", "0a1b"),
        (Method::DELETE, BOOK, "if-match", "\"0a1b"),
        (Method::GET, BOOK, "if-none-match", "nonsense"),
        (Method::GET, BOOK, "if-match", ""),
    ] {
        let body = if matches!(method, Method::GET | Method::DELETE) {
            ""
        } else if uri.ends_with("tags") {
            "[]"
        } else {
            "{}"
        };
        let answer = send(&harness, method.clone(), uri, &[(header, value)], body).await;
        assert_eq!(
            (answer.status, answer.violations()),
            (StatusCode::BAD_REQUEST, vec![header.to_owned()]),
            "{method} {uri} {header}: {value}"
        );
    }
    assert!(harness.data.was_asked_for_nothing());
    let made = send(&harness, Method::POST, "/library/v1/books", &[("if-none-match", "*")], "{}").await;
    assert_eq!(made.status, StatusCode::OK, "what makes a resource never changes one");
}
