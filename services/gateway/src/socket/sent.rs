//! What goes out over a socket: in the order in which it was said, no faster than its client takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::{Sink, SinkExt as _};
use mainstay_layers::{Answers, Counted};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// Something to be sent.
pub enum Sent {
    /// A frame, which counts among the unsent answers of its connection until it has left.
    Frame(String, Counted),
    Ping,
    Close(Close),
}

/// Why a socket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    pub code: CloseCode,
    pub why: &'static str,
}

impl From<Close> for CloseFrame {
    fn from(close: Close) -> CloseFrame {
        CloseFrame { code: close.code, reason: close.why.into() }
    }
}

/// Where frames go. Cheap to clone.
#[derive(Clone)]
pub struct Out {
    pub queue: mpsc::Sender<Sent>,
    pub answers: Answers,
}

impl Out {
    /// Sends a frame, once there is room. Whether anybody is there any more, whoever reads finds out.
    pub async fn send(&self, frame: String) {
        let counted = self.answers.count(frame.len());
        self.send_counted(frame, counted).await;
    }

    /// The same of a frame whose bytes have been counted since it was made.
    pub async fn send_counted(&self, frame: String, counted: Counted) {
        let _ = self.queue.send(Sent::Frame(frame, counted)).await;
    }
}

/// Writes what is to be sent, until there is nothing more, or nobody to send it to. `asked` counts the pings that have left.
pub async fn write(
    mut sink: impl Sink<Message, Error = Error> + Unpin,
    mut queue: mpsc::Receiver<Sent>,
    asked: Arc<AtomicU32>,
) -> Result<(), Error> {
    // What was handed over before the last frame has left: room for that was made by sending it.
    let mut last = None;
    while let Some(next) = queue.recv().await {
        match next {
            Sent::Frame(text, counted) => {
                sink.feed(Message::Text(text.into())).await?;
                last = Some(counted);
            }
            Sent::Ping => {
                sink.send(Message::Ping(Bytes::new())).await?;
                last = None;
                asked.fetch_add(1, Ordering::Relaxed);
            }
            Sent::Close(close) => return sink.send(Message::Close(Some(close.into()))).await,
        }
        // What is there already goes out together.
        if queue.is_empty() {
            sink.flush().await?;
            last = None;
        }
    }
    drop(last);
    Ok(())
}
