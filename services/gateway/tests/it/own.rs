//! What the gateway answers itself: probes, health, reflection.

use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::StreamExt as _;
use http::{Method, Request, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_gateway::{Config, PROBE_INTERVAL};
use prost::Message as _;
use serde_json::json;
use tonic::Code;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{Harness, compile, full, library};

const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[tokio::test]
async fn a_probe_says_that_the_process_lives_and_whether_it_is_ready() {
    let harness = Harness::start().await;
    assert_eq!(harness.get("/healthz").await.body, "ok\n");
    harness.ready().await;
    assert_eq!(harness.get("/readyz").await.json()["ready"], true);
    let wrong = harness.post("/readyz", "").await;
    assert_eq!(
        (wrong.status, wrong.headers["allow"].as_bytes()),
        (StatusCode::METHOD_NOT_ALLOWED, &b"GET, HEAD, OPTIONS"[..])
    );
    assert_eq!(harness.rest(Method::HEAD, "/healthz", "").await.status, StatusCode::OK);
    assert_eq!(harness.get("/healthz/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_the_services_behind() {
    let harness = Harness::start().await;
    harness.ready().await;
    for (answer, ready) in [(vec![8, 2], false), (vec![8, 1], true), (vec![], false)] {
        harness.auth.on(HEALTH, move |_| Ok(mainstay_runtime::channel::Reply::Message(Bytes::from(answer.clone()))));
        tokio::time::sleep(PROBE_INTERVAL * 2).await;
        assert_eq!(harness.get("/readyz").await.json()["ready"], ready);
    }
    harness.auth.on(HEALTH, |_| Err(Fault::new(Reason::Unimplemented)));
    tokio::time::sleep(PROBE_INTERVAL * 2).await;
    assert_eq!(harness.get("/readyz").await.status, StatusCode::OK, "a service without a health service");
    harness.auth.on(HEALTH, |_| Err(Fault::new(Reason::Unavailable)));
    tokio::time::sleep(PROBE_INTERVAL * 2).await;
    let report = harness.get("/readyz").await;
    assert_eq!(report.status, StatusCode::SERVICE_UNAVAILABLE);
    let checks = report.json()["checks"].clone();
    assert_eq!(
        checks,
        json!([{"name": "auth", "ready": false}, {"name": "contract", "ready": true}, {"name": "data", "ready": true}])
    );
}

#[tokio::test]
async fn health_knows_the_services_of_the_contract() {
    let harness = Harness::start().await;
    harness.ready().await;
    let check = async |service: &str| {
        let request = tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        harness.grpc(HEALTH, request.encode_to_vec()).await
    };
    for service in ["", "library.v1.BookService", "mainstay.auth.v1.SessionService"] {
        assert_eq!(check(service).await.unwrap(), &[8, 1][..], "{service}");
    }
    assert_eq!(check("library.v1.Nothing").await.unwrap_err().code(), Code::NotFound);
    harness.data.publish(
        2,
        &compile("a.proto", "syntax = \"proto3\"; package a.v1; message M {} service S { rpc Get(M) returns (M); }"),
    );
    harness.serves(2).await;
    assert_eq!(check("a.v1.S").await.unwrap(), &[8, 1][..]);
    assert_eq!(check("library.v1.BookService").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_open_reflection_stream_sees_the_contract_that_was_swapped_in() {
    let harness = Harness::with(Config::default(), Some(library()), None).await;
    let (ask, questions) = tokio::sync::mpsc::channel(1);
    let mut client = ServerReflectionClient::new(harness.service.clone());
    let questions = tokio_stream::wrappers::ReceiverStream::new(questions);
    let mut answers = client.server_reflection_info(questions).await.unwrap().into_inner();
    let mut services = async || {
        let list = MessageRequest::ListServices(String::new());
        ask.send(ServerReflectionRequest { host: String::new(), message_request: Some(list) }).await.unwrap();
        match answers.next().await.unwrap().unwrap().message_response {
            Some(MessageResponse::ListServicesResponse(list)) => {
                list.service.into_iter().map(|service| service.name).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    let before = services().await;
    for service in ["library.v1.BookService", "mainstay.auth.v1.AccountService", "grpc.health.v1.Health"] {
        assert!(before.iter().any(|name| name == service), "{service}: {before:?}");
    }
    harness.data.publish(
        2,
        &compile("a.proto", "syntax = \"proto3\"; package a.v1; message M {} service S { rpc Get(M) returns (M); }"),
    );
    harness.serves(2).await;
    let after = services().await;
    assert!(after.contains(&"a.v1.S".to_owned()) && !after.contains(&"library.v1.BookService".to_owned()), "{after:?}");
}

/// What gRPC is asked, gRPC-Web may be asked too: health, and one question of reflection.
#[tokio::test]
async fn health_and_reflection_answer_over_grpc_web() {
    let harness = Harness::start().await;
    harness.ready().await;
    let ask = async |path: &str, kind: &str, message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let sent = [&[0], &length[..], message].concat();
        let body = if kind.contains("text") { BASE64.encode(&sent).into_bytes() } else { sent };
        let request = Request::builder().method(Method::POST).uri(path).header("content-type", kind);
        let answer = harness.send(request.body(full(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body
    };
    for kind in ["application/grpc-web+proto", "application/grpc-web"] {
        let health = ask(HEALTH, kind, b"").await;
        assert!(health.starts_with(&[0, 0, 0, 0, 2, 8, 1, 0x80]), "{health:?}");
        for version in ["v1", "v1alpha"] {
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            let services = ask(&path, kind, &[0x3a, 0]).await;
            assert!(String::from_utf8_lossy(&services).contains("library.v1.BookService"), "{services:?}");
        }
    }
    let health = ask(HEALTH, "application/grpc-web-text", b"").await;
    let message = BASE64.encode(&[0, 0, 0, 0, 2, 8, 1]);
    assert!(health.starts_with(message.as_bytes()), "{health:?}");
}

#[tokio::test]
async fn both_versions_of_reflection_are_there() {
    let harness = Harness::start().await;
    // ServerReflectionRequest {list_services: ""}
    let request = Bytes::from_static(&[0x3a, 0]);
    for path in [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        let mut answers = harness.grpc_stream(path, request.clone()).await.unwrap();
        let answer = answers.next().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer).contains("library.v1.BookService"), "{path}");
    }
}
