//! Answers that nobody reads: they take so much, and others go on.

use crate::echo::{Running, any_port, guards};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_fault::Fault;
use mainstay_layers::{
    Access, Body, Cookies, Cors, Effect, Endpoint, Exchange, Messages, Native, Resolved, UNSENT_GRACE, stack,
};
use mainstay_runtime::server::WRITE_STALL_TIMEOUT;
use mainstay_runtime::{ServerConfig, Shutdown};
use mainstay_telemetry::{Metrics, Telemetry};
use mainstay_testkit::hoard::{asking, frame, hoarder, slow_reader};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

const MIB: usize = 1 << 20;

/// Answers `/bytes` with so many bytes, and knows how many of all answers are in memory.
struct Large {
    held: Arc<AtomicUsize>,
    metrics: Metrics,
}

/// The bytes of an answer, as long as somebody has them.
struct Kept(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), Ordering::SeqCst);
    }
}

impl Endpoint for Large {
    type Protocol = Native;
    type Target = usize;

    fn resolve(&self, parts: &Parts, _: Native) -> Result<Resolved<usize>, Fault> {
        let target = parts.uri.path()[1..].parse().unwrap();
        let route = self.metrics.unresolved().clone();
        Ok(Resolved {
            target,
            access: Access::Anyone,
            effect: Effect::Reads,
            takes: Messages::One,
            cookies: Cookies::Ignored,
            streams: false,
            route,
        })
    }

    async fn handle(&self, exchange: Exchange<usize>) -> Result<Response<Body>, Fault> {
        self.held.fetch_add(exchange.target, Ordering::SeqCst);
        let kept = Kept(vec![b'x'; exchange.target], self.held.clone());
        Ok(Response::new(Body::new(Full::new(Bytes::from_owner(kept)))))
    }
}

/// A server with room for so many bytes, and what its answers take.
fn server(max_unsent_bytes: usize) -> (Running, Arc<AtomicUsize>) {
    let held = Arc::new(AtomicUsize::new(0));
    let large = Large { held: held.clone(), metrics: Telemetry::quiet().metrics().clone() };
    let config = ServerConfig { max_unsent_bytes, ..ServerConfig::at(any_port()) };
    (Running::serve(&config, stack::edge(large, guards(), Cors::none()), Shutdown::new()), held)
}

/// What somebody else gets.
async fn get(server: &Running, path: &str) -> (u16, usize) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::builder().uri(format!("http://x{path}")).body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let (status, body) = (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes());
    drop(sender);
    let _ = connection.await;
    (status, body.len())
}

/// Waits until what is held does not change any more.
async fn settled(held: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    loop {
        sleep(Duration::from_millis(200)).await;
        let now = held.load(Ordering::SeqCst);
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_behind_closed_windows_take_no_more_than_their_room_and_others_are_served() {
    let (server, held) = server(32 * MIB);
    let size = 334 << 10;
    let path = format!("/{size}");
    let mut hoarders = Vec::new();
    for _ in 0..10 {
        hoarders.push(hoarder(server.address, 100, &path).await.unwrap());
    }
    let all = settled(&held).await;
    assert!(all <= 32 * MIB && all > 16 * MIB, "{} MiB of {}", all / MIB, 10 * 100 * size / MIB);
    let began = Instant::now();
    for path in ["/100", &path, "/1000000"] {
        assert_eq!(get(&server, path).await, (200, path[1..].parse().unwrap()));
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    drop(hoarders);
    assert_eq!(settled(&held).await, 0, "all of it is given back");
}

#[tokio::test]
async fn an_answer_that_has_no_room_says_so_and_a_small_one_always_has() {
    let (server, held) = server(4 * MIB);
    let mut hoarder = hoarder(server.address, 5, &format!("/{MIB}")).await.unwrap();
    let all = settled(&held).await;
    assert_eq!(all, 2 * MIB, "half of the room");
    let window = [frame(8, 0, 0, &[0, 64, 0, 0]), frame(8, 0, 9, &[0, 64, 0, 0])].concat();
    hoarder.write_all(&window).await.unwrap();
    hoarder.write_all(&asking(11, "/10")).await.unwrap();
    hoarder.write_all(&frame(8, 0, 11, &[0, 0, 64, 0])).await.unwrap();
    let mut read = vec![0; 64 << 10];
    let mut seen = Vec::new();
    while !seen.windows(10).any(|part| part == b"xxxxxxxxxx") {
        let count = timeout(Duration::from_secs(5), hoarder.read(&mut read)).await.unwrap().unwrap();
        seen.extend_from_slice(&read[..count]);
    }
    assert!(String::from_utf8_lossy(&seen).contains("ANSWERS_UNREAD"), "the fifth was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_take_nothing_give_way_to_one_that_comes() {
    let (server, held) = server(40 * MIB);
    let path = format!("/{}", 8 * MIB);
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(slow_reader(server.address, &path).await.unwrap());
    }
    let all = settled(&held).await;
    assert!((16 * MIB..=40 * MIB).contains(&all), "{} MiB", all / MIB);
    // The first that comes finds out who is slow, the next one that they stayed so.
    get(&server, &path).await;
    sleep(UNSENT_GRACE + Duration::from_millis(100)).await;
    let mut whole = false;
    for _ in 0..10 {
        whole |= get(&server, &path).await == (200, 8 * MIB);
    }
    assert!(whole, "somebody who reads gets an answer");
    assert!(settled(&held).await <= 40 * MIB);
    drop(readers);
    assert_eq!(settled(&held).await, 0);
}

/// A stream whose window stays closed is reset, whatever else its connection does.
#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_up_by_itself() {
    let (server, held) = server(32 * MIB);
    let mut hoarder = hoarder(server.address, 1, "/100000").await.unwrap();
    assert_eq!(settled(&held).await, 100_000);
    tokio::time::pause();
    tokio::time::advance(WRITE_STALL_TIMEOUT + Duration::from_secs(1)).await;
    tokio::time::resume();
    let reset = async {
        let mut head = [0; 9];
        loop {
            hoarder.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            hoarder.read_exact(&mut payload).await.unwrap();
            if head[3] == 3 {
                return u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(5), reset).await.unwrap(), 1);
    assert_eq!(settled(&held).await, 0);
}
