//! The body of a streamed answer over REST: each message as it comes, and what tells the client that the stream lives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::Frame;
use mainstay_fault::Fault;
use mainstay_runtime::channel::Messages;
use mainstay_wire::frame;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tonic::Status;

use super::format::{Format, Item};
use crate::protocol::Found;
use crate::protocol::compressed::Coder;
use crate::snapshot::{Cursor, CursorKind};
use crate::transcode::{self, Wanted};

/// How long the head of an answer waits for the first message: what goes wrong before it has a status of its own.
pub const FIRST_MESSAGE_WAIT: Duration = Duration::from_secs(1);

/// How often a stream on which nothing comes shows that it lives. Proxies close what is silent, often after 30 or 60 s; so does
/// a client that counts on a sign every 15 s.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// What came first.
type First = Option<Result<Bytes, Fault>>;

/// Waits for the first message. Fails where the stream fails before it; nothing where it takes its time.
pub async fn first(messages: &mut Messages) -> Result<Option<First>, Fault> {
    match timeout(FIRST_MESSAGE_WAIT, messages.next()).await {
        Ok(Some(Err(fault))) => Err(fault),
        Ok(first) => Ok(Some(first)),
        Err(_) => Ok(None),
    }
}

/// The body.
pub struct Streamed {
    writer: Writer,
    messages: Messages,
    first: Option<First>,
    coder: Option<Coder>,
    /// When a sign of life is due, if nothing else is written.
    heartbeat: Pin<Box<Sleep>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Open,
    Over,
}

impl Streamed {
    pub fn new(writer: Writer, messages: Messages, first: Option<First>, coder: Option<Coder>) -> Streamed {
        Streamed { writer, messages, first, coder, heartbeat: Box::pin(sleep(HEARTBEAT)), state: State::Fresh }
    }

    /// Compresses what was written, where the caller reads it so. What ends a compressed body is written even if nothing else is.
    fn coded(&mut self, out: Vec<u8>) -> std::io::Result<Vec<u8>> {
        match &mut self.coder {
            Some(coder) if !out.is_empty() || self.state == State::Over => coder.piece(&out, self.state == State::Over),
            _ => Ok(out),
        }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<First> {
        match self.first.take() {
            Some(first) => Poll::Ready(first),
            None => self.messages.poll_next_unpin(cx),
        }
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let mut out = Vec::new();
        match this.state {
            State::Over => return Poll::Ready(None),
            State::Fresh => {
                this.state = State::Open;
                this.writer.format.write(&Item::Begin, &mut out);
            }
            State::Open => {}
        }
        match this.poll_item(cx) {
            Poll::Ready(item) => this.state = this.writer.item(item, &mut out),
            // What begins the stream goes out at once: whoever waits for the head waits for it.
            Poll::Pending if out.is_empty() => {
                ready!(this.heartbeat.as_mut().poll(cx));
                this.writer.format.write(&Item::Heartbeat, &mut out);
            }
            Poll::Pending => {}
        }
        this.heartbeat.as_mut().reset(Instant::now() + HEARTBEAT);
        let out = match this.coded(out) {
            Ok(out) => out,
            Err(error) => return Poll::Ready(Some(Err(Fault::internal(error).into()))),
        };
        if out.is_empty() {
            // A form without a heartbeat, or without an end.
            if this.state == State::Over {
                return Poll::Ready(None);
            }
            let _ = this.heartbeat.as_mut().poll(cx);
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))))
    }
}

/// Writes the messages of a stream.
pub struct Writer {
    pub found: Found,
    pub wanted: Wanted,
    pub format: Format,
    /// Whether nothing was written yet.
    pub first: bool,
}

impl Writer {
    /// Writes what came, and says whether more may come.
    fn item(&mut self, item: First, out: &mut Vec<u8>) -> State {
        let written = item.map(|message| message.and_then(|message| self.message(&message, out)));
        let first = std::mem::take(&mut self.first);
        match written {
            Some(Ok(())) => return State::Open,
            Some(Err(mut fault)) => {
                fault.log();
                self.format.write(&Item::Fault { json: &fault.to_json(), first }, out);
            }
            None => self.format.write(&Item::End, out),
        }
        State::Over
    }

    fn message(&self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let (binding, _) = self.found.rule().ok_or_else(super::no_rule)?;
        let json = transcode::element(&self.found.snapshot.plans, binding, &self.wanted, message)?;
        let method = self.found.method();
        let id = method.cursor.as_ref().and_then(|cursor| id(cursor, message));
        let kind = method.kinds.name(message);
        self.format.write(&Item::Message { json: &json, id: id.as_deref(), kind, first: self.first }, out);
        Ok(())
    }
}

/// Where the stream can be taken up again after a message. A text that no line can hold is none.
fn id(cursor: &Cursor, message: &[u8]) -> Option<String> {
    match cursor.kind {
        CursorKind::Text => {
            let text = frame::string(message, cursor.message).ok().flatten()?;
            (!text.is_empty() && !text.contains(['\n', '\r', '\0'])).then(|| text.to_owned())
        }
        CursorKind::Number => {
            let number = frame::varint(message, cursor.message).ok().flatten()?;
            Some(number.to_string())
        }
    }
}
