//! An answer that is given before the request has come reaches a client that writes first and reads then.

use crate::echo::{Running, answering, any_port};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use mainstay_layers::Body;
use mainstay_runtime::{ServerConfig, Shutdown};
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BODY_BYTES: usize = 10 << 20;

/// Each of them has another interleaving of writes and answer.
const ROUNDS: usize = 40;

fn refusing() -> Running {
    let refuse = |_: &Request<Body>| {
        let mut response = Response::new(Body::new(Full::new(Bytes::from_static(b"too much"))));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        response
    };
    Running::serve(&ServerConfig::at(any_port()), answering(refuse), Shutdown::new())
}

/// Writes all of a request, then reads all of the answer.
async fn write_then_read(address: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_client_that_writes_ten_megabytes_first() {
    let server = refusing();
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY_BYTES}\r\n\r\n");
    let body = vec![b'x'; BODY_BYTES];
    for round in 0..ROUNDS {
        let answer = write_then_read(server.address, &head, &body).await;
        let answer = answer.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("too much"), "round {round}: {answer}");
        assert!(answer.contains("connection: close"), "a client must not send more on it: {answer}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_a_client_that_does_not_say_how_much_it_writes() {
    let server = refusing();
    let head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let body = chunk.repeat(BODY_BYTES >> 16) + "0\r\n\r\n";
    for round in 0..ROUNDS {
        let answer = write_then_read(server.address, head, body.as_bytes()).await;
        let answer = answer.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("too much"), "round {round}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_whose_requests_came_whole_is_kept() {
    let service = tower::service_fn(|request: Request<Body>| async {
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok::<_, Infallible>(Response::new(Body::new(Full::new(body))))
    });
    let server = Running::serve(&ServerConfig::at(any_port()), service, Shutdown::new());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for body in ["first", "third"] {
        stream
            .write_all(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{body}").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        while !answer.ends_with(body) {
            let mut part = [0; 1024];
            let count = stream.read(&mut part).await.unwrap();
            assert!(count > 0, "closed after {answer}");
            answer += &String::from_utf8_lossy(&part[..count]);
        }
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    server.shutdown.begin();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "closed at once, although this client keeps its side open");
    assert_eq!(server.ended().await.cut, 0);
}

/// What a proxy in front may have followed is gone when the parser is done with it, also where requests come together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_two_lengths_is_refused_wherever_in_a_packet_it_comes() {
    let served = |_: &Request<Body>| Response::new(Body::new(Full::new(Bytes::from_static(b"served"))));
    let server = Running::serve(&ServerConfig::at(any_port()), answering(served), Shutdown::new());
    let get = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let both = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let length = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nbytes";
    for before in [vec![], vec![get], vec![get, get, get], vec![length], vec![get, length, length, get]] {
        let head = before.concat();
        let answer = write_then_read(server.address, &head, format!("{both}{get}").as_bytes()).await.unwrap();
        let count = |status: &str| answer.matches(&format!("HTTP/1.1 {status} ")).count();
        assert_eq!((count("200"), count("400")), (before.len(), 1), "{head}{both}: {answer}");
        assert!(answer.contains("both content-length and transfer-encoding"), "{answer}");
    }
    server.stop().await;
}
