//! The PROXY protocol: who is believed, and what comes of one who does not keep to it.

use crate::echo::{Running, answering, any_port};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use mainstay_layers::{Body, Peer, TrustedProxies};
use mainstay_runtime::server::PROXY_HEADER_TIMEOUT;
use mainstay_runtime::{ServerConfig, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GET_AND_CLOSE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers with the address that the request came from.
struct Served {
    server: Running,
    asked: Arc<AtomicUsize>,
}

impl Served {
    fn new(trusted: &str, proxy_protocol: bool, max_connections_per_peer: usize) -> Served {
        let trusted_proxies = TrustedProxies::new([trusted]).unwrap();
        let config =
            ServerConfig { trusted_proxies, proxy_protocol, max_connections_per_peer, ..ServerConfig::at(any_port()) };
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let answer = move |request: &Request<Body>| {
            count.fetch_add(1, Ordering::Relaxed);
            let peer = request.extensions().get::<Peer>().map(|peer| peer.address.to_string());
            Response::new(Body::new(Full::new(Bytes::from(peer.unwrap_or_default()))))
        };
        Served { server: Running::serve(&config, answering(answer), Shutdown::new()), asked }
    }

    /// What is answered to these bytes, to the end of the connection.
    async fn answer(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Opens a connection of a client behind the proxy and keeps it; nothing where it is closed.
    async fn kept(&self, client: &str) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        let begin = format!("PROXY TCP4 {client} 10.0.0.1 1 2\r\n{GET}");
        stream.write_all(begin.as_bytes()).await.unwrap();
        let count = timeout(PATIENCE, stream.read(&mut [0; 100])).await.unwrap().unwrap_or(0);
        (count > 0).then_some(stream)
    }
}

fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length, rest].concat()
}

#[tokio::test]
async fn a_trusted_proxy_says_whose_connection_it_passes_on() {
    let served = Served::new("127.0.0.1", true, 100);
    let v4 = [198, 51, 100, 7, 10, 0, 0, 1, 0, 1, 0, 2];
    for (header, peer) in [
        (b"PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n".to_vec(), "198.51.100.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (binary(0x21, 0x11, &v4), "198.51.100.7"),
        (binary(0x21, 0x11, &[&v4[..], &[3, 0, 4, 1, 2, 3, 4]].concat()), "198.51.100.7"),
        (binary(0x20, 0, &[]), "127.0.0.1"),
    ] {
        let answer = served.answer(&[&header[..], GET_AND_CLOSE.as_bytes()].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&format!("\r\n\r\n{peer}")), "{answer}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_that_does_not_say_it_is_not_served() {
    let served = Served::new("127.0.0.0/8", true, 100);
    for begin in
        ["", "PROXY TCP4 nobody 10.0.0.1 1 2\r\n", "PROXY TCP4 198.51.100.7 10.0.0.1 1 2\n", "proxy unknown\r\n"]
    {
        let answer = served.answer(format!("{begin}{GET_AND_CLOSE}").as_bytes()).await;
        assert_eq!(answer, "", "{begin:?}");
    }
    let began = Instant::now();
    let mut silent = TcpStream::connect(served.server.address).await.unwrap();
    silent.write_all(b"PROXY TCP4 198.51").await.unwrap();
    let count = timeout(PATIENCE, silent.read(&mut [0; 1])).await.unwrap().unwrap_or(0);
    assert_eq!(count, 0, "it is closed");
    assert!(began.elapsed() >= PROXY_HEADER_TIMEOUT, "{:?}", began.elapsed());
    assert_eq!(served.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn nobody_else_says_whose_connection_it_is() {
    let headers = [b"PROXY TCP4 127.0.0.1 10.0.0.1 1 2\r\n".to_vec(), binary(0x20, 0, &[])];
    for served in [Served::new("10.0.0.0/8", true, 100), Served::new("127.0.0.1", false, 100)] {
        for header in &headers {
            let answer = served.answer(&[&header[..], GET_AND_CLOSE.as_bytes()].concat()).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
        }
        assert_eq!(served.asked.load(Ordering::Relaxed), 0);
        assert!(served.answer(GET_AND_CLOSE.as_bytes()).await.ends_with("127.0.0.1"));
    }
}

#[tokio::test]
async fn the_connections_of_each_client_behind_a_proxy_count_by_themselves() {
    let served = Served::new("127.0.0.1", true, 2);
    let first = served.kept("198.51.100.7").await.unwrap();
    let _second = served.kept("198.51.100.7").await.unwrap();
    assert!(served.kept("198.51.100.7").await.is_none(), "it has as many as it may have");
    let _other = served.kept("198.51.100.8").await.unwrap();
    drop(first);
    let again = async {
        while served.kept("198.51.100.7").await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}
