//! A limit on how long a client may leave open which protocol it speaks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream that fails unless its first bytes decide between HTTP/1.1 and HTTP/2 in time.
///
/// The server waits for them without a limit of its own, so a client that sends nothing, or a part of the preface, would
/// hold a connection for ever.
pub(super) struct FirstBytes<I> {
    inner: I,
    undecided: Option<Undecided>,
}

struct Undecided {
    timer: Pin<Box<Sleep>>,
    matched: usize,
}

impl<I> FirstBytes<I> {
    pub(super) fn new(inner: I, within: Duration) -> FirstBytes<I> {
        let undecided = Undecided { timer: Box::pin(tokio::time::sleep(within)), matched: 0 };
        FirstBytes { inner, undecided: Some(undecided) }
    }
}

impl Undecided {
    /// Looks at bytes that came in; says whether the protocol is known now.
    fn decide(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if PREFACE.get(self.matched) != Some(byte) {
                return true;
            }
            self.matched += 1;
        }
        self.matched == PREFACE.len()
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for FirstBytes<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = into.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, into);
        let Some(undecided) = &mut this.undecided else { return polled };
        match polled {
            Poll::Ready(result) => {
                if undecided.decide(&into.filled()[before..]) {
                    this.undecided = None;
                }
                Poll::Ready(result)
            }
            Poll::Pending => match undecided.timer.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for FirstBytes<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
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
