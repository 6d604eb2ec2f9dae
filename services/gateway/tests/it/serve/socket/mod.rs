//! Over a real socket: one port for both protocols, raw bytes that no client library would send.

mod answered;
mod refused;

use mainstay_runtime::{Server, ServerConfig, Shutdown};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Harness;

const CREATE_BOOK: &str = "/library.v1.BookService/CreateBook";
const GET_BOOK: &str = "/library.v1.BookService/GetBook";
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
