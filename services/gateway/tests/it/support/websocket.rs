//! A client of WebSockets.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};
use mainstay_runtime::server::Duplex;
use mainstay_runtime::{Server, ServerConfig, Shutdown};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::Harness;

const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that listens.
pub struct Listening {
    pub harness: Harness,
    pub address: SocketAddr,
    pub shutdown: Shutdown,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shutdown.force();
    }
}

pub fn listen(harness: Harness) -> Listening {
    let server = Server::bind(&ServerConfig::at("127.0.0.1:0".parse().unwrap())).unwrap();
    let (address, shutdown) = (server.address(), Shutdown::new());
    tokio::spawn(server.serve(harness.service.clone(), shutdown.clone()));
    Listening { harness, address, shutdown }
}

/// An open socket.
pub struct Socket(pub WebSocketStream<Box<dyn Duplex>>);

/// Why a socket was not opened.
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

impl Socket {
    /// Asks for a socket with these headers; one without a value is left out.
    pub async fn ask(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Socket, Refused> {
        let stream: Box<dyn Duplex> = Box::new(TcpStream::connect(address).await.unwrap());
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "mainstay.v1.json".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(response)) => {
                Err(Refused { status: response.status(), headers: response.headers().clone() })
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// What comes and goes over a stream of HTTP/2.
    pub async fn over(stream: impl Duplex + 'static) -> Socket {
        let stream: Box<dyn Duplex> = Box::new(stream);
        Socket(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }

    /// Opens one as nobody.
    pub async fn open(address: SocketAddr) -> Socket {
        Socket::ask(address, &[]).await.unwrap()
    }

    pub async fn say(&mut self, frame: Value) {
        self.0.send(Message::Text(frame.to_string().into())).await.unwrap();
    }

    /// The next frame.
    pub async fn heard(&mut self) -> Value {
        match timeout(PATIENCE, self.0.next()).await.expect("something is said") {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Ping(_))) => Box::pin(self.heard()).await,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a call of one message, and gives what is said of it.
    pub async fn call(&mut self, id: u64, method: &str, message: Value) -> Value {
        self.say(json!({"id": id, "method": method, "message": message})).await;
        let heard = self.heard().await;
        assert_eq!(heard["id"], id, "{heard}");
        heard
    }

    /// The code and the reason with which the socket is closed.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("it is closed") {
                Some(Ok(Message::Close(Some(close)))) => return (close.code.into(), close.reason.to_string()),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The reason in the error of a frame.
pub fn reason(frame: &Value) -> &str {
    let error = frame.get("error").unwrap_or(&frame["auth"]["error"]);
    error["details"][0]["reason"].as_str().unwrap_or_else(|| panic!("no reason in {frame}"))
}
