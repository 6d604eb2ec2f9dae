//! A message has to come: whoever sends only a part of it must not have that kept for as long as the socket is open.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use mainstay_layers::{BODY_TIMEOUT, MIN_BODY_BYTES_PER_SECOND};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What a frame of the protocol has around what is in it, as a client sends the short ones.
const CONTROL_BYTES: u64 = 6;

/// A stream that counts what is read of it.
pub struct Counting<I> {
    inner: I,
    bytes: Arc<AtomicU64>,
}

/// What has come of a message that is not there yet.
#[derive(Debug, Default)]
pub struct Arriving {
    bytes: Arc<AtomicU64>,
    /// How much had come with the last whole message, and was no part of one.
    accounted: u64,
    since: Option<Instant>,
}

impl Arriving {
    /// Counts what is read of a stream.
    pub fn of<I>(&self, inner: I) -> Counting<I> {
        Counting { inner, bytes: self.bytes.clone() }
    }

    /// A message is there.
    pub fn whole(&mut self) {
        self.accounted = self.bytes.load(Ordering::Relaxed);
        self.since = None;
    }

    /// A ping or a pong of so many bytes is there, which may come in the middle of a message.
    pub fn control(&mut self, bytes: usize) {
        self.accounted = self.accounted.saturating_add(CONTROL_BYTES + bytes as u64);
        if self.accounted >= self.bytes.load(Ordering::Relaxed) {
            self.since = None;
        }
    }

    /// Whether a part of a message is there that is waited for too long: what has come buys time for the rest, as of every body.
    pub fn is_too_slow(&mut self) -> bool {
        let part = self.bytes.load(Ordering::Relaxed).saturating_sub(self.accounted);
        if part == 0 {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        since.elapsed() > BODY_TIMEOUT + Duration::from_secs(part / MIN_BODY_BYTES_PER_SECOND)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Counting<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, into);
        self.bytes.fetch_add((into.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counting<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_part_of_a_message_is_waited_for_as_long_as_its_size_is_worth() {
        let mut arriving = Arriving::default();
        let (mut client, server) = duplex(1 << 20);
        let mut server = arriving.of(server);
        let mut come = async |bytes: usize| {
            client.write_all(&vec![0; bytes]).await.unwrap();
            server.read_exact(&mut vec![0; bytes]).await.unwrap();
        };
        assert!(!arriving.is_too_slow(), "nothing is there");
        advance(BODY_TIMEOUT * 100).await;
        come(6).await;
        arriving.control(0);
        assert!(!arriving.is_too_slow(), "an answer to a ping is a whole");
        come(100).await;
        for (after, slow) in [(0, false), (9, false), (2, true)] {
            advance(Duration::from_secs(after)).await;
            assert_eq!(arriving.is_too_slow(), slow, "{after}");
        }
        come(512 << 10).await;
        assert!(!arriving.is_too_slow(), "so much is worth 32 s more");
        come(6).await;
        arriving.control(0);
        advance(Duration::from_secs(40)).await;
        assert!(arriving.is_too_slow(), "a ping in the middle of it changes nothing");
        arriving.whole();
        assert!(!arriving.is_too_slow());
    }
}
