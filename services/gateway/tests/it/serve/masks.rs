//! Answers with some of their fields (AIP-157).

use bytes::Bytes;
use http::{Method, StatusCode};
use mainstay_runtime::channel::Reply;
use serde_json::json;

use crate::support::{Harness, decoded, encoded, signed_in};

const GET_BOOK: &str = "/library.v1.BookService/GetBook";

async fn harness() -> Harness {
    let harness = Harness::start().await;
    let book = json!({"name": "books/1", "title": "T", "pages": 3, "publisher": {"city": "Bern", "street": "S"}});
    let book = encoded("library.v1.Book", book);
    harness.data.on(GET_BOOK, move |_| Ok(Reply::Unary(Bytes::from(book.clone()))));
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

#[tokio::test]
async fn a_field_mask_in_the_headers_selects_in_rest_and_in_grpc() {
    let harness = harness().await;
    let mut request = signed_in(Method::GET, "/library/v1/books/1", &crate::support::service(), "");
    request.headers_mut().insert("x-goog-fieldmask", "title".parse().unwrap());
    assert_eq!(harness.send(request).await.json(), json!({"title": "T"}));

    let mut request = tonic::Request::new(Bytes::new());
    request.metadata_mut().insert("x-goog-fieldmask", "title, publisher.street".parse().unwrap());
    let wire = harness.grpc_with(GET_BOOK, request).await.unwrap();
    assert_eq!(decoded("library.v1.Book", &wire), json!({"title": "T", "publisher": {"street": "S"}}));
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_refused_before_the_call() {
    let harness = harness().await;
    let answer = harness.get("/library/v1/books/1?$fields=name,colour").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "INVALID_MASK"));
    let mut request = tonic::Request::new(Bytes::new());
    request.metadata_mut().insert("x-goog-fieldmask", "colour".parse().unwrap());
    let status = harness.grpc_with(GET_BOOK, request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(harness.data.was_asked_for_nothing());
}
