//! The end of a server: orderly, and bounded.

use crate::echo::{Running, answering, any_port};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_layers::Body;
use mainstay_runtime::{Health, Readiness, ServerConfig, Shutdown};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

async fn h2(server: &Running) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request() -> Request<Empty<Bytes>> {
    Request::builder().uri("http://localhost/").body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_call_in_flight_finishes_and_new_connections_are_refused() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (begun.clone(), go.clone());
    let service = tower::service_fn(move |_: Request<Body>| {
        let (told, wait) = (told.clone(), wait.clone());
        async move {
            told.notify_one();
            wait.notified().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    let server = Running::serve(&ServerConfig::at(any_port()), service, Shutdown::new());
    let mut sender = h2(&server).await;
    let call = tokio::spawn(sender.send_request(request()));
    begun.notified().await;
    server.shutdown.begin();
    // The listener closes when the server sees the shutdown; connecting fails from then on.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    assert_eq!(server.ended().await.cut, 0);
}

/// Whoever sends requests here has time to learn that they should go elsewhere.
#[tokio::test]
async fn an_end_that_is_announced_is_not_ready_any_more_and_still_serves() {
    let shutdown = Shutdown::new();
    let health = Health::new(shutdown.clone());
    let readiness = Readiness::new(health.clone(), shutdown.clone());
    let service = tonic::service::Routes::new(health.service()).prepare();
    let server = Running::serve(&ServerConfig::at(any_port()), service, shutdown.clone());
    let connection = tonic::transport::Endpoint::from_shared(server.url()).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(connection);
    let asked = HealthCheckRequest { service: String::new() };
    let mut watch = client.watch(asked.clone()).await.unwrap().into_inner();
    let status = async |client: &mut HealthClient<_>| client.check(asked.clone()).await.unwrap().into_inner().status;
    assert_eq!((readiness.is_ready(), status(&mut client).await), (true, 1));
    assert_eq!(watch.next().await.unwrap().unwrap().status, 1);
    shutdown.announce();
    assert!(!readiness.is_ready() && readiness.report().iter().any(|(name, _)| name == "shutdown"));
    assert_eq!(status(&mut client).await, 2, "it is served, and says so");
    assert_eq!(watch.next().await.unwrap().unwrap().status, 2);
    assert!(TcpStream::connect(server.address).await.is_ok(), "new connections are taken");
    assert!(!shutdown.is_begun());
    assert_eq!(server.stop().await.cut, 0);
}

#[tokio::test]
async fn a_stream_that_follows_the_shutdown_does_not_hold_the_drain() {
    let shutdown = Shutdown::new();
    let health = Health::new(shutdown.clone());
    let service = tonic::service::Routes::new(health.service()).prepare();
    let server = Running::serve(&ServerConfig::at(any_port()), service, shutdown);
    let connection = tonic::transport::Endpoint::from_shared(server.url()).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(connection);
    let mut watch = client.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert!(watch.next().await.unwrap().is_ok());
    assert_eq!(server.stop().await.cut, 0);
    assert!(watch.next().await.is_none(), "it ended properly");
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_when_the_time_is_over() {
    let endless = answering(|_| {
        let frames = futures_util::stream::pending::<Result<Frame<Bytes>, Infallible>>();
        Response::new(Body::new(StreamBody::new(frames)))
    });
    let config = ServerConfig { drain_seconds: 0, ..ServerConfig::at(any_port()) };
    let server = Running::serve(&config, endless, Shutdown::new());
    let response = h2(&server).await.send_request(request()).await.unwrap();
    assert_eq!(server.stop().await.cut, 1);
    assert!(response.into_body().collect().await.is_err(), "the client sees that the answer is not whole");
}

#[tokio::test]
async fn a_second_signal_ends_the_drain_at_once() {
    let never = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let server = Running::serve(&ServerConfig::at(any_port()), never, Shutdown::new());
    let call = tokio::spawn(h2(&server).await.send_request(request()));
    tokio::task::yield_now().await;
    server.shutdown.begin();
    server.shutdown.force();
    assert!(server.ended().await.cut <= 1);
    assert!(call.await.unwrap().is_err());
}
