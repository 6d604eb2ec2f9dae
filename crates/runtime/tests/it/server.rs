//! One port: HTTP/1.1, and HTTP/2 by prior knowledge.

use crate::echo::{Running, answering, any_port, guards, policies, routes};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_layers::{Body, Peer, stack};
use mainstay_runtime::server::{BindError, DEFAULT_KEEP_ALIVE, MAX_HEADERS};
use mainstay_runtime::{Server, ServerConfig, Shutdown};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Says which version the request came in, and from where.
pub fn version(request: &Request<Body>) -> Response<Body> {
    let peer = request.extensions().get::<Peer>().is_some_and(|peer| peer.address.is_loopback());
    Response::new(Body::new(Full::new(Bytes::from(format!("{:?} {peer}", request.version())))))
}

fn plain() -> Running {
    Running::serve(&ServerConfig::at(any_port()), answering(version), Shutdown::new())
}

pub async fn get<I>(io: I, version: Version) -> String
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request =
        Request::builder().uri("http://localhost/x").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let io = TokioIo::new(io);
    let response = if version == Version::HTTP_2 {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn one_port_speaks_both_versions() {
    let server = plain();
    let connect = || TcpStream::connect(server.address);
    assert_eq!(get(connect().await.unwrap(), Version::HTTP_11).await, "HTTP/1.1 true");
    assert_eq!(get(connect().await.unwrap(), Version::HTTP_2).await, "HTTP/2.0 true");
    assert_eq!(server.stop().await.cut, 0);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_remedy() {
    let holder = std::net::TcpListener::bind(any_port()).unwrap();
    let address = holder.local_addr().unwrap();
    let error = Server::bind(&ServerConfig::at(address)).unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }));
    let text = error.to_string();
    assert!(text.contains(&address.port().to_string()) && text.contains("stop the process"), "{text}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_named_with_the_remedy() {
    let error = Server::bind(&ServerConfig::at("192.0.2.1:0".parse().unwrap())).unwrap_err();
    assert!(matches!(error, BindError::NoSuchAddress { .. }), "{error}");
}

#[tokio::test]
async fn a_panic_leaves_the_connection_open() {
    let guards = guards();
    let stack = stack::listener(routes(), policies(&guards.metrics), guards);
    let server = Running::serve(&ServerConfig::at(any_port()), stack, Shutdown::new());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let frame = Full::new(Bytes::from_static(&[0, 0, 0, 0, 0]));
        let request =
            Request::post("/t.Echo/Panic").header("host", "localhost").header("content-type", "application/grpc");
        let response = sender.send_request(request.body(frame).unwrap()).await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "13");
        response.into_body().collect().await.unwrap();
    }
    drop(sender);
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = plain();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "y".repeat(80 << 10));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    drop(stream);
    assert_eq!(get(TcpStream::connect(server.address).await.unwrap(), Version::HTTP_11).await, "HTTP/1.1 true");
    server.stop().await;
}

#[tokio::test]
async fn a_request_may_have_so_many_headers_and_no_more() {
    let server = plain();
    for (headers, status) in [(MAX_HEADERS, "HTTP/1.1 200"), (MAX_HEADERS + 1, "HTTP/1.1 431")] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let more: String = (2..headers).map(|number| format!("x-{number}: y\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(status), "{headers}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn garbage_ends_only_its_own_connection() {
    let server = plain();
    for garbage in [&b"\x16\x03\x01\x00\x05hello"[..], b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"GET\r\n\r\n", b"\0\0\0\0"]
    {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(get(TcpStream::connect(server.address).await.unwrap(), Version::HTTP_2).await, "HTTP/2.0 true");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_its_turn() {
    let config = ServerConfig { max_connections: 1, ..ServerConfig::at(any_port()) };
    let server = Running::serve(&config, answering(version), Shutdown::new());
    let first = TcpStream::connect(server.address).await.unwrap();
    let second =
        tokio::spawn(async move { get(TcpStream::connect(server.address).await.unwrap(), Version::HTTP_11).await });
    assert_eq!(get(first, Version::HTTP_11).await, "HTTP/1.1 true");
    assert_eq!(second.await.unwrap(), "HTTP/1.1 true");
    server.shutdown.force();
    server.ended().await;
}

/// What a load balancer does: it keeps a connection for its next request.
#[tokio::test]
async fn an_idle_connection_is_kept_as_long_as_configured() {
    assert!(DEFAULT_KEEP_ALIVE.as_secs() > 60, "load balancers keep theirs for 60 s");
    let config = ServerConfig { keep_alive_seconds: 2, ..ServerConfig::at(any_port()) };
    let server = Running::serve(&config, answering(version), Shutdown::new());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut buffer = [0; 1024];
    for pause in [0, 1] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"), "after {pause} s");
    }
    let idle = Instant::now();
    let end = timeout(Duration::from_secs(10), stream.read(&mut buffer)).await.unwrap();
    assert_eq!(end.unwrap(), 0);
    assert!(idle.elapsed() >= Duration::from_millis(1900), "{:?}", idle.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn an_answer_may_take_longer_than_an_idle_connection_is_kept() {
    let config = ServerConfig { keep_alive_seconds: 1, ..ServerConfig::at(any_port()) };
    let service = answering(|_| {
        let parts = futures_util::stream::unfold(0, |part| async move {
            tokio::time::sleep(Duration::from_millis(900)).await;
            let frame = http_body::Frame::data(Bytes::from(format!("part {part};")));
            (part < 4).then_some((Ok::<_, std::convert::Infallible>(frame), part + 1))
        });
        Response::new(Body::new(http_body_util::StreamBody::new(parts)))
    });
    let server = Running::serve(&config, service, Shutdown::new());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let (mut answer, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = timeout(Duration::from_secs(10), stream.read(&mut buffer)).await.expect("it ends") {
        answer.extend_from_slice(&buffer[..count]);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("part 3;") && answer.ends_with("0\r\n\r\n"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_peer_has_so_many_connections_and_a_further_one_is_closed() {
    let config = ServerConfig { max_connections_per_peer: 2, ..ServerConfig::at(any_port()) };
    let server = Running::serve(&config, answering(version), Shutdown::new());
    let ask = async || {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut answer = [0; 12];
        let came = stream.read_exact(&mut answer).await.is_ok();
        (came && answer.ends_with(b"200"), stream)
    };
    let (first, second, third) = (ask().await, ask().await, ask().await);
    assert_eq!([first.0, second.0, third.0], [true, true, false]);
    drop(first);
    let again = async {
        while !ask().await.0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), again).await.expect("a place that is free is taken again");
    drop((second, third));
}

#[tokio::test]
async fn an_http2_connection_on_which_nothing_is_asked_is_ended_and_one_with_an_open_answer_is_not() {
    let config = ServerConfig { http2_idle_seconds: 1, ..ServerConfig::at(any_port()) };
    let service = answering(|request| match request.uri().path() {
        "/endless" => {
            let frames = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, std::convert::Infallible>>();
            Response::new(Body::new(http_body_util::StreamBody::new(frames)))
        }
        _ => version(request),
    });
    let server = Running::serve(&config, service, Shutdown::new());
    let open = async |path: &str| {
        let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::builder().uri(format!("http://x{path}")).body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        (sender, answer, connection)
    };
    let (_sender, _, idle) = open("/x").await;
    let (_other, answer, busy) = open("/endless").await;
    timeout(Duration::from_secs(5), idle).await.expect("it is ended").unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!busy.is_finished());
    drop(answer);
    timeout(Duration::from_secs(5), busy).await.expect("now it is").unwrap().unwrap();
}

/// A head without a word about the connection is a promise that it can be used again.
#[tokio::test]
async fn a_connection_whose_body_nobody_read_is_used_again_or_said_to_be_closed() {
    let server = plain();
    let next = b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n";
    for (head, body, wait) in [
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n", &b"hello"[..], 0),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n", b"hello", 5),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n", b"hello", 300),
        ("DELETE / HTTP/1.1\r\nhost: x\r\ncontent-length: 30000\r\n\r\n", &[b'x'; 30_000], 0),
        ("DELETE / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n", &[b'x'; 200_000], 300),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", 300),
        ("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n", b"hello", 300),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let _ = stream.write_all(body).await;
        let _ = stream.write_all(next).await;
        let mut answers = String::new();
        let mut buffer = [0; 4096];
        while answers.matches("HTTP/1.1 200").count() < 2 {
            match timeout(Duration::from_secs(2), stream.read(&mut buffer)).await {
                Ok(Ok(count @ 1..)) => answers.push_str(&String::from_utf8_lossy(&buffer[..count])),
                _ => break,
            }
        }
        let is_kept = answers.matches("HTTP/1.1 200").count() == 2;
        let is_said = answers.contains("connection: close");
        assert!(is_kept != is_said, "{head} after {wait} ms: {answers}");
        assert!(!answers.contains("100 Continue"), "nobody wants it: {answers}");
        if wait < 10 && head.contains("content-length") {
            assert!(is_kept, "what is there, or soon, is read: {head} after {wait} ms");
        }
    }
}

#[tokio::test]
async fn a_head_whose_lines_end_without_a_carriage_return_is_refused() {
    let server = plain();
    for head in [
        "GET / HTTP/1.1\nhost: x\n\n",
        "GET / HTTP/1.1\r\nhost: x\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n\n",
        "GET / HTTP/1.1\nhost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\ncontent-length: 2\r\n\r\n{}",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /second HTTP/1.1\nhost: x\n\n",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await.expect("it is closed").unwrap();
        assert!(answer.contains("HTTP/1.1 400"), "{head:?}: {answer}");
        assert!(answer.contains("carriage return") && answer.contains("connection: close"), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 200").count(), usize::from(head.contains("second")), "{head:?}: {answer}");
    }
}
