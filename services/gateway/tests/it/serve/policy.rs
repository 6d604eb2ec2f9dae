//! Who may call what, and what a caller cannot pretend (S9, S12).

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use tonic::Code;

use crate::support::{Harness, full, operator, service, signed_in};

const CHECK: &str = "/mainstay.data.v1.ContractService/CheckContract";
const SET_ROLES: &str = "/auth/v1/accounts/1:setRoles";

#[tokio::test]
async fn a_method_asks_for_a_signed_in_caller_and_then_for_the_role() {
    let harness = Harness::start().await;
    assert_eq!(harness.post(SET_ROLES, "{}").await.status, StatusCode::UNAUTHORIZED);
    let as_service = harness.send(signed_in(Method::POST, SET_ROLES, &service(), "{}")).await;
    assert_eq!((as_service.status, as_service.reason().as_str()), (StatusCode::FORBIDDEN, "PERMISSION_DENIED"));
    assert!(harness.auth.calls().is_empty());
    assert_eq!(harness.send(signed_in(Method::POST, SET_ROLES, &operator(), "{}")).await.status, StatusCode::OK);
    assert_eq!(&*harness.auth.only_call().path, "/mainstay.auth.v1.AccountService/SetRoles");
}

#[tokio::test]
async fn grpc_and_rest_decide_alike() {
    let harness = Harness::start().await;
    let call = |credential: Option<String>| {
        let mut request = tonic::Request::new(Bytes::new());
        if let Some(credential) = credential {
            request.metadata_mut().insert("authorization", credential.parse().unwrap());
        }
        harness.grpc_with(CHECK, request)
    };
    assert_eq!(call(None).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(call(Some(service())).await.unwrap_err().code(), Code::PermissionDenied);
    assert!(call(Some(operator())).await.is_ok());
    assert_eq!(call(Some("Bearer nonsense".to_owned())).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(harness.post("/data/v1/contract:check", "{}").await.status, StatusCode::UNAUTHORIZED);
}

/// S12: who may not call learns nothing of what is wrong with the request.
#[tokio::test]
async fn s12_permission_is_decided_before_the_request_is_read() {
    let harness = Harness::start().await;
    for body in ["{", "[]", r#"{"no_such_field": 1}"#, "\u{0}"] {
        assert_eq!(harness.post(SET_ROLES, body).await.status, StatusCode::UNAUTHORIZED, "{body}");
        let denied = harness.send(signed_in(Method::POST, SET_ROLES, &service(), body)).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN, "{body}");
        let allowed = harness.send(signed_in(Method::POST, SET_ROLES, &operator(), body)).await;
        assert_eq!(allowed.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let large = harness.post(SET_ROLES, vec![b' '; 5 << 20]).await;
    assert_eq!(large.status, StatusCode::UNAUTHORIZED);
}

/// S12: the same where the data service decides who may.
#[tokio::test]
async fn s12_who_may_not_create_learns_nothing_of_what_is_wrong_with_the_body() {
    let harness = Harness::start().await;
    let bodies = ["{", r#"{"colour": "red"}"#, r#"{"pages": "many"}"#];
    let create = "/library.v1.BookService/CreateBook";
    for (reason, status) in
        [(Reason::Unauthenticated, 401), (Reason::PermissionDenied, 403), (Reason::MalformedRequest, 400)]
    {
        harness.data.on(create, move |_| Err(Fault::new(reason)));
        for body in bodies {
            assert_eq!(harness.post("/library/v1/books", body).await.status, status, "{body}");
        }
    }
    harness.data.on_empty(create);
    let answer = harness.post("/library/v1/books", bodies[2]).await;
    assert_eq!((answer.status, answer.violations()), (StatusCode::BAD_REQUEST, vec!["book.pages".to_owned()]));
    assert!(harness.data.was_asked_for_nothing());
}

/// S12: what is wrong goes along, with what could be read; it is told where the service behind has let the caller in, in each
/// protocol.
#[tokio::test]
async fn s12_what_is_wrong_is_told_after_the_service_behind_has_let_the_caller_in() {
    let harness = Harness::start().await;
    let (update, get) = ("/library.v1.BookService/UpdateBook", "/library.v1.BookService/GetBook");
    let rest = async || harness.rest(Method::PATCH, "/library/v1/books/1?colour=red", r#"{"title": "T"}"#).await;
    let connect = async || {
        let request = Request::builder().method(Method::POST).uri(get).header("content-type", "application/json");
        let answer = harness.send(request.body(full(r#"{"name": "books/1", "colour": "red"}"#)).unwrap()).await;
        answer.json()["code"].as_str().unwrap().to_owned()
    };
    for (reason, status, code) in [
        (Reason::ResourceNotFound, 404, "not_found"),
        (Reason::PermissionDenied, 403, "permission_denied"),
        (Reason::Unavailable, 503, "unavailable"),
    ] {
        harness.data.on(update, move |_| Err(Fault::new(reason)));
        harness.data.on(get, move |_| Err(Fault::new(reason)));
        assert_eq!((rest().await.status.as_u16(), connect().await.as_str()), (status, code));
    }
    harness.data.on_empty(update);
    harness.data.on_empty(get);
    let told = rest().await;
    assert_eq!((told.status, told.reason().as_str()), (StatusCode::BAD_REQUEST, "UNKNOWN_FIELD"));
    assert_eq!(told.violations(), ["colour"]);
    assert_eq!(connect().await, "invalid_argument");
    let heard = harness.data.calls().pop().unwrap();
    assert!(heard.defective && &*heard.message == b"\x0a\x07books/1", "{heard:?}");
    assert!(harness.data.was_asked_for_nothing());
}

/// S9: no header makes a caller somebody, in whichever way it is spelled, and none of them gets to the services.
#[tokio::test]
async fn s09_identity_headers_of_a_caller_mean_nothing() {
    let names = [
        "x-mainstay-principal",
        "X-Mainstay-Principal",
        "x_mainstay_principal",
        "x-mainstay-principal-bin",
        "mainstay-uid",
        "mainstay_roles",
        "x-mainstay-roles-bin",
        "x-user-id",
        "x-user-roles",
        "x-forwarded-user",
        "remote-user",
        "x-hasura-role",
        "x-request-principal",
        "grpc-internal-principal",
        "x-envoy-peer-metadata",
    ];
    let harness = Harness::start().await;
    for name in names {
        for value in ["operator", "mainstay.admin", "{\"roles\":[\"mainstay.admin\"]}", " operator "] {
            let request = |uri: &str| {
                Request::builder()
                    .method(Method::POST)
                    .uri(uri)
                    .header(name, value)
                    .header(name, "operator")
                    .body(full("{}"))
                    .unwrap()
            };
            let refused = harness.send(request(SET_ROLES)).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}: {value}");
            harness.send(request("/library/v1/books")).await;
        }
    }
    let calls = harness.data.calls();
    assert_eq!(calls.len(), names.len() * 4);
    for call in calls {
        assert!(call.metadata.is_empty(), "{:?}", call.metadata);
        assert_eq!(call.principal.uid(), None);
        assert!(call.token.is_none());
    }
}

#[tokio::test]
async fn grpc_metadata_of_a_caller_does_not_reach_the_services() {
    let harness = Harness::start().await;
    let mut request = tonic::Request::new(Bytes::new());
    for name in ["x-mainstay-uid", "x-user-id", "x-anything", "cookie"] {
        request.metadata_mut().insert(name, "operator".parse().unwrap());
    }
    let value = tonic::metadata::MetadataValue::from_bytes(b"operator");
    request.metadata_mut().insert_bin("x-mainstay-uid-bin", value);
    harness.grpc_with("/library.v1.BookService/GetBook", request).await.unwrap();
    let call = harness.data.only_call();
    assert!(call.metadata.is_empty() && call.principal.uid().is_none());
}

/// A form of another site can send a cookie, but not this content type.
#[tokio::test]
async fn a_body_with_a_cookie_must_say_that_it_is_json() {
    let harness = Harness::start().await;
    let status = async |cookie: bool, content_type: Option<&str>| {
        let mut request = Request::builder().method(Method::POST).uri("/library/v1/books");
        if cookie {
            request = request.header("cookie", "session=1");
        }
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        harness.send(request.body(full(r#"{"title": "T"}"#)).unwrap()).await.status
    };
    for content_type in
        [None, Some("application/x-www-form-urlencoded"), Some("text/plain"), Some("application/json; charset=utf-8")]
    {
        assert_ne!(status(false, content_type).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
    }
    for content_type in [
        None,
        Some("application/x-www-form-urlencoded"),
        Some("text/plain"),
        Some("multipart/form-data; boundary=application/json"),
    ] {
        assert_eq!(status(true, content_type).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
    }
    assert_ne!(status(true, Some("Application/JSON;charset=utf-8")).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
