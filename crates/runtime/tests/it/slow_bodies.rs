//! Whoever sends slowly keeps nobody else out.

use crate::echo::{Running, any_port, guards, policies, routes};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_layers::{Guards, Shed, stack};
use mainstay_runtime::channel::{Call, Channel as _, GrpcChannel, RemoteConfig};
use mainstay_runtime::server::MAX_CONCURRENT_STREAMS;
use mainstay_runtime::{ServerConfig, Shutdown};
use mainstay_telemetry::Metrics;
use std::convert::Infallible;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

/// Far fewer requests at a time than one connection may have open.
const PLACES: usize = 8;

const STREAMS: usize = MAX_CONCURRENT_STREAMS as usize;

/// A message of one byte in gRPC's frame, but for its last byte.
const BEGIN: &[u8] = &[0, 0, 0, 0, 1];

struct Hostile {
    /// The end of each body.
    ends: Vec<mpsc::Sender<&'static [u8]>>,
    answers: JoinSet<Result<Response<Incoming>, hyper::Error>>,
}

/// Opens as many calls of `path` as a connection may have, one after the other, and sends the beginning of each.
async fn hostile(server: &Running, metrics: &Metrics, path: &str) -> Hostile {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut hostile = Hostile { ends: Vec::new(), answers: JoinSet::new() };
    for opened in 1..=STREAMS {
        let (end, pieces) = mpsc::channel(2);
        end.send(BEGIN).await.unwrap();
        let frames =
            ReceiverStream::new(pieces).map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece))));
        let request = Request::post(format!("{}{path}", server.url())).header("content-type", "application/grpc");
        let request = request.body(StreamBody::new(frames)).unwrap();
        let mut sender = sender.clone();
        hostile.answers.spawn(async move { sender.send_request(request).await });
        hostile.ends.push(end);
        until_open(metrics, opened, &mut hostile.answers).await;
    }
    hostile
}

/// Waits until the server has so many requests open. Panics if it answers one instead.
async fn until_open(metrics: &Metrics, count: usize, answers: &mut JoinSet<Result<Response<Incoming>, hyper::Error>>) {
    let line = format!("http_server_active_requests {count}\n");
    while !metrics.render().contains(&line) {
        tokio::task::yield_now().await;
        if let Some(answered) = answers.try_join_next() {
            panic!("instead of request {count} waiting, one was answered: {answered:?}");
        }
    }
}

fn limited() -> (Running, Metrics) {
    let guards = Guards { shed: Shed::new(PLACES), ..guards() };
    let metrics = guards.metrics.clone();
    let stack = stack::listener(routes(), policies(&metrics), guards);
    (Running::serve(&ServerConfig::at(any_port()), stack, Shutdown::new()), metrics)
}

#[tokio::test]
async fn one_connection_with_slow_bodies_does_not_keep_others_out() {
    // A stream's request is waited for without a limit of time.
    for path in ["/t.Echo/Say", "/t.Echo/Count"] {
        let (server, metrics) = limited();
        let mut hostile = hostile(&server, &metrics, path).await;
        let other = GrpcChannel::connect(&RemoteConfig { url: server.url(), ..RemoteConfig::default() }, None).unwrap();
        for _ in 0..2 * PLACES {
            let call =
                Call::new("/t.Echo/Say", mainstay_identity::Principal::anonymous(), Bytes::from_static(b"hello"));
            other.call(call).await.unwrap_or_else(|fault| panic!("{path}: {fault}"));
        }
        // The slow ones are served when they have come.
        hostile.ends.remove(0).send(b"x").await.unwrap();
        let answer = hostile.answers.join_next().await.unwrap().unwrap().unwrap();
        assert!(answer.headers().get("grpc-status").is_none_or(|status| status == "0"), "{answer:?}");
        server.shutdown.force();
        server.ended().await;
    }
}
