//! Bodies that are no JSON: `google.api.HttpBody`.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use mainstay_fault::{Fault, Reason};
use mainstay_runtime::channel::Reply;
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{Answered, Harness, decoded, encoded, full};

const BODY: &str = "google.api.HttpBody";

/// What is no text, no JSON and no protobuf.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\x00\xff";

/// The message of a body.
fn body(content_type: &str, data: &[u8]) -> Bytes {
    let data = data_encoding::BASE64.encode(data);
    encoded(BODY, json!({"contentType": content_type, "data": data})).into()
}

async fn printed(content_type: &'static str, data: &'static [u8]) -> Answered {
    let harness = Harness::start().await;
    harness.data.on("/library.v1.Library/Print", move |_| Ok(Reply::Message(body(content_type, data))));
    harness.get("/library/v1/prints/1").await
}

#[tokio::test]
async fn an_answer_is_its_bytes_and_says_what_they_are() {
    let answer = printed("image/png", PICTURE).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, PICTURE));
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["cache-control"], "private, no-cache");
    assert!(!answer.headers.contains_key("content-security-policy"));
    let answer = printed("", PICTURE).await;
    assert_eq!(
        (&answer.headers["content-type"], &answer.body[..]),
        (&"application/octet-stream".parse().unwrap(), PICTURE)
    );
    let answer = printed("text/plain; charset=utf-8", b"").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn what_a_browser_would_run_runs_nowhere() {
    for kind in ["text/html", "Text/HTML; charset=utf-8", "image/svg+xml", "application/xhtml+xml", "text/xml"] {
        let answer = printed(kind, b"<script>alert(1)</script>").await;
        assert_eq!(answer.headers["content-security-policy"], "sandbox", "{kind}");
        assert_eq!(answer.headers["content-type"], kind);
    }
}

#[tokio::test]
async fn a_content_type_that_no_header_can_have_is_a_fault_of_the_service() {
    let answer = printed("text/plain\r\nset-cookie: a=b", b"x").await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_answers_field_can_be_the_body() {
    let harness = Harness::start().await;
    let sheet = json!({"name": "sheets/1", "body": {"contentType": "text/csv", "data": "YSxi"}});
    harness.data.on("/library.v1.Library/PrintSheet", move |_| {
        Ok(Reply::Message(encoded("library.v1.Sheet", sheet.clone()).into()))
    });
    let answer = harness.get("/library/v1/sheets/1").await;
    assert_eq!((&answer.headers["content-type"], &answer.body[..]), (&"text/csv".parse().unwrap(), &b"a,b"[..]));
    harness.data.on_empty("/library.v1.Library/PrintSheet");
    let answer = harness.get("/library/v1/sheets/1").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn other_protocols_have_the_message() {
    let harness = Harness::start().await;
    harness.data.on("/library.v1.Library/Print", |_| Ok(Reply::Message(body("image/png", PICTURE))));
    let answer = harness.grpc("/library.v1.Library/Print", Bytes::new()).await.unwrap();
    assert_eq!(answer, body("image/png", PICTURE));
    let request = Request::post("/library.v1.Library/Print").header("content-type", "application/json");
    let answer = harness.send(request.body(full("{}")).unwrap()).await;
    assert_eq!(answer.json(), json!({"contentType": "image/png", "data": data_encoding::BASE64.encode(PICTURE)}));
}

#[tokio::test]
async fn a_request_is_its_bytes_and_what_it_says_that_they_are() {
    let harness = Harness::start().await;
    harness.data.on_empty("/library.v1.Library/Upload");
    let send = async |content_type: Option<&str>, data: &'static [u8]| {
        let mut request = Request::post("/library/v1/prints");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = harness.send(request.body(full(data)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        decoded(BODY, &harness.data.last_call().message)
    };
    let picture = data_encoding::BASE64.encode(PICTURE);
    assert_eq!(send(Some("image/png"), PICTURE).await, json!({"contentType": "image/png", "data": picture}));
    // JSON is bytes as well, and white space is some of them.
    let json = data_encoding::BASE64.encode(b" {} ");
    assert_eq!(send(Some("application/json"), b" {} ").await, json!({"contentType": "application/json", "data": json}));
    assert_eq!(send(None, b" ").await, json!({"data": "IA=="}));
    assert_eq!(send(None, b"").await, json!({}));
}

#[tokio::test]
async fn a_requests_field_can_be_the_body() {
    let harness = Harness::start().await;
    let request = Request::builder().method(Method::PUT).uri("/library/v1/sheets/7?replace=true");
    let request = request.header("content-type", "text/csv");
    harness.send(request.body(full("a,b")).unwrap()).await;
    assert_eq!(
        decoded("library.v1.Sheet", &harness.data.last_call().message),
        json!({"name": "sheets/7", "body": {"contentType": "text/csv", "data": "YSxi"}, "replace": true})
    );
    for (uri, named) in
        [("/library/v1/sheets/7?body.data=YQ", "body.data"), ("/library/v1/prints?contentType=a", "contentType")]
    {
        let method = if uri.contains("sheets") { Method::PUT } else { Method::POST };
        harness.rest(method, uri, "x").await;
        assert!(harness.data.last_call().defective, "{named}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let harness = Harness::start().await;
    let request = Request::post("/library/v1/prints").header("content-encoding", "gzip");
    let answer = harness.send(request.body(full("x")).unwrap()).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
    );
}

#[tokio::test]
async fn a_stream_is_the_bytes_of_its_messages() {
    let harness = Harness::start().await;
    harness.data.on("/library.v1.Library/PrintAll", |_| {
        let pieces = [body("text/csv", b"a,"), body("", b""), body("image/png", b"b\n")].map(Ok);
        Ok(Reply::Stream(futures_util::stream::iter(pieces).boxed()))
    });
    let answer = harness.get("/library/v1/prints/1:all").await;
    assert_eq!((&answer.headers["content-type"], &answer.body[..]), (&"text/csv".parse().unwrap(), &b"a,b\n"[..]));
}

#[tokio::test]
async fn a_stream_that_fails_has_a_status_or_breaks_off() {
    let harness = Harness::start().await;
    harness.data.on("/library.v1.Library/PrintAll", |_| {
        Ok(Reply::Stream(futures_util::stream::iter([Err(Fault::new(Reason::ResourceNotFound))]).boxed()))
    });
    assert_eq!(harness.get("/library/v1/prints/1:all").await.status, StatusCode::NOT_FOUND);
    harness.data.on("/library.v1.Library/PrintAll", |_| {
        let pieces = [Ok(body("text/csv", b"a,")), Err(Fault::new(Reason::Unavailable))];
        Ok(Reply::Stream(futures_util::stream::iter(pieces).boxed()))
    });
    let request = Request::get("/library/v1/prints/1:all").body(full("")).unwrap();
    let mut response = harness.service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.frame().await.unwrap().unwrap().into_data().unwrap(), "a,");
    assert!(response.frame().await.unwrap().is_err());
}

/// A GET of what changes something is what each page can have a browser send.
#[tokio::test]
async fn a_session_in_cookies_is_not_used_by_other_pages_to_get_what_changes_something() {
    let harness = Harness::start().await;
    let get = async |site: &str| {
        let request = Request::get("/library/v1/messages/1").header("cookie", "__Host-mainstay-access=a");
        let answer = harness.send(request.header("sec-fetch-site", site).body(full("")).unwrap()).await;
        answer.reason_or_ok()
    };
    assert_eq!(get("cross-site").await, "ORIGIN_NOT_ALLOWED");
    assert_eq!(get("same-site").await, "ORIGIN_NOT_ALLOWED");
    assert_ne!(get("same-origin").await, "ORIGIN_NOT_ALLOWED");
    assert_ne!(get("none").await, "ORIGIN_NOT_ALLOWED");
    let read = Request::get("/library/v1/books/1").header("cookie", "__Host-mainstay-access=a");
    let read = read.header("sec-fetch-site", "cross-site").body(full("")).unwrap();
    assert_ne!(harness.send(read).await.reason_or_ok(), "ORIGIN_NOT_ALLOWED");
}
