use crate::echo::any_port;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use mainstay_layers::Body;
use mainstay_runtime::operations::probe;
use mainstay_runtime::{Health, Operations, Readiness, Shutdown};
use mainstay_telemetry::Telemetry;
use tokio::net::TcpStream;

async fn text(body: Body) -> String {
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn readiness() -> (Readiness, Shutdown) {
    let shutdown = Shutdown::new();
    (Readiness::new(Health::new(shutdown.clone()), shutdown.clone()), shutdown)
}

#[tokio::test]
async fn a_probe_says_which_check_fails_and_not_why() {
    let (readiness, _) = readiness();
    let database = readiness.check("database");
    database.not_ready("postgres://user:secret@10.0.0.7 refused");
    let response = probe(&readiness, &Method::GET, "/readyz").unwrap();
    assert_eq!(response.status(), 503);
    let body = text(response.into_body()).await;
    assert_eq!(body, r#"{"checks":[{"name":"database","ready":false}],"ready":false}"#);
    assert_eq!(probe(&readiness, &Method::GET, "/healthz").unwrap().status(), 200);
    database.ready();
    assert_eq!(probe(&readiness, &Method::GET, "/readyz").unwrap().status(), 200);
    assert_eq!(probe(&readiness, &Method::POST, "/readyz").unwrap().status(), 405);
    assert!(probe(&readiness, &Method::GET, "/other").is_none());
}

#[tokio::test]
async fn operators_read_metrics_and_reasons_on_a_port_of_their_own() {
    let (readiness, shutdown) = readiness();
    readiness.check("database").not_ready("the disk is full");
    let telemetry = Telemetry::quiet();
    let operations = Operations::bind(any_port(), telemetry.metrics().clone(), readiness).unwrap();
    let address = operations.address();
    let task = tokio::spawn(operations.serve(shutdown.clone()));
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(TcpStream::connect(address).await.unwrap())).await.unwrap();
    tokio::spawn(connection);
    let mut get = async |path: &str| {
        let request = Request::get(path).header("host", "x").body(Empty::<Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("http_server_active_requests") && metrics.contains("process_memory_usage"), "{metrics}");
    let (status, ready) = get("/readyz").await;
    assert_eq!(status, 503);
    assert!(ready.contains("the disk is full"), "{ready}");
    assert_eq!(get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get("/").await.0, 404);
    drop(sender);
    shutdown.begin();
    task.await.unwrap();
}
