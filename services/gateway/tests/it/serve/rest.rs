//! Requests to messages, by the rules and examples of google/api/http.proto.

use http::{Method, StatusCode};
use mainstay_gateway::Config;
use mainstay_runtime::channel::Reply;
use serde_json::{Value, json};

use crate::support::{Harness, decoded, encoded, full, library};

const MESSAGE: &str = "library.v1.GetMessageRequest";
const SEARCH: &str = "library.v1.SearchRequest";

/// Sends a request and returns the method that was called and what its request message says.
async fn request(message: &str, method: Method, uri: &str, body: &str) -> (String, Value) {
    let harness = Harness::start().await;
    // The answers are no matter here: requests that are no message of the answer's type fail after the call.
    harness.rest(method, uri, body.to_owned()).await;
    let call = harness.data.only_call();
    (call.path.to_string(), decoded(message, &call.message))
}

async fn search(query: &str) -> Value {
    request(SEARCH, Method::GET, &format!("/library/v1/messages:search?{query}"), "").await.1
}

#[tokio::test]
async fn what_the_path_does_not_name_are_query_parameters() {
    let uri = "/library/v1/messages/123456?revision=2&sub.subfield=foo";
    let (path, message) = request(MESSAGE, Method::GET, uri, "").await;
    assert_eq!(path, "/library.v1.Library/GetMessage");
    assert_eq!(message, json!({"messageId": "123456", "revision": "2", "sub": {"subfield": "foo"}}));
}

#[tokio::test]
async fn an_additional_binding_leads_to_the_same_method() {
    let (path, message) = request(MESSAGE, Method::GET, "/library/v1/users/me/messages/123456", "").await;
    assert_eq!(path, "/library.v1.Library/GetMessage");
    assert_eq!(message, json!({"userId": "me", "messageId": "123456"}));
}

#[tokio::test]
async fn a_body_can_be_a_field() {
    let (_, message) = request(
        "library.v1.PutMessageRequest",
        Method::PUT,
        "/library/v1/messages/1?notify=true",
        r#"{"text": "Hi!"}"#,
    )
    .await;
    assert_eq!(message, json!({"messageId": "1", "message": {"text": "Hi!"}, "notify": true}));
}

#[tokio::test]
async fn a_body_can_be_the_request_and_the_path_wins() {
    let (_, message) =
        request("library.v1.Message", Method::PATCH, "/library/v1/whole/1", r#"{"name": "other", "text": "Hi!"}"#)
            .await;
    assert_eq!(message, json!({"name": "whole/1", "text": "Hi!"}));
}

#[tokio::test]
async fn a_body_can_be_a_repeated_field() {
    let (_, message) =
        request("library.v1.SetTagsRequest", Method::POST, "/library/v1/messages/1:tags", r#"["a", "b"]"#).await;
    assert_eq!(message, json!({"name": "messages/1", "tags": ["a", "b"]}));
}

#[tokio::test]
async fn a_path_can_name_a_nested_field() {
    let (_, message) =
        request("library.v1.GetNestedRequest", Method::GET, "/library/v1/nested/1?message.text=x", "").await;
    assert_eq!(message, json!({"message": {"name": "nested/1", "text": "x"}}));
}

#[tokio::test]
async fn a_custom_method_is_a_method() {
    let (path, message) = request(MESSAGE, Method::from_bytes(b"PURGE").unwrap(), "/library/v1/messages/1", "").await;
    assert_eq!(path, "/library.v1.Library/Purge");
    assert_eq!(message, json!({"messageId": "1"}));
}

#[tokio::test]
async fn captures_are_decoded_once() {
    let single = request(MESSAGE, Method::GET, "/library/v1/messages/a%2Fb%20%C3%BC%252F", "").await.1;
    assert_eq!(single, json!({"messageId": "a/b ü%2F"}));
    let several = request("library.v1.ReadFileRequest", Method::GET, "/library/v1/files/a%20b/c%2Fd/e", "").await.1;
    assert_eq!(several, json!({"path": "files/a b/c%2Fd/e"}));
}

#[tokio::test]
async fn query_parameters_can_be_repeated_nested_enums_and_well_known_types() {
    assert_eq!(search("words=a&words=b%20c&words=d+e").await, json!({"words": ["a", "b c", "d e"]}));
    assert_eq!(search("kind=LETTER&kinds=NOTE&kinds=2").await, json!({"kind": "LETTER", "kinds": ["NOTE", "LETTER"]}));
    assert_eq!(
        search("range.from=1&range.to=2&range.inner.to=-3").await,
        json!({"range": {"from": 1, "to": 2, "inner": {"to": -3}}})
    );
    assert_eq!(
        search("since=2026-11-21T10%3A00%3A00Z&within=1.5s&mask=a,bC.d").await,
        json!({"since": "2026-11-21T10:00:00Z", "within": "1.500s", "mask": "a,bC.d"})
    );
    assert_eq!(
        search("limit=7&strict=true&score=1.5&big=18446744073709551615").await,
        json!({"limit": 7, "strict": true, "score": 1.5, "big": "18446744073709551615"})
    );
    assert_eq!(search("token=AQI%3D").await, json!({"token": "AQI="}));
}

#[tokio::test]
async fn names_of_parameters_may_be_written_as_in_json_or_as_in_the_contract() {
    let (_, message) =
        request("library.v1.ListBooksRequest", Method::GET, "/library/v1/books?pageSize=5&order_by=title", "").await;
    assert_eq!(message, json!({"pageSize": 5, "orderBy": "title"}));
}

#[tokio::test]
async fn a_field_is_given_once_however_it_is_spelled() {
    let harness = Harness::start().await;
    for (uri, name) in [
        ("/library/v1/books?pageSize=1&pageSize=3", "page_size"),
        ("/library/v1/books?page_size=1&filter=x&pageSize=3", "page_size"),
        ("/library/v1/books?pageSize=1&page_size=1", "page_size"),
        ("/library/v1/messages:search?range.inner.to=1&range.inner.to=1", "range.inner.to"),
    ] {
        let answer = harness.get(uri).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "FIELD_VIOLATION"), "{uri}");
        assert_eq!(answer.violations(), [name], "{uri}");
    }
    let masks = "/library/v1/books/1?updateMask=title&update_mask=pages";
    let answer = harness.rest(Method::PATCH, masks, "{}").await;
    assert_eq!(answer.violations(), ["update_mask"]);
    assert_eq!(search("words=a&kinds=NOTE&words=b").await["words"], json!(["a", "b"]), "repeated fields are");
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_name() {
    let harness = Harness::start().await;
    for (uri, name) in [
        ("/library/v1/books?color=red", "color"),
        ("/library/v1/books?filter=x&page.size=2", "page.size"),
        ("/library/v1/messages/1?sub.other=2", "sub.other"),
        ("/library/v1/books?$pretty=1", "$pretty"),
        ("/library/v1/books?=x", ""),
    ] {
        let answer = harness.get(uri).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}");
        assert_eq!(answer.reason(), "UNKNOWN_FIELD", "{uri}");
        assert_eq!(answer.violations(), [name], "{uri}");
    }
    let whole = harness.post("/data/v1/contract:check?x=1", "{}").await;
    assert_eq!(whole.status, StatusCode::UNAUTHORIZED, "who may not call learns nothing of the parameters");
    assert!(harness.data.was_asked_for_nothing());
}

#[tokio::test]
async fn a_parameter_that_the_path_or_the_body_gives_is_refused() {
    let harness = Harness::start().await;
    for (method, uri) in [
        (Method::GET, "/library/v1/messages/1?message_id=2"),
        (Method::GET, "/library/v1/messages/1?messageId=2"),
        (Method::PUT, "/library/v1/messages/1?message.text=2"),
        (Method::PATCH, "/library/v1/whole/1?text=2"),
    ] {
        let answer = harness.rest(method, uri, "{}").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}");
        assert_eq!(answer.violations().len(), 1, "{uri}");
    }
}

#[tokio::test]
async fn a_singular_parameter_is_given_once_and_has_a_value_of_its_type() {
    let harness = Harness::start().await;
    for query in [
        "strict=true&strict=true",
        "limit=x",
        "kind=PAPER",
        "since=yesterday",
        "strict=1x",
        "range=1",
        "score=",
        "labels=1",
    ] {
        let answer = harness.get(&format!("/library/v1/messages:search?{query}")).await;
        assert_eq!(
            (answer.status, answer.violations().len()),
            (StatusCode::BAD_REQUEST, 1),
            "{query}: {:?}",
            answer.body
        );
    }
    for query in ["words=%zz", "words=%ff", "%c3=1"] {
        let answer = harness.get(&format!("/library/v1/messages:search?{query}")).await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_method_without_a_body_takes_none() {
    let harness = Harness::start().await;
    for body in ["", " \n", "{}"] {
        let answer = harness.rest(Method::DELETE, "/library/v1/books/1", body).await;
        assert_ne!(answer.status, StatusCode::BAD_REQUEST, "{body:?}");
    }
    let answer = harness.rest(Method::DELETE, "/library/v1/books/1", r#"{"force": true}"#).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "MALFORMED_REQUEST"));
}

#[tokio::test]
async fn a_patch_changes_what_its_body_names() {
    for (body, mask) in [
        (r#"{"title": "T"}"#, json!("title")),
        (r#"{"title": null, "pages": 0}"#, json!("title,pages")),
        (r#"{"publisher": {"city": "Bern"}, "authors": []}"#, json!("publisher.city,authors")),
        (r#"{"label": "by its old name"}"#, json!("title")),
        (r#"{"notes": {"a": {"b": 1}}}"#, json!("notes")),
        // The name is in the path; in the body it says nothing.
        (r#"{"name": "books/other", "title": "T", "etag": "1"}"#, json!("title,etag")),
        (r#"{}"#, Value::Null),
    ] {
        let (path, message) = request("library.v1.UpdateBookRequest", Method::PATCH, "/library/v1/books/1", body).await;
        assert_eq!(path, "/library.v1.BookService/UpdateBook");
        assert_eq!(message["updateMask"], mask, "{body}");
        assert_eq!(message["book"]["name"], "books/1", "{body}");
    }
}

#[tokio::test]
async fn a_mask_takes_every_name_of_a_field_and_says_the_contracts() {
    let spellings = [
        ("list_price,listPrice,unit_price,unitPrice", ["list_price"; 4].join(",")),
        ("shelfMark2, shelf_mark_2", ["shelf_mark_2"; 2].join(",")),
        ("URL,web", ["web"; 2].join(",")),
        ("publisher.homeTown,publisher.home_town,publisher.city", ["publisher.city"; 3].join(",")),
        ("notes.someKey,*", "notes.someKey,*".to_owned()),
        ("noSuchField,no_such,publisher.noSuch.city", "noSuchField,no_such,publisher.noSuch.city".to_owned()),
    ];
    for (mask, paths) in spellings {
        let harness = Harness::start().await;
        let query = format!("/library/v1/books/1?updateMask={}", mask.replace(' ', "%20"));
        harness.rest(Method::PATCH, &query, r#"{"title": "T"}"#).await;
        let body = json!({"book": {"title": "T"}, "updateMask": mask}).to_string();
        harness.rest(Method::PATCH, "/library/v1/books/1:amend", body).await;
        for call in harness.data.calls() {
            let found = mainstay_wire::frame::field_mask(&call.message, 2).unwrap().unwrap();
            assert_eq!(found.join(","), paths, "{}", call.path);
        }
        assert_eq!(harness.data.calls().len(), 2, "{mask}");
    }
}

#[tokio::test]
async fn a_patch_with_a_mask_keeps_it() {
    for query in ["updateMask=title,publisher.city", "update_mask=title,publisher.city&allowMissing=true"] {
        let uri = format!("/library/v1/books/1?{query}");
        let (_, message) = request("library.v1.UpdateBookRequest", Method::PATCH, &uri, r#"{"pages": 3}"#).await;
        assert_eq!(message["updateMask"], "title,publisher.city");
    }
}

#[tokio::test]
async fn the_resource_of_a_patch_occurs_once_in_the_request() {
    let harness = Harness::start().await;
    harness.rest(Method::PATCH, "/library/v1/books/1", r#"{"title": "T"}"#).await;
    let message = harness.data.only_call().message;
    let occurrences = mainstay_wire::frame::messages(&message, 1).unwrap();
    assert_eq!(occurrences.len(), 1, "a reader that takes one occurrence sees all of it");
}

#[tokio::test]
async fn an_answer_is_json_that_no_shared_cache_keeps() {
    let harness = Harness::start().await;
    let book =
        encoded("library.v1.Book", json!({"name": "books/1", "title": "Ü", "pages": 3, "publisher": {"city": "Bern"}}));
    harness.data.on("/library.v1.BookService/GetBook", move |_| Ok(Reply::Message(book.clone().into())));
    let answer = harness.get("/library/v1/books/1").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({"name": "books/1", "title": "Ü", "pages": 3, "publisher": {"city": "Bern"}}));
    let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("cache-control").as_deref(), Some("private, no-cache"));
    assert_eq!(header("vary").as_deref(), Some("authorization, accept-encoding, x-goog-fieldmask"));
    assert!(header("x-request-id").is_some());
}

#[tokio::test]
async fn an_empty_answer_is_an_empty_object() {
    let harness = Harness::start().await;
    harness.data.on("/library.v1.BookService/DeleteBook", |_| Ok(Reply::Message(bytes::Bytes::new())));
    let answer = harness.rest(Method::DELETE, "/library/v1/books/1", "").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({})));
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_body_of_a_services_own_passes_as_it_is_over_rest_and_is_no_message_elsewhere() {
    let harness = Harness::start().await;
    harness.data.on("/library.v1.BookService/GetBook", |_| {
        let image = http::Response::builder().header("content-type", "image/png").body(full(&b"png"[..])).unwrap();
        Ok(Reply::Http(Box::new(image)))
    });
    let answer = harness.get("/library/v1/books/1").await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"png"[..]));
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(harness.grpc("/library.v1.BookService/GetBook", "").await.unwrap_err().code(), tonic::Code::Internal);
}

#[tokio::test]
async fn an_answer_can_be_one_field() {
    let harness = Harness::start().await;
    let full = encoded("library.v1.SearchResponse", json!({"hits": [{"name": "a"}], "best": {"text": "b"}}));
    for (wire, hits, best) in [(full, json!([{"name": "a"}]), json!({"text": "b"})), (vec![], json!([]), json!({}))] {
        for method in ["SearchHits", "SearchBest"] {
            let wire = wire.clone();
            harness.data.on(&format!("/library.v1.Library/{method}"), move |_| Ok(Reply::Message(wire.clone().into())));
        }
        assert_eq!(harness.get("/library/v1/messages:hits").await.json(), hits);
        assert_eq!(harness.get("/library/v1/messages:best").await.json(), best);
    }
}

#[tokio::test]
async fn zero_values_are_written_where_the_configuration_says_so() {
    let config = Config { emit_defaults: true, ..Config::default() };
    let harness = Harness::with(config, Some(library()), None).await;
    harness.data.on_empty("/library.v1.BookService/ListBooks");
    assert_eq!(harness.get("/library/v1/books").await.json(), json!({"books": [], "nextPageToken": ""}));
    let book = encoded("library.v1.Book", json!({"name": "books/1", "publisher": {"city": "Bern"}}));
    for method in ["GetBook", "UpdateBook"] {
        let book = book.clone();
        harness.data.on(&format!("/library.v1.BookService/{method}"), move |_| Ok(Reply::Message(book.clone().into())));
    }
    let whole = json!({
        "name": "books/1", "title": "", "pages": 0, "publisher": {"city": "Bern", "street": ""}, "authors": [], "etag": "",
        "listPrice": "0", "shelfMark2": "", "URL": "",
    });
    assert_eq!(harness.get("/library/v1/books/1").await.json(), whole);
    assert_eq!(harness.rest(Method::PATCH, "/library/v1/books/1", "{}").await.json(), whole);
    for (fields, part) in [
        ("name", json!({"name": "books/1"})),
        ("pages", json!({"pages": 0})),
        ("publisher.street,URL", json!({"publisher": {"street": ""}, "URL": ""})),
        ("publisher", json!({"publisher": {"city": "Bern", "street": ""}})),
    ] {
        assert_eq!(
            harness.get(&format!("/library/v1/books/1?$fields={fields}")).await.json(),
            part,
            "what is not wanted"
        );
    }
}

#[tokio::test]
async fn no_zeros_are_made_up_beside_a_name_that_stands_for_what_may_not_be_read() {
    let config = Config { emit_defaults: true, ..Config::default() };
    let harness = Harness::with(config, Some(library()), None).await;
    let name = encoded("library.v1.Book", json!({"name": "books/1"}));
    for method in ["CreateBook", "UpdateBook", "GetBook"] {
        let name = name.clone();
        harness.data.on(&format!("/library.v1.BookService/{method}"), move |_| Ok(Reply::Message(name.clone().into())));
    }
    let alone = json!({"name": "books/1"});
    assert_eq!(harness.post("/library/v1/books", r#"{"title": "T"}"#).await.json(), alone);
    assert_eq!(harness.rest(Method::PATCH, "/library/v1/books/1", r#"{"title": "T"}"#).await.json(), alone);
    let part = harness.rest(Method::PATCH, "/library/v1/books/1?$fields=name,title", r#"{"title": "T"}"#).await;
    assert_eq!(part.json(), alone, "nor where some are asked for");
    assert_eq!(harness.get("/library/v1/books/1").await.json()["title"], "", "who reads it reads all of it");
}

#[tokio::test]
async fn the_call_carries_the_callers_own_credential_and_request_id() {
    let harness = Harness::start().await;
    let mut request = crate::support::signed_in(Method::GET, "/library/v1/books/1", &crate::support::service(), "");
    request.headers_mut().insert("x-request-id", "abc-123".parse().unwrap());
    harness.send(request).await;
    let call = harness.data.only_call();
    assert_eq!(call.token.unwrap().to_str().unwrap(), crate::support::service());
    assert_eq!(call.request_id.unwrap(), "abc-123");
    assert_eq!(call.principal.uid(), Some("service:gateway"));
    assert!(call.deadline.is_some());
}
