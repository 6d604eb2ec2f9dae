//! Which requests open a socket, and how one is closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mainstay_gateway::Config;
use mainstay_layers::Body;
use mainstay_runtime::channel::Reply;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::support::websocket::{Socket, listen, reason};
use crate::support::{Harness, full, library, operator};

const GET_BOOK: &str = "library.v1.BookService/GetBook";

#[tokio::test]
async fn a_request_that_asks_for_no_socket_is_told_what_it_takes() {
    let at = listen(Harness::start().await);
    let plain = at.harness.get("/ws").await;
    assert_eq!(
        (plain.status, &plain.headers["upgrade"]),
        (StatusCode::UPGRADE_REQUIRED, &"websocket".parse().unwrap())
    );
    let posted = at.harness.post("/ws", "{}").await;
    assert_eq!(
        (posted.status, &posted.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, OPTIONS".parse().unwrap())
    );
    for (header, value, status, names) in [
        ("sec-websocket-protocol", "graphql-ws, mqtt", 400, "sec-websocket-protocol"),
        ("sec-websocket-version", "8", 426, "sec-websocket-version"),
        ("sec-websocket-key", "short", 400, "content-type"),
        ("upgrade", "h2c", 426, "upgrade"),
    ] {
        let refused = Socket::ask(at.address, &[(header, value)]).await.err().expect("it is refused");
        assert_eq!(refused.status, status, "{header}");
        assert!(refused.headers.contains_key(names), "{header}: {refused:?}");
    }
    Socket::ask(at.address, &[("sec-websocket-protocol", "mqtt, mainstay.v1.json")]).await.unwrap();
}

#[tokio::test]
async fn no_socket_is_opened_where_none_is_wanted() {
    let config = Config { websocket: false, ..Config::default() };
    let at = listen(Harness::with(config, Some(library()), None).await);
    let refused = Socket::ask(at.address, &[]).await.err().expect("it is refused");
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

/// S26: a browser opens a socket for whichever page asks, and sends its cookies along.
#[tokio::test]
async fn s26_a_page_of_another_origin_opens_no_socket() {
    let mut config = Config::default();
    config.cors.origins = serde_json::from_value(json!(["https://app.example.com"])).unwrap();
    let at = listen(Harness::with(config.clone(), Some(library()), None).await);
    let own = format!("http://{}", at.address);
    let cookie = format!("__Host-mainstay-access=1.{}", operator().trim_start_matches("Bearer "));
    let ask = async |headers: &[(&'static str, &str)]| match Socket::ask(at.address, headers).await {
        Ok(_) => 101,
        Err(refused) => refused.status.as_u16(),
    };
    assert_eq!(ask(&[]).await, 101, "it is no browser");
    assert_eq!(ask(&[("origin", &own)]).await, 101);
    assert_eq!(ask(&[("origin", "https://app.example.com")]).await, 101);
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1", "https://app.example.com.evil.example"] {
        assert_eq!(ask(&[("origin", foreign)]).await, 403, "{foreign}");
        assert_eq!(ask(&[("origin", foreign), ("cookie", &cookie)]).await, 403, "{foreign}");
        let token = operator();
        assert_eq!(ask(&[("origin", foreign), ("authorization", &token)]).await, 403, "{foreign}");
    }
    assert_eq!(ask(&[("origin", &own), ("cookie", &cookie)]).await, 101);
    assert_eq!(ask(&[("cookie", &cookie)]).await, 403, "it says of no page that it is one's");
    assert_eq!(ask(&[("cookie", &cookie), ("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(ask(&[("origin", "https://app.example.com"), ("cookie", &cookie)]).await, 403, "without `credentials`");
    config.cors.credentials = true;
    let at = listen(Harness::with(config, Some(library()), None).await);
    let headers = [("origin", "https://app.example.com"), ("cookie", cookie.as_str())];
    let mut socket = Socket::ask(at.address, &headers).await.unwrap();
    assert_eq!(socket.heard().await, json!({"auth": {}}));
}

#[tokio::test]
async fn what_a_request_shows_is_looked_at_before_the_socket_opens() {
    let at = listen(Harness::start().await);
    let token = operator();
    let mut socket = Socket::ask(at.address, &[("authorization", &token)]).await.unwrap();
    assert_eq!(socket.heard().await, json!({"auth": {}}));
    let check = socket.call(1, "mainstay.data.v1.ContractService/CheckContract", json!({})).await;
    assert_eq!(check.get("error"), None, "{check}");
    let refused = Socket::ask(at.address, &[("authorization", "Bearer nonsense")]).await.err().expect("it is refused");
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    // What a browser keeps may be over, and its page says more.
    let own = format!("http://{}", at.address);
    let over = [("origin", own.as_str()), ("cookie", "__Host-mainstay-access=1.nonsense")];
    let mut socket = Socket::ask(at.address, &over).await.unwrap();
    let check = socket.call(1, "mainstay.data.v1.ContractService/CheckContract", json!({})).await;
    assert_eq!(reason(&check), "UNAUTHENTICATED");
}

#[tokio::test]
async fn what_is_no_frame_closes_the_socket_with_a_code_that_says_why() {
    let at = listen(Harness::start().await);
    let large = format!("{{\"id\":1,\"message\":\"{}\"}}", "x".repeat(5 << 20));
    for (message, code) in [(Message::Binary(vec![1, 2].into()), 1003), (Message::Text(large.into()), 1009)] {
        let mut socket = Socket::open(at.address).await;
        // What is too large is not read to its end.
        let _ = socket.0.send(message).await;
        assert_eq!(socket.closed().await.0, code);
    }
    for (frame, place) in [
        ("{", "line 1 column"),
        ("[]", "JSON object"),
        ("{\"id\":1,\"metod\":\"x\"}", "metod"),
        ("{\"id\":3,\"message\":{}}", "call 3"),
    ] {
        let mut socket = Socket::open(at.address).await;
        socket.0.send(Message::Text(frame.into())).await.unwrap();
        let said = socket.heard().await;
        assert!(said["error"]["message"].as_str().is_some_and(|message| message.contains(place)), "{frame}: {said}");
        assert_eq!(socket.closed().await, (1008, "MALFORMED_REQUEST".to_owned()), "{frame}");
    }
    let mut socket = Socket::open(at.address).await;
    socket.call(5, GET_BOOK, json!({"name": "books/1"})).await;
    socket.say(json!({"id": 5, "method": GET_BOOK, "message": {}})).await;
    assert_eq!(reason(&socket.heard().await), "MALFORMED_REQUEST");
    assert_eq!(socket.closed().await.0, 1008);
}

/// A connection on which WebSocket is spoken from here on.
async fn upgraded(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                sec-websocket-protocol: mainstay.v1.json\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(answer.starts_with("http/1.1 101 ") && answer.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
    stream
}

/// A text that is not UTF-8, and a frame without a mask: no client library sends them.
#[tokio::test]
async fn raw_bytes_that_are_no_websocket_close_it_as_well() {
    let at = listen(Harness::start().await);
    for (frame, code) in [(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe][..], 1007), (&[0x81, 0x02, b'{', b'}'][..], 1002)] {
        let mut stream = upgraded(at.address).await;
        stream.write_all(frame).await.unwrap();
        let mut close = [0; 4];
        stream.read_exact(&mut close).await.unwrap();
        assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, code));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_not_waited_for() {
    let at = listen(Harness::start().await);
    let mut socket = Socket::open(at.address).await;
    assert_eq!(socket.closed().await, (1008, "nothing was said".to_owned()));
}

/// What lives answers pings, whether it says anything or not.
#[tokio::test(start_paused = true)]
async fn whoever_is_gone_is_noticed_and_whoever_is_idle_is_told() {
    let at = listen(Harness::start().await);
    let mut silent = upgraded(at.address).await;
    silent.write_all(b"\x81\x8b\0\0\0\0{\"auth\":{}}").await.unwrap();
    let since = Instant::now();
    let mut heard = Vec::new();
    silent.read_to_end(&mut heard).await.unwrap();
    let ping = [0x89, 0].as_slice();
    assert_eq!(heard, [b"\x81\x0b{\"auth\":{}}", ping, ping, ping].concat());
    assert!((45..=75).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());

    let mut idle = Socket::open(at.address).await;
    idle.call(1, GET_BOOK, json!({"name": "books/1"})).await;
    let since = Instant::now();
    assert_eq!(idle.closed().await.0, 1000);
    assert!((600..=630).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_server_that_stops_lets_calls_end_and_then_says_that_it_goes() {
    let at = listen(Harness::start().await);
    let go_on = Arc::new(Notify::new());
    let waits = go_on.clone();
    at.harness.data.on_later(&format!("/{GET_BOOK}"), move |heard| {
        let (message, waits) = (heard.message.clone(), waits.clone());
        Box::pin(async move {
            waits.notified().await;
            Ok(Reply::Message(message))
        })
    });
    at.harness.data.on("/library.v1.Library/Follow", |_| Ok(Reply::Stream(futures_util::stream::pending().boxed())));
    let (mut busy, mut follows, mut idle) =
        (Socket::open(at.address).await, Socket::open(at.address).await, Socket::open(at.address).await);
    busy.say(json!({"id": 1, "method": GET_BOOK, "message": {"name": "books/1"}})).await;
    follows.say(json!({"id": 1, "method": "library.v1.Library/Follow", "message": {}})).await;
    idle.call(1, "library.v1.Library/Nothing", json!({})).await;
    while at.harness.data.calls().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    at.shutdown.begin();
    assert_eq!(idle.closed().await.0, 1001);
    busy.say(json!({"id": 2, "method": GET_BOOK, "message": {"name": "books/1"}})).await;
    assert_eq!(reason(&busy.heard().await), "SHUTTING_DOWN", "nothing new begins");
    go_on.notify_one();
    assert_eq!(busy.heard().await["message"]["name"], "books/1", "what was begun is answered");
    assert_eq!(busy.closed().await.0, 1001);
    assert_eq!(reason(&follows.heard().await), "SHUTTING_DOWN");
    assert_eq!(follows.closed().await.0, 1001);
}

/// RFC 8441: the connection carries other requests, and other sockets.
#[tokio::test]
async fn over_http2_a_socket_is_a_stream_beside_others() {
    let at = listen(Harness::start().await);
    let stream = TokioIo::new(TcpStream::connect(at.address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, Body>(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let url = |path| format!("http://{}{path}", at.address);
    let lives = sender.send_request(Request::get(url("/healthz")).body(full("")).unwrap()).await.unwrap();
    assert_eq!(lives.status(), StatusCode::OK);
    let ask = |subprotocol: &str| {
        let request = Request::builder().method(Method::CONNECT).uri(url("/ws"));
        let request = request.header("sec-websocket-version", "13").header("sec-websocket-protocol", subprotocol);
        let mut request = request.body(full("")).unwrap();
        request.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
        request
    };
    assert_eq!(sender.send_request(ask("mqtt")).await.unwrap().status(), StatusCode::BAD_REQUEST);
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let answer = sender.send_request(ask("mainstay.v1.json")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["sec-websocket-protocol"], "mainstay.v1.json");
        let upgraded = hyper::upgrade::on(answer).await.unwrap();
        sockets.push(Socket::over(TokioIo::new(upgraded)).await);
    }
    let many = sender.send_request(ask("mainstay.v1.json")).await.unwrap();
    assert_eq!(many.status(), StatusCode::TOO_MANY_REQUESTS, "each costs what a connection does");
    for socket in &mut sockets {
        assert_eq!(socket.call(1, GET_BOOK, json!({"name": "books/1"})).await["message"]["name"], "books/1");
    }
    let lives = sender.send_request(Request::get(url("/healthz")).body(full("")).unwrap()).await.unwrap();
    assert_eq!(lives.status(), StatusCode::OK);
    at.shutdown.begin();
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.0, 1001);
    }
}
