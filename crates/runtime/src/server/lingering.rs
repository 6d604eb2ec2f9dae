//! Closing so that the client still gets its answer.
//!
//! A request can be answered before all of it has come: the body is too large, the caller is not let in. A socket that is
//! closed while the client writes answers every further byte with a reset, and a reset makes the client's system throw away
//! the answer that it has received and not handed out yet. So the writing side is closed first, and what still comes is read
//! and thrown away for a while (RFC 9112, section 9.6).

use super::framing::Framing;
use super::limits::{LINGER_BYTES, LINGER_TIMEOUT};
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use std::error::Error as _;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tonic::Status;

/// What is thrown away in one read.
const DISCARD_BYTES: usize = 16 << 10;

/// The rest of a body that is not worth a connection: the server reads so much of it by itself where it has come already.
const SMALL_REST_BYTES: u64 = super::MAX_HEAD_BYTES as u64;

/// Nothing of a next request has come.
const BETWEEN: u8 = 0;
/// A part of a request's head has come, and no other request is being answered.
const HEAD: u8 = 1;
/// A part of a request has come, and the server does not know its end yet.
const INSIDE: u8 = 2;
/// A body was given up, and much of it is still to come.
const GIVEN_UP: u8 = 3;
/// The connection carries many requests at a time: one that is given up is reset alone.
const MULTIPLEXED: u8 = 4;

/// How far the requests of one connection have come; the stream and the bodies of a connection share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    place: AtomicU8,
    answering: AtomicBool,
    /// How many requests the parser has handed over.
    requests: AtomicU64,
    /// One more than the number of the request that has two lengths; 0 where none has.
    two_lengths: AtomicU64,
}

impl Progress {
    fn place(&self) -> u8 {
        self.0.place.load(Ordering::Relaxed)
    }

    fn go(&self, place: u8) {
        self.0.place.store(place, Ordering::Relaxed);
    }

    /// Something was read.
    fn came(&self) {
        if self.place() == BETWEEN {
            self.go(if self.0.answering.load(Ordering::Relaxed) { INSIDE } else { HEAD });
        }
    }

    /// The request is there to its end.
    pub(super) fn ended(&self) {
        self.go(BETWEEN);
    }

    /// The connection speaks HTTP/2.
    pub(super) fn multiplexed(&self) {
        self.go(MULTIPLEXED);
    }

    fn given_up(&self) {
        self.go(GIVEN_UP);
    }

    fn lingers(&self) -> bool {
        matches!(self.place(), HEAD | INSIDE | GIVEN_UP)
    }

    /// Whether a head is waited for of which a part has come.
    pub(super) fn is_in_head(&self) -> bool {
        self.place() == HEAD
    }

    /// Says of the next request of an HTTP/1.1 connection whether its head has two lengths.
    pub(super) fn next_has_two_lengths(&self) -> bool {
        let count = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.two_lengths.load(Ordering::Relaxed) == count
    }

    /// Follows the body of an HTTP/1.1 request to its end; the request is being answered from now on.
    pub(super) fn watch(&self, body: Incoming) -> Body {
        self.0.answering.store(true, Ordering::Relaxed);
        self.go(INSIDE);
        if body.is_end_stream() {
            self.ended();
            return Body::empty();
        }
        Body::new(Watched { inner: body, progress: self.clone() })
    }

    /// The answer is there. Tells the client not to use the connection again where it will be closed after this answer.
    pub(super) fn answered(&self, mut response: Response<Body>) -> Response<Body> {
        self.0.answering.store(false, Ordering::Relaxed);
        if self.place() == GIVEN_UP {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A request's body that says when all of it has come, or that nobody wants the rest.
struct Watched {
    inner: Incoming,
    progress: Progress,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.inner.is_end_stream() {
            self.progress.ended();
        }
        polled.map_err(|error| unreadable(&error))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let small = self.inner.size_hint().exact().is_some_and(|rest| rest <= SMALL_REST_BYTES);
        if !small && self.progress.lingers() {
            self.progress.given_up();
        }
    }
}

/// Why a body cannot be read on: its client broke it off, or wrote what is no body (RFC 9112, section 7.1).
#[cold]
fn unreadable(error: &hyper::Error) -> Status {
    let mut causes = std::iter::successors(error.source(), |error| (*error).source());
    match causes.find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            let message =
                "the body's chunks cannot be read: before each stands its length in hexadecimal, on a line of its own";
            Fault::new(Reason::MalformedRequest).message(message).into()
        }
        _ => Status::cancelled("the body broke off"),
    }
}

/// A stream that waits for its client before it is closed in the middle of a request.
pub(super) struct Lingering<I> {
    inner: I,
    progress: Progress,
    framing: Framing,
    closing: Closing,
}

enum Closing {
    Open,
    /// Our side is closed; what comes is thrown away.
    Discarding {
        left: usize,
        timer: Pin<Box<Sleep>>,
    },
    Done,
}

impl<I> Lingering<I> {
    pub(super) fn new(inner: I, progress: Progress) -> Lingering<I> {
        Lingering { inner, progress, framing: Framing::default(), closing: Closing::Open }
    }

    fn came(&mut self, bytes: &[u8]) {
        self.progress.came();
        if let Some(number) = self.framing.read(bytes) {
            self.progress.0.two_lengths.store(number + 1, Ordering::Relaxed);
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Lingering<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, into);
        if into.filled().len() > before {
            self.came(&into.filled()[before..]);
        }
        polled
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.closing {
                Closing::Open => {
                    ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
                    this.closing = match this.progress.lingers() {
                        true => Closing::Discarding { left: LINGER_BYTES, timer: Box::pin(sleep(LINGER_TIMEOUT)) },
                        false => Closing::Done,
                    };
                }
                Closing::Discarding { left, timer } => {
                    let over = timer.as_mut().poll(cx).is_ready();
                    if !over && ready!(poll_discard(&mut this.inner, left, cx)) {
                        continue;
                    }
                    this.closing = Closing::Done;
                }
                Closing::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// Throws away what has come. Says whether there may be more that is worth reading.
fn poll_discard<I: AsyncRead + Unpin>(inner: &mut I, left: &mut usize, cx: &mut Context<'_>) -> Poll<bool> {
    let mut buffer = [MaybeUninit::uninit(); DISCARD_BYTES];
    let mut buffer = ReadBuf::uninit(&mut buffer);
    let read = ready!(Pin::new(inner).poll_read(cx, &mut buffer));
    let count = buffer.filled().len();
    *left = left.saturating_sub(count);
    Poll::Ready(read.is_ok() && count > 0 && *left > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::Instant;

    /// Both ends of a connection on which a part of a request has come.
    async fn inside_a_request() -> (DuplexStream, Lingering<DuplexStream>) {
        let (mut client, server) = duplex(64 << 10);
        let mut server = Lingering::new(server, Progress::default());
        client.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
        server.read_exact(&mut [0; 4]).await.unwrap();
        (client, server)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_close_is_waited_for_only_so_long() {
        let (_client, mut server) = inside_a_request().await;
        let began = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), LINGER_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_stop_is_read_only_so_far() {
        let (mut client, mut server) = inside_a_request().await;
        let writing = tokio::spawn(async move {
            let mut written = 0;
            while let Ok(count) = client.write(&[0; 64 << 10]).await {
                written += count;
            }
            written
        });
        server.shutdown().await.unwrap();
        drop(server);
        let written = writing.await.unwrap();
        assert!((LINGER_BYTES..LINGER_BYTES + (256 << 10)).contains(&written), "{written}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_closes_is_not_waited_for() {
        let (client, mut server) = inside_a_request().await;
        drop(client);
        let began = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_between_requests_nor_where_requests_share_a_connection() {
        for settle in [Progress::ended, Progress::multiplexed] {
            let (_client, mut server) = inside_a_request().await;
            settle(&server.progress);
            let began = Instant::now();
            server.shutdown().await.unwrap();
            assert_eq!(began.elapsed().as_secs(), 0);
        }
    }
}
