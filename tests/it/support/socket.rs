//! A WebSocket to the gateway.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one with these headers.
    pub async fn open(address: &str, headers: &[(&'static str, &str)]) -> Socket {
        let stream = TcpStream::connect(address).await.expect("the gateway listens");
        let mut request = format!("ws://{address}/ws").into_client_request().expect("a request");
        for (name, value) in [("sec-websocket-protocol", "mainstay.v1.json")].iter().chain(headers) {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        Socket(client_async(request, stream).await.expect("the socket opens").0)
    }

    /// Opens one, and says who calls.
    pub async fn of(address: &str, token: &str) -> Socket {
        let mut socket = Socket::open(address, &[]).await;
        socket.say(json!({"auth": {"token": token}})).await;
        let known = socket.heard().await;
        assert!(known["auth"].get("error").is_none(), "{known}");
        socket
    }

    /// Says a frame.
    pub async fn say(&mut self, frame: Value) {
        self.0.send(Message::Text(frame.to_string().into())).await.expect("the socket is open");
    }

    /// The next frame.
    pub async fn heard(&mut self) -> Value {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("a frame is JSON"),
                    Some(Ok(Message::Ping(_))) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("something is said")
    }
}
