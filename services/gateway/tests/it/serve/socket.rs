//! Over a real socket: one port for both protocols, raw bytes that no client library would send.

use std::net::SocketAddr;

use http::uri::PathAndQuery;
use mainstay_runtime::{RawCodec, Server, ServerConfig, Shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Harness;

const CREATE_BOOK: &str = "/library.v1.BookService/CreateBook";
const CHECK: &str = "/mainstay.data.v1.ContractService/CheckContract";

struct Listening {
    harness: Harness,
    address: SocketAddr,
    shutdown: Shutdown,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shutdown.force();
    }
}

async fn listen() -> Listening {
    let harness = Harness::start().await;
    let server = Server::bind(&ServerConfig::at("127.0.0.1:0".parse().unwrap())).unwrap();
    let (address, shutdown) = (server.address(), Shutdown::new());
    tokio::spawn(server.serve(harness.service.clone(), shutdown.clone()));
    Listening { harness, address, shutdown }
}

/// Sends bytes over HTTP/1.1 and returns what comes back, until the server closes or says nothing more.
async fn http1(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test]
async fn rest_and_grpc_share_the_port() {
    let server = listen().await;
    server.harness.data.on_empty(CREATE_BOOK);
    let body = r#"{"title": "T"}"#;
    let request = format!(
        "POST /library/v1/books HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = http1(server.address, request.as_bytes()).await;
    assert_eq!(status(&answer), "200", "{answer}");
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect().await;
    let mut client = tonic::client::Grpc::new(channel.unwrap());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(CREATE_BOOK);
    let answer = client.unary(tonic::Request::new(bytes::Bytes::from_static(b"x")), path, RawCodec).await;
    assert!(answer.unwrap().into_inner().is_empty());
}

#[tokio::test]
async fn ten_megabytes_are_refused_before_they_are_sent() {
    let server = listen().await;
    // The head alone: had the server waited for the body, there would be no answer.
    let head = b"POST /library/v1/books HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10000000\r\n\r\n";
    let answer = http1(server.address, head).await;
    assert_eq!(status(&answer), "413", "{answer}");
    assert!(answer.contains("PAYLOAD_TOO_LARGE"));
    assert!(server.harness.data.calls().is_empty());
}

/// A client that asks nobody before it sends: the refusal comes while it writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_that_are_sent_all_the_same_are_answered() {
    let server = listen().await;
    let body = vec![b' '; 10_000_000];
    let announced = format!("content-length: {}\r\n\r\n", body.len()).into_bytes();
    let chunked = b"transfer-encoding: chunked\r\n\r\n989680\r\n".to_vec();
    let head = b"POST /library/v1/books HTTP/1.1\r\nhost: x\r\n";
    for (framing, end) in [(announced, &b""[..]), (chunked, b"\r\n0\r\n\r\n")] {
        let request = [head, framing.as_slice(), &body, end].concat();
        for round in 0..20 {
            let answer = http1(server.address, &request).await;
            assert_eq!(status(&answer), "413", "round {round}: {answer}");
            assert!(answer.contains("PAYLOAD_TOO_LARGE"), "round {round}: {answer}");
        }
    }
    assert!(server.harness.data.calls().is_empty());
}

/// The same over HTTP/2, where one stream ends and the connection goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_of_grpc_are_answered_and_the_connection_goes_on() {
    let server = listen().await;
    let url = format!("http://{}", server.address);
    let channel = tonic::transport::Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    let path = || PathAndQuery::from_static(CREATE_BOOK);
    for round in 0..20 {
        client.ready().await.unwrap();
        let message = bytes::Bytes::from(vec![0; 10_000_000]);
        let status = client.unary(tonic::Request::new(message), path(), RawCodec).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted, "round {round}: {status}");
    }
    client.ready().await.unwrap();
    let message = bytes::Bytes::from_static(b"x");
    assert!(client.unary(tonic::Request::new(message), path(), RawCodec).await.is_ok());
}

#[tokio::test]
async fn s17_http1_requests_in_odd_forms_are_refused() {
    let server = listen().await;
    let targets = [
        "library/v1/books",
        "//library/v1/books",
        "/library/v1/books/",
        "/library/v1%2fbooks",
        "/auth/v1/accounts/1:setRoles",
        "http://127.0.0.1/auth/v1/accounts/1:setRoles",
        "http://evil//auth/v1/accounts/1:setRoles",
        "*",
        "/library/v1/books\\..",
        "/library/v1/\u{fc}",
        "127.0.0.1:80",
    ];
    for target in targets {
        let request = format!(
            "POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        let answer = http1(server.address, request.as_bytes()).await;
        let code: u16 = status(&answer).parse().unwrap_or(400);
        assert!((400..500).contains(&code), "{target}: {answer}");
    }
    assert!(server.harness.data.calls().is_empty() && server.harness.auth.calls().is_empty());
}

/// A request over HTTP/2 in raw frames, with pseudo headers as they are given.
async fn http2(address: SocketAddr, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }
    // HPACK literals without indexing, names and values as plain bytes.
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    request.extend(frame(4, 0, 0, &[]));
    request.extend(frame(1, 4, 1, &block));
    request.extend(frame(0, 1, 1, body));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    read_answer(&mut stream).await
}

/// Reads frames until stream 1 or the connection ends; returns the payloads of stream 1.
async fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            break;
        }
        let (kind, flags, id) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        if id == 1 {
            answer.extend(payload);
        }
        let ends = id == 1 && (kind == 3 || (kind <= 1 && flags & 1 == 1));
        if ends || kind == 7 {
            break;
        }
    }
    answer
}

/// S17: whatever the pseudo headers say, a method that the caller may not call is not called.
#[tokio::test]
async fn s17_raw_http2_paths_get_the_canonical_decision_or_none() {
    let server = listen().await;
    server.harness.data.on_empty(CREATE_BOOK);
    let call = async |path: &str, extra: &[(&str, &str)]| {
        let mut headers = vec![(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", path)];
        headers.extend([("content-type", "application/grpc"), ("te", "trailers")]);
        headers.extend(extra);
        http2(server.address, &headers, &[0, 0, 0, 0, 0]).await;
    };
    let bare = CHECK.trim_start_matches('/');
    let lower = CHECK.to_lowercase();
    let paths = [
        CHECK.to_owned(),
        bare.to_owned(),
        format!("/{CHECK}"),
        format!("{CHECK}/"),
        lower,
        CHECK.replace("/C", "%2FC"),
        CHECK.replacen("/mainstay", "/./mainstay", 1),
        format!("{CHECK}#x"),
        format!("http://x{CHECK}"),
        String::new(),
    ];
    for path in &paths {
        call(path, &[]).await;
        call(path, &[("host", "other")]).await;
        call(path, &[("x-mainstay-principal", "operator"), ("x_mainstay_roles", "mainstay.admin")]).await;
    }
    assert!(server.harness.data.calls().is_empty(), "{:?}", server.harness.data.calls());
    call(CREATE_BOOK, &[]).await;
    assert_eq!(&*server.harness.data.only_call().path, CREATE_BOOK, "the frames are good ones");
}
