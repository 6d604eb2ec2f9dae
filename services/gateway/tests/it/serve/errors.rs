//! Errors are the same over REST and gRPC.

use http::{Method, StatusCode};
use mainstay_fault::{Fault, Reason};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::support::Harness;

const GET_BOOK: &str = "/library.v1.BookService/GetBook";

/// Every code: its name, and its HTTP status by google/rpc/code.proto.
const CODES: [(Code, &str, u16); 16] = [
    (Code::Cancelled, "CANCELLED", 499),
    (Code::Unknown, "UNKNOWN", 500),
    (Code::InvalidArgument, "INVALID_ARGUMENT", 400),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", 504),
    (Code::NotFound, "NOT_FOUND", 404),
    (Code::AlreadyExists, "ALREADY_EXISTS", 409),
    (Code::PermissionDenied, "PERMISSION_DENIED", 403),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED", 429),
    (Code::FailedPrecondition, "FAILED_PRECONDITION", 400),
    (Code::Aborted, "ABORTED", 409),
    (Code::OutOfRange, "OUT_OF_RANGE", 400),
    (Code::Unimplemented, "UNIMPLEMENTED", 501),
    (Code::Internal, "INTERNAL", 500),
    (Code::Unavailable, "UNAVAILABLE", 503),
    (Code::DataLoss, "DATA_LOSS", 500),
    (Code::Unauthenticated, "UNAUTHENTICATED", 401),
];

#[tokio::test]
async fn every_code_is_the_same_error_over_rest_and_grpc() {
    let harness = Harness::start().await;
    for (code, name, http) in CODES {
        harness.data.on(GET_BOOK, move |_| Err(Fault::from_status(Status::new(code, "what happened"))));
        let rest = harness.get("/library/v1/books/1").await;
        assert_eq!(rest.status.as_u16(), http, "{name}");
        assert_eq!(rest.json()["error"]["code"], http, "{name}");
        assert_eq!(rest.json()["error"]["status"], name);
        assert_eq!(rest.json()["error"]["message"], "what happened");
        let grpc = harness.grpc(GET_BOOK, "").await.unwrap_err();
        assert_eq!((grpc.code(), grpc.message()), (code, "what happened"));
    }
    // The seventeenth is no error.
    harness.data.on(GET_BOOK, |_| Ok(mainstay_runtime::channel::Reply::Message(bytes::Bytes::new())));
    assert_eq!(harness.get("/library/v1/books/1").await.status, StatusCode::OK);
    assert!(harness.grpc(GET_BOOK, "").await.is_ok());
}

#[tokio::test]
async fn every_reason_is_the_same_over_rest_and_grpc() {
    let harness = Harness::start().await;
    for reason in Reason::ALL {
        let fault = move || Fault::new(*reason).meta("key", "value").violation("title", "is too long");
        harness.data.on(GET_BOOK, move |_| Err(fault()));
        let rest = harness.get("/library/v1/books/1").await;
        let grpc = harness.grpc(GET_BOOK, "").await.unwrap_err();
        assert_eq!(rest.reason(), reason.name());
        let details = grpc.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason.name(), "mainstay.dev"));
        assert_eq!(info.metadata["key"], "value");
        assert_eq!(rest.violations(), ["title"]);
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "title");
        assert_eq!(grpc.code(), reason.code());
        assert_eq!(rest.json()["error"]["message"], grpc.message());
    }
}

#[tokio::test]
async fn the_source_of_an_error_is_in_no_answer() {
    let harness = Harness::start().await;
    harness.data.on(GET_BOOK, |_| Err(Fault::internal("SELECT secret FROM /var/lib/mainstay at 10.0.0.7:5432")));
    let rest = harness.get("/library/v1/books/1").await;
    let grpc = harness.grpc(GET_BOOK, "").await.unwrap_err();
    let shown = format!("{:?} {grpc:?}", rest.body);
    assert!(!shown.contains("SELECT") && !shown.contains("10.0.0.7"), "{shown}");
    assert_eq!(rest.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn an_answer_that_is_no_message_of_its_type_is_internal() {
    let harness = Harness::start().await;
    harness
        .data
        .on(GET_BOOK, |_| Ok(mainstay_runtime::channel::Reply::Message(bytes::Bytes::from_static(b"\x12\xff"))));
    let rest = harness.get("/library/v1/books/1").await;
    assert_eq!((rest.status, rest.reason().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
}

#[tokio::test]
async fn an_unknown_path_is_named() {
    let harness = Harness::start().await;
    let answer = harness.get("/library/v2/books?x=1").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::NOT_FOUND, "ROUTE_NOT_FOUND"));
    assert_eq!(answer.json()["error"]["message"], "nothing is served at `/library/v2/books`");
    let status = harness.grpc("/library.v1.BookService/Nothing", "").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("/library.v1.BookService/Nothing"));
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_answered_with_those_that_it_takes() {
    let harness = Harness::start().await;
    for method in [Method::POST, Method::PUT, Method::TRACE, Method::from_bytes(b"BREW").unwrap()] {
        let answer = harness.rest(method.clone(), "/library/v1/books/1", "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        let mut allow: Vec<_> = answer.headers["allow"].to_str().unwrap().split(", ").collect();
        allow.sort_unstable();
        assert_eq!(allow, ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"], "{method}");
        assert_eq!(answer.reason(), "METHOD_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn options_names_what_a_path_takes_and_asks_nobody() {
    let harness = Harness::start().await;
    for (path, methods) in [
        ("/library/v1/books/1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/library/v1/books", "GET, HEAD, OPTIONS, POST"),
        ("/library/v1/messages/1:tags", "OPTIONS, POST"),
        ("/library/v1/messages/1:follow", "GET, HEAD, OPTIONS"),
        ("/auth/v1/accounts:signUp", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/library.v1.BookService/GetBook", "GET, HEAD, OPTIONS, POST"),
        ("/library.v1.BookService/UpdateBook", "OPTIONS, POST"),
    ] {
        let answer = harness.rest(Method::OPTIONS, path, "").await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0), "{path}");
        let mut allow: Vec<_> = answer.headers["allow"].to_str().unwrap().split(", ").collect();
        allow.sort_unstable();
        assert_eq!(allow.join(", "), methods, "{path}");
    }
    assert_eq!(harness.rest(Method::OPTIONS, "/library/v1/nothing", "").await.status, StatusCode::NOT_FOUND);
    assert!(harness.data.calls().is_empty() && harness.auth.calls().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_json_says_where() {
    let harness = Harness::start().await;
    let answer = harness.post("/library/v1/books", "{\n  \"title\": \"T\",\n  \"pages\": }").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST"));
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("line 3"), "{message}");
    // Not another field beside the one that the body is.
    for body in [r#"["a"], "name": "messages/2""#, "[", "[]]"] {
        let answer = harness.post("/library/v1/messages/1:tags", body).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST"), "{body}");
    }
    for body in
        [&b"{\"title\": \"\xff\"}"[..], b"nonsense", b"\xef\xbb\xbf{}", b"{\"title\": \"T\"} x", b"{'title': 1}"]
    {
        let answer = harness.post("/library/v1/books", body.to_vec()).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST"),
            "{body:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_names_the_field_from_the_request() {
    let harness = Harness::start().await;
    for (body, reason, field) in [
        (r#"{"pages": "many"}"#, "FIELD_VIOLATION", "book.pages"),
        (r#"{"publisher": {"city": 1}}"#, "FIELD_VIOLATION", "book.publisher.city"),
        (r#"{"colour": "red"}"#, "UNKNOWN_FIELD", "book.colour"),
        (r#"{"publisher": {"zip": 1}}"#, "UNKNOWN_FIELD", "book.publisher.zip"),
        (r#"[]"#, "FIELD_VIOLATION", "book"),
    ] {
        let answer = harness.post("/library/v1/books", body).await;
        assert_eq!(
            (answer.reason().as_str(), answer.violations()),
            (reason, vec![field.to_owned()]),
            "{body}: {}",
            answer.json()
        );
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert!(harness.data.was_asked_for_nothing());
}
