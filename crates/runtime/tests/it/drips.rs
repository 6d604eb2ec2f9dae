//! Clients over HTTP/1.1 that send byte by byte, for ever: each is cut within a limit that is documented, whatever it drips.

use crate::echo::{Running, any_port, guards};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use http_body_util::{BodyExt as _, Full};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{
    Access, BODY_TIMEOUT, Body, Cookies, Cors, Effect, Endpoint, Exchange, Guards, Messages, Native, Resolved,
    Timeouts, stack,
};
use mainstay_runtime::server::{DEFAULT_KEEP_ALIVE, HEAD_TIMEOUT, LINGER_TIMEOUT, SMALL_REST_TIMEOUT};
use mainstay_runtime::{ServerConfig, Shutdown};
use mainstay_telemetry::{Metrics, Telemetry};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Answers GET at once and POST when its body has come; refuses other methods without looking at theirs.
struct Reader(Metrics);

impl Endpoint for Reader {
    type Protocol = Native;
    type Target = ();

    fn resolve(&self, parts: &Parts, _: Native) -> Result<Resolved<()>, Fault> {
        if parts.method != Method::GET && parts.method != Method::POST {
            return Err(Fault::new(Reason::MethodNotAllowed));
        }
        let route = self.0.unresolved().clone();
        Ok(Resolved {
            target: (),
            access: Access::Anyone,
            effect: Effect::Reads,
            takes: Messages::One,
            cookies: Cookies::Ignored,
            streams: false,
            route,
        })
    }

    async fn handle(&self, exchange: Exchange<()>) -> Result<Response<Body>, Fault> {
        let (parts, body) = exchange.request.into_parts();
        if parts.method == Method::POST {
            body.collect().await.map_err(|_| Fault::new(Reason::RequestTimeout))?;
        }
        Ok(Response::new(Body::new(Full::new(Bytes::from_static(b"answered")))))
    }
}

fn server() -> Running {
    let reader = Reader(Telemetry::quiet().metrics().clone());
    // Deadlines go by a clock that does not stand still.
    let patient = Duration::from_secs(24 * 3_600);
    let guards = Guards { timeouts: Timeouts { default: patient, max: patient }, ..guards() };
    Running::serve(&ServerConfig::at(any_port()), stack::edge(reader, guards, Cors::none()), Shutdown::new())
}

/// Reads until an answer has come.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut part = [0; 4096];
    while !answer.ends_with("answered") && !answer.ends_with('}') {
        let count = timeout(Duration::from_secs(5), stream.read(&mut part)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {answer:?}");
        answer += &String::from_utf8_lossy(&part[..count]);
    }
    answer
}

/// Drips what comes round again and again, `step` after `step`, until the server has closed the connection. Says how long it
/// took, and what the server said.
async fn dripped(mut stream: TcpStream, drops: &[u8], step: Duration) -> (Duration, String) {
    // The clock goes on without waiting for what the other side acknowledges.
    stream.set_nodelay(true).unwrap();
    let began = Instant::now();
    let (mut said, mut part) = (String::new(), [0; 4096]);
    for drop in drops.iter().cycle() {
        // Once it is closed at the other side, writing fails; what was said before is still read.
        let is_open = stream.write_all(std::slice::from_ref(drop)).await.is_ok();
        loop {
            match timeout(step, stream.read(&mut part)).await {
                Err(_) if is_open => break,
                Ok(Ok(count)) if count > 0 => said += &String::from_utf8_lossy(&part[..count]),
                // Our own side stays open: it is dripped into what the server throws away, until that resets it.
                Ok(Ok(_)) if is_open => {
                    sleep(step).await;
                    break;
                }
                _ => return (began.elapsed(), said),
            }
        }
        assert!(began.elapsed() < Duration::from_secs(600), "it is never cut: {said}");
    }
    (began.elapsed(), said)
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_cut() {
    let server = server();
    for (begin, drops) in [
        ("", "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("GET /", "a"),
        ("GET / HTTP/1.1\r\nhost: x\r\nx-a: ", "a"),
        ("GET / HTTP/1.1\r\nhost: x\r\n", "a: b\r\n"),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n", "x: y\r\n"),
        ("\r\n\r\n", "\r\n"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let (took, said) = dripped(stream, drops.as_bytes(), SECOND).await;
        assert!(took <= HEAD_TIMEOUT + LINGER_TIMEOUT + 5 * SECOND, "{begin:?} {drops:?}: {took:?}");
        assert!(!said.contains(" 200 "), "{begin:?}: {said}");
    }
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_next_head_on_a_kept_connection_is_cut_as_well() {
    let server = server();
    for before in ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nb"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(before.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.contains(" 200 "));
        sleep(DEFAULT_KEEP_ALIVE / 2).await;
        let (took, _) = dripped(stream, b"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", SECOND).await;
        assert!(took <= HEAD_TIMEOUT + LINGER_TIMEOUT + 5 * SECOND, "{before:?}: {took:?}");
    }
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_behind_a_request_in_one_packet_is_cut() {
    let server = server();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /").await.unwrap();
    assert!(answer(&mut stream).await.contains(" 200 "));
    let (took, _) = dripped(stream, b"a", SECOND).await;
    assert!(took <= DEFAULT_KEEP_ALIVE + LINGER_TIMEOUT + 5 * SECOND, "{took:?}");
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_cut_however_it_is_written() {
    let server = server();
    let chunked = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    for (begin, drops) in [
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n".to_owned(), "a"),
        (chunked.to_owned(), "1\r\na\r\n"),
        (format!("{chunked}fffff\r\n"), "a"),
        (format!("{chunked}1"), "0"),
        (format!("{chunked}1;"), "a"),
        (format!("{chunked}0\r\n"), "x: y\r\n"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let (took, said) = dripped(stream, drops.as_bytes(), SECOND).await;
        assert!(took <= BODY_TIMEOUT + LINGER_TIMEOUT + 5 * SECOND, "{begin:?} {drops:?}: {took:?}");
        assert!(said.starts_with("HTTP/1.1 4") && said.contains("connection: close"), "{begin:?} {drops:?}: {said}");
    }
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_after_its_answer_is_cut() {
    let server = server();
    for of in ["content-length: 5", "content-length: 100000", "transfer-encoding: chunked"] {
        for method in ["GET", "PUT"] {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(format!("{method} / HTTP/1.1\r\nhost: x\r\n{of}\r\n\r\n").as_bytes()).await.unwrap();
            let (took, said) = dripped(stream, b"1\r\na\r\n", SECOND).await;
            assert!(took <= LINGER_TIMEOUT + 5 * SECOND, "{method} {of}: {took:?}");
            assert!(said.contains("connection: close"), "{method} {of}: {said}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_connection_is_kept_where_the_body_of_what_was_answered_comes_soon() {
    let server = server();
    for (method, status) in [("PUT", 405), ("GET", 200)] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        for round in 0..3 {
            let head = format!("{method} / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            sleep(SMALL_REST_TIMEOUT / 10).await;
            stream.write_all(b"late").await.unwrap();
            let answer = answer(&mut stream).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{round}: {answer}");
            assert!(!answer.contains("connection: close"), "{round}: {answer}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_comes_too_late_is_never_taken_for_the_next_request() {
    let server = server();
    for method in ["PUT", "GET"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
        let head = format!("{method} / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", smuggled.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let said = answer(&mut stream).await;
        assert!(said.contains("connection: close"), "{method}: {said}");
        sleep(2 * SMALL_REST_TIMEOUT).await;
        let _ = stream.write_all(smuggled.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut rest = String::new();
        let _ = stream.read_to_string(&mut rest).await;
        assert_eq!(rest, "", "{method}");
    }
    server.stop().await;
}
