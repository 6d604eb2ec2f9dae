//! Requests made of anything: an answer or a fault, and what was meant.

use std::sync::OnceLock;

use bytes::Bytes;
use http::Method;
use mainstay_fault::Reason;
use mainstay_gateway::Limits;
use mainstay_gateway::route::Lookup;
use mainstay_gateway::snapshot::Snapshot;
use mainstay_gateway::transcode::{self, Precondition, RequestParts, Transcoded, parameters};
use mainstay_telemetry::Telemetry;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{backends, decoded, library};

fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        Snapshot::build(
            (Telemetry::quiet().metrics(), &backends(), &Limits::default()),
            1,
            Bytes::copy_from_slice(library()),
        )
        .unwrap()
        .snapshot
    })
}

/// Makes the request message, if the path has a route.
fn request(method: &Method, path: &str, query: &str, body: &[u8]) -> Option<Result<Transcoded, mainstay_fault::Fault>> {
    let snapshot = snapshot();
    let Lookup::Found { route, segments } = snapshot.route(path, method) else { return None };
    let precondition = Precondition::default();
    let parts = RequestParts { path, segments: &segments, query: Some(query), body, content_type: "", precondition };
    let made = transcode::request(&snapshot.plans, &snapshot.bindings()[route], parts);
    Some(made.map_err(|defective| defective.fault))
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// JSON that often is a book.
fn bookish() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    let key = prop_oneof!["name|title|label|pages|publisher|city|authors|notes|etag", ".{0,4}"];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

#[test]
fn a_query_is_taken_apart_in_order() {
    let read = |query| {
        parameters(query).map(|p| p.map(|p| (p.name.into_owned(), p.value.into_owned()))).collect::<Result<Vec<_>, _>>()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        read("a=1&&b=x%26y&c&d=e=f&").unwrap(),
        [pair("a", "1"), pair("b", "x&y"), pair("c", ""), pair("d", "e=f")]
    );
    assert!(read("").unwrap().is_empty());
    assert!(read("a=%f").is_err());
}

#[test]
fn everything_that_is_wrong_with_a_body_is_one_fault_in_the_contracts_own_names() {
    let refused = |body: &str| {
        let fault = request(&Method::PATCH, "/library/v1/books/1", "", body.as_bytes()).unwrap().unwrap_err();
        let fields = fault.violations().iter().map(|violation| violation.field.clone()).collect::<Vec<_>>();
        (fault.reason().unwrap(), fields)
    };
    let fields = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        refused(r#"{"title":1,"nothing":2,"pages":"many","authors":[5,"A"]}"#),
        (Reason::FieldViolation, fields(&["book.title", "book.nothing", "book.pages", "book.authors[0]"]))
    );
    assert_eq!(refused(r#"{"x":1,"y":2}"#), (Reason::UnknownField, fields(&["book.x", "book.y"])));
    assert_eq!(refused("[]"), (Reason::FieldViolation, fields(&["book"])));
    assert_eq!(refused(r#"{"title":1,"#).0, Reason::MalformedRequest);
}

#[test]
fn body_and_query_are_told_together() {
    let refused = |query: &str, body: &str| {
        let fault = request(&Method::PATCH, "/library/v1/books/1", query, body.as_bytes()).unwrap().unwrap_err();
        let fields = fault.violations().iter().map(|violation| violation.field.clone()).collect::<Vec<_>>();
        (fault.reason().unwrap(), fields.join(" "))
    };
    let cases = [
        (
            "allowMissing=x&updateMask=a&updateMask=b&color=1",
            r#"{"title":1}"#,
            "book.title allow_missing update_mask color",
        ),
        ("color=1&size=2", "{}", "color size"),
        ("color=1", r#"{"x":1}"#, "book.x color"),
    ];
    for (query, body, fields) in cases {
        assert_eq!(refused(query, body).1, fields);
    }
    assert_eq!(refused("color=1&size=2", "{}").0, Reason::UnknownField);
    assert_eq!(refused("color=1", r#"{"title":1}"#).0, Reason::FieldViolation);
    assert_eq!(refused("color=1", "{").0, Reason::MalformedRequest);
}

/// What can be read of a request that something is wrong with.
fn legible(method: &Method, path: &str, query: &str, body: &[u8]) -> bytes::Bytes {
    let snapshot = snapshot();
    let Lookup::Found { route, segments } = snapshot.route(path, method) else { panic!("{path} has no route") };
    let precondition = Precondition::default();
    let parts = RequestParts { path, segments: &segments, query: Some(query), body, content_type: "", precondition };
    transcode::request(&snapshot.plans, &snapshot.bindings()[route], parts).unwrap_err().legible
}

#[test]
fn what_can_be_read_of_a_defective_request_is_what_decides_who_may_make_it() {
    let update = |query: &str, body: &str| {
        decoded("library.v1.UpdateBookRequest", &legible(&Method::PATCH, "/library/v1/books/1", query, body.as_bytes()))
    };
    for body in ["{", r#"{"title": "T""#, "[]", "\u{0}"] {
        assert_eq!(update("", body), json!({"book": {"name": "books/1"}}), "{body}");
        assert_eq!(update("allowMissing=true", body), json!({"book": {"name": "books/1"}, "allowMissing": true}));
    }
    for body in
        [r#"{"title": "T", "colour": 1}"#, r#"{"title": "T", "pages": "many"}"#, r#"{"title": "T", "title": 1}"#]
    {
        assert_eq!(update("", body), json!({"book": {"name": "books/1", "title": "T"}}), "{body}");
    }
    let wrong_query = update("colour=red&allowMissing=true", r#"{"title": "T"}"#);
    assert_eq!(wrong_query, json!({"book": {"title": "T", "name": "books/1"}, "allowMissing": true}));
    let delete = legible(&Method::DELETE, "/library/v1/books/1", "colour=red", b"");
    assert_eq!(decoded("library.v1.DeleteBookRequest", &delete), json!({"name": "books/1"}));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_query_and_no_body_make_the_transcoder_panic(query in any::<String>(), body in any::<Vec<u8>>()) {
        for (method, path) in [(Method::GET, "/library/v1/messages:search"), (Method::PATCH, "/library/v1/books/1"), (Method::PATCH, "/library/v1/whole/%")] {
            let _ = request(&method, path, &query, &body);
        }
    }

    #[test]
    fn what_can_be_read_of_anything_is_a_message_of_the_requests_type(query in any::<String>(), body in bookish()) {
        let snapshot = snapshot();
        let path = "/library/v1/books/1";
        let Lookup::Found { route, segments } = snapshot.route(path, &Method::PATCH) else { unreachable!() };
        let body = body.to_string();
        let precondition = Precondition::default();
        let body = body.as_bytes();
        let parts = RequestParts { path, segments: &segments, query: Some(&query), body, content_type: "", precondition };
        if let Err(defective) = transcode::request(&snapshot.plans, &snapshot.bindings()[route], parts) {
            let message = decoded("library.v1.UpdateBookRequest", &defective.legible);
            prop_assert_eq!(&message["book"]["name"], "books/1");
        }
    }

    #[test]
    fn no_json_makes_the_transcoder_panic_and_what_it_takes_is_a_message(body in bookish(), name in "[^/]{1,8}") {
        let path = format!("/library/v1/books/{name}");
        if let Some(Ok(made)) = request(&Method::PATCH, &path, "", body.to_string().as_bytes()) {
            let message = decoded("library.v1.UpdateBookRequest", &made.message);
            prop_assert!(message["book"]["name"].as_str().is_some_and(|name| name.starts_with("books/")));
        }
    }

    #[test]
    fn what_a_client_says_is_what_the_service_hears(
        title in "[^\0]{0,12}",
        pages in any::<i32>(),
        authors in prop::collection::vec("[^\0]{1,6}", 1..4),
        city in "[^\0]{1,8}",
        id in "[^\0]{1,8}",
        only in any::<bool>(),
    ) {
        let book = json!({"title": title, "pages": pages, "authors": authors, "publisher": {"city": city}});
        let query = format!("bookId={}&validate_only={only}", encode(&id));
        let made = request(&Method::POST, "/library/v1/books", &query, book.to_string().as_bytes()).unwrap().unwrap();
        let heard = decoded("library.v1.CreateBookRequest", &made.message);
        prop_assert_eq!(heard["book"]["title"].as_str().unwrap_or_default(), &title);
        prop_assert_eq!(heard["book"]["pages"].as_i64().unwrap_or_default(), i64::from(pages));
        prop_assert_eq!(&heard["book"]["authors"], &json!(authors));
        prop_assert_eq!(&heard["book"]["publisher"]["city"], &json!(city));
        prop_assert_eq!(&heard["bookId"], &json!(id));
        prop_assert_eq!(heard["validateOnly"].as_bool().unwrap_or_default(), only);
    }

    #[test]
    fn a_path_that_a_client_encodes_is_the_name_that_the_service_hears(id in "[^\0/]{1,12}") {
        let path = format!("/library/v1/messages/{}", encode(&id));
        let made = request(&Method::GET, &path, "", b"").unwrap().unwrap();
        prop_assert_eq!(&decoded("library.v1.GetMessageRequest", &made.message)["messageId"], &json!(id));
    }
}
