//! Closing so that the client still gets its answer.
//!
//! A request can be answered before all of it has come: the body is too large, the caller is not let in. A socket that is
//! closed while the client writes answers every further byte with a reset, and a reset makes the client's system throw away
//! the answer that it has received and not handed out yet. So the writing side is closed first, and what still comes is read
//! and thrown away for a while (RFC 9112, section 9.6).

use super::frames::Frames;
use super::framing::{Flaw, Framing};
use super::limits::{LINGER_BYTES, LINGER_TIMEOUT, SMALL_REST_TIMEOUT};
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::Body;
use std::error::Error as _;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};
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
/// Too much came that asks for nothing: nothing is read any more.
const FLOODED: u8 = 5;

/// The connection speaks another protocol by now.
const LEFT_HTTP: u8 = 6;

/// How far the requests of one connection have come; the stream and the bodies of a connection share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    place: AtomicU8,
    answering: AtomicBool,
    /// How many requests the parser has handed over.
    requests: AtomicU64,
    /// How many of them are open, where several can be.
    open: AtomicUsize,
    /// One more than the number of the request that has a flaw; 0 where none has.
    flawed: AtomicU64,
    /// Which: it is the only one, since nothing is read after it.
    is_bare: AtomicBool,
    /// A small body that nobody wanted to the end.
    unread: Mutex<Option<Incoming>>,
}

/// A request that is open.
#[derive(Debug)]
pub(super) struct OpenRequest(Progress);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
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

    /// A request came on a connection that speaks HTTP/2.
    pub(super) fn multiplexed(&self) -> OpenRequest {
        if self.place() != FLOODED {
            self.go(MULTIPLEXED);
        }
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.open.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self.clone())
    }

    /// Whether the connection was asked over HTTP/1.1, one request after the other.
    pub(super) fn is_single(&self) -> bool {
        self.0.requests.load(Ordering::Relaxed) > 0 && self.place() != MULTIPLEXED
    }

    /// How many requests there were, where nothing is asked now.
    pub(super) fn quiet_since(&self) -> Option<u64> {
        let (requests, open) = (self.0.requests.load(Ordering::Relaxed), self.0.open.load(Ordering::Relaxed));
        let answering = self.0.answering.load(Ordering::Relaxed);
        let waits = open == 0 && !answering && matches!(self.place(), BETWEEN | MULTIPLEXED);
        (waits || requests == 0).then_some(requests)
    }

    /// The answer that agrees to another protocol is there: nothing that comes is a request any more.
    pub(super) fn left_http(&self) {
        self.go(LEFT_HTTP);
    }

    fn given_up(&self) {
        self.go(GIVEN_UP);
    }

    fn lingers(&self) -> bool {
        matches!(self.place(), HEAD | INSIDE | GIVEN_UP | FLOODED | LEFT_HTTP)
    }

    /// Whether a head is waited for of which a part has come.
    pub(super) fn is_in_head(&self) -> bool {
        self.place() == HEAD
    }

    /// Says of the next request of an HTTP/1.1 connection what flaw its head has.
    pub(super) fn flaw_of_next(&self) -> Option<Flaw> {
        let count = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let is_flawed = self.0.flawed.load(Ordering::Relaxed) == count;
        is_flawed.then(|| match self.0.is_bare.load(Ordering::Relaxed) {
            true => Flaw::BareLineFeed,
            false => Flaw::TwoLengths,
        })
    }

    /// Follows the body of an HTTP/1.1 request to its end; the request is being answered from now on. One whose client waits for
    /// a word before it sends it (`expect: 100-continue`) may not be waited for.
    pub(super) fn watch(&self, body: Incoming, may_be_waited_for: bool) -> Body {
        self.0.answering.store(true, Ordering::Relaxed);
        self.go(INSIDE);
        if body.is_end_stream() {
            self.ended();
            return Body::empty();
        }
        Body::new(Watched { inner: Some(body), progress: self.clone(), may_be_waited_for })
    }

    /// The answer is there. Tells the client not to use the connection again where it will be closed after this answer: where a
    /// body was given up. A small one that nobody read is on its way, or there already, and is read first.
    pub(super) async fn answered(&self, mut response: Response<Body>) -> Response<Body> {
        if self.place() == INSIDE {
            let unread = self.0.unread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(rest) = unread {
                // Boxed, as the rare way.
                Box::pin(self.pass_over(rest)).await;
            }
        }
        self.0.answering.store(false, Ordering::Relaxed);
        if self.place() == GIVEN_UP {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Reads a body to its end, if that comes soon.
    async fn pass_over(&self, mut rest: Incoming) {
        let to_its_end = async { while let Some(Ok(_)) = rest.frame().await {} };
        match timeout(SMALL_REST_TIMEOUT, to_its_end).await {
            Ok(()) if rest.is_end_stream() => self.ended(),
            _ => self.given_up(),
        }
    }
}

/// A request's body that says when all of it has come, or that nobody wants the rest.
struct Watched {
    /// Nothing once it is given back.
    inner: Option<Incoming>,
    progress: Progress,
    may_be_waited_for: bool,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *inner).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || inner.is_end_stream() {
            self.progress.ended();
        }
        polled.map_err(|error| unreadable(&error))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take().filter(|_| self.progress.lingers()) else { return };
        let small = inner.size_hint().exact().is_some_and(|rest| rest <= SMALL_REST_BYTES);
        if small && self.may_be_waited_for {
            *self.progress.0.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(inner);
        } else {
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
    /// Nothing on a connection that cannot be HTTP/2.
    frames: Option<Frames>,
    /// Whether a part of what was to be written is still to be.
    is_writing: bool,
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
        let (framing, frames) = (Framing::default(), Some(Frames::new()));
        Lingering { inner, progress, framing, frames, is_writing: false, closing: Closing::Open }
    }

    /// Takes note of what came. Says whether it is too much.
    fn came(&mut self, bytes: &[u8]) -> bool {
        if self.progress.place() == LEFT_HTTP {
            return false;
        }
        self.progress.came();
        if let Some((number, flaw)) = self.framing.read(bytes) {
            self.progress.0.flawed.store(number + 1, Ordering::Relaxed);
            self.progress.0.is_bare.store(flaw == Flaw::BareLineFeed, Ordering::Relaxed);
        }
        if self.frames.as_ref().is_some_and(|frames| !frames.begins(bytes)) {
            self.frames = None;
        }
        self.frames.as_mut().is_some_and(|frames| frames.are_too_many(bytes))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> Lingering<I> {
    /// Says why, if nothing else is being said, and reads no more.
    #[cold]
    fn flooded(&mut self, cx: &mut Context<'_>) {
        tracing::debug!("a connection is closed: too many frames came that ask for nothing");
        if let (Some(frames), false) = (&self.frames, self.is_writing) {
            let _ = Pin::new(&mut self.inner).poll_write(cx, &frames.calm_down());
        }
        self.progress.go(FLOODED);
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lingering<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.progress.place() == FLOODED {
            // The end is there once the client has heard why.
            return self.poll_shutdown(cx);
        }
        let before = into.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, into);
        if into.filled().len() > before && this.came(&into.filled()[before..]) {
            this.flooded(cx);
            // What came last is not looked at, and nothing comes after it.
            into.set_filled(before);
            return self.poll_shutdown(cx);
        }
        polled
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.progress.place() == FLOODED {
            // Nothing more is said.
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.is_writing = !matches!(polled, Poll::Ready(Ok(written)) if written == bytes.len());
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.progress.place() {
            FLOODED => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.inner).poll_flush(cx),
        }
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
        for settle in [Progress::ended, |progress: &Progress| drop(progress.multiplexed())] {
            let (_client, mut server) = inside_a_request().await;
            settle(&server.progress);
            let began = Instant::now();
            server.shutdown().await.unwrap();
            assert_eq!(began.elapsed().as_secs(), 0);
        }
    }
}
