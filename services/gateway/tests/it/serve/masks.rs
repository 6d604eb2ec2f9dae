//! Answers with some of their fields (AIP-157).

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::Config;
use mainstay_proto::auth::v1::Credentials;
use mainstay_runtime::channel::Reply;
use prost::Message as _;
use serde_json::json;

use crate::support::{Harness, encoded, full, library};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";
const LIST_BOOKS: &str = "/library.v1.BookService/ListBooks";
const SIGN_IN: &str = "/mainstay.auth.v1.SessionService/SignIn";

async fn harness() -> Harness {
    let harness = Harness::start().await;
    let book = json!({"name": "books/1", "title": "T", "pages": 3, "publisher": {"city": "Bern", "street": "S"}});
    let book = encoded("library.v1.Book", book);
    harness.data.on(GET_BOOK, move |_| Ok(Reply::Message(Bytes::from(book.clone()))));
    harness
}

#[tokio::test]
async fn fields_in_the_query_select_what_is_answered() {
    let harness = harness().await;
    let answer = harness.get("/library/v1/books/1?$fields=name,publisher.city").await;
    assert_eq!(answer.json(), json!({"name": "books/1", "publisher": {"city": "Bern"}}));
    let answer = harness.get("/library/v1/books/1?%24fields=*").await;
    assert_eq!(answer.json()["pages"], 3);
}

/// The mask that came with the only call to the data service.
fn forwarded(harness: &Harness) -> Option<String> {
    let call = harness.data.only_call();
    let masks: Vec<_> = call.metadata.get_all("x-goog-fieldmask").iter().map(|mask| mask.to_str().unwrap()).collect();
    assert!(masks.len() < 2, "{masks:?}");
    masks.first().map(|mask| (*mask).to_owned())
}

/// A request for the list of books with these headers, one each.
fn list(query: &str, masks: &[&str]) -> Request<mainstay_layers::Body> {
    let mut request = Request::builder().method(Method::GET).uri(format!("/library/v1/books{query}"));
    for mask in masks {
        request = request.header("x-goog-fieldmask", *mask);
    }
    request.body(full("")).unwrap()
}

#[tokio::test]
async fn the_data_service_is_told_which_fields_are_wanted() {
    for (query, masks, told) in [
        ("?$fields=books.title", &[][..], Some("books.title")),
        ("", &["books.title, books.label"], Some("books.title,books.label")),
        ("", &["books.title", "books.pages,nextPageToken"], Some("books.title,books.pages,nextPageToken")),
        ("?$fields=books.name", &["books.title", ""], Some("books.title,books.name")),
        ("?%24fields=%0Abooks.name%0A", &[], Some("books.name")),
        ("?$fields=*", &["books.title"], None),
        ("?$fields=", &[], None),
        ("", &[], None),
    ] {
        let harness = harness().await;
        assert_eq!(harness.send(list(query, masks)).await.status, StatusCode::OK, "{query} {masks:?}");
        assert_eq!(forwarded(&harness).as_deref(), told, "{query} {masks:?}");

        let harness = self::harness().await;
        let mut request = tonic::Request::new(Bytes::new());
        for mask in masks {
            request.metadata_mut().append("x-goog-fieldmask", mask.parse().unwrap());
        }
        harness.grpc_with(LIST_BOOKS, request).await.unwrap();
        if query.is_empty() {
            let unread = forwarded(&harness).map(|mask| mask.replace(' ', ""));
            assert_eq!(unread.as_deref(), told, "gRPC: {masks:?}");
        }
    }
}

#[tokio::test]
async fn the_token_of_the_next_page_comes_whatever_is_wanted() {
    for emit_defaults in [false, true] {
        let config = Config { emit_defaults, ..Config::default() };
        let harness = Harness::with(config, Some(library()), None).await;
        // As the data service answers a mask.
        let page = encoded("library.v1.ListBooksResponse", json!({"books": [{"title": "T"}], "nextPageToken": "next"}));
        let wire = page.clone();
        harness.data.on(LIST_BOOKS, move |_| Ok(Reply::Message(Bytes::from(page.clone()))));
        let answer = harness.get("/library/v1/books?$fields=books.title").await;
        assert_eq!(answer.json(), json!({"books": [{"title": "T"}], "nextPageToken": "next"}));
        let mut request = tonic::Request::new(Bytes::new());
        request.metadata_mut().insert("x-goog-fieldmask", "books.title".parse().unwrap());
        assert_eq!(harness.grpc_with(LIST_BOOKS, request).await.unwrap(), wire, "cut once, by the data service");
    }
}

#[tokio::test]
async fn answers_of_other_services_are_cut_here() {
    let harness = harness().await;
    let credentials = Credentials { access_token: "a".into(), token_type: "Bearer".into(), ..Credentials::default() };
    harness.auth.on(SIGN_IN, move |_| Ok(Reply::Message(Bytes::from(credentials.encode_to_vec()))));
    let answer = harness.post("/auth/v1/sessions:signIn?$fields=tokenType", "{}").await;
    assert_eq!(answer.json(), json!({"tokenType": "Bearer"}));

    let mut request = tonic::Request::new(Bytes::new());
    for field in ["token_type", "expires_in"] {
        request.metadata_mut().append("x-goog-fieldmask", field.parse().unwrap());
    }
    let wire = harness.grpc_with(SIGN_IN, request).await.unwrap();
    let part = Credentials { token_type: "Bearer".into(), ..Credentials::default() };
    assert_eq!(Credentials::decode(wire).unwrap(), part);
    assert!(harness.auth.calls().iter().all(|call| call.metadata.is_empty()));
}

#[tokio::test]
async fn a_mask_that_is_no_text_is_refused() {
    let harness = harness().await;
    let mut request = list("", &[]);
    request.headers_mut().insert("x-goog-fieldmask", http::HeaderValue::from_bytes(b"n\xffme").unwrap());
    let answer = harness.send(request).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID_MASK"));
    assert!(harness.data.was_asked_for_nothing());
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_refused_before_the_call() {
    let harness = harness().await;
    let answer = harness.get("/library/v1/books/1?$fields=name,colour").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID_MASK"));
    let mut request = tonic::Request::new(Bytes::new());
    request.metadata_mut().insert("x-goog-fieldmask", "colour".parse().unwrap());
    let status = harness.grpc_with(SIGN_IN, request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(harness.data.was_asked_for_nothing() && harness.auth.was_asked_for_nothing());
}

#[tokio::test]
async fn a_mask_of_a_grpc_call_is_the_data_services_to_refuse() {
    let harness = harness().await;
    harness.data.on(GET_BOOK, |_| Err(Fault::new(Reason::PermissionDenied)));
    let mut request = tonic::Request::new(Bytes::new());
    request.metadata_mut().insert("x-goog-fieldmask", "colour".parse().unwrap());
    let status = harness.grpc_with(GET_BOOK, request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied, "whoever may not read learns nothing of masks");
    assert_eq!(harness.data.calls()[0].metadata["x-goog-fieldmask"], "colour");
}
